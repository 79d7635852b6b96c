/* Lesson 2: one butler delivers one after the other. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(2, "lessons/02-butler/expected.txt");
  return 0;
}

static void two_handlers_run_without_error(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_count(run->trace, NULL, NULL), 2);
  assert_int_equal(trace_count(run->trace, "expired", NULL), 2);
  assert_int_equal(handler_that_said(run, "timer1 enter")->err, 0);
  assert_int_equal(handler_that_said(run, "timer2 enter")->err, 0);
}

static void the_handlers_never_overlap(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  assert_true(slice_end(first) <= second->ts);
  assert_int_equal(trace_overlaps(run->trace, NULL), 0);
}

static void there_is_one_butler(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_butlers(run->trace), 1);
}

static void he_runs_both_and_is_not_main(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  assert_int_equal(first->tid, second->tid);
  assert_int_not_equal(first->tid, trace_find_mark(run->trace, "done", 0)->tid);
}

static void the_second_is_late_by_the_first_ones_work(void **state) {
  struct run *run = *state;
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  /* 8 s, but the trace has the wait, which came a little after their start. */
  assert_true(second->ts - initiated(run, second) > lesson_us(7));
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_handlers_run_without_error),
      cmocka_unit_test(the_handlers_never_overlap),
      cmocka_unit_test(there_is_one_butler),
      cmocka_unit_test(he_runs_both_and_is_not_main),
      cmocka_unit_test(the_second_is_late_by_the_first_ones_work),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
