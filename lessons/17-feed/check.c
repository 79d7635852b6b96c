/* check.c: clients who count what comes. Update n has the value 1 + 2 + ... +
 * n, and so has board n. */
#include "../../tests/exercises/visit.h"

#include <stdio.h>
#include <string.h>

static long sum_to(long n) { return n * (n + 1) / 2; }

/* A line: the number of a board or an update. */
static long hear_line(struct guest *g, const char *expected, const char *word) {
  char line[80], is[16] = "";
  long number = -1, value = -1;
  hear_until(g, '\n', line, sizeof line, expected);
  sscanf(line, "%15s %ld: %ld", is, &number, &value);
  if (strcmp(is, word) != 0)
    wrong(expected, "%s hears \"%s\"", g->name, line);
  if (value != sum_to(number))
    wrong("the value of board and update n is 1 + 2 + ... + n",
          "%s hears \"%s\"", g->name, line);
  return number;
}

static void hear_updates(struct guest *g, long from, int count) {
  char expected[80];
  for (long i = from; i < from + count; i++) {
    snprintf(expected, sizeof expected, "update %ld comes behind what %s had",
             i, g->name);
    long number = hear_line(g, expected, "update");
    if (number != i)
      wrong(expected, "update %ld comes", number);
  }
}

/* The reply takes a second, and there are ten updates in a second. */
static void sync_once(void) {
  struct guest ann = come_in("Ann");
  say(&ann, "sync\n");
  long board =
      hear_line(&ann, "the board comes first, and then updates", "board");
  hear_updates(&ann, board + 1, 30);
  leave(&ann);
}

/* Says sync again among the updates: they are behind the board they belong to.
 */
static void sync_again(void) {
  struct guest bob = come_in("Bob");
  char line[80];
  say(&bob, "sync\n");
  long last =
      hear_line(&bob, "the board comes first, and then updates", "board");
  say(&bob, "sync\n");
  for (int boards = 0; boards < 3;) {
    long number = -1;
    hear_until(&bob, '\n', line, sizeof line, "a board or an update");
    if (sscanf(line, "update %ld", &number) == 1 && number == last + 1) {
      last++;
    } else if (sscanf(line, "board %ld", &number) == 1 && number == last) {
      boards++;
      say(&bob, "sync\n");
    } else {
      char expected[120];
      snprintf(expected, sizeof expected,
               "behind number %ld comes \"update %ld: ...\", or \"board %ld: "
               "...\" again",
               last, last + 1, last);
      wrong(expected, "Bob hears \"%s\"", line);
    }
  }
  leave(&bob);
}

static void three_at_once(void) {
  struct guest all[] = {come_in("Cid"), come_in("Dan"), come_in("Eve")};
  for (int i = 0; i < 3; i++)
    say(&all[i], "sync\n");
  for (int i = 0; i < 3; i++) {
    long board =
        hear_line(&all[i], "the board comes first, and then updates", "board");
    hear_updates(&all[i], board + 1, 10);
  }
  for (int i = 0; i < 3; i++)
    leave(&all[i]);
}

/* Goes while its reply is under way, and something is held for it. */
static void leaves(void) {
  struct guest flo = come_in("Flo");
  say(&flo, "sync\n");
  pause_for(150);
  leave(&flo);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {{"sync-once", sync_once},
                                        {"sync-again", sync_again},
                                        {"three-at-once", three_at_once},
                                        {"leaves", leaves},
                                        {NULL, NULL}};
  return play(argc, argv, scenes);
}
