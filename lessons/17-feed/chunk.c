/* chunk.c: a chunk is written once and read by many; a batch grows at its end
 * while it waits, and is taken from its front while it is written. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

struct chunk *chunk_new(const char *bytes, size_t size) {
  struct chunk *chunk = malloc(sizeof *chunk + size);
  if (!chunk)
    return NULL;
  ax_obj_init(&chunk->obj, free);
  chunk->size = size;
  if (bytes)
    memcpy(chunk->bytes, bytes, size);
  return chunk;
}

/* To room for `count` at least. */
static struct batch *batch_grow(struct batch *batch, size_t count) {
  size_t room = batch ? 2 * batch->room : 8;
  while (room < count)
    room *= 2;
  struct batch *grown =
      realloc(batch, sizeof *batch + room * sizeof *batch->at);
  if (!grown)
    return NULL;
  if (!batch)
    *grown = (struct batch){0};
  grown->room = room;
  return grown;
}

/* Has room for `count` more; false when there is no memory. */
static bool batch_reserve(struct batch **batch, size_t count) {
  size_t need = (*batch ? (*batch)->count : 0) + count;
  if (*batch && need <= (*batch)->room)
    return true;
  struct batch *grown = batch_grow(*batch, need);
  if (grown)
    *batch = grown;
  return grown;
}

bool batch_add(struct batch **batch, struct chunk *chunk) {
  if (!batch_reserve(batch, 1))
    return false;
  (*batch)->at[(*batch)->count++] = ax_ref(chunk);
  (*batch)->cost += chunk_cost(chunk->size);
  return true;
}

/* To a batch of NULL it is not copied, and no reference changes. */
bool batch_join(struct batch **batch, struct batch *more) {
  if (!*batch) {
    *batch = more;
    return true;
  }
  if (!batch_reserve(batch, more->count)) {
    batch_free(more);
    return false;
  }
  memcpy((*batch)->at + (*batch)->count, more->at,
         more->count * sizeof *more->at);
  (*batch)->count += more->count;
  (*batch)->cost += more->cost;
  free(more);
  return true;
}

ax_cbuf batch_take(struct batch *batch, size_t most) {
  const struct chunk *chunk = batch->at[batch->taken];
  size_t left = chunk->size - batch->offset;
  ax_cbuf buf = {chunk->bytes + batch->offset, left < most ? left : most};
  batch->offset += buf.len;
  if (batch->offset == chunk->size) {
    batch->taken++;
    batch->offset = 0;
  }
  return buf;
}

size_t batch_release(struct batch *batch) {
  size_t cost = 0;
  for (; batch->written < batch->taken; batch->written++) {
    cost += chunk_cost(batch->at[batch->written]->size);
    ax_unref(batch->at[batch->written]);
  }
  return cost;
}

void batch_free(struct batch *batch) {
  for (size_t i = batch ? batch->written : 0; batch && i < batch->count; i++)
    ax_unref(batch->at[i]);
  free(batch);
}
