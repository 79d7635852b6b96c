/* chat_epoll.c: the chat of lesson 18 on bare epoll, as the limit.
 *
 *     chat_epoll ENDPOINT
 *
 * Every packet, bytes that end with a NUL, goes to all other clients. One
 * thread, level triggered. A receiver is written to once for each turn of the
 * loop, all that has gathered with one sendmsg. What is handed on to whom is in
 * room.c. */
#include "net.h"
#include "room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct client {
  struct member member; /* first: the client is found by it */
  int fd;
  bool gone; /* to be freed at the end of the turn */
  struct client *next_gone;
};

static int epoll;
static struct client *gone;

/* -------------------------------------------------------------- clients */

static void enter(int fd) {
  struct client *c = net_alloc(sizeof *c);
  c->fd = fd;
  room_enter(&c->member);
  net_watch(epoll, fd, EPOLLIN, c);
}

/* Its memory stays until the turn ends: more of its events may be at hand. */
void leave(struct member *member) {
  struct client *c = (struct client *)member;
  if (c->gone)
    return;
  room_leave(member);
  close(c->fd);
  c->gone = true;
  c->next_gone = gone;
  gone = c;
}

static void free_gone(void) {
  for (struct client *c; (c = gone);) {
    gone = c->next_gone;
    member_empty(&c->member);
    free(c);
  }
}

/* -------------------------------------------------------------- writing */

/* EPOLLOUT will tell when the kernel has room. */
static void block(struct client *c, bool blocked) {
  if (c->member.blocked != blocked)
    net_watch_again(epoll, c->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
  c->member.blocked = blocked;
}

static void flush(struct client *c) {
  struct queue *queue = &c->member.queue;
  struct iovec iov[GATHER];
  while (queue->bytes > 0) {
    struct msghdr message = {.msg_iov = iov,
                             .msg_iovlen = queue_gather(queue, iov)};
    ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      break;
    if (n < 0) {
      leave(&c->member);
      return;
    }
    queue_skip(queue, (size_t)n);
  }
  block(c, queue->bytes > 0);
}

static void flush_due(void) {
  for (struct client *c; (c = (struct client *)room_next_due());)
    if (!c->gone)
      flush(c);
}

/* -------------------------------------------------------------- reading */

static void on_readable(struct client *c) {
  ssize_t n = recv(c->fd, room_buffer(&c->member), READ_SIZE, 0);
  if (n > 0)
    room_got(&c->member, (size_t)n);
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    leave(&c->member);
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
