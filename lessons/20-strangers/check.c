/* check.c: those who join too much. Ten channels at once, and then one in ten
 * seconds of the server's; the first word is how many milliseconds those are.
 */
#include "../../tests/exercises/irc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JOIN and the end of it, or the refusal. */
static void joins(struct guest *g, const char *list, int times) {
  char text[200];
  snprintf(text, sizeof text, "JOIN %s\r\n", list);
  say(g, text);
  for (int i = 0; i < times; i++) {
    irc_hear(g, " JOIN ", "it is in");
    irc_hear(g, " 353 ", "and hears who else is");
    irc_hear(g, " 366 ", "up to the end of the names");
  }
}

static void refused(struct guest *g, const char *list) {
  char text[200];
  snprintf(text, sizeof text, "JOIN %s\r\n", list);
  say(g, text);
  irc_hear(g, " 263 ", "this JOIN is too many");
  irc_quiet(g, "a JOIN that is refused does nothing else");
}

static void ten_at_once(void) {
  struct guest ann = irc_welcome("ann", NULL);
  joins(&ann, "#a,#b,#c,#d,#e,#f,#g,#h,#i", 9);
  joins(&ann, "#j", 1);
  refused(&ann, "#k");
  refused(&ann, "#l");
  pause_for(atoi(word(1)) + 100);
  did("ten seconds pass");
  joins(&ann, "#k", 1);
  refused(&ann, "#l");
}

static void a_list_counts(void) {
  struct guest bob = irc_welcome("bob", NULL);
  joins(&bob, "#a,#b,#c,#d,#e,#f,#g,#h", 8);
  refused(&bob, "#i,#j,#k");
  joins(&bob, "#i,#j", 2);
  refused(&bob, "#k");
}

static void comes_back(void) {
  struct guest cid = irc_welcome("cid", NULL);
  joins(&cid, "#a,#b,#c,#d,#e,#f,#g,#h,#i,#j", 10);
  leave(&cid);
  struct guest back = irc_welcome("cid_again", NULL);
  refused(&back, "#a");
}

/* Linux has all of 127.0.0.0/8; where there is no second address, it is not
 * tried. */
static void another_address(void) {
  struct guest dan = irc_welcome("dan", NULL);
  joins(&dan, "#a,#b,#c,#d,#e,#f,#g,#h,#i,#j", 10);
  refused(&dan, "#k");
  struct guest eve = irc_welcome("eve", "127.0.0.2");
  if (eve.fd >= 0)
    joins(&eve, "#sea", 1);
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {{"ten-at-once", ten_at_once},
                                        {"a-list-counts", a_list_counts},
                                        {"comes-back", comes_back},
                                        {"another-address", another_address},
                                        {NULL, NULL}};
  return play(argc, argv, scenes);
}
