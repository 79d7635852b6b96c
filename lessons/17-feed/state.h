/* state.h: what the feed knows, as four texts of lines: executions, orders,
 * positions, and a mark that ends them. They come from different places, so
 * nobody joins them. Whoever sends a text holds a reference to it meanwhile.
 *
 * A line is a word, a number and some more, 64 bytes: "order     0000017 ...".
 * The lines of the end mark are numbered down to 0, which is the end of all.
 *
 * An update is "update " and a line, which takes the place of the line with
 * the same name and number. */
#ifndef STATE_H
#define STATE_H

#include "chunk.h"

enum { EXECUTIONS, ORDERS, POSITIONS, END_MARK, TEXTS };
enum { LINE = 64, UPDATE = LINE + 7 }; /* bytes, the newline included */

struct state {
  size_t lines[TEXTS]; /* constant */
  struct chunk *texts[TEXTS];
};

/* A chunk that the feed cannot do without: the program ends when there is no
 * memory for it. */
struct chunk *chunk_must(const char *bytes, size_t size);

/* As it is at the start, in so many KiB; four at least. */
void state_init(struct state *state, size_t kib);
void state_free(struct state *state);

/* Writes an update for a line of a text, `what` behind its number. */
void state_update(char update[UPDATE], int text, size_t number,
                  const char *what);

/* Changes the state; anything that is no update changes nothing. */
void state_apply(struct state *state, const char *update, size_t size);

#endif
