/* load_irc.c: people of an IRC server: n00000, n00001 and so on. */
#include "load_irc.h"
#include "load_talk.h"
#include "net.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct options *options;
static long all_in; /* how many have come in, the first time */

/* ----------------------------------------------------------------- lines */

size_t irc_measure(const char *bytes, size_t size) {
  const char *end = memchr(bytes, '\n', size);
  return end ? (size_t)(end - bytes) + 1 : 0;
}

void irc_say(struct client *c, const char *format, ...) {
  char line[IRC_LINE];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(line, sizeof line - 2, format, args);
  va_end(args);
  memcpy(line + size, "\r\n", 3);
  client_send(c, line, (size_t)size + 2);
}

/* ":n00007!..." */
uint32_t irc_sender(const char *line, size_t size) {
  uint32_t number = 0;
  if (size < IRC_NICK + 2 || line[0] != ':' || line[1] != 'n')
    return UINT32_MAX;
  for (int i = 2; i <= IRC_NICK; i++) {
    unsigned digit = (unsigned char)line[i] - (unsigned)'0';
    if (digit > 9)
      return UINT32_MAX;
    number = number * 10 + digit;
  }
  return number;
}

bool irc_is(const char *line, size_t size, const char *command) {
  const char *space = *line == ':' ? memchr(line, ' ', size) : line - 1;
  size_t length = strlen(command);
  return space && (size_t)(line + size - space) > length + 1 &&
         memcmp(space + 1, command, length) == 0 && space[length + 1] <= ' ';
}

/* ---------------------------------------------------------------- coming */

void irc_come(struct client *c) {
  c->stage = IRC_COMING;
  client_connect(c);
  irc_say(c, "NICK n%05u\r\nUSER b 0 * :b", c->number);
}

void irc_hear(struct client *c, const char *line, size_t size) {
  if (irc_is(line, size, "PING")) {
    irc_say(c, "PONG%.*s", (int)strcspn(line + 4, "\r\n"), line + 4);
  } else if (c->stage == IRC_COMING && irc_is(line, size, "001")) {
    c->stage = IRC_JOINING;
    irc_say(c, "JOIN #c%u", c->channel);
  } else if (c->stage == IRC_JOINING && irc_is(line, size, "366")) {
    c->stage = IRC_IN;
    all_in++;
  }
}

void irc_all_come(const struct options *o, long at_once) {
  long come = 0;
  uint64_t end = now() + 60000000000 + (uint64_t)o->clients * 20000000;
  for (all_in = 0; all_in < o->clients; people_turn(100)) {
    for (; come < o->clients && come - all_in < at_once; come++)
      irc_come(&clients[come]);
    if (now() > end || wrong) {
      fprintf(stderr, "of %ld people %ld came in\n", o->clients, all_in);
      exit(2);
    }
  }
}

/* --------------------------------------------------------------- talking */

static char (*prefixes)[IRC_LINE]; /* of those who talk: ":n00007!b@host" */

/* "PRIVMSG #c0 :0000002a cccc..." */
static void compose(struct words *words, uint32_t from, uint32_t seq) {
  char filling[IRC_LINE];
  memset(filling, 'a' + (int)(seq % 26), sizeof filling);
  words->said_size = (size_t)sprintf(words->said, "PRIVMSG #c0 :%08x %.*s\r\n",
                                     seq, (int)options->size - 9, filling);
  words->heard_size =
      (size_t)sprintf(words->heard, "%s %s", prefixes[from], words->said);
}

/* The server says how it calls somebody when he joins. */
static void learn_prefix(uint32_t from, const char *line, size_t size) {
  size_t length = (size_t)((const char *)memchr(line, ' ', size) - line);
  memcpy(prefixes[from], line, length);
  prefixes[from][length] = '\0';
}

static void examine(struct client *c, uint32_t from, const char *line,
                    size_t size) {
  char said[IRC_LINE], heard[2 * IRC_LINE];
  struct words words = {said, heard, 0, 0};
  const char *text = memmem(line, size, " :", 2);
  uint32_t seq = text ? (uint32_t)strtoul(text + 2, NULL, 16) : 0;
  compose(&words, from, seq);
  if (words.heard_size != size || memcmp(heard, line, size) != 0)
    gone_wrong(c, "a line is torn");
  else
    talk_unexpected(c, from, seq);
}

static void other(struct client *c, const char *line, size_t size) {
  uint32_t from = irc_sender(line, size);
  if (from >= (uint32_t)options->senders)
    irc_hear(c, line, size);
  else if (irc_is(line, size, "PRIVMSG"))
    examine(c, from, line, size);
  else if (from == c->number && irc_is(line, size, "JOIN"))
    learn_prefix(from, line, size);
}

static void check(const struct options *o) {
  if (o->clients >= 2 && o->senders <= o->clients && o->size >= 9 &&
      o->size <= IRC_LINE / 2)
    return;
  fprintf(stderr, "these numbers make no talk\n");
  exit(2);
}

long load_irc(const struct options *o) {
  options = o;
  check(o);
  prefixes = net_alloc((size_t)o->senders * sizeof *prefixes);
  people_init(o, &(struct protocol){IRC_LINE, irc_measure, talk_hear, NULL});
  talk_init(o, &(struct language){IRC_LINE, compose, irc_sender, other});
  irc_all_come(o, IRC_FEW);
  talk("irc");
  return wrong;
}

/* ---------------------------------------------------------------- memory */

static void hear_idle(struct client *c, const char *line, size_t size,
                      uint64_t time) {
  irc_hear(c, line, size);
}

/* People who are in channels of ten, and what memory each of them costs. */
long load_irc_idle(const struct options *o) {
  people_init(o, &(struct protocol){IRC_LINE, irc_measure, hear_idle, NULL});
  for (long i = 0; i < o->clients; i++)
    clients[i].channel = (uint32_t)(i / 10);
  long bytes = resident(o->pid);
  irc_all_come(o, IRC_FEW);
  people_turn(200);
  bytes = resident(o->pid) - bytes;
  printf("case=idle clients=%ld bytes=%ld wrong=%ld\n", o->clients,
         bytes / o->clients, wrong);
  return wrong;
}
