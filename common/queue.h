/* queue.h: entries, and the queues they stand in. */
#ifndef AX_QUEUE_H
#define AX_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define AX__OF(type, member, pointer)                                          \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Something that can stand in a queue: an operation, a posted handler, the
 * turn of a strand, a request to the loop. `run` says what comes next.
 *
 * live: do it. Not live: the context is gone, so release what the entry holds
 * and run no handler. Either way the entry may be gone afterwards. */
typedef struct ax__entry ax__entry;
struct ax__entry {
  ax__entry *next;
  void (*run)(ax__entry *entry, bool live);
};

/* First in, first out; intrusive. All zero is an empty one. */
typedef struct ax__queue {
  ax__entry *head, *last;
} ax__queue;

static inline void ax__queue_push(ax__queue *queue, ax__entry *entry) {
  entry->next = NULL;
  if (queue->head)
    queue->last->next = entry;
  else
    queue->head = entry;
  queue->last = entry;
}

static inline ax__entry *ax__queue_pop(ax__queue *queue) {
  ax__entry *entry = queue->head;
  if (entry)
    queue->head = entry->next;
  return entry;
}

/* Moves all of `from` to the end of `to`. */
static inline void ax__queue_splice(ax__queue *to, ax__queue *from) {
  if (!from->head)
    return;
  if (to->head)
    to->last->next = from->head;
  else
    to->head = from->head;
  to->last = from->last;
  from->head = NULL;
}

static inline ax__queue ax__queue_take(ax__queue *queue) {
  ax__queue taken = *queue;
  queue->head = NULL;
  return taken;
}

/* Releases all without running a handler. */
static inline void ax__queue_drop(ax__queue *queue) {
  for (ax__entry *entry; (entry = ax__queue_pop(queue));)
    entry->run(entry, false);
}

#endif
