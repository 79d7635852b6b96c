/* check.c: Ann and Bob are in #beach, Cid is in #sea. */
#include "../../tests/exercises/irc.h"
#include "../../tests/exercises/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct guest ann, bob, cid;

static void gather(void) {
  ann = irc_join("ann", "#beach");
  bob = irc_join("bob", "#beach");
  cid = irc_join("cid", "#sea");
  irc_skip(&ann);
}

/* "NOTICE #beach :ann rolls 13 of 20": the 13. */
static long hear_roll(struct guest *g, const char *who, long sides) {
  char line[512], expected[160], right[160];
  long number = 0;
  snprintf(expected, sizeof expected,
           "%s hears \":irc.example.org NOTICE #beach :%s rolls N of %ld\"",
           g->name, who, sides);
  irc_line(g, line, sizeof line, expected);
  const char *at = strstr(line, " rolls ");
  if (at)
    number = strtol(at + strlen(" rolls "), NULL, 10);
  snprintf(right, sizeof right,
           ":irc.example.org NOTICE #beach :%s rolls %ld of %ld", who, number,
           sides);
  if (strcmp(line, right) != 0)
    wrong(expected, "%s hears \"%s\"", g->name, line);
  if (number < 1 || number > sides)
    wrong("N is a number from 1 to the sides of the die", "%s hears \"%s\"",
          g->name, line);
  return number;
}

static long both_hear(const char *who, long sides) {
  long number = hear_roll(&ann, who, sides),
       other = hear_roll(&bob, who, sides);
  if (number != other)
    wrong("both hear the same number", "Ann hears %ld, and Bob %ld", number,
          other);
  return number;
}

static void rolls(void) {
  gather();
  say(&ann, "ROLL #beach 20\r\n");
  both_hear("ann", 20);
  say(&bob, "ROLL #beach\r\n");
  both_hear("bob", 6);
  say(&bob, "roll #BEACH 1\r\n");
  both_hear("bob", 1);
  irc_quiet(&ann, "what others roll comes once");
  irc_quiet(&bob, "what one rolls comes once");
  irc_quiet(&cid, "Cid is not in #beach, and hears nothing of it");
}

/* 1 of 1000^19 that an honest die says the same all the time. */
static void many(void) {
  gather();
  long first = 0;
  bool differs = false;
  did("Ann rolls twenty times");
  for (int i = 0; i < 20; i++) {
    ann.silent = bob.silent = true;
    say(&ann, "ROLL #beach 1000\r\n");
    long number = both_hear("ann", 1000);
    first = i ? first : number;
    differs = differs || number != first;
  }
  if (!differs)
    wrong("a die says now this and now that", "twenty times %ld", first);
}

static void in_order(void) {
  gather();
  say(&ann, "PRIVMSG #beach :now!\r\nROLL #beach\r\n");
  irc_hear(&bob, ":ann!ann@", "what Ann says comes before what she rolls");
  hear_roll(&bob, "ann", 6);
}

/* Who may not, or says nonsense, hears why, and nobody else does. */
static void refused(const char *line, const char *reply) {
  say(&cid, line);
  irc_hear(&cid, reply, "a reply with that number");
  irc_quiet(&bob, "nobody else hears of it");
}

static void outside(void) {
  gather();
  refused("ROLL #beach 6\r\n", " 442 ");
  refused("ROLL #nowhere 6\r\n", " 403 ");
  refused("ROLL\r\n", " 461 ");
  struct guest dan = come_in("Dan");
  say(&dan, "ROLL #beach\r\n");
  irc_hear(&dan, " 451 ", "who is not welcome yet cannot roll");
}

static void nonsense(void) {
  static const char *const sides[] = {"0",  "-6",   "x",
                                      "6x", "1001", "99999999999999999999"};
  char line[80], heard[512];
  gather();
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
    snprintf(line, sizeof line, "ROLL #beach %s\r\n", sides[i]);
    say(&ann, line);
    irc_line(&ann, heard, sizeof heard, "Ann hears a NOTICE that says why not");
    if (!strstr(heard, "NOTICE ann "))
      wrong("Ann alone hears a NOTICE that says why not", "Ann hears \"%s\"",
            heard);
    irc_quiet(&bob, "nobody else hears of it");
  }
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {
      {"rolls", rolls},     {"many", many},         {"in-order", in_order},
      {"outside", outside}, {"nonsense", nonsense}, {NULL, NULL}};
  return play(argc, argv, scenes);
}
