/* irc.c: lines of IRC. */
#include "irc.h"

#include <stdio.h>
#include <string.h>

void irc_line(struct guest *g, char *line, size_t room, const char *expected) {
  bool silent = g->silent;
  g->silent = true;
  do
    hear_until(g, '\n', line, room, expected);
  while (strncmp(line, "PING ", 5) == 0);
  g->silent = silent;
  line[strcspn(line, "\r")] = '\0';
  if (!silent)
    did("%s hears %s", g->name, line);
}

void irc_hear(struct guest *g, const char *part, const char *expected) {
  char line[512], whole[160];
  snprintf(whole, sizeof whole, "%s hears \"...%s...\": %s", g->name, part,
           expected);
  irc_line(g, line, sizeof line, whole);
  if (!strstr(line, part))
    wrong(whole, "%s hears \"%s\"", g->name, line);
}

/* Lines up to that one, without a word about them. */
static void skip_to(struct guest *g, const char *part) {
  char line[512];
  bool silent = g->silent;
  g->silent = true;
  do
    irc_line(g, line, sizeof line, "the server answers");
  while (!strstr(line, part));
  g->silent = silent;
}

void irc_skip(struct guest *g) {
  bool silent = g->silent;
  g->silent = true;
  say(g, "PING skip\r\n");
  g->silent = silent;
  skip_to(g, " PONG ");
}

void irc_quiet(struct guest *g, const char *expected) {
  char line[512];
  bool silent = g->silent;
  g->silent = true;
  say(g, "PING quiet\r\n");
  irc_line(g, line, sizeof line, expected);
  g->silent = silent;
  if (!strstr(line, " PONG "))
    wrong(expected, "%s hears \"%s\"", g->name, line);
}

struct guest irc_welcome(const char *nick, const char *address) {
  char text[100];
  struct guest g = come_in_from(nick, address);
  if (g.fd < 0)
    return g;
  g.silent = true;
  snprintf(text, sizeof text, "NICK %s\r\nUSER %s 0 * :x\r\n", nick, nick);
  say(&g, text);
  skip_to(&g, " 422 ");
  did("%s is welcome", nick);
  g.silent = false;
  return g;
}

struct guest irc_join(const char *nick, const char *channel) {
  char text[100];
  struct guest g = irc_welcome(nick, NULL);
  g.silent = true;
  snprintf(text, sizeof text, "JOIN %s\r\n", channel);
  say(&g, text);
  skip_to(&g, " 366 ");
  did("%s is in %s", nick, channel);
  g.silent = false;
  return g;
}
