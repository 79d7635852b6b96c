/* Lesson 1: one operation, one handler, and ax_run returns after it. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(1, "lessons/01-timer/expected.txt");
  return 0;
}

static void one_handler_runs_without_error(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_count(run->trace, NULL, NULL), 1);
  struct trace_slice *handler = trace_find(run->trace, "expired", NULL, 0);
  assert_int_equal(handler->err, 0);
  assert_ptr_equal(handler, handler_that_said(run, "timer expired"));
}

static void the_wait_returns_before_the_timer_expires(void **state) {
  struct run *run = *state;
  struct trace_slice *handler = trace_find(run->trace, "expired", NULL, 0);
  double calling = trace_find_mark(run->trace, "calling ax_run", 0)->ts;
  assert_true(initiated(run, handler) <= calling);
  assert_true(calling + lesson_us(1) < handler->ts);
}

static void the_timer_does_not_expire_early(void **state) {
  struct run *run = *state;
  double begin = trace_find_mark(run->trace, "calling ax_run", 0)->ts;
  struct trace_slice *handler = trace_find(run->trace, "expired", NULL, 0);
  /* The 5 s began a little before the mark; a second of them is plenty. */
  assert_true(handler->ts - begin > lesson_us(4));
}

static void the_caller_of_ax_run_is_the_butler(void **state) {
  struct run *run = *state;
  struct trace_slice *handler = trace_find(run->trace, "expired", NULL, 0);
  struct trace_mark *calling = trace_find_mark(run->trace, "calling", 0);
  assert_int_equal(handler->tid, calling->tid);
  assert_string_equal(trace_thread_name(run->trace, handler->tid), "butler 1");
}

static void ax_run_returns_after_the_handler(void **state) {
  struct run *run = *state;
  struct trace_slice *handler = trace_find(run->trace, "expired", NULL, 0);
  assert_true(trace_find_mark(run->trace, "done", 0)->ts >= slice_end(handler));
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_handler_runs_without_error),
      cmocka_unit_test(the_wait_returns_before_the_timer_expires),
      cmocka_unit_test(the_timer_does_not_expire_early),
      cmocka_unit_test(the_caller_of_ax_run_is_the_butler),
      cmocka_unit_test(ax_run_returns_after_the_handler),
      cmocka_unit_test(bad_speed_is_refused),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
