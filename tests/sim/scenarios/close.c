/* Closing a stream while its operations are pending or complete elsewhere.
 *
 * The stream is used on its strand. A read may have its handler on the context
 * instead, so it may complete on one butler while the other one closes the
 * stream. Each handler runs once. */
#include "gate.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream;
static int peer;
static char in[4];
static atomic_int ended; /* handlers that have run */

static void open_stream(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(strand);
  peer = connect_end(stream);
}

static void release_stream(int handlers) {
  CHECK(ended == handlers);
  close(peer);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

/* On the strand. */
static void on_close(void *arg, int err, size_t n) { ax_stream_close(stream); }

static void *close_from_outside(void *arg) {
  ax_post(strand, ax_call(on_close, NULL));
  return NULL;
}

static void *write_byte(void *arg) {
  CHECK(send(peer, "x", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
  return NULL;
}

static void on_end(void *arg, int err, size_t n) {
  CHECK(err ? err == UV_ECANCELED && n == 0 : n == 1 && in[0] == 'x');
  ended++;
}

static void read_byte(ax_executor *executor, ax_fn *fn) {
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(in, 1)),
                      ax_on(executor, ax_call(fn, NULL)));
}

/* ------------------------------------------------- close meets completion */

static void close_beside(void *(*beside)(void *), int butlers) {
  pthread_t other = start_thread(beside, NULL);
  pthread_t closer = start_thread(close_from_outside, NULL);
  serve(context, butlers);
  join_thread(other);
  join_thread(closer);
  serve(context, 1);
}

SCENARIO(close_read, "a read that data and close meet completes once") {
  open_stream();
  read_byte(strand, on_end);
  close_beside(write_byte, some(1, 2));
  release_stream(1);
}

SCENARIO(close_read_elsewhere, "a read that completes beside the strand of its "
                               "stream completes once when that closes") {
  open_stream();
  read_byte(context, on_end);
  close_beside(write_byte, 2);
  release_stream(1);
}

/* On any executor. What the close has ended finds the descriptor closed: the
 * peer sees the end, or a reset since its byte was not read. */
static void on_end_after_close(void *arg, int err, size_t n) {
  char byte;
  on_end(arg, err, n);
  if (err)
    CHECK(recv(peer, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
}

SCENARIO(close_before_handlers, "the descriptor is closed before the handlers "
                                "of what the close has ended run") {
  open_stream();
  read_byte(some(0, 1) ? strand : context, on_end_after_close);
  close_beside(write_byte, 2);
  release_stream(1);
}

static char out[16000];

static void on_written(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED || (err == 0 && n == sizeof out));
  ended++;
}

/* On the strand. */
static void on_write(void *arg, int err, size_t n) {
  int room = 2048;
  CHECK(setsockopt(ax_stream_fd(stream), SOL_SOCKET, SO_SNDBUF, &room,
                   sizeof room) == 0);
  ax_stream_write(stream, AX_CSEQ(ax_cbuffer(out, sizeof out)),
                  ax_on(context, ax_call(on_written, NULL)));
}

/* --------------------------------------------------- all that is pending */

static void on_cancelled(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED);
  ended++;
}

SCENARIO(close_both_sides,
         "a close ends the pending read and the pending write once") {
  open_stream();
  read_byte(strand, on_cancelled);
  on_write(NULL, 0, 0);
  close_beside(close_from_outside, 2);
  release_stream(2);
}

static void on_closed(void *arg, int err, size_t n) {
  CHECK(err == UV_EBADF);
  ended++;
}

/* On the strand. */
static void on_close_twice(void *arg, int err, size_t n) {
  ax_stream_close(stream);
  ax_stream_close(stream);
  CHECK(ax_stream_fd(stream) == -1);
  read_byte(strand, on_closed);
}

SCENARIO(close_twice, "a closed stream can be closed again and not be read") {
  open_stream();
  read_byte(strand, on_end);
  ax_post(strand, ax_call(on_close_twice, NULL));
  close_beside(write_byte, 2);
  release_stream(2);
}

/* -------------------------------------------------------- without a butler */

static void *close_one(void *s) {
  ax_stream_close(s);
  return NULL;
}

static void expect_end(int fd) {
  char byte;
  CHECK(recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
  close(fd);
}

SCENARIO(close_outsiders,
         "two streams that two threads close are closed without a butler") {
  open_stream();
  ax_stream *other = ax_stream_new(context);
  int other_peer = connect_end(other);
  pthread_t thread = start_thread(close_one, other);
  close_one(stream);
  join_thread(thread);
  expect_end(peer);
  expect_end(other_peer);
  ax_unref(other);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

SCENARIO(close_beside_outsider,
         "what a handler closes while a thread closes another stream is closed "
         "when ax_run returns") {
  open_stream();
  ax_stream *other = ax_stream_new(context);
  int other_peer = connect_end(other);
  ax_post(strand, ax_call(on_close, NULL));
  pthread_t thread = start_thread(close_one, other);
  serve(context, 1);
  expect_end(peer);
  join_thread(thread);
  expect_end(other_peer);
  ax_unref(other);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

static void *close_and_stop(void *arg) {
  ax_stream_close(stream);
  ax_stop(context);
  return NULL;
}

SCENARIO(
    close_before_stop,
    "a stream that is closed before a stop is closed when ax_run returns") {
  open_stream();
  ax_work_begin(context);
  pthread_t thread = start_thread(close_and_stop, NULL);
  serve(context, some(1, 2));
  join_thread(thread);
  expect_end(peer);
  ax_work_end(context);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

/* --------------------------------------------- the only butler blocks soon */

static struct gate blocked = GATE, asked = GATE;

static void on_block(void *arg, int err, size_t n) {
  gate_open(&blocked);
  gate_pass(&asked);
}

static struct stream_of_a_thread {
  ax_stream *stream;
  int peer;
  char byte[1];
} two[2];

enum wish { CLOSE, RELEASE, CANCEL };
static enum wish wishes[2];

static void *wish(void *arg) {
  ax_stream *wanted = two[number_of(arg)].stream;
  switch (wishes[number_of(arg)]) {
  case CLOSE:
    ax_stream_close(wanted);
    break;
  case CANCEL:
    ax_stream_cancel(wanted);
    break;
  case RELEASE:
    ax_unref(wanted);
  }
  return NULL;
}

/* What is pending has its handler on another context, which is served later. */
static void open_two(ax_context *far) {
  for (int i = 0; i < 2; i++) {
    wishes[i] = (enum wish)some(CLOSE, CANCEL);
    two[i].stream = ax_stream_new(context);
    two[i].peer = connect_end(two[i].stream);
    if (wishes[i] != RELEASE)
      ax_stream_read_some(two[i].stream, AX_SEQ(AX_BUF(two[i].byte)),
                          ax_on(far, ax_call(on_cancelled, NULL)));
  }
}

/* Without that butler, who is in his handler. */
static void check_two(ax_context *far) {
  CHECK(ax_run(far) == (size_t)(wishes[0] != RELEASE) + (wishes[1] != RELEASE));
  for (int i = 0; i < 2; i++) {
    if (wishes[i] == CANCEL)
      close(two[i].peer);
    else
      expect_end(two[i].peer);
    if (wishes[i] != RELEASE)
      ax_unref(two[i].stream);
  }
}

SCENARIO(close_beside_blocked,
         "what two threads want of streams is done though "
         "the only butler goes to a handler that blocks") {
  context = ax_context_new();
  ax_context *far = ax_context_new();
  open_two(far);
  ax_work_begin(context);
  pthread_t butler = start_butler(context);
  pthread_t thread = start_thread(wish, as_arg(1));
  ax_post(context, ax_call(on_block, NULL));
  wish(as_arg(0));
  join_thread(thread);
  gate_pass(&blocked);
  check_two(far);
  gate_open(&asked);
  ax_work_end(context);
  join_thread(butler);
  ax_context_free(far);
  end(context);
}
