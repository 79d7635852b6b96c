/* metrics.h: what the server counts, as text for Prometheus. */
#ifndef METRICS_H
#define METRICS_H

#include "../19-irc/hall.h"

/* Why a client is sent away, and the words for it. */
enum cut {
  CUT_REGISTRATION,
  CUT_PING,
  CUT_FLOOD,
  CUT_SENDQ,
  CUT_FULL,
  CUT_ADDRESS,
  CUTS
};
extern const char *const cut_words[CUTS];

/* Any thread. */
void metrics_cut(enum cut cut);

/* How long turns have waited for the hall: upper ends, in nanoseconds. The last
 * bucket is for all that is longer. */
enum { LAGS = 6 };

/* What the hall counts, and a copy of it for one who asks. */
struct counts {
  size_t users, newcomers, channels;
  unsigned long long lines_in, bytes_in, lines_out, bytes_out;
  unsigned long long lag[LAGS + 1], lag_sum;
  size_t highest;
};

/* In the hall, for its hooks. */
void metrics_turn(const struct turn *turn);

struct look {
  struct hall *hall;
  struct counts counts;
};

/* For ax_run_on, in the hall, with a struct look: copies what is now. */
int metrics_look(void *look);

/* Makes a text of it, which the caller frees. NULL: there is no memory. */
char *metrics_text(const struct counts *counts);

#endif
