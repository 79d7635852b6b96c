/* timer.c: timers, in one heap per context under a lock of its own.
 *
 * Arming and cancelling touch neither libuv nor the loop; only a timer that is
 * the first to expire wakes the thread that sleeps there. The butler that polls
 * sets the loop's one alarm for the first expiry and takes what is due,
 * comparing nanoseconds: libuv's milliseconds decide only how long it sleeps.
 */
#include "context.h"
#include "op.h"

struct ax_timer {
  ax_obj obj;
  ax_executor *executor;
  struct ax__due due; /* changes under the context's timers_lock */
};

/* It may still stand in the heap, cancelled. */
static void timer_destroy(void *object) {
  ax_timer *timer = object;
  struct ax__context *context = timer->executor->context;
  ax__lock(&context->timers_lock);
  if (timer->due.index)
    ax__heap_remove(&context->timers, &timer->due);
  ax__unlock(&context->timers_lock);
  ax_unref(timer->executor);
  free(timer);
}

ax_timer *ax_timer_new(ax_executor *executor) {
  ax_timer *timer = ax__alloc(sizeof *timer);
  *timer = (ax_timer){.executor = ax_ref(executor)};
  ax_obj_init(&timer->obj, timer_destroy);
  return timer;
}

ax_executor *ax_timer_executor(ax_timer *timer) { return timer->executor; }

/* Takes the waits, and sets the expiry unless `expiry` is NULL. */
static size_t end_waits(ax_timer *timer, const ax_time *expiry) {
  struct ax__context *context = timer->executor->context;
  ax__lock(&context->timers_lock);
  ax__queue waits = ax__queue_take(&timer->due.waits);
  if (expiry)
    timer->due.expiry = *expiry;
  ax__unlock(&context->timers_lock);
  return ax__op_finish_all(&waits, UV_ECANCELED);
}

size_t ax_timer_expires_at(ax_timer *timer, ax_time moment) {
  return end_waits(timer, &moment);
}

size_t ax_timer_expires_after(ax_timer *timer, ax_time span) {
  ax_time now = ax_now();
  return ax_timer_expires_at(timer,
                             span < UINT64_MAX - now ? now + span : UINT64_MAX);
}

ax_time ax_timer_expiry(ax_timer *timer) { return timer->due.expiry; }

size_t ax_timer_cancel(ax_timer *timer) { return end_waits(timer, NULL); }

void ax__timer_wait(ax_timer *timer, ax_executor *executor, ax_fn *fn,
                    void *arg, void *keep, const char *name) {
  struct ax__context *context = timer->executor->context;
  ax_token token = {fn, arg, executor, keep, name, 0};
  ax_op *op = ax__op_begin(sizeof *op, timer->executor, timer, token);
  ax__op_pend(op);
  ax__lock(&context->timers_lock);
  bool closed = context->timers_closed, first = false;
  if (!closed) {
    ax__heap_arm(&context->timers, &timer->due, &op->entry);
    first = timer->due.index == 1;
  }
  if (first)
    ax__timers_changed(context);
  ax__unlock(&context->timers_lock);
  if (closed)
    op->entry.run(&op->entry, false);
  else if (first)
    ax__loop_wake(&context->loop.poller);
}
