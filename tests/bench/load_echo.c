/* load_echo.c: every client sends a message, waits for all of it to come back,
 * and sends the next one.
 *
 * A message begins with its number and its client's, so that an echo of
 * something older, or meant for somebody else, is found out. No byte is zero:
 * a NUL at the end would end the session. */
#include "load.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct client {
  int fd;
  uint32_t number;
  uint64_t messages; /* sent so far */
  uint64_t sent_at;
  size_t sent, came; /* bytes of this one */
  char *message;
};

static int epoll;
static size_t size;
static char *echo;
static long wrong;
static bool stopping;
static long waiting; /* clients whose echo is not complete */
static struct window window;

static void gone_wrong(struct client *c, const char *what) {
  complain("client %u: %s\n", c->number, what);
  wrong++;
  waiting--;
  close(c->fd);
}

/* Sends on; waits for room when the kernel has none. */
static void send_on(struct client *c) {
  ssize_t n = send(c->fd, c->message + c->sent, size - c->sent, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) {
    gone_wrong(c, strerror(errno));
    return;
  }
  bool before = c->sent > 0 || n < (ssize_t)size;
  c->sent += n > 0 ? (size_t)n : 0;
  if (before)
    net_watch_again(epoll, c->fd, c->sent < size ? EPOLLIN | EPOLLOUT : EPOLLIN,
                    c);
}

/* Its number and its client's, in bytes that are never zero, at both ends. */
static void compose(struct client *c) {
  unsigned char head[8];
  uint64_t value = c->messages++ << 20 | c->number;
  for (size_t i = 0; i < sizeof head; i++, value >>= 7)
    head[i] = (unsigned char)(value | 0x80);
  size_t length = size < sizeof head ? size : sizeof head;
  memcpy(c->message, head, length);
  memcpy(c->message + size - length, head, length);
}

static void send_next(struct client *c) {
  compose(c);
  c->sent = c->came = 0;
  waiting++;
  c->sent_at = now();
  send_on(c);
}

static void receive(struct client *c) {
  ssize_t n = recv(c->fd, echo, size - c->came, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0 || memcmp(echo, c->message + c->came, (size_t)n) != 0) {
    gone_wrong(c, n > 0 ? "not the bytes that were sent" : "connection lost");
    return;
  }
  c->came += (size_t)n;
  if (c->came < size)
    return;
  waiting--;
  window_add(&window, now() - c->sent_at);
  if (!stopping)
    send_next(c);
}

static void turn(int timeout) {
  static struct epoll_event events[1024];
  int count = epoll_wait(epoll, events, 1024, timeout);
  for (int i = 0; i < count; i++) {
    struct client *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT)
      send_on(c);
    else
      receive(c);
  }
}

static void connect_all(const struct options *o) {
  ax_endpoint endpoint = net_endpoint(o->endpoint);
  struct client *clients = net_alloc((size_t)o->clients * sizeof *clients);
  for (long i = 0; i < o->clients; i++) {
    clients[i].number = (uint32_t)i;
    clients[i].fd = net_connect(&endpoint);
    clients[i].message = net_alloc(size);
    memset(clients[i].message, 'a' + (int)i % 26, size);
    net_watch(epoll, clients[i].fd, EPOLLIN, &clients[i]);
    send_next(&clients[i]);
  }
}

long load_echo(const struct options *o) {
  epoll = net_epoll();
  size = (size_t)o->size;
  echo = net_alloc(size);
  connect_all(o);
  window_init(&window, o->seconds, o->pid);
  while (window_step(&window) && !wrong)
    turn(100);
  stopping = true;
  for (uint64_t end = now() + 30000000000; waiting > 0 && now() < end;)
    turn(100);
  if (waiting > 0)
    complain("%ld echoes did not come\n", waiting);
  wrong += waiting;
  printf("case=echo clients=%ld size=%ld ", o->clients, o->size);
  window_print(&window, "round_trips");
  printf(" wrong=%ld\n", wrong);
  return wrong;
}
