/* Strands: handlers that never overlap and keep their order, law 8.
 *
 * A line is a strand and what its handlers touch. Everything in it is plain
 * memory except `inside`, which counts the handlers that run at this moment.
 * Each poster numbers its parcels, and the line remembers which number comes
 * next from each of them. */
#include "scenario.h"

#include <sched.h>

enum { LINES = 2, POSTERS = 3, PARCELS = 4 };

struct line {
  ax_strand *strand;
  atomic_int *inside;
  int next[POSTERS];
  int total;
};

struct parcel {
  struct line *line;
  int poster, number;
};

static ax_context *context;
static struct line lines[LINES];
static atomic_int insides[LINES];
static struct parcel parcels[LINES][POSTERS][PARCELS];

/* On the strand of its line. */
static void on_parcel(void *arg, int err, size_t n) {
  struct parcel *parcel = arg;
  struct line *line = parcel->line;
  CHECK(err == 0 && n == 0);
  CHECK(atomic_fetch_add(line->inside, 1) == 0);
  CHECK(ax_inside(line->strand));
  CHECK(line->next[parcel->poster]++ == parcel->number);
  line->total++;
  CHECK(atomic_fetch_sub(line->inside, 1) == 1);
}

static void post_parcel(int line, int poster, int number) {
  struct parcel *parcel = &parcels[line][poster][number];
  *parcel = (struct parcel){&lines[line], poster, number};
  ax_post(lines[line].strand, ax_call(on_parcel, parcel));
}

/* On a thread of its own: poster number `arg` posts to both lines. */
static void *post_all(void *arg) {
  int poster = number_of(arg);
  for (int number = 0; number < PARCELS; number++)
    for (int line = 0; line < LINES; line++)
      post_parcel(line, poster, number);
  return NULL;
}

static void lines_open(ax_executor *below, bool one_at_a_time) {
  for (int i = 0; i < LINES; i++)
    lines[i] = (struct line){.strand = ax_strand_new(below),
                             .inside = &insides[one_at_a_time ? 0 : i]};
}

static void lines_release(void) {
  for (int i = 0; i < LINES; i++)
    ax_unref(lines[i].strand);
}

static void check_all_came(void) {
  for (int i = 0; i < LINES; i++)
    CHECK(lines[i].total == POSTERS * PARCELS);
}

/* Posts everything from three threads, beside two butlers. */
static void post_beside_butlers(void) {
  pthread_t butlers[2], posters[POSTERS];
  ax_work_begin(context);
  for (int i = 0; i < 2; i++)
    butlers[i] = start_butler(context);
  for (int i = 1; i < POSTERS; i++)
    posters[i] = start_thread(post_all, as_arg(i));
  post_all(as_arg(0));
  for (int i = 1; i < POSTERS; i++)
    join_thread(posters[i]);
  lines_release();
  ax_work_end(context);
  for (int i = 0; i < 2; i++)
    join_thread(butlers[i]);
}

SCENARIO(strand_order, "handlers of one strand keep the order of each poster "
                       "and never overlap") {
  context = ax_context_new();
  lines_open(context, false);
  post_beside_butlers();
  check_all_came();
  end(context);
}

SCENARIO(strand_nested, "a strand over a strand keeps order, too") {
  context = ax_context_new();
  ax_strand *outer = ax_strand_new(context), *inner = ax_strand_new(outer);
  lines_open(inner, true);
  ax_unref(outer);
  ax_unref(inner);
  post_beside_butlers();
  check_all_came();
  end(context);
}

SCENARIO(strand_two_over_one, "two strands over one never overlap each other") {
  context = ax_context_new();
  ax_strand *outer = ax_strand_new(context);
  lines_open(outer, true);
  ax_unref(outer);
  post_beside_butlers();
  check_all_came();
  end(context);
}

/* -------------------------------------------------------- release early */

static void *post_and_release(void *arg) {
  post_all(arg);
  lines_release();
  return NULL;
}

static void release_early(void) {
  pthread_t poster = start_thread(post_and_release, as_arg(1));
  serve(context, 2);
  join_thread(poster);
  serve(context, 2);
  for (int i = 0; i < LINES; i++)
    CHECK(lines[i].total == PARCELS);
}

SCENARIO(strand_released, "a released strand runs what was posted to it") {
  context = ax_context_new();
  lines_open(context, false);
  release_early();
  end(context);
}

SCENARIO(strand_released_nested,
         "a released strand over a released strand runs what was posted") {
  context = ax_context_new();
  ax_strand *outer = ax_strand_new(context);
  lines_open(outer, true);
  ax_unref(outer);
  release_early();
  end(context);
}

/* ------------------------------------------------- the end of a turn */

static ax_strand *strand;
static int count; /* on the strand */

/* On the strand. */
static void on_count(void *arg, int err, size_t n) {
  if (++count == *(int *)arg)
    ax_work_end(context);
}

static void *post_counts(void *total) {
  for (int i = 0; i < *(int *)total; i++)
    ax_post(strand, ax_call(on_count, total));
  ax_unref(strand);
  return NULL;
}

static void count_with(int butlers) {
  int total = 8;
  context = ax_context_new();
  strand = ax_strand_new(context);
  ax_work_begin(context);
  pthread_t poster = start_thread(post_counts, &total);
  serve(context, butlers);
  join_thread(poster);
  CHECK(count == total);
  end(context);
}

SCENARIO(strand_turn_end,
         "a handler posted while a turn ends is not forgotten") {
  count_with(some(1, 2));
}

/* --------------------------------------------------- post, then run */

static void on_mine(void *arg, int err, size_t n) {
  *(atomic_bool *)arg = true;
}

/* On two threads at the same time. */
static void *post_and_run(void *arg) {
  atomic_bool ran = false;
  ax_post(strand, ax_call(on_mine, &ran));
  ax_run(context);
  CHECK(ran);
  return NULL;
}

static void post_and_run_on(ax_executor *below) {
  strand = ax_strand_new(below);
  pthread_t other = start_thread(post_and_run, NULL);
  post_and_run(NULL);
  join_thread(other);
  ax_unref(strand);
}

SCENARIO(strand_post_and_run,
         "ax_run returns after the handlers that its thread posted before") {
  context = ax_context_new();
  post_and_run_on(context);
  end(context);
}

SCENARIO(strand_post_and_run_nested,
         "ax_run returns after the handlers on a strand over a strand") {
  context = ax_context_new();
  ax_strand *outer = ax_strand_new(context);
  post_and_run_on(outer);
  ax_unref(outer);
  end(context);
}
