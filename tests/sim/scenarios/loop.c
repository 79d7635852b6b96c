/* Callbacks of the loop itself, which other libuv libraries have, and which may
 * call everything here.
 *
 * A thread does something to a stream and then rings a bell in the loop, so
 * what the bell's callback does to the stream comes after that. */
#include "scenario.h"

#include <signal.h>
#include <unistd.h>

static ax_context *context;
static ax_stream *stream;
static int peer;
static char byte[1];
static uv_async_t bell;
static int reads; /* whose handlers have run */

static void open_bell(uv_async_cb on_bell) {
  context = ax_context_new();
  stream = ax_stream_new(context);
  peer = connect_end(stream);
  CHECK(uv_async_init(ax_context_loop(context), &bell, on_bell) == 0);
  ax_work_begin(context);
}

static void *cancel_and_ring(void *arg) {
  ax_stream_cancel(stream);
  CHECK(uv_async_send(&bell) == 0);
  return NULL;
}

static ax_signals *signals; /* or NULL */

static void cancel_beside(int butlers) {
  pthread_t thread = start_thread(cancel_and_ring, NULL);
  serve(context, butlers);
  join_thread(thread);
  close(peer);
  ax_unref(signals);
  ax_unref(stream);
  end(context);
}

static void on_read(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1 && byte[0] == 'x');
  reads++;
  ax_work_end(context);
}

/* Is not called again. */
static void on_bell_read(uv_async_t *handle) {
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_read, NULL));
  uv_close((uv_handle_t *)handle, NULL);
}

SCENARIO(loop_read_after_cancel,
         "a read that a callback of the loop begins after a cancel is not "
         "cancelled") {
  open_bell(on_bell_read);
  CHECK(write(peer, "x", 1) == 1);
  cancel_beside(some(1, 2));
  CHECK(reads == 1);
}

/* Is not called again. */
static void on_bell_add(uv_async_t *handle) {
  CHECK(ax_signals_add(signals, SIGUSR1) == 0);
  uv_close((uv_handle_t *)handle, NULL);
  ax_work_end(context);
}

SCENARIO(loop_add_signal, "a callback of the loop adds a signal though the "
                          "request of a thread waits") {
  open_bell(on_bell_add);
  signals = ax_signals_new(context);
  cancel_beside(some(1, 2));
}
