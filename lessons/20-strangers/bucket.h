/* bucket.h: so many at once, and then so many in a second. The bucket fills by
 * itself, so nothing counts it up: one moment, when it will be full again, says
 * all. */
#ifndef BUCKET_H
#define BUCKET_H

#include "ax.h"

struct bucket {
  ax_time full;
};

/* How many it holds, and after which time there is one more. */
struct rate {
  size_t burst;
  ax_time each;
};

/* How many may be taken now. */
static inline size_t bucket_room(const struct bucket *b, struct rate rate,
                                 ax_time now) {
  ax_time missing = b->full > now ? b->full - now : 0;
  size_t taken = (size_t)((missing + rate.each - 1) / rate.each);
  return taken < rate.burst ? rate.burst - taken : 0;
}

/* Takes that many, also when there are fewer. */
static inline void bucket_take(struct bucket *b, struct rate rate, ax_time now,
                               size_t count) {
  b->full = (b->full > now ? b->full : now) + count * rate.each;
}

/* When there is one at least. */
static inline ax_time bucket_next(const struct bucket *b, struct rate rate) {
  return b->full - (rate.burst - 1) * rate.each;
}

#endif
