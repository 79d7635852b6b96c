/* check.c: Rita listens, Flo talks without a pause, Pia says a word now and
 * then, and Sid sleeps. */
#include "../../tests/exercises/visit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { SIZE = 1024, LIKES_TO_SAY = 1 << 20 };

static struct guest rita, flo, pia, sid;

/* What Flo says: packets of SIZE bytes, numbered. */
static char flood[SIZE];
static size_t said;

static void compose(long number) {
  int n = snprintf(flood, SIZE, "F %ld ", number);
  memset(flood + n, 'o', (size_t)(SIZE - n));
  flood[SIZE - 1] = '\0';
}

/* What Rita has heard: Flo's next packet, or Pia's. */
static char heard[1 << 17];
static size_t heard_size;
static long next_of_flo, next_of_pia;

static void heed(const char *packet) {
  long number;
  char expected[80];
  if (sscanf(packet, "F %ld", &number) == 1 && number == next_of_flo)
    next_of_flo++;
  else if (sscanf(packet, "P %ld", &number) == 1 && number == next_of_pia)
    next_of_pia++;
  else {
    snprintf(expected, sizeof expected, "Rita hears \"F %ld ...\" or \"P %ld\"",
             next_of_flo, next_of_pia);
    wrong(expected, "Rita hears %s", quoted(packet, strlen(packet)));
  }
}

/* Without waiting; false when there was nothing. */
static bool rita_listens(void) {
  ssize_t n = recv(rita.fd, heard + heard_size, sizeof heard - heard_size,
                   MSG_DONTWAIT);
  if (n <= 0)
    return false;
  heard_size += (size_t)n;
  char *at = heard, *end;
  while ((end = memchr(at, '\0', heard_size - (size_t)(at - heard)))) {
    heed(at);
    at = end + 1;
  }
  heard_size -= (size_t)(at - heard);
  memmove(heard, at, heard_size);
  return true;
}

static bool flo_talks(void) {
  if (said >= LIKES_TO_SAY)
    return false;
  compose((long)(said / SIZE));
  ssize_t n = send(flo.fd, flood + said % SIZE, SIZE - said % SIZE,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
  said += n > 0 ? (size_t)n : 0;
  return n > 0;
}

/* Until nothing has moved for that long. */
static void flow(int milliseconds) {
  double last = now_ms();
  while (now_ms() < last + milliseconds) {
    bool moved = flo_talks();
    moved = rita_listens() || moved;
    if (moved)
      last = now_ms();
    else
      pause_for(1);
  }
}

static struct guest arrive(const char *name) {
  struct guest g = come_in(name);
  small_cup(&g);
  int size = 16 << 10;
  setsockopt(g.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  pause_for(30); /* it is in before somebody talks */
  return g;
}

static void pia_says_words(int count) {
  char word[16], expected[80];
  for (int i = 0; i < count; i++) {
    snprintf(word, sizeof word, "P %ld", next_of_pia);
    say_bytes(&pia, word, strlen(word) + 1);
    snprintf(expected, sizeof expected, "Rita hears \"%s\", which Pia has said",
             word);
    long before = next_of_pia;
    for (double end = now_ms() + PATIENCE / 2.0;
         next_of_pia == before && now_ms() < end;)
      if (!rita_listens())
        pause_for(1);
    if (next_of_pia == before)
      wrong(expected, "Rita does not hear it");
  }
}

/* Sid sleeps, Flo talks until she is held back. */
static void gather(void) {
  rita = arrive("Rita");
  sid = arrive("Sid");
  flo = arrive("Flo");
  pia = arrive("Pia");
  did("Sid sleeps");
  did("Flo talks as fast as the server lets her");
  flow(150);
  if (said > LIKES_TO_SAY / 4)
    wrong("Flo is held back when 16 of her packets are under way to Sid",
          "the server has taken %zu KiB of what she says", said >> 10);
  did("Flo has said %zu packets, and is held back", said / SIZE);
}

static void fair(void) {
  gather();
  pia_says_words(5);
}

/* Sid sleeps no more: he reads all, or leaves; then Flo is heard to the end. */
static void flo_ends(void) {
  static char cup[1 << 16];
  double end = now_ms() + 3 * PATIENCE;
  while ((said < LIKES_TO_SAY || next_of_flo < LIKES_TO_SAY / SIZE) &&
         now_ms() < end) {
    flo_talks();
    while (sid.fd >= 0 && recv(sid.fd, cup, sizeof cup, MSG_DONTWAIT) > 0)
      ;
    while (recv(pia.fd, cup, sizeof cup, MSG_DONTWAIT) > 0)
      ;
    if (!rita_listens())
      pause_for(0);
  }
  if (next_of_flo < LIKES_TO_SAY / SIZE)
    wrong("Flo goes on, and Rita hears all of her packets",
          "Rita hears %ld of %d", next_of_flo, LIKES_TO_SAY / SIZE);
}

static void wakes_up(void) {
  gather();
  did("Sid wakes up, and reads");
  flo_ends();
  pia_says_words(2);
}

static void sleeper_leaves(void) {
  gather();
  leave(&sid);
  sid.fd = -1;
  flo_ends();
}

/* Her packets are still under way to Sid. */
static void flo_leaves(void) {
  gather();
  leave(&flo);
  pause_for(30);
  pia_says_words(2);
  char text[SIZE];
  hear_until(&sid, '\0', text, sizeof text, "Sid wakes up, and hears Flo");
}

int main(int argc, char **argv) {
  static const struct scene scenes[] = {{"fair", fair},
                                        {"wakes-up", wakes_up},
                                        {"sleeper-leaves", sleeper_leaves},
                                        {"flo-leaves", flo_leaves},
                                        {NULL, NULL}};
  return play(argc, argv, scenes);
}
