/* check.c: those who talk for long, or not at all. Seconds are the server's,
 * which pass SPEED times faster: word 1 of the command line. */
#include "../../tests/exercises/visit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static double began;

/* Milliseconds; the last word says how many make a second of the server. */
static double seconds(double count) { return count * 1000 / atof(word(1)); }

static double so_far(void) { return (now_ms() - began) / seconds(1); }

/* Says a word again and again. False when the server has closed, or that time
 * has passed. */
static bool chat_on(struct guest *g, double until) {
  char echo[4];
  if (so_far() > until || !try_to_say(g, "word", 4))
    return false;
  for (size_t got = 0, n = 1; got < 4; got += n)
    if ((n = hear_some(g, echo + got, 4 - got, PATIENCE)) == 0)
      return false;
  pause_for((int)seconds(0.1));
  return true;
}

/* Talks for all of its 8 seconds, and then it is over. */
static void talks(void) {
  struct guest ann = come_in("Ann");
  began = now_ms();
  did("Ann says a word again and again, with --most 8");
  while (chat_on(&ann, 60))
    ;
  double end = so_far();
  if (end > 60)
    wrong("after 8 seconds the server closes the session",
          "it is still open after 60");
  if (end < 7.9)
    wrong("after 8 seconds the server closes the session",
          "it did so after %.1f", end);
  leave(&ann);
}

static void silent(void) {
  struct guest bob = come_in("Bob");
  began = now_ms();
  did("Bob says nothing, with --idle 2");
  hear_end(&bob);
  if (so_far() < 1.9)
    wrong("after 2 seconds the server closes the session",
          "it did so after %.1f", so_far());
  leave(&bob);
}

static void leaves(void) {
  struct guest cid = come_in("Cid");
  say(&cid, "hello");
  hear(&cid, "hello");
  leave(&cid);
}

/* The second word is the server's process: it is halted until both limits have
 * passed, so both circles end at the same moment. */
static void both_at_once(void) {
  pid_t server = atoi(word(2));
  if (server < 2)
    wrong("the check halts the server", "it was not told which process it is");
  struct guest dan = come_in("Dan");
  say(&dan, "hello");
  hear(&dan, "hello");
  pause_for((int)seconds(1));
  kill(server, SIGSTOP);
  did("the server is halted for 12 seconds, longer than --idle and --most");
  pause_for((int)seconds(12));
  kill(server, SIGCONT);
  hear_end(&dan);
}

/* Some leave, some fall silent, some talk until the end. */
static void crowd(void) {
  enum { PEOPLE = 12 };
  struct guest people[PEOPLE];
  began = now_ms();
  for (int i = 0; i < PEOPLE; i++) {
    people[i] = come_in("one of many");
    people[i].silent = true;
  }
  for (int i = 0; i < PEOPLE; i++)
    if (i % 3 == 0)
      leave(&people[i]);
  while (so_far() < 9)
    for (int i = 1; i < PEOPLE; i += 3)
      chat_on(&people[i], 9);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {
      {"talks", talks},   {"silent", silent},
      {"leaves", leaves}, {"both-at-once", both_at_once},
      {"crowd", crowd},   {NULL, NULL}};
  return play(argc, argv, scenes);
}
