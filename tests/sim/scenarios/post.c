/* Posts: nothing is lost, nothing runs twice, and whoever sleeps is woken.
 *
 * Most scenarios come with one butler as well. A second butler looks at the
 * table from time to time, so it would hide a lost wake-up. The last post
 * always ends the work: if it is lost, a butler sleeps for ever and the
 * simulator reports a deadlock. */
#include "gate.h"

#include <unistd.h>

enum { POSTERS = 3, EACH = 4 };

static ax_context *context;

static void on_end(void *arg, int err, size_t n) { ax_work_end(context); }

static void open_context(void) {
  context = ax_context_new();
  ax_work_begin(context);
}

/* ------------------------------------------------------- one post, asleep */

static void *post_end(void *arg) {
  ax_post(context, ax_call(on_end, NULL));
  return NULL;
}

/* `span` decides whether the butlers have fallen asleep before the post. */
static void *post_end_later(void *span) {
  sleep_for(*(ax_time *)span);
  return post_end(NULL);
}

static void wake_by_post(int butlers, ax_time span) {
  open_context();
  pthread_t poster = start_thread(span ? post_end_later : post_end, &span);
  serve(context, butlers);
  join_thread(poster);
  end(context);
}

SCENARIO(post_wakes,
         "a post from outside wakes a butler who is about to sleep") {
  wake_by_post(some(1, 3), 0);
}

SCENARIO(post_wakes_late,
         "a post from outside wakes a butler who has slept for long") {
  wake_by_post(some(1, 3), AX_MS(20));
}

/* ------------------------------------------------- one post after another */

static struct gate answered = GATE;

static void on_question(void *arg, int err, size_t n) { gate_open(&answered); }

/* Posts the next when the one before has run; each time the butlers may sleep.
 */
static void *ask(void *times) {
  for (int i = 0; i < *(int *)times; i++) {
    ax_post(context, ax_call(on_question, NULL));
    gate_pass(&answered);
  }
  return post_end(NULL);
}

static void answer_with(int butlers) {
  int times = 5;
  open_context();
  pthread_t asker = start_thread(ask, &times);
  serve(context, butlers);
  join_thread(asker);
  end(context);
}

SCENARIO(post_one_by_one, "each post from outside wakes a butler") {
  answer_with(some(1, 2));
}

/* ------------------------------------------------------------ many posters */

static atomic_int ran[POSTERS][EACH], ran_in_all;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 0);
  CHECK(atomic_fetch_add((atomic_int *)arg, 1) == 0);
  if (atomic_fetch_add(&ran_in_all, 1) + 1 == POSTERS * EACH)
    ax_work_end(context);
}

static void *post_many(void *row) {
  for (int i = 0; i < EACH; i++)
    ax_post(context, ax_call(on_ran, &((atomic_int *)row)[i]));
  return NULL;
}

static void post_many_to(int butlers) {
  pthread_t posters[POSTERS];
  open_context();
  for (int i = 0; i < POSTERS; i++)
    posters[i] = start_thread(post_many, ran[i]);
  serve(context, butlers);
  for (int i = 0; i < POSTERS; i++)
    join_thread(posters[i]);
  CHECK(ran_in_all == POSTERS * EACH);
  end(context);
}

SCENARIO(post_each_once, "each of many posts runs once") {
  post_many_to(some(1, 3));
}

/* ----------------------------------------------------- posts from handlers */

static atomic_int chains_left;

/* On any butler; `arg` counts down. */
static void on_link(void *arg, int err, size_t n) {
  if (--*(int *)arg > 0)
    ax_post(context, ax_call(on_link, arg));
  else if (atomic_fetch_sub(&chains_left, 1) == 1)
    ax_work_end(context);
}

static void run_chains(int chains, int links, int butlers) {
  int left[4];
  open_context();
  chains_left = chains;
  for (int i = 0; i < chains; i++) {
    left[i] = links;
    ax_post(context, ax_call(on_link, &left[i]));
  }
  serve(context, butlers);
  CHECK(chains_left == 0);
  end(context);
}

SCENARIO(post_chains,
         "chains of posts end, though a butler may be going to sleep") {
  run_chains(some(1, 2), 12, some(1, 2));
}

/* ------------------------------------------------- more than one round */

static char byte[1];
static bool came; /* one butler only */

static void on_came(void *arg, int err, size_t n) {
  CHECK(err == 0);
  came = true;
}

/* Posts itself until something came; with it the table is never empty. */
static void on_until_came(void *arg, int err, size_t n) {
  if (!came)
    ax_post(context, ax_call(on_until_came, NULL));
}

SCENARIO(post_minds_sockets, "data on a socket is handled while a chain of "
                             "posts goes on") {
  context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  int peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_came, NULL));
  CHECK(write(peer, "x", 1) == 1);
  ax_post(context, ax_call(on_until_came, NULL));
  serve(context, 1);
  close(peer);
  ax_unref(stream);
  end(context);
}

static void on_slow_until_came(void *arg, int err, size_t n) {
  sleep_for(AX_MS(0.1));
  if (!came)
    ax_post(context, ax_call(on_slow_until_came, NULL));
}

SCENARIO(post_minds_timers, "a timer fires while a chain of posts goes on") {
  context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_came, NULL));
  ax_post(context, ax_call(on_slow_until_came, NULL));
  serve(context, 1);
  ax_unref(timer);
  end(context);
}

static void on_one_more(void *arg, int err, size_t n) {
  atomic_fetch_add((atomic_int *)arg, 1);
}

SCENARIO(post_batch, "a batch longer than a round runs to its end on two "
                     "butlers") {
  atomic_int count = 0;
  context = ax_context_new();
  for (int i = 0; i < 270; i++)
    ax_post(context, ax_call(on_one_more, &count));
  serve(context, 2);
  CHECK(count == 270);
  end(context);
}
