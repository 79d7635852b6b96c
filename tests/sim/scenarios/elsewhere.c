/* Operations of one context whose handlers are on another one.
 *
 * They are work in both while they are pending. Once they have ended they are
 * work only where the handler is, though nobody runs it yet. */
#include "scenario.h"

#include <unistd.h>

static ax_context *near, *far;
static ax_timer *timer;
static ax_stream *stream;
static int peer;
static char byte[1];
static atomic_int ran;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(err == number_of(arg) * UV_ECANCELED);
  CHECK(ax_inside(far) && !ax_inside(near));
  ran++;
}

static ax_token to_far(int cancelled) {
  return ax_on(far, ax_call(on_ran, as_arg(cancelled)));
}

static void *cancel_timer(void *arg) {
  CHECK(ax_timer_cancel(timer) == 1);
  return NULL;
}

static void *write_byte(void *arg) {
  CHECK(write(peer, "x", 1) == 1);
  return NULL;
}

/* A wait that has to be cancelled, and a read. */
static void open_both(void) {
  near = ax_context_new();
  far = ax_context_new();
  timer = ax_timer_new(near);
  stream = ax_stream_new(near);
  peer = connect_end(stream);
  ax_timer_expires_after(timer, AX_SECONDS(3600));
  ax_timer_wait(timer, to_far(1));
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), to_far(0));
}

static void close_both(void) {
  CHECK(ran == 2);
  close(peer);
  ax_unref(stream);
  ax_unref(timer);
  ax_context_free(far);
  end(near);
}

SCENARIO(elsewhere_later, "ax_run returns when operations have ended, though "
                          "nobody runs their handlers elsewhere yet") {
  open_both();
  pthread_t canceller = start_thread(cancel_timer, NULL);
  pthread_t writer = start_thread(write_byte, NULL);
  serve(near, some(1, 2));
  CHECK(ran == 0);
  join_thread(canceller);
  join_thread(writer);
  serve(far, some(1, 2));
  close_both();
}

SCENARIO(elsewhere_at_once, "ax_run of either context waits for operations "
                            "that end with handlers on the other") {
  open_both();
  pthread_t canceller = start_thread(cancel_timer, NULL);
  pthread_t writer = start_thread(write_byte, NULL);
  pthread_t butler = start_butler(near);
  serve(far, some(1, 2));
  CHECK(ran == 2);
  join_thread(butler);
  join_thread(canceller);
  join_thread(writer);
  close_both();
}
