/* Lesson 14: orders hop to another context's butler and come home; and what
 * ax_run_on, which the lesson is about, promises: the result of the work comes
 * home, or the reason why there is none, whichever of the two places goes. The
 * rest of it is in tests/core/test_operation.c. */
#include "run.h"

/* ------------------------------------------------------ the lesson's run */

static int tid_of(const struct run *run, const char *text, size_t nth) {
  return trace_find_mark(run->trace, text, nth)->tid;
}

static void the_names_are_those_of_two_threads(void **state) {
  const struct run *run = *state;
  int t0 = tid_of(run, "T0 ", 0), t1 = tid_of(run, "T1 ", 0);
  assert_int_not_equal(t0, t1);
  assert_int_equal(trace_count_marks(run->trace, "T0 "), 6);
  assert_int_equal(trace_count_marks(run->trace, "T1 "), 2);
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(tid_of(run, "T0 ", i), t0);
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(tid_of(run, "T1 ", i), t1);
}

static void the_book_is_read_on_its_strand(void **state) {
  const struct run *run = *state;
  static const char *const looks[] = {"looks up purple", "looks up green"};
  for (int i = 0; i < 2; i++)
    assert_string_equal(handler_that_said(run, looks[i])->on, "strand 1");
}

static void the_answers_are_heard_on_the_beach(void **state) {
  const struct run *run = *state;
  static const char *const heard[] = {"orders purple", "serves Susie",
                                      "hears of purple", "orders green",
                                      "hears of green"};
  for (int i = 0; i < 5; i++)
    assert_string_equal(handler_that_said(run, heard[i])->on, "context 1");
}

static void the_beach_is_served_while_the_book_is_read(void **state) {
  const struct run *run = *state;
  const struct trace_slice *susie = handler_that_said(run, "serves Susie");
  const struct trace_slice *read = handler_that_said(run, "looks up purple");
  assert_true(read->dur >= lesson_us(3));
  assert_true(susie->ts > read->ts && slice_end(susie) < slice_end(read));
}

/* Two posts are two operations, each the child of the one before. */
static void two_posts_are_two_operations(void **state) {
  const struct run *run = *state;
  const struct trace_slice *order = handler_that_said(run, "orders purple");
  const struct trace_slice *there = handler_that_said(run, "looks up purple");
  const struct trace_slice *back = handler_that_said(run, "hears of purple");
  assert_int_equal(there->by, order->op);
  assert_int_equal(back->by, there->op);
}

static void there_and_back_is_one_operation(void **state) {
  const struct run *run = *state;
  const struct trace_slice *order = handler_that_said(run, "orders green");
  const struct trace_slice *there = handler_that_said(run, "looks up green");
  const struct trace_slice *back = handler_that_said(run, "hears of green");
  assert_int_equal(there->by, order->op);
  assert_int_equal(back->op, there->op);
  assert_int_equal(back->err, UV_ENOENT);
}

/* ------------------------------------------------------------ two places */

/* Work that is done in one place, and a token that is completed in another. */
struct trip {
  ax_executor *where; /* the work is expected there */
  int result;
  struct gate *begun, *may_end; /* or NULL */
  atomic_int done;
  bool inside;
  struct seen seen; /* by the handler */
};

static int do_work(void *arg) {
  struct trip *trip = arg;
  trip->inside = trip->where && ax_inside(trip->where);
  if (trip->begun)
    gate_open(trip->begun);
  if (trip->may_end && !gate_pass(trip->may_end))
    give_up("nobody opened the gate");
  atomic_fetch_add(&trip->done, 1);
  return trip->result;
}

static ax_token back(struct trip *trip) {
  return ax_call(on_seen, &trip->seen);
}

/* Starts it on `executor`; home is in the token. */
static void go(ax_executor *executor, struct trip *trip, ax_token token) {
  INITIATE(ax_run_on(executor, do_work, trip, token));
}

/* The work was done once, there, and its result came home once. */
static void expect_trip(const struct trip *trip, const char *what) {
  expect_seen(&trip->seen, what, trip->result);
  if (atomic_load(&trip->done) != 1 || !trip->inside || !trip->seen.inside)
    give_up("%s: the work was done %d times, %s; the handler ran %s", what,
            atomic_load(&trip->done), trip->inside ? "there" : "elsewhere",
            trip->seen.inside ? "at home" : "elsewhere");
  assert_int_equal(trip->seen.n, 0);
}

static void expect_nothing(const struct trip *trip) {
  assert_int_equal(atomic_load(&trip->seen.calls), 0);
}

/* Two contexts, of which `there` is open and has so many butlers. */
struct places {
  ax_context *home, *there;
  ax_strand *strand; /* on there */
  struct butlers *butlers;
};

static struct places places_open(size_t butlers) {
  struct places places = {ax_context_new(), ax_context_new(), NULL, NULL};
  places.strand = ax_strand_new(places.there);
  ax_work_begin(places.there);
  if (butlers)
    places.butlers = butlers_start(places.there, butlers);
  return places;
}

/* They may be gone already. */
static void places_close(struct places *places) {
  if (places->there)
    ax_work_end(places->there);
  if (places->butlers)
    butlers_join(places->butlers);
  ax_context_free(places->there);
  ax_unref(places->strand);
  ax_context_free(places->home);
}

static void free_there(struct places *places) {
  ax_context_free(places->there);
  places->there = NULL;
}

static void free_home(struct places *places) {
  ax_context_free(places->home);
  places->home = NULL;
}

/* ------------------------------------------------------- results and homes */

static void the_result_of_the_work_comes_home(void **state) {
  static const int results[] = {0, UV_ENOENT, UV_ECANCELED, UV_EOF, -1};
  struct places places = places_open(1);
  for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
    ax_executor *where = i % 2 ? places.strand : places.there;
    struct trip trip = {.where = where, .result = results[i]};
    trip.seen.where = places.home;
    go(where, &trip, ax_on(places.home, back(&trip)));
    ax_run(places.home);
    expect_trip(&trip, "a trip");
  }
  places_close(&places);
}

static void home_may_be_another_place_than_that_of_the_caller(void **state) {
  struct places places = places_open(1);
  ax_strand *strand = ax_strand_new(places.home);
  struct trip trip = {.where = places.there, .seen.where = strand};
  go(places.there, &trip, ax_on(strand, back(&trip)));
  ax_run(places.home);
  expect_trip(&trip, "a trip that ends on a strand");
  ax_unref(strand);
  places_close(&places);
}

/* From its strand on to another place, and all the way back. */
struct nested {
  struct places *places;
  struct trip *inner;
};

static int travel_on(void *arg) {
  const struct nested *nested = arg;
  go(nested->places->home, nested->inner, back(nested->inner));
  return 7;
}

static void work_may_travel_itself(void **state) {
  struct places places = places_open(1);
  struct trip outer = {.result = 7, .seen.where = places.home};
  struct trip inner = {.where = places.home, .seen.where = places.strand};
  struct nested nested = {&places, &inner};
  ax_run_on(places.strand, travel_on, &nested,
            ax_on(places.home, back(&outer)));
  ax_run(places.home);
  wait_until(atomic_load(&inner.seen.calls));
  expect_trip(&inner, "the trip from the work");
  expect_seen(&outer.seen, "the trip to the work", 7);
  places_close(&places);
}

static void trips_to_one_strand_come_home_in_order(void **state) {
  enum { TRIPS = 100 };
  static struct trip trips[TRIPS];
  memset(trips, 0, sizeof trips);
  struct places places = places_open(2);
  for (int i = 0; i < TRIPS; i++) {
    trips[i] = (struct trip){.where = places.strand, .result = -i};
    trips[i].seen.where = places.home;
    go(places.strand, &trips[i], ax_on(places.home, back(&trips[i])));
  }
  ax_run(places.home);
  for (int i = 0; i < TRIPS; i++) {
    expect_trip(&trips[i], "one of many");
    assert_true(i == 0 || trips[i - 1].seen.turn < trips[i].seen.turn);
  }
  places_close(&places);
}

/* ---------------------------------------------------------------- as work */

/* Nothing else holds the butler of home while somebody is away. */
static void who_is_away_is_work_at_home(void **state) {
  struct places places = places_open(1);
  struct gate begun = GATE, may_end = GATE;
  struct trip trip = {.where = places.there, .begun = &begun};
  trip.may_end = &may_end;
  trip.seen.where = places.home;
  go(places.there, &trip, ax_on(places.home, back(&trip)));
  struct butlers *butlers = butlers_start(places.home, 1);
  assert_true(gate_pass(&begun));
  expect_nothing(&trip);
  gate_open(&may_end);
  butlers_join(butlers);
  expect_trip(&trip, "a trip that takes its time");
  places_close(&places);
}

/* `there` needs no guard for what it was given already. */
static void who_arrives_is_work_there(void **state) {
  ax_context *home = ax_context_new(), *there = ax_context_new();
  ax_strand *strand = ax_strand_new(there);
  struct trip trip = {.where = strand, .seen.where = home};
  go(strand, &trip, ax_on(home, back(&trip)));
  ax_run(there);
  assert_int_equal(atomic_load(&trip.done), 1);
  expect_nothing(&trip);
  ax_run(home);
  expect_trip(&trip, "a trip, step by step");
  ax_unref(strand);
  ax_context_free(there);
  ax_context_free(home);
}

/* ------------------------------------------------------ places that close */

/* Something the token keeps. */
struct luggage {
  ax_obj obj;
  atomic_int *lost;
};

static void lose(void *object) {
  struct luggage *luggage = object;
  atomic_fetch_add(luggage->lost, 1);
  free(luggage);
}

/* A trip home with luggage that nobody else holds. */
static void go_with_luggage(struct places *places, ax_executor *to,
                            struct trip *trip, atomic_int *lost) {
  struct luggage *luggage = malloc(sizeof *luggage);
  assert_non_null(luggage);
  ax_obj_init(&luggage->obj, lose);
  luggage->lost = lost;
  trip->where = to;
  trip->seen.where = places->home;
  go(to, trip, ax_keep(luggage, ax_on(places->home, back(trip))));
  ax_unref(luggage);
}

/* The place of the work is freed first: the work is never done, and home hears
 * of it. */
static void expect_refused(const struct trip *trip, int lost) {
  expect_seen(&trip->seen, "a trip to a place that closed", UV_ECANCELED);
  assert_int_equal(atomic_load(&trip->done), 0);
  assert_true(trip->seen.inside);
  assert_int_equal(lost, 1);
}

static void home_hears_of_a_context_that_was_freed_first(void **state) {
  struct places places = places_open(0);
  struct trip trip = {0};
  atomic_int lost = 0;
  go_with_luggage(&places, places.there, &trip, &lost);
  free_there(&places);
  expect_nothing(&trip);
  assert_int_equal(lost, 0);
  ax_run(places.home);
  expect_refused(&trip, lost);
  places_close(&places);
}

static void home_hears_of_a_strand_whose_context_was_freed(void **state) {
  enum { TRIPS = 3 };
  struct places places = places_open(0);
  struct trip trips[TRIPS] = {{0}};
  atomic_int lost[TRIPS] = {0};
  for (int i = 0; i < TRIPS; i++)
    go_with_luggage(&places, places.strand, &trips[i], &lost[i]);
  free_there(&places);
  ax_run(places.home);
  for (int i = 0; i < TRIPS; i++)
    expect_refused(&trips[i], lost[i]);
  places_close(&places);
}

static void home_hears_of_a_context_that_is_gone_already(void **state) {
  struct places places = places_open(0);
  struct trip trip = {0};
  atomic_int lost = 0;
  free_there(&places); /* its strand is still held */
  go_with_luggage(&places, places.strand, &trip, &lost);
  expect_nothing(&trip);
  ax_run(places.home);
  expect_refused(&trip, lost);
  places_close(&places);
}

/* The others are already at home, or wait in the strand behind the one that is
 * being done when the butlers are sent away. */
static void those_behind_are_refused_when_the_place_is_freed(void **state) {
  struct places places = places_open(1);
  struct gate begun = GATE, may_end = GATE;
  struct trip first = {.begun = &begun, .may_end = &may_end}, behind = {0};
  atomic_int lost[2] = {0};
  go_with_luggage(&places, places.strand, &first, &lost[0]);
  assert_true(gate_pass(&begun));
  go_with_luggage(&places, places.strand, &behind, &lost[1]);
  ax_stop(places.there);
  gate_open(&may_end);
  butlers_join(places.butlers);
  places.butlers = NULL;
  free_there(&places);
  ax_run(places.home);
  expect_trip(&first, "the trip that was under way");
  assert_int_equal(lost[0], 1);
  expect_refused(&behind, lost[1]);
  places_close(&places);
}

/* Home is freed first: nobody is told, nothing is left. The work is done all
 * the same. */
static void nobody_is_told_when_home_was_freed_first(void **state) {
  struct places places = places_open(0);
  struct trip trips[2] = {{0}};
  atomic_int lost[2] = {0};
  go_with_luggage(&places, places.there, &trips[0], &lost[0]);
  go_with_luggage(&places, places.strand, &trips[1], &lost[1]);
  free_home(&places);
  ax_work_end(places.there);
  ax_run(places.there);
  ax_work_begin(places.there);
  for (int i = 0; i < 2; i++) {
    expect_nothing(&trips[i]);
    assert_int_equal(atomic_load(&trips[i].done), 1);
    assert_int_equal(lost[i], 1);
  }
  places_close(&places);
}

static void nobody_is_told_when_home_was_freed_behind_a_strand(void **state) {
  struct places places = places_open(0);
  ax_strand *strand = ax_strand_new(places.home);
  struct trip trip = {.where = places.there};
  go(places.there, &trip, ax_on(strand, back(&trip)));
  ax_unref(strand);
  free_home(&places);
  ax_work_end(places.there);
  ax_run(places.there);
  ax_work_begin(places.there);
  expect_nothing(&trip);
  assert_int_equal(atomic_load(&trip.done), 1);
  places_close(&places);
}

static void nobody_is_told_when_home_was_freed_meanwhile(void **state) {
  struct places places = places_open(1);
  struct gate begun = GATE, may_end = GATE;
  struct trip trip = {.begun = &begun, .may_end = &may_end};
  atomic_int lost = 0;
  go_with_luggage(&places, places.strand, &trip, &lost);
  assert_true(gate_pass(&begun));
  free_home(&places);
  gate_open(&may_end);
  wait_until(atomic_load(&lost));
  expect_nothing(&trip);
  places_close(&places);
}

static void nobody_is_told_when_home_was_freed_last(void **state) {
  struct places places = places_open(1);
  struct trip trip = {0};
  atomic_int lost = 0;
  go_with_luggage(&places, places.strand, &trip, &lost);
  wait_until(atomic_load(&trip.done));
  free_home(&places);
  wait_until(atomic_load(&lost));
  expect_nothing(&trip);
  places_close(&places);
}

/* Work ends on one thread while another one frees its home: whichever is
 * first, nothing is left and nobody is told. */
static void home_may_be_freed_at_any_moment(void **state) {
  for (int round = 0; round < 300; round++) {
    struct places places = places_open(1);
    struct trip trip = {0};
    atomic_int lost = 0;
    go_with_luggage(&places, round % 2 ? places.strand : places.there, &trip,
                    &lost);
    for (int i = 0; i < round; i++) /* later each time */
      (void)ax_now();
    free_home(&places);
    wait_until(atomic_load(&lost));
    expect_nothing(&trip);
    places_close(&places);
  }
}

static void both_places_may_be_freed(void **state) {
  for (int order = 0; order < 2; order++) {
    struct places places = places_open(0);
    struct trip trips[2] = {{0}};
    atomic_int lost[2] = {0};
    go_with_luggage(&places, places.there, &trips[0], &lost[0]);
    go_with_luggage(&places, places.strand, &trips[1], &lost[1]);
    if (order)
      free_home(&places);
    free_there(&places);
    places_close(&places);
    for (int i = 0; i < 2; i++) {
      expect_nothing(&trips[i]);
      assert_int_equal(atomic_load(&trips[i].done), 0);
      assert_int_equal(lost[i], 1);
    }
  }
}

/* ------------------------------------------------------- places that stop */

static void a_place_that_stopped_does_the_work_later(void **state) {
  struct places places = places_open(0);
  struct trip trip = {0};
  atomic_int lost = 0;
  ax_stop(places.there);
  go_with_luggage(&places, places.strand, &trip, &lost);
  ax_run(places.there);
  assert_int_equal(atomic_load(&trip.done), 0);
  ax_restart(places.there);
  places.butlers = butlers_start(places.there, 1);
  ax_run(places.home);
  expect_trip(&trip, "a trip to a place that stopped");
  assert_int_equal(lost, 1);
  places_close(&places);
}

static void a_home_that_stopped_is_told_later(void **state) {
  struct places places = places_open(1);
  struct trip trip = {0};
  atomic_int lost = 0;
  ax_stop(places.home);
  go_with_luggage(&places, places.strand, &trip, &lost);
  wait_until(atomic_load(&trip.done));
  ax_run(places.home);
  expect_nothing(&trip);
  assert_int_equal(lost, 0);
  ax_restart(places.home);
  ax_run(places.home);
  expect_trip(&trip, "a trip from a home that stopped");
  assert_int_equal(lost, 1);
  places_close(&places);
}

/* ---------------------------------------------------------------- traffic */

/* Many travellers at once. What they count has no lock: one strand on each
 * side is what guards it. */
struct traffic {
  struct places places;
  ax_strand *home;
  size_t started, arrived, returned;
};

enum { TRAVELLERS = 50, TRIPS = 4000 };

static void on_return(void *arg, int err, size_t n);

static int arrive(void *arg) {
  struct traffic *traffic = arg;
  traffic->arrived++;
  return 0;
}

/* In traffic->home. */
static void set_out(void *arg, int err, size_t n) {
  struct traffic *traffic = arg;
  if (traffic->started == TRIPS)
    return;
  traffic->started++;
  ax_run_on(traffic->places.strand, arrive, traffic,
            ax_call(on_return, traffic));
}

static void on_return(void *arg, int err, size_t n) {
  struct traffic *traffic = arg;
  traffic->returned++;
  set_out(arg, 0, 0);
}

static void much_traffic_needs_no_lock(void **state) {
  struct traffic traffic = {.places = places_open(2)};
  traffic.home = ax_strand_new(traffic.places.home);
  for (int i = 0; i < TRAVELLERS; i++)
    ax_post(traffic.home, ax_call(set_out, &traffic));
  butlers_join(butlers_start(traffic.places.home, 2));
  assert_int_equal(traffic.started, TRIPS);
  assert_int_equal(traffic.arrived, TRIPS);
  assert_int_equal(traffic.returned, TRIPS);
  ax_unref(traffic.home);
  places_close(&traffic.places);
}

static int setup(void **state) {
  *state = run_start(14, "lessons/14-there-and-back/expected.txt");
  return 0;
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      RUN_TESTS,
      cmocka_unit_test(the_names_are_those_of_two_threads),
      cmocka_unit_test(the_book_is_read_on_its_strand),
      cmocka_unit_test(the_answers_are_heard_on_the_beach),
      cmocka_unit_test(the_beach_is_served_while_the_book_is_read),
      cmocka_unit_test(two_posts_are_two_operations),
      cmocka_unit_test(there_and_back_is_one_operation),
      clean_test(the_result_of_the_work_comes_home),
      clean_test(home_may_be_another_place_than_that_of_the_caller),
      clean_test(work_may_travel_itself),
      clean_test(trips_to_one_strand_come_home_in_order),
      clean_test(who_is_away_is_work_at_home),
      clean_test(who_arrives_is_work_there),
      clean_test(home_hears_of_a_context_that_was_freed_first),
      clean_test(home_hears_of_a_strand_whose_context_was_freed),
      clean_test(home_hears_of_a_context_that_is_gone_already),
      clean_test(those_behind_are_refused_when_the_place_is_freed),
      clean_test(nobody_is_told_when_home_was_freed_first),
      clean_test(nobody_is_told_when_home_was_freed_behind_a_strand),
      clean_test(nobody_is_told_when_home_was_freed_meanwhile),
      clean_test(nobody_is_told_when_home_was_freed_last),
      clean_test(home_may_be_freed_at_any_moment),
      clean_test(both_places_may_be_freed),
      clean_test(a_place_that_stopped_does_the_work_later),
      clean_test(a_home_that_stopped_is_told_later),
      clean_test(much_traffic_needs_no_lock),
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
