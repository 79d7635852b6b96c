/* ends.h: a stream and its peer, of every kind that a descriptor can have. */
#ifndef ENDS_H
#define ENDS_H

#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/* Two descriptors that block; `ours` is to become the stream. */
struct ends {
  int ours, theirs;
};

static inline void ends_must(bool success, const char *what) {
  if (!success)
    give_up("%s: %s", what, strerror(errno));
}

static inline struct ends socket_ends(void) {
  int fds[2];
  ends_must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
  return (struct ends){fds[0], fds[1]};
}

/* Listens, connects and accepts, all with plain system calls. */
static inline struct ends connected_ends(const void *address, socklen_t size) {
  struct sockaddr_storage bound;
  socklen_t bound_size = sizeof bound;
  int family = ((const struct sockaddr *)address)->sa_family;
  int listener = socket(family, SOCK_STREAM, 0);
  ends_must(listener >= 0 && bind(listener, address, size) == 0 &&
                listen(listener, 1) == 0 &&
                getsockname(listener, (void *)&bound, &bound_size) == 0,
            "listen");
  int theirs = socket(family, SOCK_STREAM, 0);
  ends_must(connect(theirs, (void *)&bound, bound_size) == 0, "connect");
  int ours = accept(listener, NULL, NULL);
  ends_must(ours >= 0, "accept");
  close(listener);
  return (struct ends){ours, theirs};
}

static inline struct ends tcp_ends(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connected_ends(&address, sizeof address);
}

static inline struct ends tcp6_ends(void) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                 .sin6_addr = in6addr_loopback};
  return connected_ends(&address, sizeof address);
}

static inline struct ends unix_ends(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char path[TEMP_PATH];
  temp_path(path, "socket");
  strcpy(address.sun_path, path);
  return connected_ends(&address, sizeof address);
}

static inline struct ends pipe_in_ends(void) {
  int fds[2];
  ends_must(pipe(fds) == 0, "pipe");
  return (struct ends){fds[0], fds[1]};
}

static inline struct ends pipe_out_ends(void) {
  struct ends ends = pipe_in_ends();
  return (struct ends){ends.theirs, ends.ours};
}

/* The program's side of a terminal, in raw mode: bytes pass as they are. */
static inline struct ends terminal_ends(void) {
  struct termios mode;
  int theirs = posix_openpt(O_RDWR | O_NOCTTY);
  ends_must(theirs >= 0 && grantpt(theirs) == 0 && unlockpt(theirs) == 0,
            "pseudo terminal");
  int ours = open(ptsname(theirs), O_RDWR | O_NOCTTY);
  ends_must(ours >= 0 && tcgetattr(ours, &mode) == 0, "pseudo terminal");
  mode.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
                              IGNCR | ICRNL | IXON);
  mode.c_oflag &= ~(tcflag_t)OPOST;
  mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  ends_must(tcsetattr(ours, TCSANOW, &mode) == 0, "pseudo terminal");
  return (struct ends){ours, theirs};
}

/* The other side of it, as of a program that runs another one. Only to read: it
 * is not told when nobody reads what is written there. */
static inline struct ends master_ends(void) {
  struct ends ends = terminal_ends();
  return (struct ends){ends.theirs, ends.ours};
}

struct kind {
  const char *name;
  struct ends (*open)(void);
  bool reads, writes; /* what our end can do */
  bool socket, terminal;
};

static const struct kind kinds[] = {
    {"socket pair", socket_ends, true, true, true, false},
    {"tcp over IPv4", tcp_ends, true, true, true, false},
    {"tcp over IPv6", tcp6_ends, true, true, true, false},
    {"Unix socket", unix_ends, true, true, true, false},
    {"pipe, reading end", pipe_in_ends, true, false, false, false},
    {"pipe, writing end", pipe_out_ends, false, true, false, false},
    {"terminal", terminal_ends, true, true, false, true},
    {"master of a terminal", master_ends, true, false, false, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ------------------------------------------------------------ with a stream */

struct bench {
  const char *kind;
  ax_context *context;
  ax_stream *stream;
  int peer; /* -1 when it was closed */
};

/* Our descriptor is closed at once: the stream works on its duplicate. */
static inline struct bench bench_on(const struct kind *kind) {
  struct ends ends = kind->open();
  struct bench bench = {.kind = kind->name, .peer = ends.theirs};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  int err = ax_stream_open_fd(bench.stream, ends.ours);
  if (err)
    give_up("%s: cannot be opened: %s", kind->name, uv_strerror(err));
  close(ends.ours);
  return bench;
}

static inline struct bench bench_new(void) { return bench_on(&kinds[0]); }

static inline void bench_hang_up(struct bench *bench) {
  if (bench->peer >= 0)
    close(bench->peer);
  bench->peer = -1;
}

static inline void bench_free(struct bench *bench) {
  ax_unref(bench->stream);
  ax_context_free(bench->context);
  bench_hang_up(bench);
}

/* The peer writes, waiting as long as it takes. */
static inline void peer_send(struct bench *bench, const void *bytes, size_t n) {
  for (const char *at = bytes; n > 0;) {
    ssize_t written = write(bench->peer, at, n);
    ends_must(written > 0, "write of the peer");
    at += written;
    n -= (size_t)written;
  }
}

static inline void peer_say(struct bench *bench, const char *text) {
  peer_send(bench, text, strlen(text));
}

/* What the peer can read now, or 0 at the end. */
static inline size_t peer_recv_some(struct bench *bench, void *bytes,
                                    size_t max) {
  ssize_t n;
  if (!client_readable(bench->peer, SUPPORT_DEADLINE * 1000))
    give_up("%s: nothing came", bench->kind);
  do
    n = read(bench->peer, bytes, max);
  while (n < 0 && errno == EINTR);
  return n > 0 ? (size_t)n : 0;
}

static inline void peer_expect(struct bench *bench, const char *text) {
  char bytes[256];
  size_t got = 0, n = strlen(text);
  while (got < n) {
    size_t more = peer_recv_some(bench, bytes + got, n - got);
    if (!more)
      give_up("%s: the stream ended", bench->kind);
    got += more;
  }
  if (memcmp(bytes, text, n) != 0)
    give_up("%s: got \"%.*s\", not \"%s\"", bench->kind, (int)n, bytes, text);
}

#define FOR_EACH_KIND(kind, condition)                                         \
  for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)          \
    if (kind->condition)

#endif
