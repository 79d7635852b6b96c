/* Polls: ax_poll runs what is ready and returns, whatever is pending, alone or
 * beside butlers.
 *
 * The context has a work guard, so a poll that sleeps does so for ever, and the
 * simulator reports a deadlock. */
#include "scenario.h"

#include <unistd.h>

enum { POSTS = 4 };

static ax_context *context;
static atomic_int ran;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(err == 0);
  ran++;
}

static void open_context(void) {
  context = ax_context_new();
  ax_work_begin(context);
}

SCENARIO(poll_returns, "ax_poll runs what is ready and does not sleep") {
  open_context();
  for (int i = 0; i < POSTS; i++)
    ax_post(context, ax_call(on_ran, NULL));
  CHECK(ax_poll(context) == POSTS && ran == POSTS);
  CHECK(ax_poll(context) == 0);
  ax_work_end(context);
  end(context);
}

/* ------------------------------------------------- what the loop brings */

static int peer;
static char byte[1];

static void *write_byte(void *arg) {
  CHECK(write(peer, "x", 1) == 1);
  return NULL;
}

SCENARIO(poll_read, "polls from time to time bring a timer and a read") {
  open_context();
  ax_stream *stream = ax_stream_new(context);
  ax_timer *timer = ax_timer_new(context);
  peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_ran, NULL));
  ax_timer_expires_after(timer, AX_MS(3));
  ax_timer_wait(timer, ax_call(on_ran, NULL));
  pthread_t thread = start_thread(write_byte, NULL);
  for (; ran < 2; sleep_for(AX_MS(1)))
    ax_poll(context);
  join_thread(thread);
  close(peer);
  ax_unref(stream);
  ax_unref(timer);
  ax_work_end(context);
  end(context);
}

/* --------------------------------------------------------- beside butlers */

static void *post_and_end(void *arg) {
  for (int i = 0; i < POSTS; i++)
    ax_post(context, ax_call(on_ran, NULL));
  ax_work_end(context);
  return NULL;
}

static void *poll_often(void *arg) {
  for (int i = 0; i < POSTS; i++)
    ax_poll(context);
  return NULL;
}

SCENARIO(poll_beside_run,
         "a thread that polls and butlers share the handlers") {
  open_context();
  pthread_t poller = start_thread(poll_often, NULL);
  pthread_t poster = start_thread(post_and_end, NULL);
  serve(context, some(1, 2));
  join_thread(poller);
  join_thread(poster);
  CHECK(ran == POSTS);
  end(context);
}
