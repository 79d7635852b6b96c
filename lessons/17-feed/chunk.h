/* chunk.h: bytes that many share, and batches of them. */
#ifndef CHUNK_H
#define CHUNK_H

#include "ax.h"

/* Bytes that are shared by all who still have to send them. Whoever holds the
 * only reference may change them, and nobody else. */
struct chunk {
  ax_obj obj;
  size_t size;
  char bytes[];
};

/* A copy of `bytes`; when that is NULL, the bytes are to be filled in. NULL
 * when there is no memory. */
struct chunk *chunk_new(const char *bytes, size_t size);

/* The memory that a chunk of so many bytes takes while it waits: with its head,
 * what malloc adds, and two references, because half of a batch that doubles
 * may be empty. */
static inline size_t chunk_cost(size_t size) {
  enum { MALLOC = 16 };
  return MALLOC + sizeof(struct chunk) + size + 2 * sizeof(struct chunk *);
}

/* A growing array of chunks, each of them held until it was written. */
struct batch {
  size_t count, room;
  size_t cost;    /* of all that was added */
  size_t taken;   /* by writes, ... */
  size_t offset;  /* ... and so many bytes of the next one */
  size_t written; /* and released */
  struct chunk *at[];
};

/* Adds a chunk, and makes a batch of NULL. False when there is no memory. */
bool batch_add(struct batch **batch, struct chunk *chunk);

/* The same for all chunks of another batch, which it takes over. */
bool batch_join(struct batch **batch, struct batch *more);

/* The next bytes to be written, `most` of them at most. There must be some. */
ax_cbuf batch_take(struct batch *batch, size_t most);

/* Releases the chunks that were taken to their end, and returns their cost. */
size_t batch_release(struct batch *batch);

/* NULL is allowed. */
void batch_free(struct batch *batch);

#endif
