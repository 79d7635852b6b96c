/* Butlers: a handler that blocks occupies its own butler only, law 7.
 *
 * One handler waits at a gate that another one opens. There is always one
 * butler more than there are handlers that block, so somebody has to run the
 * other handler, wherever it comes from and whatever the butlers were doing. If
 * nobody does, all threads wait, and the simulator reports a deadlock. */
#include "gate.h"

#include <unistd.h>

static ax_context *context;
static struct gate gate = GATE;

static void on_block(void *arg, int err, size_t n) { gate_pass(&gate); }

static void on_open(void *arg, int err, size_t n) {
  CHECK(err == 0);
  gate_open(&gate);
}

/* Serves while the thread does its part. */
static void serve_beside(int butlers, void *(*run)(void *)) {
  pthread_t thread = start_thread(run, NULL);
  serve(context, butlers);
  join_thread(thread);
}

static void post_pair(void) {
  ax_post(context, ax_call(on_block, NULL));
  ax_post(context, ax_call(on_open, NULL));
}

static void open_context(void) {
  context = ax_context_new();
  ax_work_begin(context);
}

/* ------------------------------------------------------- the other is ready */

SCENARIO(butlers_block, "a handler runs on one butler while one blocks the "
                        "other") {
  context = ax_context_new();
  post_pair();
  serve(context, 2);
  end(context);
}

SCENARIO(butlers_block_two, "a handler runs on the third butler while two "
                            "block the others") {
  context = ax_context_new();
  ax_post(context, ax_call(on_block, NULL));
  post_pair();
  ax_post(context, ax_call(on_open, NULL));
  serve(context, 3);
  end(context);
}

/* The pair is ready while this one runs. */
static void on_pair(void *arg, int err, size_t n) { post_pair(); }

SCENARIO(butlers_posted_pair,
         "two handlers that a handler has posted run on two butlers") {
  context = ax_context_new();
  ax_post(context, ax_call(on_pair, NULL));
  serve(context, 2);
  end(context);
}

/* Blocks for what it has posted itself. */
static void on_post_and_block(void *arg, int err, size_t n) {
  ax_post(arg, ax_call(on_open, NULL));
  gate_pass(&gate);
}

SCENARIO(butlers_post_and_block,
         "a handler that blocks is let go by one that it has posted") {
  context = ax_context_new();
  ax_post(context, ax_call(on_post_and_block, context));
  serve(context, 2);
  end(context);
}

SCENARIO(butlers_block_on_strand, "a handler that blocks on one strand holds "
                                  "up no other strand") {
  context = ax_context_new();
  ax_strand *one = ax_strand_new(context), *other = ax_strand_new(context);
  ax_post(one, ax_call(on_post_and_block, other));
  ax_unref(one);
  serve(context, 2);
  ax_unref(other);
  end(context);
}

/* ------------------------------------------------- the other comes later */

/* When the butlers have fallen asleep. */
static void *post_pair_late(void *arg) {
  sleep_for(AX_MS(20));
  post_pair();
  ax_work_end(context);
  return NULL;
}

SCENARIO(butlers_block_late,
         "butlers who doze run two handlers that come together") {
  open_context();
  serve_beside(some(2, 3), post_pair_late);
  end(context);
}

/* When one butler blocks and the other one has fallen asleep. */
static void *post_one_by_one(void *arg) {
  ax_post(context, ax_call(on_block, NULL));
  sleep_for(AX_MS(20));
  ax_post(context, ax_call(on_open, NULL));
  ax_work_end(context);
  return NULL;
}

SCENARIO(butlers_post_late, "a butler who dozes beside one who is blocked runs "
                            "what is posted") {
  open_context();
  serve_beside(2, post_one_by_one);
  end(context);
}

SCENARIO(butlers_timer, "a timer fires on one butler while the other blocks") {
  context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(20));
  ax_timer_wait(timer, ax_call(on_open, NULL));
  ax_post(context, ax_call(on_block, NULL));
  serve(context, 2);
  ax_unref(timer);
  end(context);
}

static ax_timer *timer;

/* Blocks for a timer that it has armed itself. */
static void on_arm_and_block(void *arg, int err, size_t n) {
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_open, NULL));
  gate_pass(&gate);
}

SCENARIO(butlers_arm_and_block,
         "a handler that blocks is let go by a timer that it has armed") {
  open_context();
  timer = ax_timer_new(context);
  ax_post(context, ax_call(on_arm_and_block, NULL));
  ax_work_end(context);
  serve(context, 2);
  ax_unref(timer);
  end(context);
}

static int peer;
static char byte[1];

static void *write_byte(void *arg) {
  CHECK(write(peer, "x", 1) == 1);
  return NULL;
}

static void *write_byte_late(void *arg) {
  sleep_for(AX_MS(20));
  return write_byte(arg);
}

static void block_for_data(void *(*write_it)(void *)) {
  context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_open, NULL));
  ax_post(context, ax_call(on_block, NULL));
  serve_beside(2, write_it);
  close(peer);
  ax_unref(stream);
  end(context);
}

SCENARIO(butlers_socket,
         "data is handled on one butler while the other one blocks") {
  block_for_data(some(0, 1) ? write_byte : write_byte_late);
}

/* --------------------------------------------------------- all three meet */

static pthread_barrier_t meeting;

static void on_meet(void *arg, int err, size_t n) {
  pthread_barrier_wait(&meeting);
}

static void *post_three(void *arg) {
  sleep_for(AX_MS(20));
  for (int i = 0; i < 3; i++)
    ax_post(context, ax_call(on_meet, NULL));
  ax_work_end(context);
  return NULL;
}

SCENARIO(butlers_meet,
         "three butlers who doze run three handlers that wait for "
         "each other") {
  CHECK(pthread_barrier_init(&meeting, NULL, 3) == 0);
  open_context();
  serve_beside(3, post_three);
  end(context);
}
