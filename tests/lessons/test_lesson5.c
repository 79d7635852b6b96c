/* Lesson 5: on a strand handlers never overlap, however many butlers run. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(5, "lessons/05-strand/expected.txt");
  return 0;
}

static void both_handlers_run_on_the_strand(void **state) {
  struct run *run = *state;
  assert_int_equal(trace_count(run->trace, NULL, NULL), 2);
  assert_int_equal(trace_count(run->trace, "expired", "strand 1"), 2);
  assert_int_equal(handler_that_said(run, "timer1 enter")->err, 0);
  assert_int_equal(handler_that_said(run, "timer2 enter")->err, 0);
}

static void they_never_overlap_and_keep_their_order(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  struct trace_slice *second = handler_that_said(run, "timer2 enter");
  assert_true(slice_end(first) <= second->ts);
  assert_int_equal(trace_overlaps(run->trace, "strand 1"), 0);
}

/* He polled, with nothing to deliver. */
static void the_other_butler_was_free_meanwhile(void **state) {
  struct run *run = *state;
  struct trace_slice *first = handler_that_said(run, "timer1 enter");
  bool idle = false;
  for (size_t i = 0; i < run->trace->slice_count; i++) {
    struct trace_slice *poll = &run->trace->slices[i];
    idle = idle || (strcmp(poll->cat, "poll") == 0 && poll->tid != first->tid &&
                    slices_overlap(poll, first));
  }
  assert_true(idle);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_handlers_run_on_the_strand),
      cmocka_unit_test(they_never_overlap_and_keep_their_order),
      cmocka_unit_test(the_other_butler_was_free_meanwhile),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
