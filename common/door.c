/* door.c: where the loop is, and who minds it.
 *
 * The Assistant is no thread of its own. To mind the door is a task like a
 * handler, taken by a butler in between: he starts what was ordered meanwhile,
 * runs the loop once (sleeping in it only when nothing is on the table), and
 * puts what completed on the table. So one thread at a time touches libuv, he
 * who has the door, and any butler can be that one. An order that finds the
 * door free is started at once, by whoever gives it; else it waits at the desk.
 *
 * Only who sleeps in the loop is woken at once, by the bell. */
#include "core.h"

/* ------------------------------------------------------------- the bell */

/* After something was put where the sleeper would have looked. */
void ax__ring(struct ax__context *context) {
  if (!atomic_load(&context->polling) ||
      !atomic_exchange(&context->polling, false))
    return;
  if (ax__at_door(context))
    uv_stop(&context->loop); /* it does not sleep then */
  else
    uv_async_send(&context->bell);
}

/* The loop would go to sleep after a timer that fired; it shall return. */
static void on_alarm(uv_timer_t *alarm) { uv_stop(alarm->loop); }

/* ------------------------------------------------- the door and the desk */

bool ax__door_try(struct ax__context *context) {
  struct ax__self *nobody = NULL;
  return atomic_compare_exchange_strong(&context->keeper, &nobody, &ax__self);
}

void ax__door_close(struct ax__context *context) {
  while (!ax__door_try(context))
    sched_yield();
}

void ax__door_open(struct ax__context *context) {
  atomic_store_explicit(&context->keeper, NULL, memory_order_release);
}

/* NULL: there is none, and the door is open if that is to be. It opens before
 * the desk is free, so that who leaves a request after that finds it open. */
static ax__entry *next_request(struct ax__context *context, bool then_open) {
  ax__latch_close(&context->desk);
  ax__entry *request = ax__queue_pop(&context->requests);
  if (!request && then_open)
    ax__door_open(context);
  ax__latch_open(&context->desk);
  return request;
}

/* One by one, for starting one may order more. */
void ax__start_all(struct ax__context *context, bool then_open) {
  for (ax__entry *entry; (entry = next_request(context, then_open));)
    ax__op_of(entry)->start(ax__op_of(entry));
}

/* What is ordered is started at once when nobody has the door: so what main
 * sets up before ax_run is in force, and a handler's next read waits for its
 * data before these are reported. A request that finds nobody and nothing
 * before it is started without going over the desk. */
void ax__submit(ax_op *op, struct ax__context *at) {
  if (!op->pending)
    ax__op_pend(op, at);
  ax__latch_close(&at->desk);
  bool mine = ax__at_door(at), at_the_door = mine || ax__door_try(at);
  bool dead = at->dead, next = at_the_door && !at->requests.head;
  if (!dead && !next)
    ax__queue_push(&at->requests, &op->entry);
  if (!at_the_door)
    ax__ring(at); /* here, for `at` may be gone after */
  ax__latch_open(&at->desk);
  if (next && !dead)
    op->start(op);
  if (at_the_door && !(mine && next))
    ax__start_all(at, !mine);
  if (dead)
    ax__op_drop(op);
}

void ax__settle(struct ax__context *context, atomic_bool *done) {
  while (!atomic_load(done)) {
    if (ax__door_try(context)) {
      ax__start_all(context, true);
    } else {
      ax__ring(context);
      sched_yield();
    }
  }
}

/* ------------------------------------------------------------- the loop */

/* One pass through the loop, which may sleep until `due`. The clock is asked
 * only where a timer waits. A loop with nothing in it but the bell is left
 * alone where it need not sleep, for a look in each round may keep timers from
 * coming in batches: one that fires takes 780 ns so, and 990 else
 * (micro-timer_fire, on a busy machine). */
static void run_loop(struct ax__context *context, bool sleep, ax_time due) {
  bool empty = !uv_loop_alive(&context->loop);
  bool timed = sleep && due != UINT64_MAX;
  ax_time now = timed || ax__tracing() ? ax_now() : 0;
  if (sleep && due > now) {
    if (timed) {
      uv_update_time(&context->loop);
      uv_timer_start(&context->alarm, on_alarm,
                     (due - now + AX_MS(1) - 1) / AX_MS(1), 0);
    }
    if (empty)
      uv_ref((uv_handle_t *)&context->bell);
    uv_run(&context->loop, UV_RUN_ONCE);
    if (empty)
      uv_unref((uv_handle_t *)&context->bell);
  } else if (!empty) {
    uv_run(&context->loop, UV_RUN_NOWAIT);
  }
  if (ax__tracing())
    ax__trace_polled(now);
}

/* With the lock held, at the door: timers that are due complete there. */
static void expire(struct ax__context *context) {
  if (ax__timers_next(context) == UINT64_MAX)
    return;
  ax__queue expired = ax__timers_expired(context, ax_now());
  ax__unlock(&context->lock);
  ax__finish_all(&expired, 0);
  ax__lock(&context->lock);
}

void ax__mind_the_door(struct ax__context *context) {
  context->minded = true;
  ax__unlock(&context->lock);
  ax__door_close(context);
  ax__lock(&context->lock);
  atomic_store(&context->polling, true); /* before looking for the last time */
  bool sleep = ax__table_is_empty(context) && !ax__over(context);
  if (!sleep)
    atomic_store(&context->polling, false);
  context->turns += sleep;
  ax_time due = ax__timers_next(context);
  ax__unlock(&context->lock);

  ax__start_all(context, false);
  run_loop(context, sleep, due);
  ax__lock(&context->lock);
  atomic_store(&context->polling, false);
  expire(context);

  context->due = ax__timers_next(context);
  context->turns += sleep;
  context->minded = false;
  if (context->idle && !context->watched)
    ax__wake_one(&context->watch);
  ax__door_open(context);
}

static void must(int err, const char *what) {
  if (err) {
    fprintf(stderr, "ax: %s: %s\n", what, uv_strerror(err));
    abort();
  }
}

void ax__loop_open(struct ax__context *context) {
  must(uv_loop_init(&context->loop), "cannot make an event loop");
  must(uv_async_init(&context->loop, &context->bell, NULL),
       "cannot make a bell for the event loop");
  must(uv_timer_init(&context->loop, &context->alarm), "cannot make a timer");
  uv_unref((uv_handle_t *)&context->bell);
  uv_unref((uv_handle_t *)&context->alarm);
}

static void shut_handle(uv_handle_t *handle, void *arg) {
  struct ax__io *io = handle->data;
  if (!uv_is_closing(handle) && io)
    ax__io_shut(io);
}

void ax__loop_close(struct ax__context *context) {
  uv_walk(&context->loop, shut_handle, NULL);
  uv_close((uv_handle_t *)&context->bell, NULL);
  uv_close((uv_handle_t *)&context->alarm, NULL);
  while (uv_run(&context->loop, UV_RUN_DEFAULT))
    continue; /* it had been told to stop */
  must(uv_loop_close(&context->loop), "a handle of the loop is still open");
}
