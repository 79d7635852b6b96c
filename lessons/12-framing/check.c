/* check.c: lines in one piece and in many, and lines that are too long. The
 * limit is 8 bytes. */
#include "../../tests/exercises/visit.h"

#include <stdio.h>
#include <string.h>

static void lines(void) {
  struct guest ann = come_in("Ann");
  say(&ann, "eat\n");
  hear(&ann, "eat\n");
  say(&ann, "drink\n\nbe merry\nso");
  hear(&ann, "drink\n\nbe merry\n");
  say(&ann, " on\n");
  hear(&ann, "so on\n");
  leave(&ann);
}

/* In pieces that the server reads one by one. */
static void say_slowly(struct guest *g, const char *text) {
  for (; *text; text++) {
    say_bytes(g, text, 1);
    pause_for(2);
  }
}

static void byte_by_byte(void) {
  struct guest ann = come_in("Ann");
  ann.silent = true;
  did("Ann says \"sun\\n12345678\\n\\n\", byte by byte");
  say_slowly(&ann, "sun\n12345678\n\n");
  hear(&ann, "sun\n12345678\n\n");
  leave(&ann);
}

static void too_long(void) {
  struct guest ann = come_in("Ann");
  say(&ann, "12345678\n");
  hear(&ann, "12345678\n");
  say(&ann, "123456789\n");
  hear(&ann, "too long\n");
  say(&ann, "sea\n");
  hear(&ann, "sea\n");
  leave(&ann);
}

/* However long it is, there is one answer, and nothing of it is a line. */
static void very_long(void) {
  static char song[20001];
  memset(song, 'l', sizeof song);
  song[sizeof song - 1] = '\n';
  struct guest bob = come_in("Bob");
  say(&bob, "one\n");
  say_bytes(&bob, song, sizeof song);
  say(&bob, "two\n");
  hear(&bob, "one\ntoo long\ntwo\n");
  hear_nothing(&bob, MOMENT);
  leave(&bob);
}

static void answered_at_the_end(void) {
  struct guest cid = come_in("Cid");
  say(&cid, "this is far too long, and not over");
  hear_nothing(&cid, MOMENT);
  say(&cid, " yet\nbut this\n");
  hear(&cid, "too long\nbut this\n");
  leave(&cid);
}

/* Exactly what fills the buffer, in each way in which it may come. */
static void at_the_brim(void) {
  char text[64];
  struct guest dan = come_in("Dan");
  for (int size = 7; size <= 28; size++) {
    snprintf(text, sizeof text, "%.*s\nok\n", size,
             "abcdefghijklmnopqrstuvwxyzabcdef");
    say(&dan, text);
    if (size > 8)
      snprintf(text, sizeof text, "too long\nok\n");
    hear(&dan, text);
  }
  leave(&dan);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {
      {"lines", lines},
      {"byte-by-byte", byte_by_byte},
      {"too-long", too_long},
      {"very-long", very_long},
      {"answered-at-the-end", answered_at_the_end},
      {"at-the-brim", at_the_brim},
      {NULL, NULL}};
  return play(argc, argv, scenes);
}
