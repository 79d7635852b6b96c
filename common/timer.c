/* timer.c: timers, in one heap per context.
 *
 * A timer with waits stands in a binary heap ordered by expiry, under the
 * context's lock. So arming and cancelling touch neither libuv nor the door;
 * the butler who minds the door sets the loop's one alarm for the first
 * expiry and takes what is due, comparing nanoseconds: libuv's milliseconds
 * decide only how long it sleeps. */
#include "core.h"

struct ax_timer {
  ax_obj obj;
  ax_executor *executor;
  ax_time expiry;
  ax__queue waits;
  size_t index; /* in the heap, plus one; 0: not there */
};

static struct ax__context *context_of(const ax_timer *timer) {
  return timer->executor->context;
}

/* ------------------------------------------------ the heap, with the lock */

static void heap_put(struct ax__heap *heap, size_t i, ax_timer *timer) {
  heap->at[i] = timer;
  timer->index = i + 1;
}

static void heap_up(struct ax__heap *heap, size_t i, ax_timer *timer) {
  for (; i > 0; i = (i - 1) / 2) {
    ax_timer *parent = heap->at[(i - 1) / 2];
    if (parent->expiry <= timer->expiry)
      break;
    heap_put(heap, i, parent);
  }
  heap_put(heap, i, timer);
}

static void heap_down(struct ax__heap *heap, size_t i, ax_timer *timer) {
  for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
    if (child + 1 < heap->count &&
        heap->at[child + 1]->expiry < heap->at[child]->expiry)
      child++;
    if (timer->expiry <= heap->at[child]->expiry)
      break;
    heap_put(heap, i, heap->at[child]);
  }
  heap_put(heap, i, timer);
}

static void heap_insert(struct ax__heap *heap, ax_timer *timer) {
  if (heap->count == heap->room) {
    heap->room = heap->room ? 2 * heap->room : 16;
    ax_timer **at = ax__alloc(heap->room * sizeof *at);
    if (heap->count)
      memcpy(at, heap->at, heap->count * sizeof *at);
    free(heap->at);
    heap->at = at;
  }
  heap_up(heap, heap->count++, timer);
}

static void heap_remove(struct ax__heap *heap, ax_timer *timer) {
  size_t i = timer->index - 1;
  ax_timer *last = heap->at[--heap->count];
  timer->index = 0;
  if (last == timer)
    return;
  heap_down(heap, i, last);
  heap_up(heap, last->index - 1, last); /* one of the two moves it */
}

/* Takes the timer's waits and takes it out of the heap. */
static void take_waits(ax_timer *timer, ax__queue *waits) {
  if (timer->index)
    heap_remove(&context_of(timer)->timers, timer);
  ax__queue_splice(waits, &timer->waits);
}

ax_time ax__timers_next(struct ax__context *context) {
  return context->timers.count ? context->timers.at[0]->expiry : UINT64_MAX;
}

void ax__timers_expired(struct ax__context *context, ax_time now,
                        ax__queue *expired) {
  while (ax__timers_next(context) <= now)
    take_waits(context->timers.at[0], expired);
}

void ax__timers_all(struct ax__context *context, ax__queue *waits) {
  while (context->timers.count)
    take_waits(context->timers.at[0], waits);
}

/* ------------------------------------------------------------- the public */

static void timer_destroy(void *object) {
  ax_timer *timer = object;
  ax_unref(timer->executor);
  free(timer);
}

ax_timer *ax_timer_new(ax_executor *executor) {
  ax_timer *timer = ax__alloc(sizeof *timer);
  *timer = (ax_timer){.executor = ax_ref(executor)};
  ax_obj_init(&timer->obj, timer_destroy);
  return timer;
}

/* Ends the waits and sets the expiry; the waits that were ended. */
static size_t end_waits(ax_timer *timer, const ax_time *expiry) {
  struct ax__context *context = context_of(timer);
  ax__queue waits = {0};
  ax__lock(&context->lock);
  take_waits(timer, &waits);
  if (expiry)
    timer->expiry = *expiry;
  ax__unlock(&context->lock);
  return ax__finish_all(&waits, UV_ECANCELED);
}

size_t ax_timer_expires_after(ax_timer *timer, ax_time after) {
  ax_time now = ax_now();
  ax_time expiry = after < UINT64_MAX - now ? now + after : UINT64_MAX;
  return end_waits(timer, &expiry);
}

size_t ax_timer_cancel(ax_timer *timer) { return end_waits(timer, NULL); }

void ax_timer_wait(ax_timer *timer, ax_token token) {
  struct ax__context *context = context_of(timer);
  ax_op *op = ax__op_new(timer->executor, timer, token);
  if (context->dead) {
    ax__op_pend(op, context);
    ax__op_drop(op);
    return;
  }
  ax__op_pend_locked(op, context);
  ax__lock(&context->lock);
  context->pending++;
  ax__queue_push(&timer->waits, &op->entry);
  if (!timer->index)
    heap_insert(&context->timers, timer);
  bool first = timer->index == 1;
  ax__unlock(&context->lock);
  if (first)
    ax__ring(context);
}
