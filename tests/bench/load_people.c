/* load_people.c: connections, and lines that come in pieces. */
#include "load_people.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER = 256 << 10 };

struct client *clients;
long wrong;

static const struct protocol *protocol;
static ax_endpoint endpoint;
static int epoll;

void gone_wrong(const struct client *c, const char *what) {
  wrong++;
  complain("client %u: %s\n", c->number, what);
}

void people_init(const struct options *options, const struct protocol *spoken) {
  protocol = spoken;
  endpoint = net_endpoint(options->endpoint);
  epoll = net_epoll();
  clients = net_alloc((size_t)options->clients * sizeof *clients);
  for (long i = 0; i < options->clients; i++) {
    clients[i].number = (uint32_t)i;
    clients[i].fd = -1;
    clients[i].begun = net_alloc(protocol->longest);
  }
}

void client_connect(struct client *c) {
  c->fd = net_connect(&endpoint);
  c->begun_size = 0;
  net_watch(epoll, c->fd, EPOLLIN, c);
}

void client_close(struct client *c) {
  close(c->fd);
  c->fd = -1;
}

void client_send(struct client *c, const char *bytes, size_t size) {
  if (send(c->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size)
    return;
  fprintf(stderr, "a server that reads takes %zu bytes at once\n", size);
  exit(2);
}

/* Reads behind the beginning of a line, and returns how much there is then; 0:
 * nothing has come, or the stream has ended. */
static size_t receive(struct client *c, char buffer[BUFFER]) {
  memcpy(buffer, c->begun, c->begun_size);
  ssize_t n = recv(c->fd, buffer + c->begun_size, BUFFER - c->begun_size, 0);
  if (n > 0)
    return c->begun_size + (size_t)n;
  if (n < 0 && errno == EAGAIN)
    return 0;
  client_close(c);
  if (protocol->gone)
    protocol->gone(c);
  else
    gone_wrong(c, "connection lost");
  return 0;
}

/* To hear a line may be the end of a client. */
static void hear(struct client *c) {
  static char buffer[BUFFER];
  const char *bytes = buffer;
  size_t left = receive(c, buffer), size;
  uint64_t time = now();
  if (left == 0)
    return;
  for (; (size = protocol->measure(bytes, left)); bytes += size, left -= size)
    protocol->hear(c, bytes, size, time);
  if (left > protocol->longest) {
    gone_wrong(c, "a line without an end");
    left = 0;
  }
  memcpy(c->begun, bytes, left);
  c->begun_size = left;
}

void people_turn(int timeout) {
  static struct epoll_event events[1024];
  int count = epoll_wait(epoll, events, 1024, timeout);
  for (int i = 0; i < count; i++) {
    struct client *c = events[i].data.ptr;
    if (c->fd != -1)
      hear(c);
  }
}
