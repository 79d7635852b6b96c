/* timer_heap.h: timers in the order in which they expire.
 *
 * Most timers guard something that ends in time: they are armed, cancelled and
 * armed anew. So a timer that is cancelled or put off stays where it is, and
 * is looked at when its old moment has come. That costs a wake-up now and then
 * instead of a search every time. A slot is sorted by (key, placed): expiry and
 * order of its timer when it was placed. By now the real ones may be later;
 * while the timer has waits, they are not earlier. Keys stand beside the
 * pointers and each parent has four children in a row, so the heap is shallow
 * and a search touches few cache lines.
 *
 * A heap is used under a lock of its owner's. */
#ifndef AX_TIMER_HEAP_H
#define AX_TIMER_HEAP_H

#include "pool.h"
#include "queue.h"

/* A timer, as the heap sees it. */
struct ax__due {
  uint64_t expiry;
  uint64_t order;  /* of equal expiries, the one armed first comes first */
  uint64_t placed; /* the order that its place in the heap is for */
  ax__queue waits;
  size_t index; /* in the heap, plus one; 0: not there */
};

struct ax__heap {
  struct ax__slot {
    uint64_t key;
    struct ax__due *timer;
  } * at;
  size_t count, room;
  uint64_t armed; /* counts */
};

enum { AX__CHILDREN = 4 };

static inline bool ax__slot_before(struct ax__slot one, struct ax__slot other) {
  return one.key < other.key ||
         (one.key == other.key && one.timer->placed < other.timer->placed);
}

static inline void ax__heap_put(struct ax__heap *heap, size_t i,
                                struct ax__slot slot) {
  heap->at[i] = slot;
  slot.timer->index = i + 1;
}

static inline void ax__heap_up(struct ax__heap *heap, size_t i,
                               struct ax__slot slot) {
  for (size_t parent; i > 0; i = parent) {
    parent = (i - 1) / AX__CHILDREN;
    if (!ax__slot_before(slot, heap->at[parent]))
      break;
    ax__heap_put(heap, i, heap->at[parent]);
  }
  ax__heap_put(heap, i, slot);
}

/* The key is kept in a register: this is where expiring spends its time. */
static inline size_t ax__first_child(const struct ax__heap *heap, size_t i) {
  size_t first = AX__CHILDREN * i + 1, end = first + AX__CHILDREN;
  uint64_t key = first < heap->count ? heap->at[first].key : 0;
  for (size_t child = first + 1; child < end && child < heap->count; child++)
    if (heap->at[child].key <= key &&
        ax__slot_before(heap->at[child], heap->at[first])) {
      first = child;
      key = heap->at[child].key;
    }
  return first;
}

static inline void ax__heap_down(struct ax__heap *heap, size_t i,
                                 struct ax__slot slot) {
  for (size_t child; (child = ax__first_child(heap, i)) < heap->count;
       i = child) {
    if (!ax__slot_before(heap->at[child], slot))
      break;
    ax__heap_put(heap, i, heap->at[child]);
  }
  ax__heap_put(heap, i, slot);
}

static inline void ax__heap_remove(struct ax__heap *heap,
                                   struct ax__due *timer) {
  size_t i = timer->index - 1;
  struct ax__slot last = heap->at[--heap->count];
  timer->index = 0;
  if (last.timer == timer)
    return;
  ax__heap_down(heap, i, last);
  ax__heap_up(heap, last.timer->index - 1, last); /* one of the two moves it */
}

/* Where it belongs now. */
static inline struct ax__slot ax__slot_of(struct ax__due *timer) {
  timer->placed = timer->order;
  return (struct ax__slot){timer->expiry, timer};
}

/* Adds a wait: the timer is in the heap then, no later than it expires. */
static inline void ax__heap_arm(struct ax__heap *heap, struct ax__due *timer,
                                ax__entry *wait) {
  if (!timer->waits.head)
    timer->order = ++heap->armed;
  ax__queue_push(&timer->waits, wait);
  if (heap->count == heap->room) { /* there is always room for one more */
    heap->room = heap->room ? 2 * heap->room : 16;
    heap->at = ax__resize(heap->at, heap->room * sizeof *heap->at);
  }
  if (!timer->index)
    ax__heap_up(heap, heap->count++, ax__slot_of(timer));
  else if (timer->expiry < heap->at[timer->index - 1].key)
    ax__heap_up(heap, timer->index - 1, ax__slot_of(timer));
}

/* When to look next, which is no later than the first expiry; UINT64_MAX:
 * there is none. */
static inline uint64_t ax__heap_next(const struct ax__heap *heap) {
  return heap->count ? heap->at[0].key : UINT64_MAX;
}

/* Takes the waits that have expired, in order. */
static inline ax__queue ax__heap_expired(struct ax__heap *heap, uint64_t now) {
  ax__queue expired = {0};
  while (heap->count && heap->at[0].key <= now) {
    struct ax__due *first = heap->at[0].timer;
    bool early = /* it was put off since it was placed */
        first->expiry > heap->at[0].key || first->order > first->placed;
    if (first->waits.head && early) {
      ax__heap_down(heap, 0, ax__slot_of(first));
      continue;
    }
    ax__queue_splice(&expired, &first->waits);
    ax__heap_remove(heap, first);
  }
  return expired;
}

#endif
