/* check.c: those who talk to a learner's echo that shouts. */
#include "../../tests/exercises/visit.h"

#include <string.h>

static void words(void) {
  struct guest ann = come_in("Ann");
  say(&ann, "eat");
  hear(&ann, "EAT");
  say(&ann, "Drink 2 cups, zz!");
  hear(&ann, "DRINK 2 CUPS, ZZ!");
  say(&ann, "caf\xc3\xa9 {|}");
  hear(&ann, "CAF\xc3\xa9 {|}");
  leave(&ann);
}

static void two_at_once(void) {
  struct guest ann = come_in("Ann"), bob = come_in("Bob");
  say(&bob, "one");
  hear(&bob, "ONE");
  for (int i = 0; i < 3; i++) {
    say(&ann, "sun");
    say(&bob, "sea");
    hear(&ann, "SUN");
    hear(&bob, "SEA");
  }
  leave(&bob);
  say(&ann, "still here");
  hear(&ann, "STILL HERE");
  leave(&ann);
}

static void last_nul(void) {
  struct guest ann = come_in("Ann");
  say_bytes(&ann, "a\0b", 3);
  hear_bytes(&ann, "A\0B", 3);
  say_bytes(&ann, "bye", sizeof "bye");
  hear_bytes(&ann, "BYE", sizeof "BYE");
  hear_end(&ann);
  leave(&ann);
}

/* More than fits a session's data. */
static void a_song(void) {
  static char song[5000], loud[5000];
  memset(song, 'l', sizeof song);
  memset(loud, 'L', sizeof loud);
  struct guest ann = come_in("Ann");
  say_bytes(&ann, song, sizeof song);
  hear_bytes(&ann, loud, sizeof loud);
  half_close(&ann);
  hear_end(&ann);
  leave(&ann);
}

/* So that butlers meet in one session, if they can. */
static void crowd(void) {
  enum { PEOPLE = 8, WORDS = 150 };
  struct guest people[PEOPLE];
  for (int i = 0; i < PEOPLE; i++) {
    people[i] = come_in("one of many");
    people[i].silent = true;
  }
  for (int i = 0; i < WORDS; i++) {
    for (int j = 0; j < PEOPLE; j++)
      say(&people[j], "slush");
    for (int j = 0; j < PEOPLE; j++)
      hear(&people[j], "SLUSH");
  }
  for (int i = 0; i < PEOPLE; i++)
    leave(&people[i]);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {
      {"words", words},       {"two-at-once", two_at_once},
      {"last-nul", last_nul}, {"a-song", a_song},
      {"crowd", crowd},       {NULL, NULL}};
  return play(argc, argv, scenes);
}
