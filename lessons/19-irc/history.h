/* history.h: the last messages of a channel, as chunks in the flavour that has
 * all tags: "@time=...;msgid=... :...". */
#ifndef HISTORY_H
#define HISTORY_H

#include "message.h"

enum {
  HISTORY_MOST = 100, /* in a channel, and in an answer */
  STAMP = sizeof "2026-11-29T02:10:33.123Z" - 1
};

struct history {
  size_t first, count;
  struct chunk *said[HISTORY_MOST]; /* a ring */
};

void history_add(struct channel *channel, struct message *message);
void history_free(struct history *history);

/* The message at that place, from the oldest one on; when it was said, and what
 * identifies it. */
struct chunk *history_at(const struct history *history, size_t place);
const char *stamp_of(const struct chunk *said);
struct span id_of(const struct chunk *said);

/* The time in "timestamp=2026-11-29T02:10:33.123Z", or NULL. */
const char *time_in(const char *what);

/* From `begin` on, up to `end`. */
struct range {
  size_t begin, end;
};

/* Which messages the line asks for, so many at most. False when it is no
 * question. */
bool history_choose(const struct history *history, const struct line *line,
                    size_t most, struct range *range);

#endif
