/* visit.c: blocking sockets, and words for what goes wrong on them. */
#include "visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { LAST_DEEDS = 8, ROOM = 400 };

static char **words;
static int word_count;
static char deeds[LAST_DEEDS][ROOM];
static size_t deed_count;

/* ------------------------------------------------------------ what is said */

void did(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(deeds[deed_count++ % LAST_DEEDS], ROOM, format, args);
  va_end(args);
}

static char *escape(char *to, unsigned char byte) {
  switch (byte) {
  case '\n':
    return to + sprintf(to, "\\n");
  case '\r':
    return to + sprintf(to, "\\r");
  case '\0':
    return to + sprintf(to, "\\0");
  case '"':
  case '\\':
    return to + sprintf(to, "\\%c", byte);
  default:
    return to + sprintf(to, byte < ' ' || byte > '~' ? "\\x%02x" : "%c", byte);
  }
}

const char *quoted(const void *bytes, size_t size) {
  enum { SHOWN = 60 };
  static char texts[4][4 * SHOWN + 40];
  static size_t next;
  char *text = texts[next++ % 4], *at = text;
  *at++ = '"';
  for (size_t i = 0; i < size && i < SHOWN; i++)
    at = escape(at, ((const unsigned char *)bytes)[i]);
  sprintf(at, size > SHOWN ? "\"... (%zu bytes)" : "\"", size);
  return text;
}

static void tell_deeds(void) {
  size_t first = deed_count > LAST_DEEDS ? deed_count - LAST_DEEDS : 0;
  fprintf(stderr, "%s", first ? "...\n" : "");
  for (size_t i = first; i < deed_count; i++)
    fprintf(stderr, "%s\n", deeds[i % LAST_DEEDS]);
}

void wrong(const char *expected, const char *seen, ...) {
  va_list args;
  tell_deeds();
  fprintf(stderr, "expected: %s\nseen: ", expected);
  va_start(args, seen);
  vfprintf(stderr, seen, args);
  va_end(args);
  fprintf(stderr, "\n");
  exit(1);
}

/* -------------------------------------------------------------- a scene */

static void on_alarm(int signo) {
  static const char text[] = "seen: the scene takes too long, and was ended\n";
  (void)!write(2, text, sizeof text - 1);
  _exit(1);
}

const char *endpoint(void) { return word(0); }

const char *word(int number) {
  return number < word_count ? words[number] : "";
}

int play(int argc, char **argv, const struct scene *scenes) {
  words = argv + 2;
  word_count = argc - 2;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, on_alarm);
  alarm(40);
  for (; argc > 2 && scenes->name; scenes++)
    if (strcmp(argv[1], scenes->name) == 0) {
      scenes->play();
      return 0;
    }
  fprintf(stderr, "usage: %s SCENE ENDPOINT [WORD...]\n", argv[0]);
  return 2;
}

void pause_for(int milliseconds) {
  nanosleep(
      &(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L},
      NULL);
}

double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ------------------------------------------------------- coming and going */

/* A Unix socket: "unix:/path" or "/path"; or a port of this machine. */
static socklen_t address_of(const char *where, struct sockaddr_storage *to) {
  struct sockaddr_un *file = (struct sockaddr_un *)to;
  struct sockaddr_in *port = (struct sockaddr_in *)to;
  const char *colon = strrchr(where, ':');
  memset(to, 0, sizeof *to);
  if (strchr(where, '/')) {
    file->sun_family = AF_UNIX;
    strncpy(file->sun_path, *where == '/' ? where : colon + 1,
            sizeof file->sun_path - 1);
    return sizeof *file;
  }
  port->sin_family = AF_INET;
  port->sin_port = htons((uint16_t)atoi(colon ? colon + 1 : ""));
  port->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof *port;
}

static bool is_from(int fd, const char *from) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  return !from || (inet_pton(AF_INET, from, &address.sin_addr) == 1 &&
                   !bind(fd, (struct sockaddr *)&address, sizeof address));
}

struct guest come_in(const char *name) {
  return come_in_from(name, NULL);
}

struct guest come_in_from(const char *name, const char *from) {
  struct sockaddr_storage address;
  socklen_t size = address_of(endpoint(), &address);
  struct guest g = {name, socket(address.ss_family, SOCK_STREAM, 0), false};
  if (!is_from(g.fd, from))
    return (struct guest){name, -1, false};
  did("%s comes in%s%s", name, from ? " from " : "", from ? from : "");
  if (connect(g.fd, (struct sockaddr *)&address, size))
    wrong("the server lets everybody in", "%s", strerror(errno));
  return g;
}

int place_open(const char *where) {
  struct sockaddr_storage address;
  socklen_t size = address_of(where, &address);
  int on = 1, fd = socket(address.ss_family, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_UNIX)
    unlink(((struct sockaddr_un *)&address)->sun_path);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16)) {
    perror(where);
    exit(2);
  }
  return fd;
}

static bool is_ready(int fd, short what, int milliseconds) {
  struct pollfd look = {fd, what, 0};
  return poll(&look, 1, milliseconds) > 0;
}

struct guest place_accept(int place, const char *name) {
  if (!is_ready(place, POLLIN, PATIENCE))
    wrong("the program connects to where --to leads", "nobody comes there");
  struct guest g = {name, accept(place, NULL, NULL), false};
  did("the way leads on to %s", name);
  return g;
}

void half_close(struct guest *g) {
  shutdown(g->fd, SHUT_WR);
  did("%s has said all, and listens", g->name);
}

void leave(struct guest *g) {
  close(g->fd);
  did("%s leaves", g->name);
}

void leave_with_reset(struct guest *g) {
  struct linger now = {1, 0};
  setsockopt(g->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(g->fd);
  did("%s vanishes: a reset", g->name);
}

void small_cup(struct guest *g) {
  int size = 8 << 10;
  setsockopt(g->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

/* ----------------------------------------------------- saying and hearing */

bool try_to_say(struct guest *g, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    if (!is_ready(g->fd, POLLOUT, PATIENCE))
      return false;
    ssize_t n = send(g->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN)
      return false;
    at += n > 0 ? n : 0;
    size -= n > 0 ? (size_t)n : 0;
  }
  return true;
}

void say_bytes(struct guest *g, const void *bytes, size_t size) {
  if (!g->silent)
    did("%s says %s", g->name, quoted(bytes, size));
  if (!try_to_say(g, bytes, size))
    wrong("the server reads it", "it takes no more of what %s says", g->name);
}

void say(struct guest *g, const char *text) {
  say_bytes(g, text, strlen(text));
}

/* What comes next: -1 for nothing in that time, 0 for the end. */
static ssize_t next_bytes(const struct guest *g, void *bytes, size_t room,
                          int milliseconds) {
  if (!is_ready(g->fd, POLLIN, milliseconds))
    return -1;
  ssize_t n = recv(g->fd, bytes, room, 0);
  return n < 0 ? 0 : n;
}

size_t hear_some(struct guest *g, void *bytes, size_t room, int milliseconds) {
  ssize_t n = next_bytes(g, bytes, room, milliseconds);
  return n > 0 ? (size_t)n : 0;
}

/* `got` bytes have come, and then -1: nothing, or 0: the end. */
static _Noreturn void wrong_end(const struct guest *g, const char *expected,
                                const void *heard, size_t got, ssize_t how) {
  const char *end = how < 0 ? "hears nothing for 5 seconds"
                            : "finds that the server closed the connection";
  if (got)
    wrong(expected, "%s hears %s, and then %s", g->name, quoted(heard, got),
          end);
  wrong(expected, "%s %s", g->name, end);
}

static size_t same_bytes(const char *one, const char *other, size_t size) {
  size_t n = 0;
  while (n < size && one[n] == other[n])
    n++;
  return n;
}

void hear_bytes(struct guest *g, const void *bytes, size_t size) {
  char expected[ROOM], *heard = calloc(1, size + 1);
  size_t got = 0, same = 0;
  ssize_t n = 1;
  snprintf(expected, sizeof expected, "%s hears %s", g->name,
           quoted(bytes, size));
  while (heard && got < size && same == got &&
         (n = next_bytes(g, heard + got, size - got, PATIENCE)) > 0) {
    got += (size_t)n;
    same = same_bytes(heard, bytes, got);
  }
  if (same < got && same < 60)
    wrong(expected, "%s hears %s", g->name, quoted(heard, got));
  if (same < got)
    wrong(expected, "%zu bytes are right, and then %s hears %s", same, g->name,
          quoted(heard + same, got - same));
  if (got < size)
    wrong_end(g, expected, heard, got, n);
  if (!g->silent)
    did("%s hears %s", g->name, quoted(bytes, size));
  free(heard);
}

void hear(struct guest *g, const char *text) {
  hear_bytes(g, text, strlen(text));
}

void hear_end(struct guest *g) {
  char more[64], expected[ROOM];
  snprintf(expected, sizeof expected, "the server closes the connection of %s",
           g->name);
  if (!is_ready(g->fd, POLLIN, PATIENCE))
    wrong_end(g, expected, more, 0, -1);
  ssize_t n = recv(g->fd, more, sizeof more, 0);
  if (n > 0)
    wrong(expected, "%s hears %s", g->name, quoted(more, (size_t)n));
  if (n < 0)
    wrong(expected, "%s gets an error: %s", g->name, strerror(errno));
  did("the server closes the connection of %s", g->name);
}

void hear_nothing(struct guest *g, int milliseconds) {
  char more[64], expected[ROOM];
  ssize_t n = next_bytes(g, more, sizeof more, milliseconds);
  snprintf(expected, sizeof expected, "%s hears nothing yet", g->name);
  if (n >= 0)
    wrong(expected, "%s hears %s", g->name,
          n ? quoted(more, (size_t)n) : "that the server closed it");
}

/* Takes bytes up to and with the delimiter, and no more. */
static ssize_t next_part(const struct guest *g, char delimiter, char *bytes,
                         size_t room) {
  if (!is_ready(g->fd, POLLIN, PATIENCE))
    return -1;
  ssize_t n = recv(g->fd, bytes, room, MSG_PEEK);
  const char *end = n > 0 ? memchr(bytes, delimiter, (size_t)n) : NULL;
  return n > 0 ? recv(g->fd, bytes, end ? (size_t)(end - bytes) + 1 : (size_t)n,
                      0)
               : 0;
}

void hear_until(struct guest *g, char delimiter, char *text, size_t room,
                const char *expected) {
  size_t got = 0;
  ssize_t n = 1;
  while (got < room &&
         (n = next_part(g, delimiter, text + got, room - got)) > 0) {
    got += (size_t)n;
    if (text[got - 1] == delimiter)
      break;
  }
  if (n <= 0)
    wrong_end(g, expected, text, got, n);
  if (text[got - 1] != delimiter)
    wrong(expected, "%s hears %s, and no end of it", g->name,
          quoted(text, got));
  text[--got] = '\0';
  if (!g->silent)
    did("%s hears %s", g->name, quoted(text, got));
}
