/* descriptors.c: system calls that block one thread, not all of them. */
#include "broken.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static char bytes[100000];

static void *write_late(void *arg) {
  sleep(1);
  CHECK(write(ends[1], "late", 4) == 4);
  return NULL;
}

PROGRAM(pipe_read, "a read waits for what another thread writes later") {
  CHECK(pipe(ends) == 0);
  double before = now();
  pthread_t thread = start(write_late, NULL);
  CHECK(read(ends[0], bytes, sizeof bytes) == 4);
  CHECK(memcmp(bytes, "late", 4) == 0 && now() - before >= 1);
  join(thread);
}

static void *drain(void *arg) {
  for (size_t left = sizeof bytes; left > 0;) {
    ssize_t n = read(ends[0], bytes, left);
    CHECK(n > 0);
    left -= (size_t)n;
  }
  return NULL;
}

/* The sockets' buffers are smaller than what is written. */
PROGRAM(socket_full, "a write to a socket that is full waits for its reader") {
  static char out[sizeof bytes];
  int small = 4096;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  pthread_t thread = start(drain, NULL);
  for (size_t left = sizeof out; left > 0;) {
    ssize_t n = write(ends[1], out, left);
    CHECK(n > 0);
    left -= (size_t)n;
  }
  join(thread);
}

PROGRAM(pipe_silent, "a thread reads what nobody writes") {
  CHECK(pipe(ends) == 0);
  CHECK(read(ends[0], bytes, 1) == 1); /* here: pipe_silent */
}

PROGRAM(poll_late, "poll and epoll wait as long as they are told") {
  struct epoll_event event;
  CHECK(pipe(ends) == 0);
  struct pollfd fd = {ends[0], POLLIN, 0};
  double before = now();
  CHECK(poll(&fd, 1, 3600000) == 0);
  CHECK(now() - before >= 3600);
  CHECK(epoll_wait(epoll_create1(0), &event, 1, 3600000) == 0);
  CHECK(now() - before >= 7200 && now() - before < 7201);
}

PROGRAM(poll_ready, "poll ends when another thread writes") {
  CHECK(pipe(ends) == 0);
  struct pollfd fd = {ends[0], POLLIN, 0};
  double before = now();
  pthread_t thread = start(write_late, NULL);
  CHECK(poll(&fd, 1, 3600000) == 1 && fd.revents == POLLIN);
  CHECK(now() - before >= 1 && now() - before < 2);
  join(thread);
}

PROGRAM(socket_fault, "a socket that has data says EAGAIN, with faults alone") {
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  CHECK(write(ends[1], "12345678", 8) == 8);
  ssize_t n = recv(ends[0], bytes, 8, MSG_DONTWAIT);
  puts(n == 8 ? "all" : n > 0 ? "a part" : strerror(errno));
}
