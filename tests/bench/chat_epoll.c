/* chat_epoll.c: the chat of lesson 15 on bare epoll, as the limit.
 *
 *     chat_epoll ENDPOINT
 *
 * Every packet, bytes that end with a NUL, goes to all other clients. One
 * thread, level triggered. The whole packets of one read become one chunk,
 * which all receivers share by reference count; a receiver is written to once
 * for each turn of the loop, all that has gathered with one sendmsg. A packet
 * of more than 64 KiB, and a receiver with more than 1 MiB waiting, end that
 * client. */
#include "chunks.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PACKET_LIMIT = 64 << 10, QUEUE_LIMIT = 1 << 20, GATHER = 256 };

struct client {
  int fd;
  bool gone;    /* to be freed at the end of the turn */
  bool due;     /* to be flushed at the end of the turn */
  bool blocked; /* the kernel has no room; EPOLLOUT will tell */
  char *rest;   /* a packet's beginning, or NULL */
  size_t rest_size;
  struct chunk_queue queue;
  struct client **link, *next; /* in the room */
  struct client *next_due, *next_gone;
};

static int epoll;
static struct client *clients, *due, *gone;
static char buffer[2 * PACKET_LIMIT]; /* the rest, and what is read behind it */

/* -------------------------------------------------------------- clients */

static void enter(int fd) {
  struct client *c = net_alloc(sizeof *c);
  c->fd = fd;
  c->next = clients;
  c->link = &clients;
  if (c->next)
    c->next->link = &c->next;
  clients = c;
  net_watch(epoll, fd, EPOLLIN, c);
}

/* Its memory stays until the turn ends: more of its events may be at hand. */
static void leave(struct client *c) {
  if (c->gone)
    return;
  *c->link = c->next;
  if (c->next)
    c->next->link = c->link;
  close(c->fd);
  c->gone = true;
  c->next_gone = gone;
  gone = c;
}

static void free_gone(void) {
  for (struct client *c; (c = gone);) {
    gone = c->next_gone;
    queue_free(&c->queue);
    free(c->rest);
    free(c);
  }
}

/* -------------------------------------------------------------- writing */

static void block(struct client *c, bool blocked) {
  if (c->blocked != blocked)
    net_watch_again(epoll, c->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
  c->blocked = blocked;
}

static void flush(struct client *c) {
  struct iovec iov[GATHER];
  while (c->queue.bytes > 0) {
    struct msghdr message = {
        .msg_iov = iov, .msg_iovlen = queue_gather(&c->queue, iov, GATHER)};
    ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      break;
    if (n < 0) {
      leave(c);
      return;
    }
    queue_skip(&c->queue, (size_t)n);
  }
  block(c, c->queue.bytes > 0);
}

static void flush_due(void) {
  for (struct client *c; (c = due);) {
    due = c->next_due;
    c->due = false;
    if (!c->gone)
      flush(c);
  }
}

static void give(struct client *c, struct chunk *chunk) {
  if (c->queue.bytes + chunk->size > QUEUE_LIMIT) {
    leave(c);
    return;
  }
  queue_push(&c->queue, chunk);
  if (c->due || c->blocked)
    return;
  c->due = true;
  c->next_due = due;
  due = c;
}

/* -------------------------------------------------------------- reading */

static void broadcast(const struct client *from, struct chunk *chunk) {
  for (struct client *c = clients, *next; c; c = next) {
    next = c->next;
    if (c != from)
      give(c, chunk);
  }
  chunk_unref(chunk);
}

static void keep_rest(struct client *c, const char *bytes, size_t size) {
  if (size > PACKET_LIMIT) {
    leave(c);
    return;
  }
  free(c->rest);
  c->rest = NULL;
  c->rest_size = size;
  if (size)
    c->rest = memcpy(net_alloc(size), bytes, size);
}

static void on_readable(struct client *c) {
  if (c->rest_size)
    memcpy(buffer, c->rest, c->rest_size);
  ssize_t n = recv(c->fd, buffer + c->rest_size, PACKET_LIMIT, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    leave(c);
    return;
  }
  size_t size = c->rest_size + (size_t)n;
  const char *last = memrchr(buffer + c->rest_size, '\0', (size_t)n);
  size_t whole = last ? (size_t)(last - buffer) + 1 : 0;
  if (whole)
    broadcast(c, chunk_new(buffer, whole));
  keep_rest(c, buffer + whole, size - whole);
}

/* ------------------------------------------------------------- the loop */

static void serve_client(struct client *c, uint32_t events) {
  if (!c->gone && (events & EPOLLOUT))
    flush(c);
  if (!c->gone && (events & ~(uint32_t)EPOLLOUT))
    on_readable(c);
}

static void serve(int listener, int signals) {
  static struct epoll_event events[1024];
  net_watch(epoll, listener, EPOLLIN, &listener);
  net_watch(epoll, signals, EPOLLIN, &signals);
  for (bool stop = false; !stop;) {
    int count = epoll_wait(epoll, events, 1024, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == &signals)
        stop = true;
      else if (events[i].data.ptr == &listener)
        for (int fd; (fd = net_accept(listener)) >= 0;)
          enter(fd);
      else
        serve_client(events[i].data.ptr, events[i].events);
    }
    flush_due();
    free_gone();
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: chat_epoll ENDPOINT\n");
    return 2;
  }
  int signals = net_signals();
  epoll = net_epoll();
  serve(net_listen(argv[1]), signals);
  return 0;
}
