/* Reads: each completes once, and no byte is lost or comes twice, whether it
 * is cancelled, begun elsewhere, or begun twice.
 *
 * The bytes are numbered from 'a' on. Whoever reads counts them in `next`. */
#include "gate.h"

#include <sched.h>
#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream;
static int peer;
static char in[4];
static int next, ended; /* on the strand */

static void check_bytes(const char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    CHECK(bytes[i] == 'a' + next++);
}

static void open_reader(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(strand);
  peer = connect_end(stream);
}

static void release_reader(void) {
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

/* -------------------------------------------- cancelled, and begun again */

enum { BYTES = 8, CANCELS = 4 };

static void (*read_more)(void);

/* On the strand. A read that was cancelled may have got a part. */
static void on_bytes(void *arg, int err, size_t n) {
  check_bytes(in, n);
  CHECK(err == 0 || err == UV_ECANCELED || err == UV_EOF);
  if (err == UV_EOF)
    ended++;
  else
    read_more();
}

static void read_some(void) {
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(in)), ax_call(on_bytes, NULL));
}

static void read_full(void) {
  ax_stream_read(stream, AX_SEQ(AX_BUF(in)), ax_call(on_bytes, NULL));
}

static void on_begin(void *arg, int err, size_t n) { read_more(); }
static void on_cancel(void *arg, int err, size_t n) {
  ax_stream_cancel(stream);
}

static void *write_bytes(void *arg) {
  char byte = 'a';
  for (int i = 0; i < BYTES; i++, byte++)
    CHECK(write(peer, &byte, 1) == 1);
  close(peer);
  return NULL;
}

static void *cancel_often(void *arg) {
  for (int i = 0; i < CANCELS; i++)
    ax_post(strand, ax_call(on_cancel, NULL));
  return NULL;
}

static void cancel_and_begin_again(int butlers) {
  open_reader();
  ax_post(strand, ax_call(on_begin, NULL));
  pthread_t writer = start_thread(write_bytes, NULL);
  pthread_t canceller = start_thread(cancel_often, NULL);
  serve(context, butlers);
  join_thread(writer);
  join_thread(canceller);
  serve(context, 1);
  CHECK(next == BYTES && ended == 1);
  release_reader();
}

SCENARIO(read_cancel_again,
         "a read that is cancelled and begun again loses nothing") {
  read_more = read_some;
  cancel_and_begin_again(some(1, 2));
}

SCENARIO(read_cancel_part, "a read that is cancelled in the middle tells how "
                           "much had come") {
  read_more = read_full;
  cancel_and_begin_again(2);
}

/* ------------------------------------------------ cancel meets completion */

static int outcome;

static void on_either(void *arg, int err, size_t n) {
  CHECK(ended++ == 0);
  CHECK(err ? err == UV_ECANCELED && n == 0 : n == 1);
  check_bytes(in, n);
  outcome = err;
}

static void *write_one(void *arg) {
  CHECK(write(peer, "a", 1) == 1);
  return NULL;
}

/* From here on only the canceller uses the stream. */
static void *cancel(void *arg) {
  ax_stream_cancel(stream);
  return NULL;
}

static void begin_either(void) {
  ended = 0;
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(in)), ax_call(on_either, NULL));
}

static void meet_cancel(int butlers) {
  open_reader();
  begin_either();
  pthread_t writer = start_thread(write_one, NULL);
  pthread_t canceller = start_thread(cancel, NULL);
  serve(context, butlers);
  join_thread(writer);
  join_thread(canceller);
  serve(context, 1);
  CHECK(ended == 1);
  if (outcome == UV_ECANCELED) {
    begin_either();
    serve(context, 1);
  }
  CHECK(next == 1);
  close(peer);
  release_reader();
}

SCENARIO(read_cancel, "a read that data and cancel meet completes once") {
  meet_cancel(some(1, 2));
}

/* ------------------------------------------------------ one at a time */

static void on_busy(void *arg, int err, size_t n) {
  CHECK(err == UV_EBUSY && n == 0);
  ended++;
}

static void on_first(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 4);
  check_bytes(in, n);
  ended++;
}

/* On the strand: the first read is pending, for it wants four bytes. */
static void on_read_twice(void *arg, int err, size_t n) {
  static char other[4];
  ax_stream_read(stream, AX_SEQ(AX_BUF(in)), ax_call(on_first, NULL));
  ax_stream_read(stream, AX_SEQ(AX_BUF(other)), ax_call(on_busy, NULL));
}

static void *write_four(void *arg) {
  CHECK(write(peer, "ab", 2) == 2);
  CHECK(write(peer, "cd", 2) == 2);
  return NULL;
}

SCENARIO(read_busy, "a second read ends with EBUSY and harms nothing") {
  open_reader();
  ax_post(strand, ax_call(on_read_twice, NULL));
  pthread_t writer = start_thread(write_four, NULL);
  serve(context, 2);
  join_thread(writer);
  CHECK(ended == 2 && next == 4);
  close(peer);
  release_reader();
}

/* On the strand, after the first read has got a part. */
static void on_read_again(void *arg, int err, size_t n) {
  static char other[4];
  ax_stream_read(stream, AX_SEQ(AX_BUF(other)), ax_call(on_busy, NULL));
  CHECK(write(peer, "cd", 2) == 2);
}

SCENARIO(read_busy_part, "a read that has got a part is still the only one") {
  open_reader();
  ax_timer *later = ax_timer_new(strand);
  ax_stream_read(stream, AX_SEQ(AX_BUF(in)), ax_call(on_first, NULL));
  CHECK(write(peer, "ab", 2) == 2);
  ax_timer_expires_after(later, AX_SECONDS(1));
  ax_timer_wait(later, ax_call(on_read_again, NULL));
  serve(context, some(1, 2));
  CHECK(ended == 2 && next == 4);
  ax_unref(later);
  close(peer);
  release_reader();
}

static void on_second(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1);
  check_bytes(in, n);
  ended++;
}

/* On the strand, while the second read is pending. */
static void on_cancelled_first(void *arg, int err, size_t n) {
  static char other[4];
  CHECK(err == UV_ECANCELED && n == 0);
  ended++;
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(other)), ax_call(on_busy, NULL));
  CHECK(write(peer, "a", 1) == 1);
}

/* On the strand. */
static void on_cancel_and_read(void *arg, int err, size_t n) {
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(in)),
                      ax_call(on_cancelled_first, NULL));
  ax_stream_cancel(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(in)), ax_call(on_second, NULL));
}

SCENARIO(read_busy_cancelled,
         "a read behind one that was cancelled is the only one") {
  open_reader();
  ax_post(strand, ax_call(on_cancel_and_read, NULL));
  serve(context, some(1, 2));
  CHECK(ended == 3 && next == 1);
  close(peer);
  release_reader();
}
