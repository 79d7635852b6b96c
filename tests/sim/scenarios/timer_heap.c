/* Many timers of one context: they share a heap, where a timer that was
 * cancelled or put off may stay until its old moment comes.
 *
 * A clock is a timer and the moment it was set to. Its handler checks that the
 * moment has come, and not long ago, in virtual time. Clocks that ring are
 * never cancelled, and those that are cancelled were set to an hour. */
#include "gate.h"

enum { CLOCKS = 6 };
static const ax_time HOUR = AX_SECONDS(3600), LATE = AX_SECONDS(60);

static struct clock {
  ax_timer *timer;
  ax_time earliest;
  int rung, cancelled;
} clocks[CLOCKS];

static ax_context *context;

/* On any butler, once for each wait. */
static void on_ring(void *arg, int err, size_t n) {
  struct clock *clock = arg;
  CHECK(err == 0 || err == UV_ECANCELED);
  CHECK(err || ax_now() >= clock->earliest);
  CHECK(err || ax_now() < clock->earliest + LATE);
  err ? clock->cancelled++ : clock->rung++;
}

static void clock_set(struct clock *clock, ax_time after) {
  clock->earliest = ax_now() + after;
  ax_timer_expires_after(clock->timer, after);
  ax_timer_wait(clock->timer, ax_call(on_ring, clock));
}

static void open_clocks(void) {
  context = ax_context_new();
  for (int i = 0; i < CLOCKS; i++)
    clocks[i].timer = ax_timer_new(context);
}

static void check_clocks(int rung, int cancelled) {
  for (int i = 0; i < CLOCKS; i++) {
    rung -= clocks[i].rung;
    cancelled -= clocks[i].cancelled;
  }
  CHECK(rung == 0 && cancelled == 0);
}

static void release_clocks(void) {
  for (int i = 0; i < CLOCKS; i++)
    ax_unref(clocks[i].timer);
}

static void never_early(int butlers) {
  static const double after[CLOCKS] = {0.7, 0.1, 1.3, 0, 0.4, 0.4};
  open_clocks();
  for (int i = 0; i < CLOCKS; i++)
    clock_set(&clocks[i], AX_MS(after[i]));
  serve(context, butlers);
  check_clocks(CLOCKS, 0);
  release_clocks();
  end(context);
}

SCENARIO(timer_never_early, "no handler runs before its timer expires") {
  never_early(some(1, 2));
}

/* ---------------------------------------------- put off, pulled forward */

/* Between the two calls no wait may be pending, so ax_run may return. */
static void *move_odd_clocks(void *arg) {
  for (int i = 1; i < CLOCKS; i += 2)
    clock_set(&clocks[i], AX_MS(0.3) * (ax_time)i);
  ax_work_end(context);
  return NULL;
}

SCENARIO(timer_pulled_forward,
         "timers that are set anew move in the heap beside a sleeper") {
  open_clocks();
  for (int i = 0; i < CLOCKS; i++)
    clock_set(&clocks[i], i % 2 ? HOUR : AX_MS(0.3) * (ax_time)i);
  ax_work_begin(context); /* also between two waits of the last clock */
  pthread_t thread = start_thread(move_odd_clocks, NULL);
  serve(context, 2);
  join_thread(thread);
  serve(context, 1);
  check_clocks(CLOCKS, CLOCKS / 2);
  release_clocks();
  end(context);
}

SCENARIO(timer_put_far_off, "a timer that is put off fires at its new moment") {
  open_clocks();
  for (int i = 0; i < CLOCKS; i++) {
    clock_set(&clocks[i], AX_MS(0.1) * (ax_time)i);
    clock_set(&clocks[i], AX_MS(50) - AX_MS(0.1) * (ax_time)i);
  }
  serve(context, 2);
  for (int i = 0; i < CLOCKS; i++)
    CHECK(clocks[i].rung >= 1 && clocks[i].rung + clocks[i].cancelled == 2);
  release_clocks();
  end(context);
}

/* -------------------------------------------------------- destroyed */

/* Gives up some clocks; others are armed, before and after them. */
static void *give_up_odd_clocks(void *arg) {
  for (int i = 1; i < CLOCKS; i += 2) {
    ax_timer_cancel(clocks[i].timer);
    ax_unref(clocks[i].timer);
  }
  return NULL;
}

SCENARIO(timer_destroyed, "timers that are destroyed leave the others alone") {
  open_clocks();
  for (int i = 0; i < CLOCKS; i++)
    clock_set(&clocks[i], i % 2 ? HOUR : AX_MS(0.2) * (ax_time)i);
  pthread_t thread = start_thread(give_up_odd_clocks, NULL);
  serve(context, 2);
  join_thread(thread);
  check_clocks(CLOCKS / 2, CLOCKS / 2);
  for (int i = 0; i < CLOCKS; i += 2)
    ax_unref(clocks[i].timer);
  end(context);
}

SCENARIO(timer_released, "a released timer still fires for its wait") {
  open_clocks();
  for (int i = 0; i < CLOCKS; i++) {
    clock_set(&clocks[i], AX_MS(0.1) * (ax_time)i);
    if (i % 2)
      ax_unref(clocks[i].timer);
  }
  serve(context, 2);
  check_clocks(CLOCKS, 0);
  for (int i = 0; i < CLOCKS; i += 2)
    ax_unref(clocks[i].timer);
  end(context);
}

/* ------------------------------------------- from handlers, beside others */

static struct gate gate = GATE;
static int ticks;

/* One at a time, for each tick begins the next wait. */
static void on_tick(void *arg, int err, size_t n) {
  struct clock *clock = arg;
  CHECK(err == 0 && ax_now() >= clock->earliest);
  if (++ticks == 4) {
    gate_open(&gate);
    return;
  }
  clock->earliest = ax_now() + AX_MS(0.3);
  ax_timer_expires_after(clock->timer, AX_MS(0.3));
  ax_timer_wait(clock->timer, ax_call(on_tick, clock));
}

static void tick_with(int butlers) {
  clocks[0].timer = ax_timer_new(context);
  ax_timer_wait(clocks[0].timer, ax_call(on_tick, &clocks[0]));
  serve(context, butlers);
  CHECK(ticks == 4);
  ax_unref(clocks[0].timer);
  end(context);
}

SCENARIO(timer_ticks, "a timer that each handler sets anew fires each time") {
  context = ax_context_new();
  tick_with(1);
}

/* On one butler, until the other one has seen all ticks. */
static void on_long(void *arg, int err, size_t n) { gate_pass(&gate); }

SCENARIO(timer_beside_long,
         "timers fire on one butler while a handler blocks the other") {
  context = ax_context_new();
  ax_post(context, ax_call(on_long, NULL));
  tick_with(2);
}

/* ------------------------------------------------- several at one moment */

SCENARIO(timer_waits_on_one, "all waits on one timer end at its expiry") {
  struct clock *clock = &clocks[0];
  context = ax_context_new();
  clock->timer = ax_timer_new(context);
  clock->earliest = ax_now() + AX_MS(1);
  ax_timer_expires_after(clock->timer, AX_MS(1));
  for (int i = 0; i < 4; i++)
    ax_timer_wait(clock->timer, ax_call(on_ring, clock));
  serve(context, 1);
  CHECK(clock->rung == 4);
  ax_unref(clock->timer);
  end(context);
}

static struct clock *in_turn[CLOCKS];
static ax_strand *strand;
static int turn;

/* On the strand. */
static void on_turn(void *clock, int err, size_t n) {
  if (err == 0)
    CHECK(in_turn[turn++] == clock);
}

/* Sets it to the one moment, behind all that are. */
static void set_last(struct clock *clock, ax_time moment) {
  ax_timer_expires_at(clock->timer, moment);
  ax_timer_wait(clock->timer, ax_on(strand, ax_call(on_turn, clock)));
}

SCENARIO(timer_in_turn,
         "timers of one moment expire in the order in which they were armed") {
  open_clocks();
  strand = ax_strand_new(context);
  ax_time moment = ax_now() + AX_SECONDS(1);
  int again = some(0, CLOCKS - 1);
  for (int i = 0; i < CLOCKS; i++)
    set_last(&clocks[i], moment);
  set_last(&clocks[again], moment);
  for (int i = 0; i < CLOCKS; i++)
    in_turn[i] = &clocks[i < again ? i : i + 1 < CLOCKS ? i + 1 : again];
  serve(context, some(1, 2));
  CHECK(turn == CLOCKS);
  release_clocks();
  ax_unref(strand);
  end(context);
}

/* ----------------------------------------------- the first one is destroyed */

static void on_nothing(void *arg, int err, size_t n) {}

/* On the butler, which sleeps without a timer then. */
static void on_destroy(void *first, int err, size_t n) {
  ax_timer_cancel(first);
  ax_unref(first);
}

static void *arm_later(void *clock) {
  sleep_for(AX_MS(20));
  clock_set(clock, AX_SECONDS(20));
  ax_work_end(context);
  return NULL;
}

SCENARIO(timer_after_destroyed,
         "a timer armed beside a sleeper fires though an earlier one was "
         "destroyed") {
  context = ax_context_new();
  ax_work_begin(context);
  ax_timer *first = ax_timer_new(context);
  ax_timer_expires_after(first, AX_SECONDS(10));
  ax_timer_wait(first, ax_call(on_nothing, NULL));
  ax_post(context, ax_call(on_destroy, first));
  clocks[0].timer = ax_timer_new(context);
  pthread_t thread = start_thread(arm_later, &clocks[0]);
  serve(context, 1);
  join_thread(thread);
  CHECK(clocks[0].rung == 1);
  ax_unref(clocks[0].timer);
  end(context);
}
