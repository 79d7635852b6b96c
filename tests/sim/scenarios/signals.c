/* Signals: each reaches a wait, or is kept for the next one.
 *
 * A signal is raised once in each scenario, by a handler or by a thread. The
 * loop must have taken the set over before, and ax_signals_add returns only
 * then, so no signal has its default effect, which would end the process. */
#include "gate.h"

#include <signal.h>

static ax_context *context;
static ax_signals *signals;
static atomic_int reached, cancelled;

static void on_signal(void *arg, int err, size_t n) {
  CHECK(err == 0 || err == UV_ECANCELED);
  CHECK(err || n == SIGUSR1);
  err ? cancelled++ : reached++;
}

static void wait_for_signal(ax_signals *set) {
  ax_signals_wait(set, ax_call(on_signal, NULL));
}

static ax_signals *new_set(void) {
  ax_signals *set = ax_signals_new(context);
  CHECK(ax_signals_add(set, SIGUSR1) == 0);
  return set;
}

static void open_set(void) {
  context = ax_context_new();
  signals = new_set();
}

static void close_set(void) {
  ax_unref(signals);
  end(context);
}

static void *raise_it(void *arg) {
  CHECK(raise(SIGUSR1) == 0);
  return NULL;
}

static void on_raise(void *arg, int err, size_t n) { raise_it(arg); }

static void check(int of_waits, int of_cancels) {
  CHECK(reached == of_waits && cancelled == of_cancels);
}

/* ------------------------------------------------- added beside a sleeper */

static void *add_and_cancel(void *arg) {
  signals = new_set();
  wait_for_signal(signals);
  ax_signals_cancel(signals);
  ax_work_end(context);
  return NULL;
}

static struct gate added = GATE;

static void on_blocked(void *arg, int err, size_t n) { gate_pass(&added); }

static void *add_and_open(void *arg) {
  signals = new_set();
  gate_open(&added);
  ax_work_end(context);
  return NULL;
}

static void *add_and_raise(void *arg) {
  signals = new_set();
  wait_for_signal(signals);
  ax_work_end(context);
  return raise_it(arg);
}

static void beside_butlers(int butlers, void *(*run)(void *)) {
  context = ax_context_new();
  ax_work_begin(context);
  pthread_t thread = start_thread(run, NULL);
  serve(context, butlers);
  join_thread(thread);
}

SCENARIO(signals_add_blocked,
         "adding a signal returns though a handler blocks the one butler") {
  context = ax_context_new();
  ax_work_begin(context);
  pthread_t butler = start_butler(context);
  pthread_t thread = start_thread(add_and_open, NULL);
  ax_post(context, ax_call(on_blocked, NULL));
  join_thread(thread);
  join_thread(butler);
  close_set();
}

SCENARIO(signals_add, "adding a signal returns though a butler sleeps") {
  beside_butlers(some(1, 2), add_and_cancel);
  check(0, 1);
  close_set();
}

SCENARIO(signals_wake, "a signal wakes the one butler") {
  beside_butlers(1, add_and_raise);
  check(1, 0);
  close_set();
}

/* ----------------------------------------------------- raised by anybody */

SCENARIO(signals_raised_outside,
         "a signal that a thread raises reaches the wait") {
  open_set();
  wait_for_signal(signals);
  pthread_t raiser = start_thread(raise_it, NULL);
  serve(context, 2);
  join_thread(raiser);
  check(1, 0);
  close_set();
}

SCENARIO(signals_raised_inside,
         "a signal that a handler raises reaches the wait") {
  open_set();
  wait_for_signal(signals);
  ax_post(context, ax_call(on_raise, NULL));
  serve(context, 2);
  check(1, 0);
  close_set();
}

static void *raise_and_end(void *arg) {
  raise_it(arg);
  ax_work_end(context);
  return NULL;
}

SCENARIO(signals_kept, "a signal that comes while nobody waits is kept for the "
                       "next wait") {
  open_set();
  ax_work_begin(context);
  pthread_t raiser = start_thread(raise_and_end, NULL);
  serve(context, 2);
  join_thread(raiser);
  wait_for_signal(signals);
  serve(context, 1);
  check(1, 0);
  close_set();
}

SCENARIO(signals_two_sets, "a signal reaches the waits of two sets") {
  open_set();
  ax_signals *other = new_set();
  wait_for_signal(signals);
  wait_for_signal(other);
  pthread_t raiser = start_thread(raise_it, NULL);
  serve(context, 2);
  join_thread(raiser);
  check(2, 0);
  ax_unref(other);
  close_set();
}

SCENARIO(signals_two_contexts, "a signal reaches the waits of two contexts") {
  open_set();
  ax_context *there = context, *here = context = ax_context_new();
  ax_signals *other = new_set();
  wait_for_signal(signals);
  wait_for_signal(other);
  pthread_t butler = start_butler(there);
  pthread_t raiser = start_thread(raise_it, NULL);
  serve(here, 1);
  join_thread(raiser);
  join_thread(butler);
  check(2, 0);
  ax_unref(other);
  ax_context_free(here);
  context = there;
  close_set();
}

/* --------------------------------------------------- cancel meets a signal */

/* From here on only this thread uses the set. */
static void *cancel(void *arg) {
  ax_signals_cancel(signals);
  return NULL;
}

static void cancel_beside(int butlers) {
  open_set();
  wait_for_signal(signals);
  pthread_t raiser = start_thread(raise_it, NULL);
  pthread_t canceller = start_thread(cancel, NULL);
  serve(context, butlers);
  join_thread(raiser);
  join_thread(canceller);
  serve(context, 1);
  CHECK(reached + cancelled == 1);
  if (cancelled)
    wait_for_signal(signals);
  serve(context, 1);
  CHECK(reached == 1);
  close_set();
}

SCENARIO(signals_cancel,
         "a signal that meets cancel reaches this wait or the next") {
  cancel_beside(some(1, 2));
}
