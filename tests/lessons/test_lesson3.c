/* Lesson 3: two butlers deliver at the same time. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(3, "lessons/03-two-butlers/expected.txt");
  return 0;
}

static void two_handlers_run_without_error(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_count(run->trace, NULL, NULL), 2);
  assert_int_equal(trace_count(run->trace, "expired", NULL), 2);
  assert_int_equal(handler_that_said(run, "timer1 enter")->err, 0);
  assert_int_equal(handler_that_said(run, "timer2 enter")->err, 0);
}

static void the_handlers_overlap(void **state) {
  struct run *run = *state;
  assert_true(slices_overlap(handler_that_said(run, "timer1 enter"),
                             handler_that_said(run, "timer2 enter")));
}

static void each_butler_runs_one(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  assert_int_not_equal(first->tid, second->tid);
  const char *name = trace_thread_name(run->trace, first->tid);
  const char *other = trace_thread_name(run->trace, second->tid);
  assert_true(strcmp(name, "butler 1") == 0 || strcmp(name, "butler 2") == 0);
  assert_true(strcmp(other, "butler 1") == 0 || strcmp(other, "butler 2") == 0);
}

static void main_goes_on_when_both_have_returned(void **state) {
  struct run *run = *state;
  double done = trace_find_mark(run->trace, "done", 0)->ts;
  assert_true(done >= slice_end(handler_that_said(run, "timer1 enter")));
  assert_true(done >= slice_end(handler_that_said(run, "timer2 enter")));
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_handlers_run_without_error),
      cmocka_unit_test(the_handlers_overlap),
      cmocka_unit_test(each_butler_runs_one),
      cmocka_unit_test(main_goes_on_when_both_have_returned),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
