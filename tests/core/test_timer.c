/* Timers: expiry, several waiters, moving and cancelling. */
#include "support.h"
#include "timer_heap.h"

#include <math.h>
#include <stdlib.h>

#define HOUR AX_SECONDS(3600)

/* What most tests need: a context and a timer on it. */
struct clock {
  ax_context *context;
  ax_timer *timer;
};

static struct clock clock_new(void) {
  ax_context *context = ax_context_new();
  return (struct clock){context, ax_timer_new(context)};
}

static void clock_free(struct clock *clock) {
  ax_unref(clock->timer);
  ax_context_free(clock->context);
}

static void expect_none(const struct seen *seen) {
  assert_int_equal(atomic_load(&seen->calls), 0);
}

/* --------------------------------------------------------------- expiring */

static void the_clock_goes_forward(void **state) {
  ax_time before = ax_now();
  for (int i = 0; i < 1000; i++) {
    ax_time now = ax_now();
    assert_true(now >= before);
    before = now;
  }
  double begin = seconds();
  ax_time from = ax_now();
  pause_before(deadline(), "a moment");
  double span = (double)(ax_now() - from) / 1e9;
  assert_true(span >= 0.001 && span <= seconds() - begin + 0.001);
}

static void spans_may_have_fractions(void **state) {
  assert_true(AX_MS(1) == 1000000);
  assert_true(AX_MS(0.5) == 500000);
  assert_true(AX_SECONDS(1.5) == 1500000000);
  int three = 3;
  assert_true(AX_SECONDS(three + 1) == 4000000000);
}

/* Also where the compiler wants a constant. */
static const ax_time spans[] = {
    AX_SECONDS(1e300), AX_MS(1e300),  AX_SECONDS(INFINITY), AX_MS(INFINITY),
    AX_SECONDS(-1),    AX_MS(-0.001), AX_SECONDS(-1e300),   AX_MS(-INFINITY),
    AX_SECONDS(NAN),   AX_MS(-NAN),   AX_SECONDS(0),        AX_MS(1e-9),
};

static ax_time seconds_of(volatile double seconds) {
  return AX_SECONDS(seconds);
}

static ax_time ms_of(volatile double ms) { return AX_MS(ms); }

static void spans_without_end_are_clamped(void **state) {
  static const double endless[] = {1e11, 1e20, 1e300, INFINITY};
  for (size_t i = 0; i < 4; i++)
    assert_true(spans[i] == UINT64_MAX);
  for (size_t i = 0; i < 4; i++) {
    assert_true(seconds_of(endless[i]) == UINT64_MAX);
    assert_true(ms_of(endless[i] * 1000) == UINT64_MAX);
  }
  assert_true(AX_SECONDS((double)UINT64_MAX) == UINT64_MAX);
  assert_true(seconds_of(18446744073) < UINT64_MAX);
  assert_true(AX_SECONDS(18446744073) == seconds_of(18446744073));
}

static void spans_of_the_past_are_zero(void **state) {
  static const double past[] = {-0.0, -1e-9, -1, -1e300, -INFINITY, NAN, -NAN};
  for (size_t i = 4; i < sizeof spans / sizeof *spans; i++)
    assert_true(spans[i] == 0);
  for (size_t i = 0; i < sizeof past / sizeof *past; i++)
    assert_true(seconds_of(past[i]) == 0 && ms_of(past[i]) == 0);
}

static void a_new_timer_has_expired(void **state) {
  struct seen seen = {0};
  struct clock clock = clock_new();
  INITIATE(ax_timer_wait(clock.timer, ax_call(on_seen, &seen)));
  assert_int_equal(ax_run(clock.context), 1);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, 0);
  clock_free(&clock);
}

static void an_expired_timer_may_be_waited_for_again(void **state) {
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, AX_MS(1));
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
    ax_run(clock.context);
    expect_seen(&seen, "wait", 0);
  }
  clock_free(&clock);
}

static void a_span_of_zero_expires_at_once(void **state) {
  struct seen seen = {0};
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, HOUR);
  ax_timer_expires_after(clock.timer, 0);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
  ax_run(clock.context);
  expect_seen(&seen, "wait", 0);
  clock_free(&clock);
}

struct wait {
  struct seen seen;
  ax_timer *timer;
  ax_time due, due_at_most; /* the expiry is between them */
};

static void wait_init(struct wait *wait, ax_context *context, ax_time after) {
  *wait = (struct wait){.timer = ax_timer_new(context)};
  wait->due = ax_now() + after;
  ax_timer_expires_after(wait->timer, after);
  wait->due_at_most = ax_now() + after;
  ax_timer_wait(wait->timer, ax_call(on_seen, &wait->seen));
}

static void a_timer_never_expires_early(void **state) {
  enum { WAITS = 400 };
  static struct wait waits[WAITS];
  uint32_t seed = 5;
  ax_context *context = ax_context_new();
  for (int i = 0; i < WAITS; i++)
    wait_init(&waits[i], context, next_random(&seed) % 30000000);
  ax_run(context);
  for (int i = 0; i < WAITS; i++) {
    expect_seen(&waits[i].seen, "wait", 0);
    assert_true(waits[i].seen.at >= waits[i].due);
    ax_unref(waits[i].timer);
  }
  ax_context_free(context);
}

static void on_busy_then_wait(void *arg, int err, size_t n) {
  void **args = arg;
  for (ax_time end = ax_now() + AX_MS(12); ax_now() < end;)
    continue;
  wait_init(args[0], args[1], AX_MS(5));
}

/* The loop's idea of the time is old while a handler works. */
static void a_timer_set_by_a_slow_handler_is_not_early(void **state) {
  struct wait wait;
  ax_context *context = ax_context_new();
  void *args[] = {&wait, context};
  ax_post(context, ax_call(on_busy_then_wait, args));
  ax_run(context);
  expect_seen(&wait.seen, "wait", 0);
  assert_true(wait.seen.at >= wait.due);
  ax_unref(wait.timer);
  ax_context_free(context);
}

/* Run begins long after the wait was initiated. Counted from there the expiry
 * would be twice as late; one try of a few is not disturbed by the machine. */
static void a_span_counts_from_the_call(void **state) {
  ax_time best = UINT64_MAX;
  for (int i = 0; i < 5 && best > AX_MS(30); i++) {
    struct wait wait;
    ax_context *context = ax_context_new();
    wait_init(&wait, context, AX_MS(60));
    while (ax_now() < wait.due - AX_MS(5))
      pause_before(deadline(), "most of the time");
    ax_run(context);
    assert_true(wait.seen.at >= wait.due);
    ax_time late = wait.seen.at - wait.due;
    best = late < best ? late : best;
    ax_unref(wait.timer);
    ax_context_free(context);
  }
  assert_true(best <= AX_MS(30));
}

static void a_span_that_ends_never_does_not_end(void **state) {
  struct seen never = {0};
  struct wait wait;
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, UINT64_MAX);
  ax_timer_wait(clock.timer, ax_call(on_seen, &never));
  wait_init(&wait, clock.context, AX_MS(5));
  struct butlers *butlers = butlers_start(clock.context, 1);
  wait_until(atomic_load(&wait.seen.calls));
  expect_none(&never);
  assert_int_equal(ax_timer_cancel(clock.timer), 1);
  butlers_join(butlers);
  expect_seen(&never, "wait", UV_ECANCELED);
  ax_unref(wait.timer);
  clock_free(&clock);
}

static void a_span_that_is_too_long_does_not_end_at_once(void **state) {
  static const ax_time spans[] = {AX_SECONDS(1e300), AX_SECONDS(1e10),
                                  UINT64_MAX - 1, UINT64_MAX - AX_MS(1)};
  for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
    struct seen never = {0};
    struct wait wait;
    struct clock clock = clock_new();
    ax_timer_expires_after(clock.timer, spans[i]);
    ax_timer_wait(clock.timer, ax_call(on_seen, &never));
    wait_init(&wait, clock.context, AX_MS(2));
    for (double end = deadline(); !wait.seen.calls; pause_before(end, "a wait"))
      ax_poll(clock.context);
    expect_none(&never);
    assert_int_equal(ax_timer_cancel(clock.timer), 1);
    ax_run(clock.context);
    ax_unref(wait.timer);
    clock_free(&clock);
  }
}

/* ------------------------------------------------- moments of the clock */

static void the_expiry_is_what_was_set(void **state) {
  struct clock clock = clock_new();
  ax_strand *strand = ax_strand_new(clock.context);
  ax_timer *timer = ax_timer_new(strand);
  assert_true(ax_timer_expiry(timer) <= ax_now());
  ax_timer_expires_at(timer, 12345);
  assert_true(ax_timer_expiry(timer) == 12345);
  ax_time before = ax_now();
  ax_timer_expires_after(timer, AX_MS(5));
  assert_in_range(ax_timer_expiry(timer), before + AX_MS(5),
                  ax_now() + AX_MS(5));
  ax_timer_expires_after(timer, UINT64_MAX);
  assert_true(ax_timer_expiry(timer) == UINT64_MAX);
  assert_ptr_equal(ax_timer_executor(timer), strand);
  assert_ptr_equal(ax_timer_executor(clock.timer), clock.context);
  ax_unref(timer);
  ax_unref(strand);
  clock_free(&clock);
}

static void a_moment_of_the_past_expires_at_once(void **state) {
  struct clock clock = clock_new();
  ax_time moments[] = {0, 1, ax_now() - AX_MS(1), ax_now()};
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    struct seen seen = {0};
    assert_int_equal(ax_timer_expires_at(clock.timer, moments[i]), 0);
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
    assert_int_equal(ax_poll(clock.context), 1);
    expect_seen(&seen, "wait", 0);
  }
  clock_free(&clock);
}

static void a_new_moment_cancels_those_who_wait(void **state) {
  struct seen seen[2] = {0};
  struct clock clock = clock_new();
  ax_timer_expires_at(clock.timer, ax_now() + HOUR);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[0]));
  ax_time due = ax_now() + AX_MS(2);
  assert_int_equal(ax_timer_expires_at(clock.timer, due), 1);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[1]));
  assert_int_equal(ax_run(clock.context), 2);
  expect_seen(&seen[0], "wait", UV_ECANCELED);
  expect_seen(&seen[1], "wait", 0);
  assert_true(seen[1].at >= due);
  clock_free(&clock);
}

/* Some ticks are late, because handlers are slow; the next ones are not. */
struct ticking {
  ax_timer *timer;
  ax_time start;
  unsigned ticks;
  bool wrong;
};

enum { TICKS = 20 };
static const ax_time PERIOD = AX_MS(0.7);

static void on_tick(void *arg, int err, size_t n) {
  struct ticking *ticking = arg;
  ax_time expiry = ticking->start + ++ticking->ticks * PERIOD;
  ticking->wrong |=
      err || ax_timer_expiry(ticking->timer) != expiry || ax_now() < expiry;
  if (ticking->ticks % 5 == 0)
    wait_until(ax_now() >= expiry + PERIOD / 2);
  if (ticking->ticks == TICKS)
    return;
  ax_timer_expires_at(ticking->timer, ax_timer_expiry(ticking->timer) + PERIOD);
  ax_timer_wait(ticking->timer, ax_call(on_tick, ticking));
}

static void a_timer_that_ticks_does_not_drift(void **state) {
  struct clock clock = clock_new();
  struct ticking ticking = {.timer = clock.timer, .start = ax_now()};
  ax_timer_expires_at(clock.timer, ticking.start + PERIOD);
  ax_timer_wait(clock.timer, ax_call(on_tick, &ticking));
  assert_int_equal(ax_run(clock.context), TICKS);
  assert_false(ticking.wrong);
  assert_true(ax_timer_expiry(clock.timer) == ticking.start + TICKS * PERIOD);
  clock_free(&clock);
}

/* ---------------------------------------------------------------- in order */

static void several_waiters_complete_in_the_order_they_came(void **state) {
  struct seen seen[10] = {0};
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, AX_MS(2));
  for (int i = 0; i < 10; i++)
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen[i]));
  assert_int_equal(ax_run(clock.context), 10);
  for (int i = 0; i < 10; i++) {
    expect_seen(&seen[i], "wait", 0);
    assert_int_equal(seen[i].turn, seen[0].turn + i);
  }
  clock_free(&clock);
}

/* Not in the order of the waits: the timer that was waited for first comes with
 * all of its waits. */
static void the_waits_of_one_timer_complete_together(void **state) {
  static const int timer_of[] = {0, 1, 0, 1}, turn_of[] = {0, 2, 1, 3};
  struct seen seen[4] = {{0}};
  ax_context *context = ax_context_new();
  ax_timer *timers[] = {ax_timer_new(context), ax_timer_new(context)};
  ax_time moment = ax_now() + AX_MS(2);
  for (int i = 0; i < 2; i++)
    ax_timer_expires_at(timers[i], moment);
  for (int i = 0; i < 4; i++)
    ax_timer_wait(timers[timer_of[i]], ax_call(on_seen, &seen[i]));
  assert_int_equal(ax_run(context), 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(seen[i].turn, seen[0].turn + turn_of[i]);
  for (int i = 0; i < 2; i++)
    ax_unref(timers[i]);
  ax_context_free(context);
}

static int by_turn(const void *a, const void *b) {
  return ((const struct wait *)a)->seen.turn -
         ((const struct wait *)b)->seen.turn;
}

/* Two whose moments of expiry differ by less than this are not told apart by
 * a clock of milliseconds. */
static const ax_time TICK = AX_MS(2);

static void many_timers_expire_in_the_order_of_their_expiry(void **state) {
  enum { WAITS = 10000 };
  struct wait *waits = calloc(WAITS, sizeof *waits);
  assert_non_null(waits);
  uint32_t seed = 11;
  ax_context *context = ax_context_new();
  for (int i = 0; i < WAITS; i++)
    wait_init(&waits[i], context, next_random(&seed) % AX_MS(300));
  assert_int_equal(ax_run(context), WAITS);
  qsort(waits, WAITS, sizeof *waits, by_turn);
  ax_time latest = 0;
  for (int i = 0; i < WAITS; i++) {
    expect_seen(&waits[i].seen, "wait", 0);
    assert_true(waits[i].seen.at >= waits[i].due);
    assert_true(waits[i].due_at_most + TICK > latest);
    latest = waits[i].due > latest ? waits[i].due : latest;
    ax_unref(waits[i].timer);
  }
  free(waits);
  ax_context_free(context);
}

/* Each once, in an order that the seed draws. */
static void shuffle(size_t *order, size_t count, uint32_t *seed) {
  for (size_t i = 0; i < count; i++) {
    size_t j = next_random(seed) % (i + 1);
    order[i] = order[j];
    order[j] = i;
  }
}

enum { CLOCKS = 500 };

/* Has been armed before, for another moment or for this one, or never. */
static size_t disturb(ax_timer *timer, ax_time moment, uint32_t *seed) {
  static const ax_time before[] = {0, 1, AX_MS(1)};
  uint32_t how = next_random(seed) % 4;
  if (how == 3)
    return 0;
  ax_timer_expires_at(timer, moment - before[how]);
  ax_timer_wait(timer, (ax_token){0});
  size_t cancelled = next_random(seed) % 2 ? ax_timer_cancel(timer) : 0;
  return cancelled + ax_timer_expires_at(timer, moment);
}

static void expect_in_order_armed(ax_context *context, ax_timer **timers,
                                  uint32_t *seed) {
  static struct seen seen[CLOCKS];
  size_t order[CLOCKS];
  ax_time moment = ax_now() + AX_MS(6);
  for (size_t i = 0; i < CLOCKS; i++) {
    seen[i] = (struct seen){0};
    disturb(timers[i], moment, seed);
    ax_timer_expires_at(timers[i], moment);
  }
  shuffle(order, CLOCKS, seed);
  for (size_t i = 0; i < CLOCKS; i++)
    ax_timer_wait(timers[order[i]], ax_call(on_seen, &seen[order[i]]));
  assert_int_equal(ax_run(context), CLOCKS);
  for (size_t i = 1; i < CLOCKS; i++)
    assert_int_equal(seen[order[i]].turn, seen[order[0]].turn + (int)i);
}

static void timers_of_one_moment_expire_in_the_order_armed(void **state) {
  uint32_t seed = 17;
  ax_timer *timers[CLOCKS];
  ax_context *context = ax_context_new();
  for (size_t i = 0; i < CLOCKS; i++)
    timers[i] = ax_timer_new(context);
  for (int round = 0; round < 8; round++)
    expect_in_order_armed(context, timers, &seed);
  for (size_t i = 0; i < CLOCKS; i++)
    ax_unref(timers[i]);
  ax_context_free(context);
}

/* The heap by itself, beside a model that keeps no order at all. */
struct entry {
  struct ax__due due;
  ax__entry wait;
  bool waits;
  uint64_t expiry, armed; /* what the model says of it */
};

enum { ENTRIES = 60 };

struct model {
  struct ax__heap heap;
  struct entry entries[ENTRIES];
  uint64_t now, armed;
  uint32_t seed;
};

static void model_arm(struct model *model, struct entry *entry) {
  if (entry->waits)
    return;
  entry->waits = true;
  entry->armed = ++model->armed;
  ax__heap_arm(&model->heap, &entry->due, &entry->wait);
}

static void model_cancel(struct entry *entry) {
  ax__queue waits = ax__queue_take(&entry->due.waits);
  assert_ptr_equal(waits.head, entry->waits ? &entry->wait : NULL);
  entry->waits = false;
}

/* Few moments, so that many are equal; some are of the past. */
static void model_move(struct model *model, struct entry *entry) {
  model_cancel(entry);
  entry->due.expiry = entry->expiry =
      model->now + next_random(&model->seed) % 12 - (model->now ? 1 : 0);
}

static void model_forget(struct model *model, struct entry *entry) {
  model_cancel(entry);
  if (entry->due.index)
    ax__heap_remove(&model->heap, &entry->due);
  *entry = (struct entry){.expiry = 0};
}

/* The one that comes next, if it has expired. */
static struct entry *model_next(struct model *model) {
  struct entry *next = NULL;
  for (size_t i = 0; i < ENTRIES; i++) {
    struct entry *entry = &model->entries[i];
    bool before = !next || entry->expiry < next->expiry ||
                  (entry->expiry == next->expiry && entry->armed < next->armed);
    if (entry->waits && entry->expiry <= model->now && before)
      next = entry;
  }
  return next;
}

static void model_expire(struct model *model) {
  model->now += next_random(&model->seed) % 3;
  ax__queue expired = ax__heap_expired(&model->heap, model->now);
  for (struct entry *next; (next = model_next(model)); next->waits = false)
    assert_ptr_equal(ax__queue_pop(&expired), &next->wait);
  assert_null(expired.head);
  assert_true(ax__heap_next(&model->heap) > model->now);
}

static void model_step(struct model *model) {
  struct entry *entry = &model->entries[next_random(&model->seed) % ENTRIES];
  uint32_t step = next_random(&model->seed) % 32;
  if (step < 14)
    model_arm(model, entry);
  else if (step < 24)
    model_move(model, entry);
  else if (step < 28)
    model_cancel(entry);
  else if (step < 30)
    model_forget(model, entry);
  else
    model_expire(model);
  for (size_t i = 0; i < ENTRIES; i++) /* nobody is looked for too late */
    if (model->entries[i].waits)
      assert_true(ax__heap_next(&model->heap) <= model->entries[i].expiry);
}

static void the_heap_does_as_a_list_that_is_searched(void **state) {
  for (uint32_t seed = 1; seed <= 20; seed++) {
    static struct model model;
    model = (struct model){.seed = seed};
    for (int step = 0; step < 3000; step++)
      model_step(&model);
    model.now = UINT64_MAX - 3;
    model_expire(&model);
    assert_int_equal(model.heap.count, 0);
    free(model.heap.at);
  }
}

static void a_shorter_wait_overtakes_a_longer_one(void **state) {
  struct wait longer, shorter;
  ax_context *context = ax_context_new();
  wait_init(&longer, context, AX_MS(40));
  wait_init(&shorter, context, AX_MS(2));
  ax_run(context);
  assert_true(shorter.seen.turn < longer.seen.turn);
  ax_unref(longer.timer);
  ax_unref(shorter.timer);
  ax_context_free(context);
}

/* ------------------------------------------------- moving and cancelling */

static void moving_the_expiry_cancels_those_who_wait(void **state) {
  struct seen seen[3] = {0};
  struct clock clock = clock_new();
  assert_int_equal(ax_timer_expires_after(clock.timer, HOUR), 0);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[0]));
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[1]));
  INITIATE(assert_int_equal(ax_timer_expires_after(clock.timer, AX_MS(1)), 2));
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[2]));
  assert_int_equal(ax_run(clock.context), 3);
  expect_seen(&seen[0], "wait", UV_ECANCELED);
  expect_seen(&seen[1], "wait", UV_ECANCELED);
  expect_seen(&seen[2], "wait", 0);
  assert_true(seen[0].turn < seen[1].turn);
  clock_free(&clock);
}

static void cancel_counts_those_who_wait(void **state) {
  struct seen seen[3] = {0};
  struct clock clock = clock_new();
  assert_int_equal(ax_timer_cancel(clock.timer), 0);
  ax_timer_expires_after(clock.timer, HOUR);
  assert_int_equal(ax_timer_cancel(clock.timer), 0);
  for (int i = 0; i < 3; i++)
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen[i]));
  INITIATE(assert_int_equal(ax_timer_cancel(clock.timer), 3));
  assert_int_equal(ax_timer_cancel(clock.timer), 0);
  assert_int_equal(ax_run(clock.context), 3);
  for (int i = 0; i < 3; i++)
    expect_seen(&seen[i], "wait", UV_ECANCELED);
  clock_free(&clock);
}

static void cancel_leaves_the_expiry_as_it_is(void **state) {
  struct seen cancelled = {0};
  struct wait wait;
  ax_context *context = ax_context_new();
  wait_init(&wait, context, AX_MS(5));
  ax_timer_cancel(wait.timer);
  ax_timer_wait(wait.timer, ax_call(on_seen, &cancelled));
  assert_int_equal(ax_run(context), 2);
  expect_seen(&wait.seen, "wait", UV_ECANCELED);
  expect_seen(&cancelled, "wait", 0);
  assert_true(cancelled.at >= wait.due);
  ax_unref(wait.timer);
  ax_context_free(context);
}

static void cancelling_one_timer_leaves_others_alone(void **state) {
  struct seen seen = {0};
  struct wait wait;
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, HOUR);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
  wait_init(&wait, clock.context, AX_MS(2));
  ax_timer_cancel(clock.timer);
  ax_run(clock.context);
  expect_seen(&seen, "wait", UV_ECANCELED);
  expect_seen(&wait.seen, "wait", 0);
  ax_unref(wait.timer);
  clock_free(&clock);
}

/* Whatever cancel finds, its count is that of the handlers it cancelled. */
static void cancel_after_expiry_changes_nothing(void **state) {
  struct seen seen[2] = {0};
  struct clock clock = clock_new();
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[0]));
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen[1]));
  size_t count = ax_timer_cancel(clock.timer);
  assert_int_equal(ax_run(clock.context), 2);
  size_t cancelled = 0;
  for (int i = 0; i < 2; i++) {
    expect_seen(&seen[i], "wait", seen[i].err ? UV_ECANCELED : 0);
    cancelled += seen[i].err == UV_ECANCELED;
  }
  assert_int_equal(count, cancelled);
  clock_free(&clock);
}

struct recall {
  ax_timer *first, *second;
  struct seen seen;
  size_t count;
};

/* Both have expired, and the loop may or may not know of the second. */
static void on_recall(void *arg, int err, size_t n) {
  struct recall *recall = arg;
  for (ax_time end = ax_now() + AX_MS(6); ax_now() < end;)
    continue;
  recall->count = ax_timer_cancel(recall->second);
}

static void what_has_expired_is_beyond_recall_or_counted(void **state) {
  for (int i = 0; i < 8; i++) {
    struct recall recall = {0};
    ax_context *context = ax_context_new();
    recall.first = ax_timer_new(context);
    recall.second = ax_timer_new(context);
    ax_timer_expires_after(recall.first, AX_MS(2));
    ax_timer_expires_after(recall.second, AX_MS(2) + AX_MS(0.5) * i);
    ax_timer_wait(recall.first, ax_call(on_recall, &recall));
    ax_timer_wait(recall.second, ax_call(on_seen, &recall.seen));
    ax_run(context);
    expect_seen(&recall.seen, "wait", recall.count ? UV_ECANCELED : 0);
    ax_unref(recall.first);
    ax_unref(recall.second);
    ax_context_free(context);
  }
}

struct periodic {
  ax_timer *timer;
  ax_time due;
  int left, early;
};

static void on_period(void *arg, int err, size_t n) {
  struct periodic *periodic = arg;
  periodic->early += ax_now() < periodic->due;
  if (periodic->left-- == 0)
    return;
  periodic->due = ax_now() + AX_MS(1);
  ax_timer_expires_after(periodic->timer, AX_MS(1));
  ax_timer_wait(periodic->timer, ax_call(on_period, periodic));
}

static void a_handler_may_set_its_timer_again(void **state) {
  struct clock clock = clock_new();
  struct periodic periodic = {.timer = clock.timer, .left = 30};
  ax_timer_wait(clock.timer, ax_call(on_period, &periodic));
  assert_int_equal(ax_run(clock.context), 31);
  assert_int_equal(periodic.early, 0);
  clock_free(&clock);
}

/* The heap is stirred while it is used: waits are ended, put off, put forward,
 * and timers go that stand in it still. */
struct stir {
  ax_timer *timer;
  ax_time due;
};

static void on_stirred(void *arg, int err, size_t n) {
  const struct stir *stir = arg;
  if (err == 0 && ax_now() < stir->due)
    give_up("a timer was early by %llu ns",
            (unsigned long long)(stir->due - ax_now()));
}

static size_t stir_one(struct stir *stir, ax_context *context, uint32_t *seed) {
  ax_time after = next_random(seed) % 9000000;
  size_t cancelled;
  if (next_random(seed) % 4 == 0) {
    cancelled = ax_timer_cancel(stir->timer);
    ax_unref(stir->timer);
    stir->timer = ax_timer_new(context);
    ax_timer_expires_after(stir->timer, after);
  } else {
    cancelled = ax_timer_expires_after(stir->timer, after);
  }
  stir->due = ax_now() + after - (after > 1000000 ? 1000000 : after);
  ax_timer_wait(stir->timer, ax_call(on_stirred, stir));
  return cancelled;
}

static void timers_may_be_moved_at_random(void **state) {
  enum { TIMERS = 50, MOVES = 5000 };
  struct stir stirs[TIMERS];
  uint32_t seed = 3;
  size_t cancelled = 0, run = 0;
  ax_context *context = ax_context_new();
  for (int i = 0; i < TIMERS; i++)
    stirs[i] = (struct stir){.timer = ax_timer_new(context)};
  for (int i = 0; i < MOVES; i++)
    cancelled += stir_one(&stirs[next_random(&seed) % TIMERS], context, &seed);
  run = ax_run(context);
  assert_int_equal(run, MOVES);
  assert_true(cancelled > MOVES / 2);
  for (int i = 0; i < TIMERS; i++)
    ax_unref(stirs[i].timer);
  ax_context_free(context);
}

/* ------------------------------------------------------------ other threads */

static void a_butler_that_sleeps_is_woken_for_a_new_timer(void **state) {
  struct seen seen = {0};
  struct clock clock = clock_new();
  ax_timer_expires_after(clock.timer, HOUR);
  ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(clock.context, 2);
  for (int i = 0; i < 20; i++) {
    struct wait wait;
    pause_before(deadline(), "the butlers to sleep");
    wait_init(&wait, clock.context, AX_MS(i % 3));
    wait_until(atomic_load(&wait.seen.calls));
    assert_true(wait.seen.at >= wait.due);
    ax_unref(wait.timer);
  }
  expect_none(&seen);
  ax_timer_cancel(clock.timer);
  butlers_join(butlers);
  expect_seen(&seen, "wait", UV_ECANCELED);
  clock_free(&clock);
}

static void a_wait_may_be_cancelled_from_another_thread(void **state) {
  for (int i = 0; i < 50; i++) {
    struct seen seen = {0};
    struct clock clock = clock_new();
    ax_timer_expires_after(clock.timer, HOUR);
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(clock.context, 2);
    if (i % 2)
      pause_before(deadline(), "the butlers to sleep");
    assert_int_equal(ax_timer_cancel(clock.timer), 1);
    butlers_join(butlers);
    expect_seen(&seen, "wait", UV_ECANCELED);
    clock_free(&clock);
  }
}

/* Expiry and cancel race; the count says who won. */
static void a_cancel_that_races_with_expiry_is_counted_right(void **state) {
  for (int i = 0; i < 200; i++) {
    struct seen seen = {0};
    struct clock clock = clock_new();
    ax_timer_expires_after(clock.timer, AX_MS(0.01) * (ax_time)(i % 100));
    ax_timer_wait(clock.timer, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(clock.context, 1);
    size_t count = ax_timer_cancel(clock.timer);
    butlers_join(butlers);
    expect_seen(&seen, "wait", count ? UV_ECANCELED : 0);
    clock_free(&clock);
  }
}

static void *wait_often(void *arg) {
  atomic_int *left = ((void **)arg)[1];
  for (int i = 0; i < 100; i++) {
    struct wait wait;
    wait_init(&wait, ((void **)arg)[0], AX_MS(0.2) * (ax_time)(i % 5));
    wait_until(atomic_load(&wait.seen.calls));
    if (wait.seen.at < wait.due)
      give_up("a timer expired early");
    ax_unref(wait.timer);
  }
  atomic_fetch_sub(left, 1);
  return NULL;
}

static void many_threads_may_wait_for_timers_of_their_own(void **state) {
  atomic_int left = 4;
  pthread_t threads[4];
  ax_context *context = ax_context_new();
  void *args[] = {context, &left};
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 0; i < 4; i++)
    threads[i] = thread_start(wait_often, args);
  for (int i = 0; i < 4; i++)
    thread_join(threads[i]);
  ax_work_end(context);
  assert_int_equal(butlers_join(butlers), 400);
  assert_int_equal(left, 0);
  ax_context_free(context);
}

/* ------------------------------------------------------------------ living */

static void a_timer_lives_while_somebody_waits(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  size_t before = ax_live().objects;
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(2));
  ax_timer_wait(timer, ax_call(on_seen, &seen));
  ax_unref(timer);
  assert_int_equal(ax_live().objects, before + 1);
  ax_run(context);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(ax_live().objects, before);
  ax_context_free(context);
}

/* The last reference goes in the timer's own handler. */
static void on_release(void *arg, int err, size_t n) { ax_unref(arg); }

static void a_handler_may_release_its_timer(void **state) {
  ax_context *context = ax_context_new();
  size_t before = ax_live().objects;
  ax_timer *timer = ax_timer_new(context);
  ax_timer_wait(timer, ax_call(on_release, timer));
  ax_run(context);
  assert_int_equal(ax_live().objects, before);
  ax_context_free(context);
}

static void waiting_uses_no_time(void **state) {
  ax_context *context = ax_context_new();
  expect_sleep(context, "who waits");
  ax_context_free(context);
}

/* Handlers that take `span` keep the table full until the timer has fired. */
struct rush {
  ax_context *context;
  ax_time span, due;
  int late; /* handlers that began more than a millisecond after it was due */
  bool fired;
};

static void on_fired(void *arg, int err, size_t n) {
  struct rush *rush = arg;
  rush->fired = true;
}

static void on_rush(void *arg, int err, size_t n) {
  struct rush *rush = arg;
  ax_time begin = ax_now();
  rush->late += !rush->fired && begin > rush->due + AX_MS(1);
  while (ax_now() - begin < rush->span)
    continue;
  if (!rush->fired)
    ax_post(rush->context, ax_call(on_rush, rush));
}

static int late_handlers(ax_time span) {
  struct clock clock = clock_new();
  struct rush rush = {.context = clock.context, .span = span};
  ax_timer_expires_after(clock.timer, AX_MS(1));
  rush.due = ax_now() + AX_MS(1);
  ax_timer_wait(clock.timer, ax_call(on_fired, &rush));
  ax_post(clock.context, ax_call(on_rush, &rush));
  ax_run(clock.context);
  clock_free(&clock);
  return rush.late;
}

/* The loop may wait for its turn longer than that. The clock is asked after
 * each handler that is slow, and after 32 that are quick; one or two more begin
 * before that of the timer. */
static void a_timer_is_seen_to_though_the_table_is_full(void **state) {
  for (int round = 0; round < 20; round++) {
    assert_in_range(late_handlers(AX_MS(0.12)), 0, 2);
    assert_in_range(late_handlers(AX_MS(0.02)), 0, 34);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(the_clock_goes_forward),
      clean_test(spans_may_have_fractions),
      clean_test(a_new_timer_has_expired),
      clean_test(an_expired_timer_may_be_waited_for_again),
      clean_test(a_span_of_zero_expires_at_once),
      clean_test(a_timer_never_expires_early),
      clean_test(a_timer_set_by_a_slow_handler_is_not_early),
      clean_test(a_span_counts_from_the_call),
      clean_test(a_span_that_ends_never_does_not_end),
      clean_test(several_waiters_complete_in_the_order_they_came),
      clean_test(the_waits_of_one_timer_complete_together),
      clean_test(many_timers_expire_in_the_order_of_their_expiry),
      clean_test(a_shorter_wait_overtakes_a_longer_one),
      clean_test(moving_the_expiry_cancels_those_who_wait),
      clean_test(cancel_counts_those_who_wait),
      clean_test(cancel_leaves_the_expiry_as_it_is),
      clean_test(cancelling_one_timer_leaves_others_alone),
      clean_test(cancel_after_expiry_changes_nothing),
      clean_test(what_has_expired_is_beyond_recall_or_counted),
      clean_test(a_handler_may_set_its_timer_again),
      clean_test(timers_may_be_moved_at_random),
      clean_test(a_butler_that_sleeps_is_woken_for_a_new_timer),
      clean_test(a_wait_may_be_cancelled_from_another_thread),
      clean_test(a_cancel_that_races_with_expiry_is_counted_right),
      clean_test(many_threads_may_wait_for_timers_of_their_own),
      clean_test(a_timer_lives_while_somebody_waits),
      clean_test(a_handler_may_release_its_timer),
      clean_test(waiting_uses_no_time),
      clean_test(a_timer_is_seen_to_though_the_table_is_full),
      clean_test(spans_without_end_are_clamped),
      clean_test(spans_of_the_past_are_zero),
      clean_test(a_span_that_is_too_long_does_not_end_at_once),
      clean_test(the_expiry_is_what_was_set),
      clean_test(a_moment_of_the_past_expires_at_once),
      clean_test(a_new_moment_cancels_those_who_wait),
      clean_test(a_timer_that_ticks_does_not_drift),
      clean_test(timers_of_one_moment_expire_in_the_order_armed),
      clean_test(the_heap_does_as_a_list_that_is_searched),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
