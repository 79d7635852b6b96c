/* echo_epoll.c: the echo server of lesson 10 on bare epoll, as the limit.
 *
 *     echo_epoll ENDPOINT
 *
 * One thread, level triggered. All clients are read into one buffer, of the
 * size that a session of the lesson has; only what the kernel does not take
 * back at once is kept, and the client is not read until it is gone. */
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct client {
  int fd;
  bool last;      /* a NUL came: close when the rest is written */
  char *rest;     /* not yet written, or NULL */
  size_t size, n; /* of the rest: all of it, and what was written since */
};

static int epoll;
static char buffer[1024];

static void end(struct client *c) {
  close(c->fd);
  free(c->rest);
  free(c);
}

static bool later(ssize_t n) {
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void keep_rest(struct client *c, const char *bytes, size_t size) {
  c->rest = net_alloc(size);
  c->size = size;
  c->n = 0;
  memcpy(c->rest, bytes, size);
  net_watch_again(epoll, c->fd, EPOLLOUT, c);
}

static void on_readable(struct client *c) {
  ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  if (later(n))
    return;
  ssize_t sent = n > 0 ? send(c->fd, buffer, (size_t)n, MSG_NOSIGNAL) : -1;
  if (n <= 0 || (sent < 0 && !later(sent))) {
    end(c);
    return;
  }
  if (sent < 0)
    sent = 0;
  c->last = buffer[n - 1] == '\0';
  if (sent < n)
    keep_rest(c, buffer + sent, (size_t)(n - sent));
  else if (c->last)
    end(c);
}

static void on_writable(struct client *c) {
  ssize_t n = send(c->fd, c->rest + c->n, c->size - c->n, MSG_NOSIGNAL);
  if (later(n))
    return;
  if (n > 0)
    c->n += (size_t)n;
  if (n < 0 || (c->n == c->size && c->last)) {
    end(c);
  } else if (c->n == c->size) {
    free(c->rest);
    c->rest = NULL;
    net_watch_again(epoll, c->fd, EPOLLIN, c);
  }
}

static void accept_all(int listener) {
  for (int fd; (fd = net_accept(listener)) >= 0;) {
    struct client *c = net_alloc(sizeof *c);
    c->fd = fd;
    net_watch(epoll, fd, EPOLLIN, c);
  }
}

static void serve(int listener, int signals) {
  static struct epoll_event events[1024];
  net_watch(epoll, listener, EPOLLIN, &listener);
  net_watch(epoll, signals, EPOLLIN, &signals);
  for (bool stop = false; !stop;) {
    int count = epoll_wait(epoll, events, 1024, -1);
    for (int i = 0; i < count; i++) {
      struct client *c = events[i].data.ptr;
      if (events[i].data.ptr == &signals)
        stop = true;
      else if (events[i].data.ptr == &listener)
        accept_all(listener);
      else if (c->rest)
        on_writable(c);
      else
        on_readable(c);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: echo_epoll ENDPOINT\n");
    return 2;
  }
  int signals = net_signals();
  epoll = net_epoll();
  serve(net_listen(argv[1]), signals);
  return 0;
}
