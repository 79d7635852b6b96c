/* Lesson 6: a handler off the strand overlaps with those that are on it. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(6, "lessons/06-off-strand/expected.txt");
  return 0;
}

static void two_handlers_run_on_the_strand_and_one_off_it(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_count(run->trace, "expired", NULL), 3);
  assert_string_equal(handler_that_said(run, "timer1 enter")->on, "strand 1");
  assert_string_equal(handler_that_said(run, "timer2 enter")->on, "strand 1");
  assert_string_equal(handler_that_said(run, "timer3 enter")->on, "context 1");
}

static void those_on_the_strand_never_overlap(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  assert_true(slice_end(first) <= second->ts);
  assert_int_equal(trace_overlaps(run->trace, "strand 1"), 0);
}

static void the_third_overlaps_both(void **state) {
  struct run *run = *state;
  struct trace_slice *third = handler_that_said(run, "timer3 enter");
  assert_true(slices_overlap(third, handler_that_said(run, "timer1 enter")));
  assert_true(slices_overlap(third, handler_that_said(run, "timer2 enter")));
}

static void the_third_does_not_wait_for_the_first(void **state) {
  struct run *run = *state;
  struct trace_slice *third = handler_that_said(run, "timer3 enter");
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  assert_int_not_equal(third->tid, first->tid);
  assert_true(third->ts < slice_end(first));
  assert_true(third->ts > first->ts);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_handlers_run_on_the_strand_and_one_off_it),
      cmocka_unit_test(those_on_the_strand_never_overlap),
      cmocka_unit_test(the_third_overlaps_both),
      cmocka_unit_test(the_third_does_not_wait_for_the_first),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
