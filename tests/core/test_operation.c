/* Operations of one's own: ax_initiate with ax_complete, and ax_run_on. */
#include "support.h"

#include <stdlib.h>

/* ------------------------------------------------- initiate and complete */

static void an_operation_of_ones_own_completes_with_what_it_is_given(void **s) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_op *op = ax_initiate(context, ax_call(on_seen, &seen));
  INITIATE(ax_complete(op, UV_ETIMEDOUT, 42));
  assert_int_equal(seen.calls, 0);
  assert_int_equal(ax_run(context), 1);
  expect_seen(&seen, "own", UV_ETIMEDOUT);
  assert_int_equal(seen.n, 42);
  ax_context_free(context);
}

static void on_complete(void *arg, int err, size_t n) {
  INITIATE(ax_complete(*(ax_op **)arg, 0, 7));
}

static void completing_in_a_handler_does_not_call_the_other(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_op *op = ax_initiate(context, ax_call(on_seen, &seen));
  ax_post(context, ax_call(on_complete, &op));
  assert_int_equal(ax_run(context), 2);
  expect_seen(&seen, "own", 0);
  assert_int_equal(seen.n, 7);
  ax_context_free(context);
}

static void *complete_all(void *arg) {
  ax_op **ops = arg;
  for (int i = 0; ops[i]; i++)
    ax_complete(ops[i], i, (size_t)i);
  return NULL;
}

enum { OPS = 500 };

static void operations_may_be_completed_on_another_thread(void **state) {
  struct seen seen[OPS] = {0};
  ax_op *ops[OPS + 1] = {NULL};
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  for (int i = 0; i < OPS; i++) {
    seen[i].where = strand;
    ops[i] = ax_initiate(context, ax_on(strand, ax_call(on_seen, &seen[i])));
  }
  struct butlers *butlers = butlers_start(context, 2);
  thread_join(thread_start(complete_all, ops));
  butlers_join(butlers);
  for (int i = 0; i < OPS; i++) {
    expect_seen(&seen[i], "own", i);
    assert_int_equal(seen[i].n, i);
    assert_true(seen[i].inside);
    assert_true(i == 0 || seen[i].turn > seen[i - 1].turn);
  }
  ax_unref(strand);
  ax_context_free(context);
}

static void an_operation_of_ones_own_is_work_until_it_is_complete(void **s) {
  struct seen seen = {0}, posted = {0};
  ax_context *context = ax_context_new();
  ax_op *op = ax_initiate(context, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 1; i <= 3; i++) {
    ax_post(context, ax_call(on_seen, &posted));
    wait_until(atomic_load(&posted.calls) == i);
  }
  assert_int_equal(atomic_load(&seen.calls), 0);
  ax_complete(op, 0, 0);
  assert_int_equal(butlers_join(butlers), 4);
  ax_context_free(context);
}

/* Any order of completing: they are kept in a list. */
static void operations_complete_in_any_order(void **state) {
  struct seen seen[6] = {0};
  ax_op *ops[6];
  static const int order[] = {3, 0, 5, 1, 4};
  ax_context *context = ax_context_new();
  for (int i = 0; i < 6; i++)
    ops[i] = ax_initiate(context, ax_call(on_seen, &seen[i]));
  for (int i = 0; i < 5; i++)
    ax_complete(ops[order[i]], 0, 0);
  ax_stop(context);
  ax_run(context);
  ax_restart(context);
  struct butlers *butlers = butlers_start(context, 1);
  wait_until(atomic_load(&seen[4].calls));
  ax_stop(context);
  butlers_join(butlers);
  for (int i = 1; i < 5; i++)
    assert_true(seen[order[i]].turn > seen[order[i - 1]].turn);
  assert_int_equal(seen[2].calls, 0); /* dropped with the context */
  ax_context_free(context);
  assert_int_equal(seen[2].calls, 0);
}

/* ------------------------------------------------------------------ run_on */

struct job {
  ax_executor *where;
  int result;
  atomic_int runs;
  bool inside, nested;
};

static int do_job(void *arg) {
  struct job *job = arg;
  job->inside = ax_inside(job->where);
  job->nested = initiating;
  atomic_fetch_add(&job->runs, 1);
  return job->result;
}

/* Two contexts, each with a butler. */
struct houses {
  ax_context *here, *there;
  struct butlers *ours, *theirs;
};

static struct houses houses_open(void) {
  struct houses houses = {ax_context_new(), ax_context_new(), NULL, NULL};
  ax_work_begin(houses.here);
  ax_work_begin(houses.there);
  houses.ours = butlers_start(houses.here, 1);
  houses.theirs = butlers_start(houses.there, 1);
  return houses;
}

static void houses_close(struct houses *houses) {
  ax_work_end(houses->here);
  ax_work_end(houses->there);
  butlers_join(houses->ours);
  butlers_join(houses->theirs);
  ax_context_free(houses->here);
  ax_context_free(houses->there);
}

static void work_is_done_there_and_completes_at_home(void **state) {
  struct houses houses = houses_open();
  struct job job = {.where = houses.there, .result = UV_EAGAIN};
  struct seen seen = {.where = houses.here};
  INITIATE(ax_run_on(houses.there, do_job, &job,
                     ax_on(houses.here, ax_call(on_seen, &seen))));
  wait_until(atomic_load(&seen.calls));
  houses_close(&houses);
  assert_int_equal(job.runs, 1);
  assert_true(job.inside && !job.nested);
  expect_seen(&seen, "run_on", UV_EAGAIN);
  assert_true(seen.inside);
}

struct trip {
  struct job job;
  struct seen seen;
  ax_executor *to;
};

static void on_trip(void *arg, int err, size_t n) {
  struct trip *trip = arg;
  INITIATE(
      ax_run_on(trip->to, do_job, &trip->job, ax_call(on_seen, &trip->seen)));
}

static void home_is_where_the_caller_is(void **state) {
  struct houses houses = houses_open();
  ax_strand *strand = ax_strand_new(houses.here);
  struct trip trip = {.to = houses.there};
  trip.job.where = houses.there;
  trip.seen.where = strand;
  ax_post(strand, ax_call(on_trip, &trip));
  wait_until(atomic_load(&trip.seen.calls));
  houses_close(&houses);
  ax_unref(strand);
  assert_true(trip.job.inside && !trip.job.nested);
  expect_seen(&trip.seen, "run_on", 0);
  assert_true(trip.seen.inside);
}

static void home_is_there_for_a_caller_from_outside(void **state) {
  struct houses houses = houses_open();
  ax_strand *strand = ax_strand_new(houses.there);
  struct job job = {.where = strand};
  struct seen seen = {.where = strand};
  ax_run_on(strand, do_job, &job, ax_call(on_seen, &seen));
  wait_until(atomic_load(&seen.calls));
  houses_close(&houses);
  ax_unref(strand);
  assert_true(job.inside);
  expect_seen(&seen, "run_on", 0);
  assert_true(seen.inside);
}

/* Also when caller, work and home are one place: nothing runs inside. */
static void work_in_the_same_place_waits_for_its_turn(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct trip trip = {.to = strand};
  trip.job.where = trip.seen.where = strand;
  ax_post(strand, ax_call(on_trip, &trip));
  ax_run(context);
  assert_int_equal(trip.job.runs, 1);
  assert_true(trip.job.inside && !trip.job.nested);
  expect_seen(&trip.seen, "run_on", 0);
  assert_true(trip.seen.inside);
  ax_unref(strand);
  ax_context_free(context);
}

/* Home has nothing else to do, and waits all the same. It may be freed then,
 * though the butler over there has only just sent the result. */
static void work_elsewhere_is_work_at_home(void **state) {
  for (int i = 0; i < 200; i++) {
    ax_context *home = ax_context_new(), *there = ax_context_new();
    struct trip trip = {.to = there};
    trip.job.where = there;
    trip.seen.where = home;
    ax_work_begin(there);
    struct butlers *butlers = butlers_start(there, 1);
    ax_post(home, ax_call(on_trip, &trip));
    assert_int_equal(ax_run(home), 2);
    expect_seen(&trip.seen, "run_on", 0);
    ax_context_free(home);
    ax_work_end(there);
    butlers_join(butlers);
    ax_context_free(there);
  }
}

static void work_for_a_context_that_is_freed_is_cancelled(void **state) {
  for (int strand = 0; strand < 2; strand++) {
    ax_context *home = ax_context_new(), *there = ax_context_new();
    ax_executor *where = strand ? ax_strand_new(there) : ax_ref(there);
    struct job job = {.where = there};
    struct seen seen = {.where = home};
    ax_run_on(where, do_job, &job, ax_on(home, ax_call(on_seen, &seen)));
    ax_unref(where);
    ax_context_free(there);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(ax_run(home), 1);
    expect_seen(&seen, "run_on", UV_ECANCELED);
    assert_true(seen.inside);
    assert_int_equal(job.runs, 0);
    ax_context_free(home);
  }
}

static void a_home_that_is_freed_is_not_returned_to(void **state) {
  for (int strand = 0; strand < 2; strand++) {
    ax_context *home = ax_context_new(), *there = ax_context_new();
    ax_executor *where = strand ? ax_strand_new(home) : ax_ref(home);
    struct job job = {.where = there};
    struct seen seen = {0};
    ax_run_on(there, do_job, &job, ax_on(where, ax_call(on_seen, &seen)));
    ax_unref(where);
    ax_context_free(home);
    ax_run(there);
    assert_int_equal(seen.calls, 0);
    ax_context_free(there);
  }
}

struct kept {
  ax_obj obj;
  int *destroyed;
};

static void destroy_kept(void *object) {
  struct kept *kept = object;
  ++*kept->destroyed;
  free(kept);
}

static int look_at_kept(void *arg) {
  struct kept *kept = arg;
  return *kept->destroyed; /* the address sanitizer looks on */
}

static void what_the_token_keeps_is_there_for_the_work_as_well(void **state) {
  int destroyed = 0;
  struct seen seen = {0};
  struct houses houses = houses_open();
  struct kept *kept = calloc(1, sizeof *kept);
  assert_non_null(kept);
  kept->destroyed = &destroyed;
  ax_obj_init(&kept->obj, destroy_kept);
  ax_run_on(houses.there, look_at_kept, kept,
            ax_on(houses.here, ax_keep(kept, ax_call(on_seen, &seen))));
  ax_unref(kept);
  wait_until(atomic_load(&seen.calls));
  houses_close(&houses);
  expect_seen(&seen, "run_on", 0);
  assert_int_equal(destroyed, 1);
}

/* There and back, many times and with several in flight. */
struct traveller {
  struct houses *houses;
  struct job job;
  int left;
  atomic_int *arrived;
};

static void on_home(void *arg, int err, size_t n) {
  struct traveller *traveller = arg;
  if (traveller->left-- == 0)
    atomic_fetch_add(traveller->arrived, 1);
  else
    ax_run_on(traveller->houses->there, do_job, &traveller->job,
              ax_call(on_home, traveller));
}

static void there_and_back_again_and_again(void **state) {
  enum { TRAVELLERS = 5 };
  atomic_int arrived = 0;
  struct houses houses = houses_open();
  struct traveller travellers[TRAVELLERS] = {0};
  for (int i = 0; i < TRAVELLERS; i++) {
    travellers[i].houses = &houses;
    travellers[i].job.where = houses.there;
    travellers[i].left = 400;
    travellers[i].arrived = &arrived;
    ax_post(houses.here, ax_call(on_home, &travellers[i]));
  }
  wait_until(atomic_load(&arrived) == TRAVELLERS);
  houses_close(&houses);
  for (int i = 0; i < TRAVELLERS; i++)
    assert_int_equal(travellers[i].job.runs, 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(an_operation_of_ones_own_completes_with_what_it_is_given),
      clean_test(completing_in_a_handler_does_not_call_the_other),
      clean_test(operations_may_be_completed_on_another_thread),
      clean_test(an_operation_of_ones_own_is_work_until_it_is_complete),
      clean_test(operations_complete_in_any_order),
      clean_test(work_is_done_there_and_completes_at_home),
      clean_test(home_is_where_the_caller_is),
      clean_test(home_is_there_for_a_caller_from_outside),
      clean_test(work_in_the_same_place_waits_for_its_turn),
      clean_test(work_elsewhere_is_work_at_home),
      clean_test(work_for_a_context_that_is_freed_is_cancelled),
      clean_test(a_home_that_is_freed_is_not_returned_to),
      clean_test(what_the_token_keeps_is_there_for_the_work_as_well),
      clean_test(there_and_back_again_and_again),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
