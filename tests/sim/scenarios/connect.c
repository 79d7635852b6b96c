/* Connecting: each connect completes once, whatever closes or refuses it.
 *
 * A Unix socket connects at once. So these scenarios use TCP on the loopback,
 * where a connect is pending for a moment, and nothing else over it. */
#include "scenario.h"

#include <sys/socket.h>
#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream; /* used on the strand */
static int listener;
static ax_endpoint at;
static int ended, err_of_connect; /* on the strand */

static void bind_listener(void) {
  CHECK(ax_endpoint_parse("127.0.0.1:0", &at) == 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(listener, (struct sockaddr *)&at.addr, at.len) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&at.addr, &at.len) == 0);
}

static void open_stream(bool listening) {
  bind_listener();
  if (listening)
    CHECK(listen(listener, 8) == 0);
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(strand);
}

/* A listener that goes first resets the connection, so the kernel need not
 * remember it for a minute. */
static void release_stream(void) {
  close(listener);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

static void on_connected(void *arg, int err, size_t n) {
  CHECK(ax_inside(strand));
  CHECK(err == 0 || err == UV_ECANCELED);
  err_of_connect = err;
  ended++;
}

/* On the strand. */
static void on_connect(void *arg, int err, size_t n) {
  ax_stream_connect(stream, &at, ax_call(on_connected, NULL));
}

static void connect_with(int butlers) {
  open_stream(true);
  ax_post(strand, ax_call(on_connect, NULL));
  serve(context, butlers);
  CHECK(ended == 1 && err_of_connect == 0);
  release_stream();
}

SCENARIO(connect_some, "a connect completes") { connect_with(some(1, 2)); }

static void *connect_from_outside(void *arg) {
  on_connect(NULL, 0, 0);
  return NULL;
}

SCENARIO(connect_outside, "a connect from outside completes while the one "
                          "butler sleeps") {
  open_stream(true);
  ax_work_begin(context);
  pthread_t butler = start_butler(context);
  pthread_t thread = start_thread(connect_from_outside, NULL);
  join_thread(thread);
  ax_work_end(context);
  join_thread(butler);
  CHECK(ended == 1 && err_of_connect == 0);
  release_stream();
}

/* ---------------------------------------------------- closed, cancelled */

/* On the strand. */
static void on_close(void *arg, int err, size_t n) { ax_stream_close(stream); }
static void on_cancel(void *arg, int err, size_t n) {
  ax_stream_cancel(stream);
}

static void *post_from_outside(void *handler) {
  ax_post(strand, ax_call(*(ax_fn **)handler, NULL));
  return NULL;
}

static void meet(ax_fn *handler) {
  open_stream(true);
  ax_post(strand, ax_call(on_connect, NULL));
  pthread_t thread = start_thread(post_from_outside, &handler);
  serve(context, 2);
  join_thread(thread);
  serve(context, 1);
  CHECK(ended == 1);
}

SCENARIO(connect_close, "a connect that a close meets completes once") {
  meet(on_close);
  CHECK(ax_stream_fd(stream) == -1);
  release_stream();
}

SCENARIO(connect_cancel, "a connect that cancel meets completes once") {
  meet(on_cancel);
  release_stream();
}

/* ------------------------------------------------- refused, then again */

static void on_connected_again(void *arg, int err, size_t n) {
  CHECK(err == 0);
  ended++;
}

/* On the strand. Now somebody listens there. */
static void on_refused(void *arg, int err, size_t n) {
  CHECK(err == UV_ECONNREFUSED);
  ended++;
  CHECK(listen(listener, 8) == 0);
  ax_stream_close(stream);
  ax_stream_connect(stream, &at, ax_call(on_connected_again, NULL));
}

SCENARIO(connect_again,
         "a stream that was refused and closed may connect again") {
  open_stream(false);
  ax_stream_connect(stream, &at, ax_call(on_refused, NULL));
  serve(context, 2);
  CHECK(ended == 2);
  release_stream();
}
