/* check.c: Ann talks, Bob listens, and Dan sleeps for a while. Packets are
 * numbered, so that one sees which are missing. */
#include "../../tests/exercises/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1024, BURST = 16, BURSTS = 14, ALL = BURST * BURSTS };

static struct guest ann, bob, dan;

/* "7 la la la ...", and a NUL. */
static size_t compose(char text[ROOM], int number, size_t size) {
  int n = snprintf(text, ROOM, "%d ", number);
  for (size_t i = (size_t)n; i + 1 < size; i++)
    text[i] = "la "[i % 3];
  text[size - 1] = '\0';
  return size;
}

/* Each of them is in when he has heard the one who came before. */
static void gather(void) {
  ann = come_in("Ann");
  bob = come_in("Bob");
  dan = come_in("Dan");
  small_cup(&dan);
  say_bytes(&dan, "hello", 6);
  hear_bytes(&ann, "hello", 6);
  hear_bytes(&bob, "hello", 6);
}

/* Bob hears each burst before the next one is sung, so he is never behind. */
static void sing(size_t size, int from, int bursts) {
  char text[ROOM];
  ann.silent = bob.silent = true;
  for (int i = 0; i < bursts * BURST; i++) {
    say_bytes(&ann, text, compose(text, from + i, size));
    if (i % BURST != BURST - 1)
      continue;
    for (int j = i - BURST + 1; j <= i; j++)
      hear_bytes(&bob, text, compose(text, from + j, size));
  }
}

/* While all listen nothing is lost. */
static void awake(void) {
  char text[ROOM];
  gather();
  dan.silent = true;
  for (int i = 0; i < 5; i++) {
    sing(100, i * BURST, 1);
    for (int j = 0; j < BURST; j++)
      hear_bytes(&dan, text, compose(text, i * BURST + j, 100));
  }
}

static int lost_in(const char *text) {
  int lost = 0, end = 0;
  sscanf(text, "(%d lost)%n", &lost, &end);
  return end > 0 && !text[end] ? lost : 0;
}

/* Dan wakes up, and each packet is heard or counted. */
static void asleep(void) {
  char text[ROOM], expected[80], right[ROOM];
  int next = 0, missing = 0, heard = 0, lost;
  gather();
  did("Dan sleeps, and Ann says %d packets, which Bob hears", ALL);
  sing(ROOM, 0, BURSTS);
  did("Dan wakes up");
  dan.silent = true;
  while (next < ALL) {
    snprintf(expected, sizeof expected,
             "Dan hears \"%d ...\", or how many are lost before it", next);
    hear_until(&dan, '\0', text, sizeof text, expected);
    lost = lost_in(text);
    if (lost) {
      did("Dan hears \"(%d lost)\" where \"%d ...\" would be", lost, next);
      missing += lost;
      next += lost;
      continue;
    }
    compose(right, next, ROOM);
    if (strcmp(text, right) != 0)
      wrong(expected, "Dan hears %s", quoted(text, strlen(text)));
    next++;
    heard++;
  }
  if (next > ALL)
    wrong("what Dan hears and what he has lost is all that was said",
          "Dan is told of more lost packets than there were");
  if (missing == 0)
    wrong("64 packets wait for Dan at most, and the oldest are dropped",
          "Dan hears all %d", heard);
  did("Dan has heard %d packets and lost %d", heard, missing);
  ann.silent = dan.silent = false;
  say_bytes(&ann, "good morning", sizeof "good morning");
  hear_bytes(&dan, "good morning", sizeof "good morning");
}

/* He does not wake up, but leaves: in the middle of a write. */
static void leaves(void) {
  gather();
  did("Dan sleeps, and Ann says many packets, which Bob hears");
  sing(ROOM, 0, 10);
  leave(&dan);
  sing(ROOM, 0, 2);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {
      {"awake", awake}, {"asleep", asleep}, {"leaves", leaves}, {NULL, NULL}};
  return play(argc, argv, scenes);
}
