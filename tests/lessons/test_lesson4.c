/* Lesson 4: posted work runs in order; dispatched work runs at once; what is
 * posted when no butler is there waits for one. */
#include "run.h"

static int setup(void **state) {
  *state = run_start(4, "lessons/04-post/expected.txt");
  return 0;
}

static void posted_work_runs_in_order(void **state) {
  struct run *run = *state;
  static const char *const order[] = {"eat", "drink", "merry", "compare enter",
                                      "posted"};
  for (size_t i = 0; i + 1 < sizeof order / sizeof order[0]; i++)
    assert_true(slice_end(handler_that_said(run, order[i])) <=
                handler_that_said(run, order[i + 1])->ts);
  assert_int_equal(trace_count(run->trace, "say", NULL), 7);
  assert_int_equal(trace_count(run->trace, "compare", NULL), 1);
}

static void posting_runs_nothing_before_there_is_a_butler(void **state) {
  struct run *run = *state;
  struct trace_slice *eat = handler_that_said(run, "eat");
  struct trace_slice *last = handler_that_said(run, "compare enter");
  assert_true(initiated(run, last) <= eat->ts);
  assert_int_not_equal(eat->tid, trace_find_mark(run->trace, "done", 0)->tid);
}

static void dispatched_work_runs_inside_the_handler(void **state) {
  struct run *run = *state;
  struct trace_slice *outer = trace_find(run->trace, "compare", NULL, 0);
  struct trace_slice *inner = handler_that_said(run, "dispatched");
  assert_string_equal(inner->name, "say");
  assert_int_equal(inner->tid, outer->tid);
  assert_true(outer->ts <= inner->ts && slice_end(inner) <= slice_end(outer));
}

static void posted_work_waits_for_the_handler_to_return(void **state) {
  struct run *run = *state;
  struct trace_slice *outer = trace_find(run->trace, "compare", NULL, 0);
  struct trace_slice *posted = handler_that_said(run, "posted");
  assert_true(slice_end(outer) <= posted->ts);
  assert_int_equal(posted->by, outer->op);
  /* It was posted first all the same. */
  struct trace_slice *dispatched = handler_that_said(run, "dispatched");
  assert_true(initiated(run, posted) <= dispatched->ts);
}

static void a_post_without_a_butler_waits_for_the_next_one(void **state) {
  struct run *run = *state;
  struct trace_slice *dessert = handler_that_said(run, "dessert");
  double again = trace_find_mark(run->trace, "James is hired again", 0)->ts;
  assert_true(initiated(run, dessert) + lesson_us(1) <= again);
  assert_true(dessert->ts >= again);
}

static void work_begin_keeps_a_butler_who_has_nothing_to_do(void **state) {
  struct run *run = *state;
  struct trace_slice *dessert = handler_that_said(run, "dessert");
  struct trace_slice *coffee = handler_that_said(run, "coffee");
  assert_int_equal(coffee->tid, dessert->tid);
  assert_true(initiated(run, coffee) > slice_end(dessert));
  assert_int_not_equal(coffee->tid,
                       trace_find_mark(run->trace, "done", 0)->tid);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(posted_work_runs_in_order),
      cmocka_unit_test(posting_runs_nothing_before_there_is_a_butler),
      cmocka_unit_test(dispatched_work_runs_inside_the_handler),
      cmocka_unit_test(posted_work_waits_for_the_handler_to_return),
      cmocka_unit_test(a_post_without_a_butler_waits_for_the_next_one),
      cmocka_unit_test(work_begin_keeps_a_butler_who_has_nothing_to_do),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
