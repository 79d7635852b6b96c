/* net.c: sockets for the bench. */
#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

enum { BACKLOG = 4096 };

void net_fail(const char *what) {
  perror(what);
  exit(2);
}

void *net_alloc(size_t size) {
  void *memory = calloc(1, size);
  if (!memory)
    net_fail("calloc");
  return memory;
}

void *net_resize(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory)
    net_fail("realloc");
  return memory;
}

ax_endpoint net_endpoint(const char *text) {
  ax_endpoint endpoint;
  int err = ax_endpoint_parse(text, &endpoint);
  if (err) {
    fprintf(stderr, "'%s' is no endpoint: %s\n", text, uv_strerror(err));
    exit(2);
  }
  return endpoint;
}

static void say_where(int fd) {
  char text[AX_ENDPOINT_TEXT];
  ax_endpoint local = {.len = sizeof local.addr};
  if (getsockname(fd, (struct sockaddr *)&local.addr, &local.len))
    net_fail("getsockname");
  ax_endpoint_format(&local, text);
  printf("listening on %s\n", text);
  fflush(stdout);
}

int net_listen(const char *text) {
  ax_endpoint endpoint = net_endpoint(text);
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint.addr;
  int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(fd, addr, endpoint.len) || listen(fd, BACKLOG))
    net_fail(text);
  say_where(fd);
  return fd;
}

/* Fails on a Unix socket, which does not wait for more anyway. */
static void no_delay(int fd) {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

int net_accept(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd >= 0)
    no_delay(fd);
  return fd;
}

int net_connect(const ax_endpoint *endpoint) {
  int fd = socket(endpoint->addr.ss_family, SOCK_STREAM, 0);
  if (fd < 0)
    net_fail("socket");
  if (connect(fd, (const struct sockaddr *)&endpoint->addr, endpoint->len))
    net_fail("connect");
  if (ioctl(fd, FIONBIO, &(int){1}))
    net_fail("ioctl");
  no_delay(fd);
  return fd;
}

int net_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_NONBLOCK);
  if (fd < 0)
    net_fail("signalfd");
  return fd;
}

int net_epoll(void) {
  int epoll = epoll_create1(0);
  if (epoll < 0)
    net_fail("epoll_create1");
  return epoll;
}

static void control(int epoll, int how, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, how, fd, &event))
    net_fail("epoll_ctl");
}

void net_watch(int epoll, int fd, uint32_t events, void *data) {
  control(epoll, EPOLL_CTL_ADD, fd, events, data);
}

void net_watch_again(int epoll, int fd, uint32_t events, void *data) {
  control(epoll, EPOLL_CTL_MOD, fd, events, data);
}
