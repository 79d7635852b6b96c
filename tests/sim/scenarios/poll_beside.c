/* ax_poll beside ax_run and itself: each handler runs once, and counts once. */
#include "scenario.h"

#include <unistd.h>

enum { POSTS = 6 };

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream;
static int peer;
static char byte[1];
static atomic_int ran;
static bool inside; /* a handler of the strand */
static size_t counted;

static void on_ran(void *arg, int err, size_t n) { ran++; }

/* On the strand. */
static void on_alone(void *arg, int err, size_t n) {
  CHECK(!inside);
  inside = true;
  ran++;
  if (number_of(arg))
    ax_post(context, ax_call(on_ran, NULL));
  CHECK(inside);
  inside = false;
}

static void *post_all(void *arg) {
  for (int i = 0; i < POSTS; i++)
    ax_post(strand, ax_call(on_alone, as_arg(i % 2)));
  CHECK(write(peer, "x", 1) == 1);
  ax_work_end(context);
  return NULL;
}

static void open_all(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(context);
  peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_ran, NULL));
  ax_work_begin(context);
}

static void close_all(void) {
  CHECK(ran == POSTS + POSTS / 2 + 1);
  close(peer);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

static void *run_and_count(void *arg) {
  *(size_t *)arg = ax_run(context);
  return NULL;
}

SCENARIO(poll_beside_butler, "each handler is run and counted once by a butler "
                             "or by a thread that polls") {
  size_t by_butler;
  open_all();
  pthread_t butler = start_thread(run_and_count, &by_butler);
  pthread_t thread = start_thread(post_all, NULL);
  for (int i = some(1, 6); i > 0; i--)
    counted += ax_poll(context);
  join_thread(thread);
  join_thread(butler);
  CHECK(counted + by_butler == (size_t)ran);
  close_all();
}

static void *poll_until_all(void *arg) {
  while (ran < POSTS + POSTS / 2 + 1) {
    *(size_t *)arg += ax_poll(context);
    sleep_for(AX_MS(1));
  }
  return NULL;
}

SCENARIO(poll_alone, "threads that only poll run everything") {
  size_t by_other = 0;
  open_all();
  pthread_t thread = start_thread(post_all, NULL);
  pthread_t other = start_thread(poll_until_all, &by_other);
  poll_until_all(&counted);
  join_thread(thread);
  join_thread(other);
  CHECK(counted + by_other == (size_t)ran);
  close_all();
}
