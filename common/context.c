/* context.c: the proactor.
 *
 * The story's roles, and where they are here:
 *
 *   Johnny            a handler, called in op.c
 *   completion table  context->table, and the tray it is filled from
 *   butlers           the threads inside ax_run
 *   Assistant         whoever minds the door: mind_the_door
 *   Owner             ax__submit and the start functions it leads to
 *   blender           the operating system, seen through libuv's loop
 *
 * The Assistant is no thread of its own. To mind the door is a task like a
 * handler, taken by a butler in between: he starts what was ordered meanwhile,
 * runs the loop once (sleeping in it only when nothing is on the table), and
 * puts what completed on the table. So one thread at a time touches libuv, he
 * who has the door, and any butler can be that one. An order that finds the
 * door free is started at once, by whoever gives it; else it waits at the desk.
 *
 * While handlers keep the table full the door is minded after a round of them,
 * not after each: a chain of posts beside a socket takes 14 ns a handler so,
 * and Boost.Asio's, which looks each time, 130 (micro-ping1-live). A round is
 * what was on the table and then what that brought, for a read, its answer and
 * the next read belong together: when the loop is asked before the next read
 * waits, it reports data for nothing, and again later. With 1,000 clients an
 * echo costs a tenth more then (echo-tcp-1000).
 *
 * Whoever puts an entry on the table puts it on the tray, and a butler who
 * finds the table empty takes all that is there. Nobody counts entries: work is
 * what is pending, a butler on his round, and a table that is not empty. What
 * completes is put there first and then no longer pending, so that it is work
 * at every moment.
 *
 * Waking a thread costs more than most handlers, too. So a butler with nothing
 * to do is not woken for every order. One idle butler keeps watch: it looks at
 * the table every WATCH_SPAN, and lends a hand when the table was never empty
 * since its last look. That is how a handler that blocks holds up nobody for
 * more than a millisecond. Where handlers take less than BRISK two butlers
 * only wait for each other, so one of them steps aside and keeps watch: 17
 * instead of 47 ns a handler for chains on four strands (micro-strandchain2).
 * When the table stays empty the watch dozes until the loop brings something.
 * Only who sleeps in the loop is woken at once, by the bell.
 *
 * Tray, table, desk and door have latches. Who minds the door may sleep with it
 * closed, but nobody waits for him: he alone minds it, and the others look
 * whether it is free. `lock` is for what happens between rounds of serving. No
 * handler runs under any of them. Order: door, lock, desk, table, strands from
 * the top down, tray. */
#include "core.h"

#include <signal.h>

enum { TURN = 256, DOZE_AFTER = 8 };
static const ax_time BRISK = 200; /* nanoseconds a handler */
static const ax_time DOOR_SPAN = AX_MS(4), LATE = AX_MS(1);
static const ax_time ASK_SPAN = AX_MS(0.1);
static const ax_time WATCH_SPAN = AX_MS(0.45);

ax_time ax_now(void) { return uv_hrtime(); }

/* ------------------------------------------------------------- the bell */

/* After something was put where the sleeper would have looked. */
void ax__ring(struct ax__context *context) {
  if (!atomic_load(&context->polling) ||
      !atomic_exchange(&context->polling, false))
    return;
  if (ax__at_door(context))
    uv_stop(&context->loop); /* before it sleeps */
  else
    uv_async_send(&context->bell);
}

static void on_bell(uv_async_t *bell) {}

/* The loop would go to sleep after a timer that fired; it shall return. */
static void on_alarm(uv_timer_t *alarm) { uv_stop(alarm->loop); }

/* With the lock held: everybody looks up, for it is over. Unlocks, and does
 * nothing after that: the context may be freed then. */
static void unlock_and_wake_all(struct ax__context *context) {
  ax__wake_all(&context->bench);
  ax__wake_all(&context->watch);
  ax__ring(context);
  ax__unlock(&context->lock);
}

/* -------------------------------------------------- the completion table */

static unsigned long refills(struct ax__context *context) {
  return atomic_load_explicit(&context->refills, memory_order_relaxed);
}

static void context_push(ax_executor *executor, ax__entry *entry) {
  struct ax__context *context = executor->context;
  if (context->dead) {
    entry->run(entry, false);
    return;
  }
  ax__latch_close(&context->tray);
  ax__queue_push(&context->incoming, entry);
  ax__latch_open(&context->tray);
  ax__ring(context);
}

/* With `hand` closed. */
static void fill_table(struct ax__context *context) {
  ax__latch_close(&context->tray);
  ax__queue_splice(&context->table, &context->incoming);
  ax__latch_open(&context->tray);
  if (context->table.head)
    atomic_store_explicit(&context->refills, refills(context) + 1,
                          memory_order_relaxed);
}

static ax__entry *take_from_table(struct ax__context *context) {
  ax__latch_close(&context->hand);
  if (!context->table.head)
    fill_table(context);
  ax__entry *entry = ax__queue_pop(&context->table);
  ax__latch_open(&context->hand);
  return entry;
}

static bool table_is_empty(struct ax__context *context) {
  ax__latch_close(&context->hand);
  ax__latch_close(&context->tray);
  bool empty = !context->table.head && !context->incoming.head;
  ax__latch_open(&context->tray);
  ax__latch_open(&context->hand);
  return empty;
}

static bool is_stopped(struct ax__context *context) {
  return atomic_load_explicit(&context->stopped, memory_order_relaxed);
}

/* With the lock held: the butlers go home. */
static bool over(struct ax__context *context) {
  return context->stopped || (context->work == 0 && context->serving == 0 &&
                              table_is_empty(context));
}

/* The last piece goes under the lock: the butlers go home then, and who waits
 * for them may free the context. */
void ax__work_add(struct ax__context *context, long change) {
  for (size_t before; (before = context->work) + (size_t)change;)
    if (ax__change(&context->work, before, before + (size_t)change))
      return;
  ax__lock(&context->lock);
  ax__add(&context->work, (size_t)change);
  if (over(context))
    unlock_and_wake_all(context);
  else
    ax__unlock(&context->lock);
}

void ax_work_begin(ax_executor *executor) {
  ax__work_add(executor->context, 1);
}

void ax_work_end(ax_executor *executor) { ax__work_add(executor->context, -1); }

/* ------------------------------------------------------------- the door */

static bool at_door_now(struct ax__context *context) {
  atomic_store_explicit(&context->keeper, &ax__self, memory_order_relaxed);
  return true;
}

bool ax__door_try(struct ax__context *context) {
  return ax__latch_try(&context->door) && at_door_now(context);
}

void ax__door_close(struct ax__context *context) {
  ax__latch_close(&context->door);
  at_door_now(context);
}

void ax__door_open(struct ax__context *context) {
  atomic_store_explicit(&context->keeper, NULL, memory_order_relaxed);
  ax__latch_open(&context->door);
}

static ax__entry *next_request(struct ax__context *context) {
  ax__latch_close(&context->desk);
  ax__entry *request = ax__queue_pop(&context->requests);
  ax__latch_open(&context->desk);
  return request;
}

/* At the door. One by one, for starting one may order more. */
static void start_all(struct ax__context *context) {
  for (ax__entry *entry; (entry = next_request(context));)
    ax__op_of(entry)->start(ax__op_of(entry));
}

/* What is ordered is started at once when nobody has the door: so what main
 * sets up before ax_run is in force, and a handler's next read waits for its
 * data before these are reported. */
void ax__submit_again(ax_op *op) {
  struct ax__context *at = op->at;
  bool mine = ax__at_door(at), at_the_door = mine || ax__door_try(at);
  ax__latch_close(&at->desk);
  bool dead = at->dead;
  if (!dead)
    ax__queue_push(&at->requests, &op->entry);
  if (!at_the_door)
    ax__ring(at); /* here, for `at` may be gone after */
  ax__latch_open(&at->desk);
  if (at_the_door)
    start_all(at);
  if (at_the_door && !mine)
    ax__door_open(at);
  if (dead)
    ax__op_drop(op);
}

void ax__submit(ax_op *op, struct ax__context *at) {
  ax__op_pend(op, at);
  ax__submit_again(op);
}

void ax__settle(struct ax__context *context, atomic_bool *done) {
  while (!atomic_load(done)) {
    if (ax__door_try(context)) {
      start_all(context);
      ax__door_open(context);
    } else {
      ax__ring(context);
      sched_yield();
    }
  }
}

/* One pass through the loop, which may sleep until `due`. */
static void run_loop(struct ax__context *context, bool sleep, ax_time due) {
  ax_time now = ax_now();
  if (sleep && due > now) {
    if (due != UINT64_MAX) {
      uv_update_time(&context->loop);
      uv_timer_start(&context->alarm, on_alarm,
                     (due - now + AX_MS(1) - 1) / AX_MS(1), 0);
    }
    uv_ref((uv_handle_t *)&context->bell);
    uv_run(&context->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&context->bell);
  } else if (uv_loop_alive(&context->loop)) {
    uv_run(&context->loop, UV_RUN_NOWAIT);
  }
  if (ax__tracing())
    ax__trace_polled(now);
}

/* With the lock held, at the door: timers that are due complete there. */
static void expire(struct ax__context *context) {
  ax__queue expired = {0};
  if (ax__timers_next(context) == UINT64_MAX)
    return;
  ax__timers_expired(context, ax_now(), &expired);
  ax__unlock(&context->lock);
  ax__finish_all(&expired, 0);
  ax__lock(&context->lock);
}

/* Enters and leaves with the lock held. */
static void mind_the_door(struct ax__context *context) {
  context->minded = true;
  ax__unlock(&context->lock);
  ax__door_close(context);
  ax__lock(&context->lock);
  atomic_store(&context->polling, true); /* before looking for the last time */
  bool sleep = table_is_empty(context) && !over(context);
  if (!sleep)
    atomic_store(&context->polling, false);
  context->turns += sleep;
  ax_time due = ax__timers_next(context);
  ax__unlock(&context->lock);

  start_all(context);
  run_loop(context, sleep, due);
  ax__lock(&context->lock);
  atomic_store(&context->polling, false);
  expire(context);

  context->due = ax__timers_next(context);
  context->turns += sleep;
  context->minded = false;
  if (context->dozing)
    ax__wake_one(&context->watch);
  ax__door_open(context);
}

/* --------------------------------------------------------------- butlers */

/* A round of serving. The clock is asked after 1 entry, 2, 4, ... 32 more, and
 * after 1 again when those took ASK_SPAN. */
struct round {
  unsigned count, step, ask_at;
  size_t handlers; /* a strand's turn is one entry, with many of them */
  ax_time begin, asked;
  bool late; /* the door is to be minded now */
};

static void ask_the_clock(struct ax__context *context, struct round *round) {
  ax_time now = ax_now();
  bool slow = now - round->asked > ASK_SPAN;
  round->step = slow ? 1 : round->step < 32 ? 2 * round->step : 32;
  round->ask_at += round->step;
  round->asked = now;
  round->late = now - round->begin > DOOR_SPAN || context->due < now - LATE;
}

/* Runs what is on the table, until there is nothing to take or it is time to
 * mind the door: when the table has been filled with what was there, and then
 * with what that brought, and both were run, and TURN entries at least; or when
 * a timer is late, or after DOOR_SPAN. */
static struct round serve(struct ax__context *context) {
  ax_time now = ax_now();
  struct round round = {.step = 1, .ask_at = 1, .begin = now, .asked = now};
  round.handlers = ax__self.handlers;
  ax__entry *entry;
  unsigned long enough = refills(context) + 2;
  while (!round.late && !is_stopped(context) &&
         (round.count < TURN || refills(context) <= enough) &&
         (entry = take_from_table(context))) {
    entry->run(entry, true);
    if (++round.count == round.ask_at)
      ask_the_clock(context, &round);
  }
  round.handlers = ax__self.handlers - round.handlers;
  return round;
}

/* Looks at the table from time to time until a hand is needed: it was full at
 * every look, and those who serve it are not so quick that another one would
 * only be in their way. */
static void keep_watch(struct ax__context *context) {
  unsigned long turns = context->turns, served = context->served;
  for (unsigned quiet = 0; !over(context);) {
    if (quiet < DOZE_AFTER) {
      ax__wait_for(&context->watch, &context->lock, WATCH_SPAN);
    } else {
      context->dozing = true;
      ax__wait(&context->watch, &context->lock);
      context->dozing = false;
      quiet = 0;
    }
    bool full = !context->minded || !table_is_empty(context);
    unsigned long count = context->served - served;
    if (full && turns == context->turns && count * BRISK < WATCH_SPAN)
      return;
    quiet = !full && turns == context->turns ? quiet + 1 : 0;
    turns = context->turns;
    served = context->served;
  }
}

/* With the lock held, and nothing to do that others do not do better. */
static void idle(struct ax__context *context) {
  while (context->watched && !over(context))
    ax__wait(&context->bench, &context->lock);
  if (over(context))
    return;
  context->watched = true;
  keep_watch(context);
  context->watched = false;
  ax__wake_one(&context->bench); /* somebody else keeps watch now */
}

/* With the lock held: handlers are so short that this butler is only in the
 * way of another one, who made a round meanwhile. */
static bool is_in_the_way(struct round round, unsigned long by_others) {
  return by_others > 0 && round.count >= TURN &&
         ax_now() - round.begin < BRISK * round.handlers;
}

/* With the lock held, after a round of serving. */
static void look_around(struct ax__context *context, struct round round,
                        unsigned long by_others) {
  bool aside = context->serving > 0 && is_in_the_way(round, by_others);
  if (!aside && !context->minded)
    mind_the_door(context);
  else if (aside || table_is_empty(context))
    idle(context);
}

static void serve_until_over(struct ax__context *context) {
  while (!context->stopped) {
    unsigned long served = context->served;
    context->serving++;
    ax__unlock(&context->lock);
    struct round round = serve(context);
    ax__lock(&context->lock);
    context->serving--;
    unsigned long by_others = context->served - served;
    context->served += round.handlers;
    if (over(context))
      return;
    look_around(context, round, by_others);
  }
}

/* A butler is not cancelled in the middle of things. That he is said to be
 * cancellable at any point then has one effect: glibc need not note with two
 * exchanges at each system call that he is so for its time, which an echo with
 * two butlers spends a thirtieth on (echo-unix-50). */
static void forbid_cancel(int before[2]) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before[0]);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before[1]);
}

static void restore_cancel(const int before[2]) {
  pthread_setcanceltype(before[1], NULL);
  pthread_setcancelstate(before[0], NULL);
}

size_t ax_run(ax_executor *executor) {
  struct ax__context *context = executor->context;
  struct ax__frame frame;
  size_t before = ax__self.handlers;
  int number = ax__self.butler, cancel[2];
  forbid_cancel(cancel);
  ax__enter(&frame, &context->base);
  ax__lock(&context->lock);
  ax__self.butler = ++context->butlers;
  if (ax__tracing())
    ax__trace_butler();
  serve_until_over(context);
  context->butlers--;
  unlock_and_wake_all(context);
  ax__leave(&frame);
  ax__self.butler = number;
  if (!ax__self.inside)
    ax__pool_forget();
  restore_cancel(cancel);
  return ax__self.handlers - before;
}

int ax_butler(void) { return ax__self.butler; }

bool ax_inside(ax_executor *executor) {
  for (struct ax__frame *frame = ax__self.inside; frame; frame = frame->up)
    if (frame->executor == executor)
      return true;
  return false;
}

void ax_stop(ax_executor *executor) {
  struct ax__context *context = executor->context;
  ax__lock(&context->lock);
  atomic_store(&context->stopped, true);
  unlock_and_wake_all(context);
}

bool ax_stopped(ax_executor *executor) {
  return atomic_load(&executor->context->stopped);
}

void ax_restart(ax_executor *executor) {
  atomic_store(&executor->context->stopped, false);
}

uv_loop_t *ax_context_loop(ax_executor *executor) {
  return &executor->context->loop;
}

/* ------------------------------------------------------ beginning and end */

/* A write to a pipe that nobody reads is an error for a handler, not the end
 * of the process. A program that has its own mind about SIGPIPE keeps it. */
static void ignore_sigpipe(void) {
  struct sigaction now;
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

static void open_process(void) {
  ax__trace_open();
  ax__pool_open();
}

static void must(int err, const char *what) {
  if (err) {
    fprintf(stderr, "ax: %s: %s\n", what, uv_strerror(err));
    abort();
  }
}

static void open_loop(struct ax__context *context) {
  must(uv_loop_init(&context->loop), "cannot make an event loop");
  must(uv_async_init(&context->loop, &context->bell, on_bell),
       "cannot make a bell for the event loop");
  must(uv_timer_init(&context->loop, &context->alarm), "cannot make a timer");
  uv_unref((uv_handle_t *)&context->bell);
  uv_unref((uv_handle_t *)&context->alarm);
}

/* Memory only: objects that outlive their context hold it. */
static void context_destroy(void *object) {
  struct ax__context *context = object;
  free(context->timers.at);
  ax__mutex_destroy(&context->lock);
  ax__cond_destroy(&context->bench);
  ax__cond_destroy(&context->watch);
  free(context);
}

ax_context *ax_context_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static atomic_uint count;
  pthread_once(&once, open_process);
  ignore_sigpipe();
  struct ax__context *context = ax__alloc(sizeof *context);
  memset(context, 0, sizeof *context);
  context->base.context = context;
  context->base.push = context_push;
  context->base.kind = "context";
  context->base.number = atomic_fetch_add(&count, 1) + 1;
  ax_obj_init(&context->base.obj, context_destroy);
  ax__mutex_init(&context->lock);
  ax__cond_init(&context->bench);
  ax__cond_init(&context->watch);
  open_loop(context);
  context->due = UINT64_MAX;
  return &context->base;
}

static void shut_handle(uv_handle_t *handle, void *arg) {
  struct ax__io *io = handle->data;
  if (!uv_is_closing(handle) && io)
    ax__io_shut(io);
}

static void close_loop(struct ax__context *context) {
  uv_walk(&context->loop, shut_handle, NULL);
  uv_close((uv_handle_t *)&context->bell, NULL);
  uv_close((uv_handle_t *)&context->alarm, NULL);
  uv_run(&context->loop, UV_RUN_DEFAULT);
  must(uv_loop_close(&context->loop), "a handle of the loop is still open");
}

static void drop_table(struct ax__context *context) {
  for (ax__entry *entry; (entry = take_from_table(context));)
    entry->run(entry, false);
}

static void drop_initiated(struct ax__context *context) {
  for (ax_op *op; (op = LIST_FIRST(&context->initiated));) {
    LIST_REMOVE(op, initiated);
    ax__op_drop(op);
  }
}

/* What is dropped may let go of the last reference to user objects, whose
 * destroy functions may call anything here; it finds the context dead. */
void ax_context_free(ax_context *executor) {
  if (!executor)
    return;
  struct ax__context *context = executor->context;
  assert(context->butlers == 0 && "ax_context_free while a butler is inside");
  ax__queue waits = {0};
  ax__door_close(context);
  ax__lock(&context->lock);
  ax__latch_close(&context->desk);
  context->dead = true;
  ax__latch_open(&context->desk);
  ax__timers_all(context, &waits);
  ax__unlock(&context->lock);
  start_all(context);
  close_loop(context);
  ax__door_open(context);
  drop_table(context);
  ax__drop_all(&waits);
  drop_initiated(context);
  ax_unref(executor);
  ax__pool_trim();
}
