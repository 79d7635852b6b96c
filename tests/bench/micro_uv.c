/* micro_uv.c: what micro.c does and libuv can do as well: it has timers, and
 * one way into a loop that another thread runs, but no handlers to post.
 *
 *     micro_uv CASE     prints "uv/CASE operations_per_second" */
#include "measure.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { HANDLERS = 2000000, ARMED = 100000, ROUNDS = 10, FIRED = 200000 };

static uv_loop_t *loop;

/* ----------------------------------------------------------- from outside */

/* The list goes through the pieces themselves, which a program has anyway: so
 * handing them over takes no memory. */
static struct work {
  struct work *next;
  void (*call)(void);
} pieces[HANDLERS];

static uv_async_t async;
static uv_mutex_t mutex;
static struct work *first, **end; /* under the mutex */

static void nothing(void) {}

static void finish(void) { uv_stop(loop); }

/* Only the first has to wake the loop, which takes all there are. */
static void hand_over(struct work *work) {
  uv_mutex_lock(&mutex);
  bool wake = !first;
  *(wake ? &first : end) = work;
  end = &work->next;
  uv_mutex_unlock(&mutex);
  if (wake)
    uv_async_send(&async);
}

static void on_handed(uv_async_t *handle) {
  uv_mutex_lock(&mutex);
  struct work *work = first;
  first = NULL;
  uv_mutex_unlock(&mutex);
  for (; work; work = work->next)
    work->call();
}

static void outsider(void *arg) {
  for (int i = 0; i < HANDLERS; i++)
    hand_over(&pieces[i]);
}

static double outside(void) {
  uv_thread_t thread;
  for (int i = 0; i < HANDLERS; i++)
    pieces[i].call = i < HANDLERS - 1 ? nothing : finish;
  if (uv_mutex_init(&mutex) || uv_async_init(loop, &async, on_handed) ||
      uv_thread_create(&thread, outsider, NULL))
    abort();
  uint64_t begin = now();
  uv_run(loop, UV_RUN_DEFAULT);
  double rate = HANDLERS * 1e9 / (double)(now() - begin);
  uv_thread_join(&thread);
  return rate;
}

/* ----------------------------------------------------------------- timers */

static struct timer {
  uv_timer_t handle; /* first: the timer is found by it */
  uint64_t due;      /* ns */
  void (*stopped)(void);
} timers[FIRED];
static struct spread late;

static void on_due(uv_timer_t *handle) {
  spread_add(&late, now() - ((struct timer *)handle)->due);
}

/* libuv stops a timer and tells nobody. The core tells who waits for it, after
 * the call that stops it, and so do we. */
static double timer_cancel(void) {
  for (int i = 0; i < ARMED; i++) {
    uv_timer_init(loop, &timers[i].handle);
    timers[i].stopped = nothing;
  }
  uint64_t begin = cpu_of_self();
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ARMED; i++)
      uv_timer_start(&timers[i].handle, on_due,
                     60000 + (uint64_t)(i * 997 % ARMED) / 1000, 0);
    for (int i = 0; i < ARMED; i++)
      uv_timer_stop(&timers[i].handle);
    for (int i = 0; i < ARMED; i++)
      timers[i].stopped();
  }
  return ARMED * ROUNDS * 1e9 / (double)(cpu_of_self() - begin);
}

/* The loop's clock is ours in whole milliseconds. What is due between two of
 * them is rounded up, so that it does not come early. */
static double timer_fire(void) {
  for (int i = 0; i < FIRED; i++)
    uv_timer_init(loop, &timers[i].handle);
  uint64_t begin = cpu_of_self();
  uv_update_time(loop);
  for (int i = 0; i < FIRED; i++) {
    uint64_t us = 150000 + (uint64_t)i * 7919 % FIRED;
    timers[i].due = uv_now(loop) * 1000000 + us * 1000;
    uv_timer_start(&timers[i].handle, on_due, (us + 999) / 1000, 0);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  double rate = FIRED * 1e9 / (double)(cpu_of_self() - begin);
  spread_print_late(&late);
  return rate;
}

static double run_case(const char *name) {
  if (strcmp(name, "outside1") == 0)
    return outside();
  if (strcmp(name, "timer_cancel") == 0)
    return timer_cancel();
  return strcmp(name, "timer_fire") == 0 ? timer_fire() : 0;
}

int main(int argc, char **argv) {
  loop = uv_default_loop();
  double rate = argc == 2 ? run_case(argv[1]) : 0;
  if (rate == 0) {
    fprintf(stderr, "usage: micro_uv CASE (see micro_uv.c)\n");
    return 3;
  }
  printf("uv/%s %.0f\n", argv[1], rate);
  return 0;
}
