/* Work on one context and its handler on another, there and back.
 *
 * Each place is a context with two butlers and a strand. A place has a work
 * guard until the last hop if nothing else tells it that more will come. */
#include "scenario.h"

enum { HOPS = 4, CHAINS = 2 };

static struct place {
  ax_context *context;
  ax_strand *strand;
  atomic_int inside; /* what runs on the strand at this moment */
  pthread_t butlers[2];
} here, there;

static void place_open(struct place *place) {
  place->context = ax_context_new();
  place->strand = ax_strand_new(place->context);
}

static void place_start(struct place *place) {
  for (int i = 0; i < 2; i++)
    place->butlers[i] = start_butler(place->context);
}

static void place_join(struct place *place) {
  for (int i = 0; i < 2; i++)
    join_thread(place->butlers[i]);
}

static void place_free(struct place *place) {
  ax_unref(place->strand);
  ax_context_free(place->context);
}

static void open_both(void) {
  place_open(&here);
  place_open(&there);
}

static void serve_both(void) {
  place_start(&here);
  place_start(&there);
  place_join(&here);
  place_join(&there);
}

static void free_both(void) {
  place_free(&here);
  place_free(&there);
  end(NULL);
}

static void check_alone(struct place *place) {
  CHECK(ax_inside(place->strand));
  CHECK(atomic_fetch_add(&place->inside, 1) == 0);
  CHECK(atomic_fetch_sub(&place->inside, 1) == 1);
}

/* ---------------------------------------------------------- with one call */

static int worked, came_home; /* each on its strand */

/* There, on the strand; tells its number. */
static int work(void *arg) {
  check_alone(&there);
  return -1 - worked++;
}

/* At home, on the strand. */
static void on_home(void *arg, int err, size_t n) {
  check_alone(&here);
  CHECK(err < 0);
  came_home++;
  if (++*(int *)arg < HOPS)
    ax_run_on(there.strand, work, NULL, ax_call(on_home, arg));
  else if (came_home == CHAINS * HOPS)
    ax_work_end(there.context);
}

SCENARIO(run_on_there_and_back,
         "work is done there and completes at home, each on its strand") {
  int hops[CHAINS] = {0};
  open_both();
  ax_work_begin(there.context);
  for (int i = 0; i < CHAINS; i++)
    ax_run_on(there.strand, work, NULL,
              ax_on(here.strand, ax_call(on_home, &hops[i])));
  serve_both();
  CHECK(worked == CHAINS * HOPS && came_home == worked);
  free_both();
}

/* -------------------------------------------------------------- by hand */

static void on_hand_home(void *arg, int err, size_t n);

/* There, on the strand. The handler at home is posted before its work ends. */
static void on_hand_there(void *arg, int err, size_t n) {
  check_alone(&there);
  worked++;
  ax_post(here.strand, ax_call(on_hand_home, arg));
  ax_work_end(here.context);
}

/* Posts there, and is work at home until it has come back. */
static void hop(void *arg) {
  ax_work_begin(here.context);
  ax_post(there.strand, ax_call(on_hand_there, arg));
}

/* At home, on the strand. */
static void on_hand_home(void *arg, int err, size_t n) {
  check_alone(&here);
  came_home++;
  if (++*(int *)arg < HOPS)
    hop(arg);
  else if (came_home == CHAINS * HOPS)
    ax_work_end(there.context);
}

SCENARIO(run_on_by_hand,
         "two posts and a work guard make the same way there and back") {
  int hops[CHAINS] = {0};
  open_both();
  ax_work_begin(there.context);
  for (int i = 0; i < CHAINS; i++)
    hop(&hops[i]);
  serve_both();
  CHECK(worked == CHAINS * HOPS && came_home == worked);
  free_both();
}

/* ------------------------------------------------------------ no home */

/* There, on a butler of the context; it has no strand to check. */
static int work_anywhere(void *arg) {
  CHECK(ax_inside(there.context));
  return UV_EIO;
}

static void on_there(void *arg, int err, size_t n) {
  CHECK(err == UV_EIO && ax_inside(there.context));
  came_home++;
}

static void *run_on_without_home(void *arg) {
  ax_run_on(there.context, work_anywhere, NULL, ax_call(on_there, NULL));
  ax_work_end(there.context);
  return NULL;
}

SCENARIO(run_on_no_home, "work that a thread without a home orders completes "
                         "where it was done") {
  place_open(&there);
  ax_work_begin(there.context);
  pthread_t thread = start_thread(run_on_without_home, NULL);
  place_start(&there);
  place_join(&there);
  join_thread(thread);
  CHECK(came_home == 1);
  place_free(&there);
  end(NULL);
}

/* ------------------------------------------- the place of the work is freed */

static atomic_int done, given_up;

static int work_once(void *arg) { return 0; }

/* At home, on the strand. */
static void on_either(void *arg, int err, size_t n) {
  CHECK(ax_inside(here.strand));
  CHECK(err == 0 || err == UV_ECANCELED);
  err ? given_up++ : done++;
}

static void run_on_both(void) {
  ax_token token = ax_on(here.strand, ax_call(on_either, NULL));
  ax_run_on(there.context, work_once, NULL, token);
  ax_run_on(there.strand, work_once, NULL, token);
}

SCENARIO(run_on_freed, "work whose context is freed first ends at home once, "
                       "with ECANCELED") {
  open_both();
  run_on_both();
  place_start(&here);
  place_free(&there);
  place_join(&here);
  CHECK(given_up == 2 && done == 0);
  place_free(&here);
  end(NULL);
}

static void *stop_there(void *arg) {
  ax_stop(there.context);
  return NULL;
}

SCENARIO(run_on_stopped_and_freed, "work whose context is stopped and freed "
                                   "ends at home once") {
  open_both();
  run_on_both();
  place_start(&here);
  place_start(&there);
  pthread_t stopper = start_thread(stop_there, NULL);
  place_join(&there);
  join_thread(stopper);
  place_free(&there);
  place_join(&here);
  CHECK(given_up + done == 2);
  place_free(&here);
  end(NULL);
}
