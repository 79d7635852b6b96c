/* irc.h: people who talk to the IRC server, as a script. A person is a letter,
 * and a line of a script is what happens to him:
 *
 *   a+ ann batch    connects as ann, with these capabilities, and is welcome
 *   a*              connects and says nothing
 *   a> JOIN #beach  says that
 *   a< 331 ann {*}  gets this as the next line
 *   a~ 366 {*}      the same, but other lines may come before
 *   a=              gets nothing more (a PING comes back as the next line)
 *   a.              gets the end of the stream
 *   a/              hangs up
 *
 * {*} is any text, and what begins with a digit comes from the server. */
#ifndef IRC_H
#define IRC_H

#include "peers.h"

#ifndef IRC_LESSON
#define IRC_LESSON 19 /* whose server it is */
#endif
#define SERVER_NAME "irc.example.org"
enum { PEOPLE = 26, IRC_ROOM = 1 << 16 };

struct person {
  struct program *server;
  int fd; /* -1: not there */
  size_t used, size;
  char bytes[IRC_ROOM]; /* that have come, from `used` on */
};

struct irc {
  struct server server;
  const char *endpoint; /* where the next one connects */
  struct person people[PEOPLE];
  long served; /* so many have connected; -1: nobody knows */
};

/* Waits until it listens on all its endpoints: what is no option and does not
 * stand behind one. */
static inline struct server irc_serve(const struct program_options *options) {
  struct server server = {.program = program_start(IRC_LESSON, options)};
  size_t count = 0;
  for (size_t i = 0; options->args[i]; i++) {
    if (*options->args[i] == '-')
      i += !strchr(options->args[i], '=');
    else
      find_endpoint(server.program, count,
                    count ? server.more[count - 1] : server.endpoint),
          count++;
  }
  return server;
}

static inline struct irc *irc_open_with(struct program_options options) {
  struct irc *irc = calloc(1, sizeof *irc);
  assert_non_null(irc);
  irc->server = irc_serve(&options);
  irc->endpoint = irc->server.endpoint;
  for (size_t i = 0; i < PEOPLE; i++)
    irc->people[i].fd = -1;
  return irc;
}

#define irc_open(...)                                                          \
  irc_open_with((struct program_options){.args = {__VA_ARGS__}})

/* Everybody hangs up, and the server ends in order, with these errors. */
static inline void irc_close_with(struct irc *irc, const char *errors) {
  for (size_t i = 0; i < PEOPLE; i++)
    if (irc->people[i].fd != -1)
      client_close(irc->people[i].fd);
  long served = end_server_with(&irc->server, SIGTERM, "clients", errors);
  if (irc->served >= 0)
    assert_int_equal(served, irc->served);
  free(irc);
}

static inline void irc_close(struct irc *irc) { irc_close_with(irc, ""); }

/* ----------------------------------------------------------------- lines */

/* The next line without its end, good until the next call; NULL at the end of
 * the stream. */
static inline const char *irc_line(struct person *p) {
  static char line[IRC_ROOM];
  for (;;) {
    char *at = p->bytes + p->used;
    char *end = memchr(at, '\n', p->size - p->used);
    if (end) {
      size_t length = (size_t)(end - at);
      assert_true(length > 0 && at[length - 1] == '\r');
      memcpy(line, at, length - 1);
      line[length - 1] = 0;
      p->used += length + 1;
      return line;
    }
    memmove(p->bytes, at, p->size -= p->used);
    p->used = 0;
    assert_true(p->size < IRC_ROOM);
    size_t n = client_recv_some(p->fd, p->bytes + p->size, IRC_ROOM - p->size);
    if (n == 0)
      return NULL;
    p->size += n;
  }
}

static inline void irc_say(struct person *p, const char *text) {
  char line[IRC_ROOM];
  int size = snprintf(line, sizeof line, "%s\r\n", text);
  client_send(p->fd, line, (size_t)size);
}

static inline bool line_is(const char *pattern, const char *line) {
  const char *star = strstr(pattern, "{*}");
  if (!star)
    return strcmp(pattern, line) == 0;
  size_t before = (size_t)(star - pattern);
  if (strncmp(pattern, line, before) != 0)
    return false;
  for (line += before;; line++) {
    if (line_is(star + 3, line))
      return true;
    if (!*line)
      return false;
  }
}

/* ---------------------------------------------------------------- people */

static inline void irc_connect(struct irc *irc, struct person *p) {
  p->server = irc->server.program;
  p->fd = client_connect(irc->endpoint);
  p->used = p->size = 0;
  irc->served++;
}

/* The end has come too early, maybe that of the server. */
static inline void irc_fail_at_end(const struct person *p, const char *script) {
  fputs(program_err(p->server), stderr); /* too long for cmocka */
  give_up("%s\n--- but got: the end", script);
}

static inline void irc_skip_to(struct person *p, const char *pattern) {
  const char *line = irc_line(p);
  while (line && !line_is(pattern, line))
    line = irc_line(p);
  if (!line)
    irc_fail_at_end(p, pattern);
}

/* "ann batch echo-message" */
static inline void irc_register(struct person *p, const char *words) {
  char text[512], nick[64];
  size_t length = strcspn(words, " ");
  snprintf(nick, sizeof nick, "%.*s", (int)length, words);
  snprintf(text, sizeof text, "CAP REQ :%s\r\nNICK %s\r\nUSER %s 0 * :%s X",
           words + length, nick, nick, nick);
  irc_say(p, text);
  irc_say(p, "CAP END");
  irc_skip_to(p, "{*} 422 {*}");
}

static inline void irc_expect(struct person *p, const char *pattern,
                              const char *script) {
  char whole[1024];
  bool numeric = *pattern >= '0' && *pattern <= '9';
  snprintf(whole, sizeof whole, "%s%s", numeric ? ":" SERVER_NAME " " : "",
           pattern);
  const char *line = irc_line(p);
  bool skip = script[1] == '~';
  while (skip && line && !line_is(whole, line))
    line = irc_line(p);
  if (!line)
    irc_fail_at_end(p, script);
  else if (!line_is(whole, line))
    give_up("%s\n--- but got: %s", script, line);
}

static inline void irc_nothing_more(struct person *p, const char *script) {
  static int number;
  char token[32], pong[64];
  snprintf(token, sizeof token, "PING nothing%d", ++number);
  snprintf(pong, sizeof pong, "{*}PONG " SERVER_NAME " :%s", token + 5);
  irc_say(p, token);
  irc_expect(p, pong, script);
}

static inline void irc_step(struct irc *irc, const char *script) {
  struct person *p = &irc->people[script[0] - 'a'];
  const char *words = script[1] && script[2] ? script + 3 : "";
  assert_true(strchr("+*", script[1]) ? p->fd == -1 : p->fd != -1);
  switch (script[1]) {
  case '+':
  case '*':
    irc_connect(irc, p);
    if (script[1] == '+')
      irc_register(p, words);
    break;
  case '>':
    irc_say(p, words);
    break;
  case '<':
  case '~':
    irc_expect(p, words, script);
    break;
  case '=':
    irc_nothing_more(p, script);
    break;
  case '.':
    if (irc_line(p))
      give_up("%s\n--- but there is more", script);
    /* fall through */
  case '/':
    client_close(p->fd);
    p->fd = -1;
    break;
  default:
    give_up("what is \"%s\"?", script);
  }
}

static inline void irc_play_all(struct irc *irc, const char *const *script) {
  for (; *script; script++)
    irc_step(irc, *script);
}

#define irc_play(irc, ...)                                                     \
  irc_play_all(irc, (const char *const[]){__VA_ARGS__, NULL})

#endif
