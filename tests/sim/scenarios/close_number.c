/* A stream that closes: who gets the number of its descriptor next, and the
 * stream itself when it is opened again.
 *
 * The stream is used on its strand. Its operations may complete on one butler
 * while the other one closes it. The number is free then, and a thread that
 * opens sockets gets it: no byte of these sockets may be taken, and none may be
 * added. */
#include "scenario.h"

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

static void on_end(void *arg, int err, size_t n) {
  CHECK(err ? err == UV_ECANCELED && n == 0 : n == 1 && in[0] == 'x');
  ended++;
}

static void read_byte(ax_executor *executor, ax_fn *fn) {
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(in, 1)),
                      ax_on(executor, ax_call(fn, NULL)));
}

static void close_beside(void *(*beside)(void *), int butlers) {
  pthread_t other = start_thread(beside, NULL);
  pthread_t closer = start_thread(close_from_outside, NULL);
  serve(context, butlers);
  join_thread(other);
  join_thread(closer);
  serve(context, 1);
}

/* ------------------------------------------------- the number used again */

/* What it writes comes back whole, and nothing else comes. */
static void *use_numbers(void *arg) {
  int ends[2];
  char bytes[8];
  for (int i = 0; i < 3; i++) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    for (int k = 0; k < 2; k++) {
      CHECK(write(ends[k], "y", 1) == 1);
      CHECK(read(ends[!k], bytes, sizeof bytes) == 1 && bytes[0] == 'y');
    }
    close(ends[0]);
    close(ends[1]);
  }
  return NULL;
}

/* On the strand. */
static void on_read(void *executor, int err, size_t n) {
  read_byte(executor, on_end);
}

static void close_and_use_numbers(ax_executor *executor) {
  CHECK(write(peer, "x", 1) == 1);
  ax_post(strand, ax_call(on_read, executor));
  close_beside(use_numbers, 2);
}

SCENARIO(
    close_number_read,
    "a read whose stream closes takes no byte of who has the number next") {
  open_stream();
  close_and_use_numbers(some(0, 1) ? strand : context);
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

static void *drain(void *arg) {
  static char bytes[4000];
  while (read(peer, bytes, sizeof bytes) > 0)
    continue;
  return NULL;
}

SCENARIO(close_number_write, "a write whose stream closes puts no byte where "
                             "the number is used next") {
  open_stream();
  ax_post(strand, ax_call(on_write, NULL));
  pthread_t drainer = start_thread(drain, NULL);
  close_beside(use_numbers, 2);
  join_thread(drainer);
  release_stream(1);
}

static void *release_it(void *arg) {
  ax_unref(stream);
  return NULL;
}

SCENARIO(close_number_freed, "a stream that is released while its context is "
                             "freed closes its number once") {
  open_stream();
  pthread_t releaser = start_thread(release_it, NULL);
  pthread_t user = start_thread(use_numbers, NULL);
  ax_context_free(context);
  join_thread(releaser);
  join_thread(user);
  close(peer);
  ax_unref(strand);
  end(NULL);
}

/* ------------------------------------------------------- opened again */

static int next_peer; /* on the strand */

static void exchange(void) {
  if (next_peer)
    return;
  ax_stream_close(stream);
  next_peer = connect_end(stream);
}

/* On the strand, maybe while the first read is pending. */
static void on_exchange(void *arg, int err, size_t n) { exchange(); }

static void on_reopened(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1 && in[1] == 'z');
  ended++;
}

/* On the strand: the first read is over, so the stream may be read again. */
static void on_end_of_first(void *arg, int err, size_t n) {
  on_end(arg, err, n);
  exchange();
  CHECK(write(next_peer, "z", 1) == 1);
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(in + 1, 1)),
                      ax_call(on_reopened, NULL));
}

static void *exchange_from_outside(void *arg) {
  ax_post(strand, ax_call(on_exchange, NULL));
  return NULL;
}

static void *write_byte(void *arg) {
  CHECK(send(peer, "x", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
  return NULL;
}

static void open_again(int butlers) {
  open_stream();
  read_byte(strand, on_end_of_first);
  pthread_t writer = start_thread(write_byte, NULL);
  pthread_t exchanger = start_thread(exchange_from_outside, NULL);
  serve(context, butlers);
  join_thread(writer);
  join_thread(exchanger);
  serve(context, 1);
  close(next_peer);
  release_stream(2);
}

SCENARIO(
    close_and_open,
    "a stream that was closed and opened again reads from its new descriptor") {
  open_again(some(1, 2));
}
