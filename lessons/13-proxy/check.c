/* check.c: Dad, who comes in by the relay, and the Shack, to which it leads.
 * The second word is where the Shack is. */
#include "../../tests/exercises/visit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct guest dad, shack;

static void meet(void) {
  int place = place_open(word(1));
  dad = come_in("Dad");
  shack = place_accept(place, "the Shack");
}

static void part(void) {
  leave(&dad);
  leave(&shack);
}

static void both_ways(void) {
  meet();
  say(&dad, "a large one, please");
  hear(&shack, "a large one, please");
  say(&shack, "which flavour?");
  hear(&dad, "which flavour?");
  part();
}

static void dad_first(void) {
  meet();
  say(&dad, "that is all");
  half_close(&dad);
  hear(&shack, "that is all");
  hear_end(&shack);
  say(&shack, "here it is");
  hear(&dad, "here it is");
  say(&shack, ", and a straw");
  half_close(&shack);
  hear(&dad, ", and a straw");
  hear_end(&dad);
}

static void shack_first(void) {
  meet();
  half_close(&shack);
  hear_end(&dad);
  say(&dad, "and yet I talk");
  hear(&shack, "and yet I talk");
  half_close(&dad);
  hear_end(&shack);
}

static void dad_vanishes(void) {
  meet();
  say(&dad, "hello");
  hear(&shack, "hello");
  leave_with_reset(&dad);
  hear_end(&shack);
}

/* A MiB each way, at the same time. */
static void songs(void) {
  enum { SONG = 1 << 20 };
  static char song[2][SONG], heard[2][SONG];
  struct guest *guests[] = {&dad, &shack};
  size_t said[2] = {0, 0}, got[2] = {0, 0};
  memset(song[0], 'd', SONG);
  memset(song[1], 's', SONG);
  meet();
  did("both sing a MiB at the same time");
  double end = now_ms() + 2 * PATIENCE;
  while ((got[0] < SONG || got[1] < SONG) && now_ms() < end)
    for (int i = 0; i < 2; i++) {
      ssize_t n =
          send(guests[i]->fd, song[i] + said[i], SONG - said[i], MSG_DONTWAIT);
      said[i] += n > 0 ? (size_t)n : 0;
      n = recv(guests[i]->fd, heard[i] + got[i], SONG - got[i], MSG_DONTWAIT);
      got[i] += n > 0 ? (size_t)n : 0;
    }
  if (memcmp(song[0], heard[1], got[1]) != 0 ||
      memcmp(song[1], heard[0], got[0]) != 0)
    wrong("each hears the song of the other", "the songs are mixed");
  if (got[0] < SONG || got[1] < SONG)
    wrong("each hears a MiB", "Dad hears %zu bytes, the Shack %zu", got[0],
          got[1]);
  part();
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {{"both-ways", both_ways},
                                        {"dad-first", dad_first},
                                        {"shack-first", shack_first},
                                        {"dad-vanishes", dad_vanishes},
                                        {"songs", songs},
                                        {NULL, NULL}};
  return play(argc, argv, scenes);
}
