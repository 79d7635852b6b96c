/* Limits in time: an operation with one completes once, with its own result or
 * with UV_ETIMEDOUT, whatever meets it; and nothing of the limit is left. */
#include "gate.h"

#include <unistd.h>

static const ax_time HOUR = AX_SECONDS(3600);

static ax_context *context, *home;
static ax_strand *strand;
static ax_stream *stream;
static char byte[2];
static int handlers, timed_out, got; /* where the handlers run */

static int open_stream(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(context);
  return connect_end(stream);
}

static void close_stream(int peer) {
  close(peer);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

static void on_read(void *arg, int err, size_t n) {
  CHECK(err == 0 || err == UV_ETIMEDOUT || err == UV_ECANCELED);
  CHECK((n == 1) == (err == 0));
  handlers++;
  timed_out += err == UV_ETIMEDOUT;
  got += (int)n;
}

static void read_within(ax_executor *executor, ax_time span) {
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(byte, 1)),
                      ax_on(executor, ax_within(span, ax_call(on_read, NULL))));
}

static void *say_a_word(void *peer) {
  sleep_for(AX_MS(0.2));
  CHECK(write(number_of(peer), "x", 1) == 1);
  return NULL;
}

/* --------------------------------------------------- data against the time */

/* What the first read did not get is there for the second. */
static void on_read_again(void *arg, int err, size_t n) {
  on_read(arg, err, n);
  if (err)
    read_within(strand, HOUR);
}

SCENARIO(within_read, "a read that meets the end of its time has its data, or "
                      "leaves it for the next") {
  int peer = open_stream();
  ax_stream_read_some(
      stream, AX_SEQ(ax_buffer(byte, 1)),
      ax_on(strand, ax_within(AX_MS(0.2), ax_call(on_read_again, NULL))));
  pthread_t thread = start_thread(say_a_word, as_arg(peer));
  serve(context, some(1, 3));
  join_thread(thread);
  CHECK(got == 1 && handlers == 1 + timed_out);
  close_stream(peer);
}

/* A time that is over before the read stands in the loop. */
static void *read_at_once(void *arg) {
  read_within(strand, some(0, 1) ? 0 : AX_MS(0.01));
  ax_work_end(context);
  return NULL;
}

SCENARIO(within_at_once, "a read ends though its time is over at once") {
  int peer = open_stream();
  ax_work_begin(context);
  pthread_t thread = start_thread(read_at_once, NULL);
  serve(context, some(1, 2));
  join_thread(thread);
  serve(context, 1);
  CHECK(handlers == 1 && timed_out == 1);
  close_stream(peer);
}

/* ------------------------------------------- of an hour nothing is left */

static void *read_in_time(void *peer) {
  CHECK(write(number_of(peer), "x", 1) == 1);
  read_within(strand, HOUR);
  ax_work_end(context);
  return NULL;
}

SCENARIO(within_in_time, "a limit goes with its operation, however early that "
                         "is done") {
  int peer = open_stream();
  size_t objects = ax_live().objects;
  ax_work_begin(context);
  pthread_t thread = start_thread(read_in_time, as_arg(peer));
  serve(context, 2);
  join_thread(thread);
  serve(context, 1);
  CHECK(got == 1 && ax_live().objects == objects);
  close_stream(peer);
}

/* ----------------------------------------------- the operation behind it */

static void on_next(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1);
  got++;
}

static void on_cancelled(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED || err == UV_ETIMEDOUT);
  handlers++;
}

static struct gate cancelled = GATE;

/* On the strand, about when the time is over. */
static void on_cancel(void *arg, int err, size_t n) {
  ax_stream_cancel(stream);
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(byte + 1, 1)),
                      ax_on(strand, ax_call(on_next, NULL)));
  gate_open(&cancelled);
}

static void *cancel_and_say(void *peer) {
  sleep_for(AX_MS(0.2));
  ax_post(strand, ax_call(on_cancel, NULL));
  gate_pass(&cancelled);
  sleep_for(AX_MS(0.5)); /* the time is over, and the read still pending */
  CHECK(write(number_of(peer), "x", 1) == 1);
  return NULL;
}

SCENARIO(within_next, "the time of a read that was cancelled does not end the "
                      "next one") {
  int peer = open_stream();
  ax_work_begin(context);
  ax_stream_read_some(
      stream, AX_SEQ(ax_buffer(byte, 1)),
      ax_on(strand, ax_within(AX_MS(0.2), ax_call(on_cancelled, NULL))));
  pthread_t butler = start_butler(context);
  cancel_and_say(as_arg(peer));
  ax_work_end(context);
  serve(context, 1);
  join_thread(butler);
  CHECK(handlers == 1 && got == 1);
  close_stream(peer);
}

/* -------------------------------------------------------- freed contexts */

static void *run_home(void *arg) {
  ax_run(home);
  return NULL;
}

/* The read completes elsewhere, while its own context ends. */
SCENARIO(within_elsewhere, "a limit ends on another context, though its own "
                           "one is freed") {
  int peer = open_stream();
  home = ax_context_new();
  read_within(home, some(0, 1) ? AX_MS(0.2) : HOUR);
  pthread_t thread = start_thread(say_a_word, as_arg(peer));
  pthread_t butler = start_thread(run_home, NULL);
  serve(context, 1);
  join_thread(thread);
  ax_unref(stream);
  ax_unref(strand);
  ax_context_free(context);
  join_thread(butler);
  CHECK(handlers == 1);
  close(peer);
  end(home);
}

SCENARIO(within_dropped, "a freed context drops operations and their limits, "
                         "in whatever state they are") {
  int peer = open_stream();
  read_within(strand, AX_MS(0.2));
  pthread_t thread = start_thread(say_a_word, as_arg(peer));
  for (int polls = some(0, 6); polls--;) {
    ax_poll(context);
    sleep_for(AX_MS(0.1));
  }
  join_thread(thread);
  CHECK(handlers <= 1);
  close_stream(peer);
}
