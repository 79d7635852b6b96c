/* chunks.c: shared bytes, and queues of them. */
#include "chunks.h"
#include "net.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 8 };

struct chunk *chunk_new(const char *bytes, size_t size) {
  struct chunk *chunk = net_resize(NULL, sizeof *chunk + size);
  chunk->refs = 1;
  chunk->size = size;
  memcpy(chunk->bytes, bytes, size);
  return chunk;
}

void chunk_unref(struct chunk *chunk) {
  if (--chunk->refs == 0)
    free(chunk);
}

/* Makes room for one more: at the front, if something was sent from there. */
static void reserve(struct chunk_queue *q) {
  if (q->count < q->room)
    return;
  if (q->head == 0) {
    q->room = q->room ? 2 * q->room : FEW;
    q->at = net_resize(q->at, q->room * sizeof *q->at);
    return;
  }
  q->count -= q->head;
  memmove(q->at, q->at + q->head, q->count * sizeof *q->at);
  q->head = 0;
}

void queue_push(struct chunk_queue *q, struct chunk *chunk) {
  reserve(q);
  chunk->refs++;
  q->at[q->count++] = chunk;
  q->bytes += chunk->size;
}

size_t queue_gather(const struct chunk_queue *q, struct iovec *iov,
                    size_t max) {
  size_t count = 0;
  for (size_t i = q->head; i < q->count && count < max; i++) {
    struct chunk *chunk = q->at[i];
    size_t skip = i == q->head ? q->sent : 0;
    iov[count++] = (struct iovec){chunk->bytes + skip, chunk->size - skip};
  }
  return count;
}

void queue_skip(struct chunk_queue *q, size_t n) {
  q->bytes -= n;
  for (n += q->sent; q->head < q->count; q->head++) {
    struct chunk *first = q->at[q->head];
    if (n < first->size)
      break;
    n -= first->size;
    chunk_unref(first);
  }
  q->sent = n;
  if (q->head == q->count)
    q->head = q->count = 0;
}

void queue_free(struct chunk_queue *q) {
  queue_skip(q, q->bytes);
  free(q->at);
}
