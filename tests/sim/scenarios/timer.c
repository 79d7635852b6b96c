/* Timers: each wait completes once, with 0 at the expiry and never before it,
 * or with UV_ECANCELED; who cancels learns how many waits that were.
 *
 * Time is virtual and jumps, so a timer may be late by many milliseconds. A
 * timer that is late because nobody woke the butler is later than that: in
 * these scenarios the butler would sleep for ever, or for an hour. */
#include "scenario.h"

static const ax_time HOUR = AX_SECONDS(3600);

static ax_context *context;
static atomic_int expired, cancelled;
static atomic_size_t counted; /* the waits that cancelling has counted */

static void on_timer(void *arg, int err, size_t n) {
  CHECK(n == 0);
  CHECK(err == 0 || err == UV_ECANCELED);
  err ? cancelled++ : expired++;
}

static void arm(ax_timer *timer, ax_time after, int waits) {
  counted += ax_timer_expires_after(timer, after);
  while (waits--)
    ax_timer_wait(timer, ax_call(on_timer, NULL));
}

static void check_waits(int waits) {
  CHECK(expired + cancelled == waits);
  CHECK(counted == (size_t)cancelled);
}

/* ------------------------------------------------- cancel against expiry */

/* On a thread that is the only one to use this timer meanwhile. */
static void *cancel_twice(void *timer) {
  counted += ax_timer_cancel(timer);
  sleep_for(AX_MS(0.5));
  counted += ax_timer_cancel(timer);
  return NULL;
}

static void cancel_timers(int butlers) {
  ax_timer *timers[3];
  pthread_t threads[3];
  context = ax_context_new();
  for (int i = 0; i < 3; i++)
    arm(timers[i] = ax_timer_new(context), AX_MS(i) / 2, 2);
  for (int i = 0; i < 3; i++)
    threads[i] = start_thread(cancel_twice, timers[i]);
  serve(context, butlers);
  for (int i = 0; i < 3; i++) {
    join_thread(threads[i]);
    ax_unref(timers[i]);
  }
  check_waits(6);
  end(context);
}

SCENARIO(timer_cancel, "each wait completes once when cancel meets expiry") {
  cancel_timers(some(1, 2));
}

/* On a thread that cancels what it has begun, beside a sleeping butler. */
static void *wait_and_cancel(void *timer) {
  for (int i = 0; i < 4; i++) {
    arm(timer, i % 2 ? HOUR : 0, 2);
    counted += ax_timer_cancel(timer);
  }
  ax_work_end(context);
  return NULL;
}

SCENARIO(timer_cancel_at_once,
         "a wait that is cancelled at once completes once") {
  context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_work_begin(context);
  pthread_t thread = start_thread(wait_and_cancel, timer);
  serve(context, 1);
  join_thread(thread);
  check_waits(8);
  ax_unref(timer);
  end(context);
}

/* ----------------------------------------------- put off, against expiry */

static ax_timer *timer;
static ax_strand *strand; /* the timer is used on it */

/* On the strand. */
static void on_put_off(void *arg, int err, size_t n) {
  arm(timer, AX_MS(0.2), 1);
}

static void *put_off_on_strand(void *arg) {
  for (int i = 0; i < 3; i++) {
    ax_post(strand, ax_call(on_put_off, NULL));
    sleep_for(AX_MS(0.2));
  }
  return NULL;
}

SCENARIO(timer_put_off, "each wait completes once when a strand puts the timer "
                        "off at its expiry") {
  context = ax_context_new();
  strand = ax_strand_new(context);
  timer = ax_timer_new(strand);
  arm(timer, AX_MS(0.1), 2);
  pthread_t thread = start_thread(put_off_on_strand, NULL);
  serve(context, 2);
  join_thread(thread);
  serve(context, 2);
  check_waits(5);
  ax_unref(timer);
  ax_unref(strand);
  end(context);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the timer */

static void put_off_locked(void) {
  CHECK(pthread_mutex_lock(&lock) == 0);
  arm(timer, AX_MS(0.2), 1);
  CHECK(pthread_mutex_unlock(&lock) == 0);
}

/* On any butler. */
static void on_put_off_locked(void *arg, int err, size_t n) {
  put_off_locked();
}

static void *put_off_outside(void *arg) {
  for (int i = 0; i < 2; i++) {
    put_off_locked();
    sleep_for(AX_MS(0.2));
  }
  return NULL;
}

SCENARIO(timer_put_off_locked, "each wait completes once when a handler and "
                               "another thread put the timer off") {
  context = ax_context_new();
  timer = ax_timer_new(context);
  arm(timer, AX_MS(0.1), 2);
  ax_post(context, ax_call(on_put_off_locked, NULL));
  pthread_t thread = start_thread(put_off_outside, NULL);
  serve(context, 2);
  join_thread(thread);
  serve(context, 2);
  check_waits(5);
  ax_unref(timer);
  end(context);
}

/* --------------------------------------------------- armed from outside */

static ax_timer *late; /* the butler sleeps for this one, if there is one */

static void on_soon(void *began, int err, size_t n) {
  CHECK(err == 0);
  CHECK(ax_now() < *(ax_time *)began + HOUR / 2);
  if (late)
    counted += ax_timer_cancel(late);
  else
    ax_work_end(context);
}

static void *arm_soon(void *began) {
  sleep_for(AX_MS(0.1));
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_soon, began));
  return NULL;
}

static void arm_beside(int butlers) {
  ax_time began = ax_now();
  timer = ax_timer_new(context);
  pthread_t thread = start_thread(arm_soon, &began);
  serve(context, butlers);
  join_thread(thread);
  ax_unref(timer);
}

SCENARIO(timer_wakes_the_sleeper,
         "a timer armed from outside fires though the butler sleeps for ever") {
  context = ax_context_new();
  ax_work_begin(context);
  arm_beside(1);
  end(context);
}

static void arm_before_late(int butlers) {
  context = ax_context_new();
  late = ax_timer_new(context);
  arm(late, HOUR, 1);
  arm_beside(butlers);
  ax_unref(late);
  check_waits(1);
  end(context);
}

SCENARIO(timer_overtakes, "a timer armed from outside fires before the one "
                          "that a butler sleeps for") {
  arm_before_late(some(1, 2));
}
