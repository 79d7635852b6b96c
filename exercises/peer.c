/* peer.c: the other ends of the server's connections, and what was said. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern int serve_port;

/* What went one way: its beginning, its last bytes, and how many there were. */
enum { FIRST = 100, LAST = 200 };
struct words {
  unsigned char first[FIRST], last[LAST]; /* a ring, by the place in all */
  size_t total;
};

struct peer {
  int fd;
  const char *name;
  struct words sent, seen;
  bool ended, was_reset; /* as seen */
  double waited;         /* seconds, in vain */
};

static void remember(struct words *w, const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  for (; n > 0; n--, at++, w->total++) {
    if (w->total < FIRST)
      w->first[w->total] = *at;
    w->last[w->total % LAST] = *at;
  }
}

static void recall(const struct words *w, char *to, size_t room) {
  char text[LAST];
  size_t first = w->total < FIRST ? w->total : FIRST;
  quote(to, room, w->first, first);
  if (w->total <= FIRST)
    return;
  size_t n = w->total - FIRST < LAST ? w->total - FIRST : LAST;
  for (size_t i = 0; i < n; i++)
    text[i] = (char)w->last[(w->total - n + i) % LAST];
  size_t used = strlen(to);
  used += (size_t)snprintf(to + used, room - used,
                           " ... (%zu bytes in all, and the last are)\n    ",
                           w->total);
  quote(to + used, room - used, text, n);
}

const char *peer_called(const struct peer *p) { return p->name; }
void peer_name(struct peer *p, const char *name) { p->name = name; }
int peer_fd(const struct peer *p) { return p->fd; }

void peer_sent(const struct peer *p, char *to, size_t room) {
  if (p->sent.total)
    recall(&p->sent, to, room);
  else
    snprintf(to, room, "nothing");
}

void peer_seen(const struct peer *p, char *to, size_t room) {
  *to = '\0';
  if (p->seen.total)
    recall(&p->seen, to, room);
  size_t used = strlen(to);
  const char *then = used ? ", then " : "";
  if (p->was_reset)
    snprintf(to + used, room - used, "%sa reset", then);
  else if (p->ended)
    snprintf(to + used, room - used, "%sthe end", then);
  else if (p->waited > 0.05)
    snprintf(to + used, room - used, "%snothing for %.1f s", then, p->waited);
  else if (!used)
    snprintf(to, room, "nothing yet");
}

/* ------------------------------------------------------------- connections */

static struct peer *peer_new(int fd) {
  struct peer *p = calloc(1, sizeof *p);
  if (!p)
    give_up("memory");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  p->fd = fd;
  p->name = "a client";
  return p;
}

static struct sockaddr_in local(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

static int new_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0)
    give_up("a socket");
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

struct peer *peer_try_connect(void) {
  struct sockaddr_in to = local(serve_port);
  int fd = new_socket();
  /* A small window, so that a client that does not read is noticed soon. */
  int room = 32 << 10;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
    return peer_new(fd);
  close(fd);
  return NULL;
}

struct peer *peer_start_connect(int port) {
  struct sockaddr_in to = local(port);
  struct peer *p = peer_new(new_socket());
  (void)connect(p->fd, (struct sockaddr *)&to, sizeof to);
  return p;
}

struct peer *peer_connect_to(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0)
    give_up("a socket");
  for (double end = now() + PATIENCE / 2.0; now() < end; pause_for(0.01))
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
      return peer_new(fd);
  wrong(NULL, "nobody listens on the second one",
        "the server listens on each ENDPOINT of its command line");
}

struct peer *peer_connect(void) {
  struct peer *p = peer_try_connect();
  if (!p)
    wrong(NULL, strerror(errno), "the server accepts a connection");
  return p;
}

int peer_listen(int *port) {
  struct sockaddr_in at = local(*port);
  socklen_t size = sizeof at;
  int fd = new_socket(), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&at, size) || listen(fd, 64) ||
      getsockname(fd, (struct sockaddr *)&at, &size))
    give_up("a port to listen on");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  *port = ntohs(at.sin_port);
  return fd;
}

static bool ready(int fd, short what, double within) {
  struct pollfd entry = {.fd = fd, .events = what};
  double end = now() + within;
  do {
    double left = (end - now()) * 1000;
    if (poll(&entry, 1, left > 0 ? (int)left + 1 : 0) > 0)
      return true;
  } while (now() < end);
  return false;
}

struct peer *peer_accept(int listener, double within) {
  if (!ready(listener, POLLIN, within))
    return NULL;
  int fd = accept(listener, NULL, NULL);
  return fd < 0 ? NULL : peer_new(fd);
}

void peer_half_close(struct peer *p) { shutdown(p->fd, SHUT_WR); }

void peer_reset(struct peer *p) {
  struct linger at_once = {.l_onoff = 1};
  setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  peer_close(p);
}

void peer_close(struct peer *p) {
  close(p->fd);
  free(p);
}

/* ----------------------------------------------------------------- sending */

/* Sends all, or says with errno why not. */
static bool send_all(struct peer *p, const void *bytes, size_t n) {
  const char *at = bytes;
  while (n > 0) {
    ssize_t sent = send(p->fd, at, n, 0);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
      return false;
    if (sent > 0) {
      remember(&p->sent, at, (size_t)sent);
      at += sent;
      n -= (size_t)sent;
    } else if (!ready(p->fd, POLLOUT, PATIENCE)) {
      errno = ETIMEDOUT;
      return false;
    }
  }
  return true;
}

bool peer_try_send(struct peer *p, const void *bytes, size_t n) {
  if (send_all(p, bytes, n))
    return true;
  if (errno == ETIMEDOUT)
    wrong(p, "it takes no more bytes", "it reads, or ends the connection");
  return false;
}

void peer_send(struct peer *p, const void *bytes, size_t n) {
  if (!send_all(p, bytes, n))
    wrong(p, errno == ETIMEDOUT ? "it takes no more bytes" : strerror(errno),
          "it reads what %s sends", p->name);
}

void peer_say(struct peer *p, const char *format, ...) {
  char text[2048];
  va_list list;
  va_start(list, format);
  int n = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  peer_send(p, text, (size_t)n);
}

void peer_drip(struct peer *p, const char *text, double between) {
  for (; *text; text++) {
    if (!send_all(p, text, 1) || ready(p->fd, POLLIN, between))
      return;
  }
}

/* --------------------------------------------------------------- receiving */

ssize_t peer_take(struct peer *p, void *bytes, size_t n, double within) {
  double start = now();
  if (!ready(p->fd, POLLIN, within)) {
    p->waited = now() - start;
    return -2;
  }
  p->waited = 0;
  ssize_t got = recv(p->fd, bytes, n, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return peer_take(p, bytes, n, within);
  if (got > 0)
    remember(&p->seen, bytes, (size_t)got);
  p->ended = got == 0;
  p->was_reset = got < 0;
  return got < 0 ? -1 : got;
}

void peer_line(struct peer *p, char *line, size_t room, const char *what) {
  size_t used = 0;
  for (;;) {
    char c;
    if (peer_take(p, &c, 1, PATIENCE) != 1)
      wrong(p, NULL, "%s", what);
    if (c == '\n')
      break;
    if (used + 1 == room)
      wrong(p, NULL, "%s, and a shorter line", what);
    line[used++] = c;
  }
  line[used] = '\0';
}

void peer_expect(struct peer *p, const void *bytes, size_t n,
                 const char *what) {
  const char *awaited = bytes;
  char some[4096], text[500];
  quote(text, sizeof text, bytes, n);
  for (size_t at = 0; at < n;) {
    size_t most = n - at < sizeof some ? n - at : sizeof some;
    ssize_t got = peer_take(p, some, most, PATIENCE);
    if (got <= 0 || memcmp(some, awaited + at, (size_t)got) != 0)
      wrong(p, NULL, "%s", what ? what : text);
    at += (size_t)got;
  }
}

void peer_expect_text(struct peer *p, const char *text) {
  peer_expect(p, text, strlen(text), NULL);
}

void peer_expect_end(struct peer *p, bool reset) {
  char some[64];
  ssize_t got = peer_take(p, some, sizeof some, PATIENCE);
  if (got != 0 && !(reset && got == -1))
    wrong(p, NULL, "the end of the connection%s",
          reset ? "" : ", which is no reset");
}

void pattern(unsigned char *bytes, size_t n, size_t offset) {
  for (size_t i = 0; i < n; i++)
    bytes[i] = (unsigned char)((offset + i) * 2654435761u >> 24);
}

void peer_expect_pattern(struct peer *p, size_t offset, size_t n) {
  unsigned char some[16384], right[16384];
  for (size_t at = 0; at < n;) {
    size_t most = n - at < sizeof some ? n - at : sizeof some;
    ssize_t got = peer_take(p, some, most, PATIENCE);
    if (got <= 0)
      wrong(p, NULL, "%zu bytes; %zu came", n, at);
    pattern(right, (size_t)got, offset + at);
    if (memcmp(some, right, (size_t)got) != 0)
      wrong(p, "other bytes", "the right bytes; wrong ones come after %zu", at);
    at += (size_t)got;
  }
}
