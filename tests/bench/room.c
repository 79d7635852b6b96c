/* room.c: chunks, queues of them, and the members of the room. */
#include "room.h"
#include "net.h"

#include <stdlib.h>
#include <string.h>

enum { PACKET_LIMIT = 64 << 10, QUEUE_LIMIT = 1 << 20, FEW = 8 };

/* ------------------------------------------------------ chunks and queues */

struct chunk {
  int refs;
  size_t size;
  char bytes[];
};

static struct chunk *chunk_new(const char *bytes, size_t size) {
  struct chunk *chunk = net_resize(NULL, sizeof *chunk + size);
  chunk->refs = 1;
  chunk->size = size;
  memcpy(chunk->bytes, bytes, size);
  return chunk;
}

static void chunk_unref(struct chunk *chunk) {
  if (--chunk->refs == 0)
    free(chunk);
}

/* Makes room for one more: at the front, if something was sent from there. */
static void reserve(struct queue *q) {
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

/* Adds it, with a reference of its own. */
static void queue_push(struct queue *q, struct chunk *chunk) {
  reserve(q);
  chunk->refs++;
  q->at[q->count++] = chunk;
  q->bytes += chunk->size;
}

size_t queue_gather(const struct queue *q, struct iovec iov[GATHER]) {
  size_t count = 0;
  for (size_t i = q->head; i < q->count && count < GATHER; i++) {
    struct chunk *chunk = q->at[i];
    size_t skip = i == q->head ? q->sent : 0;
    iov[count++] = (struct iovec){chunk->bytes + skip, chunk->size - skip};
  }
  return count;
}

void queue_skip(struct queue *q, size_t n) {
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

/* ------------------------------------------------------------ the members */

static struct member *members, *due;

void room_enter(struct member *m) {
  m->next = members;
  m->link = &members;
  if (m->next)
    m->next->link = &m->next;
  members = m;
}

void room_leave(struct member *m) {
  *m->link = m->next;
  if (m->next)
    m->next->link = m->link;
}

void member_empty(struct member *m) {
  queue_skip(&m->queue, m->queue.bytes);
  free(m->queue.at);
  free(m->rest);
}

struct member *room_next_due(void) {
  struct member *m = due;
  if (m) {
    due = m->next_due;
    m->due = false;
  }
  return m;
}

static void give(struct member *m, struct chunk *chunk) {
  if (m->queue.bytes + chunk->size > QUEUE_LIMIT) {
    leave(m);
    return;
  }
  queue_push(&m->queue, chunk);
  if (m->due || m->blocked)
    return;
  m->due = true;
  m->next_due = due;
  due = m;
}

static void broadcast(const struct member *from, struct chunk *chunk) {
  for (struct member *m = members, *next; m; m = next) {
    next = m->next;
    if (m != from)
      give(m, chunk);
  }
  chunk_unref(chunk);
}

/* ---------------------------------------------------------------- reading */

static char buffer[PACKET_LIMIT + READ_SIZE]; /* the rest, and what follows */

char *room_buffer(struct member *m) {
  if (m->rest_size)
    memcpy(buffer, m->rest, m->rest_size);
  return buffer + m->rest_size;
}

static void keep_rest(struct member *m, const char *bytes, size_t size) {
  if (size > PACKET_LIMIT) {
    leave(m);
    return;
  }
  free(m->rest);
  m->rest = NULL;
  m->rest_size = size;
  if (size)
    m->rest = memcpy(net_alloc(size), bytes, size);
}

void room_got(struct member *m, size_t n) {
  size_t size = m->rest_size + n;
  const char *last = memrchr(buffer + m->rest_size, '\0', n);
  size_t whole = last ? (size_t)(last - buffer) + 1 : 0;
  if (whole)
    broadcast(m, chunk_new(buffer, whole));
  keep_rest(m, buffer + whole, size - whole);
}
