/* Writes: all bytes of all buffers arrive, in order, however little room there
 * is; a write that fails or is cancelled tells how many bytes were taken.
 *
 * The socket has a small buffer, so a large write takes many steps in
 * the loop. Byte number i has the value i modulo 251. */
#include "scenario.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 24000, CHUNK = 3000 };

static ax_context *context;
static ax_stream *stream;
static int peer;
static unsigned char out[LARGE], in[CHUNK];
static size_t received; /* by the one who reads at the other end */
static int written, err_of_write;
static size_t n_of_write;

static void fill(void) {
  for (size_t i = 0; i < LARGE; i++)
    out[i] = (unsigned char)(i % 251);
}

static void check_chunk(const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    CHECK(bytes[i] == (received + i) % 251);
  received += n;
}

static void have_little_room(ax_stream *s) {
  int room = 2048;
  CHECK(setsockopt(ax_stream_fd(s), SOL_SOCKET, SO_SNDBUF, &room,
                   sizeof room) == 0);
}

static void open_writer(void) {
  fill();
  context = ax_context_new();
  stream = ax_stream_new(context);
}

static void on_written(void *arg, int err, size_t n) {
  written++;
  err_of_write = err;
  n_of_write = n;
}

static void begin_write(void) {
  ax_cbuf head = ax_cbuffer(out, 1000), none = ax_cbuffer(NULL, 0),
          tail = ax_cbuffer(out + 1000, LARGE - 1000);
  ax_stream_write(stream, AX_CSEQ(head, none, tail), ax_call(on_written, NULL));
}

static void check_written_all(void) {
  CHECK(written == 1 && err_of_write == 0 && n_of_write == LARGE);
  CHECK(received == LARGE);
}

/* ---------------------------------------------- a thread reads, blocking */

static void *read_all(void *arg) {
  for (ssize_t n; (n = read(peer, in, sizeof in)) > 0;)
    check_chunk(in, (size_t)n);
  return NULL;
}

static void write_to_thread(int butlers) {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  pthread_t reader = start_thread(read_all, NULL);
  begin_write();
  serve(context, butlers);
  ax_stream_close(stream);
  join_thread(reader);
  check_written_all();
  close(peer);
  ax_unref(stream);
  end(context);
}

SCENARIO(write_large,
         "a large write arrives in order though there is little room") {
  write_to_thread(some(1, 2));
}

/* ------------------------------------------- a stream of the same context */

static ax_stream *reader;

static void on_chunk(void *arg, int err, size_t n) {
  CHECK(err == 0);
  check_chunk(in, n);
  if (received < LARGE)
    ax_stream_read_some(reader, AX_SEQ(AX_BUF(in)), ax_call(on_chunk, NULL));
}

static void write_to_stream(int butlers) {
  open_writer();
  reader = ax_stream_new(context);
  connect_pair(stream, reader);
  have_little_room(stream);
  begin_write();
  on_chunk(NULL, 0, 0);
  serve(context, butlers);
  check_written_all();
  ax_unref(stream);
  ax_unref(reader);
  end(context);
}

SCENARIO(write_and_read, "butlers write and read at the same time") {
  write_to_stream(some(1, 2));
}

SCENARIO(write_and_read_pipe, "a large write goes through a small pipe") {
  int ends[2];
  open_writer();
  reader = ax_stream_new(context);
  CHECK(pipe(ends) == 0);
  CHECK(ax_stream_open_fd(reader, ends[0]) == 0);
  CHECK(ax_stream_open_fd(stream, ends[1]) == 0);
  CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  begin_write();
  on_chunk(NULL, 0, 0);
  serve(context, 2);
  check_written_all();
  close(ends[0]);
  close(ends[1]);
  ax_unref(stream);
  ax_unref(reader);
  end(context);
}

/* --------------------------------------------------------- one at a time */

static void on_busy(void *arg, int err, size_t n) {
  CHECK(err == UV_EBUSY && n == 0);
}

SCENARIO(write_busy, "a second write ends with EBUSY and harms nothing") {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  begin_write();
  ax_stream_write(stream, AX_CSEQ(ax_cstring("no")), ax_call(on_busy, NULL));
  pthread_t thread = start_thread(read_all, NULL);
  serve(context, 2);
  ax_stream_close(stream);
  join_thread(thread);
  check_written_all();
  close(peer);
  ax_unref(stream);
  end(context);
}

/* ----------------------------------------- cancelled, and left by the peer */

static void *cancel(void *arg) {
  ax_stream_cancel(stream);
  return NULL;
}

SCENARIO(write_cancel, "a write that is cancelled tells how many bytes the "
                       "peer will get") {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  begin_write();
  pthread_t thread = start_thread(read_all, NULL);
  pthread_t canceller = start_thread(cancel, NULL);
  serve(context, 2);
  join_thread(canceller);
  serve(context, 1);
  ax_stream_close(stream);
  join_thread(thread);
  CHECK(written == 1 && n_of_write == received);
  CHECK(err_of_write ? err_of_write == UV_ECANCELED : received == LARGE);
  close(peer);
  ax_unref(stream);
  end(context);
}

enum { MARK = 255 }; /* no byte of `out` is that */
static size_t marked;

static void *read_all_and_marks(void *arg) {
  for (ssize_t n; (n = read(peer, in, sizeof in)) > 0;) {
    size_t before = 0;
    while (before < (size_t)n && in[before] != MARK)
      before++;
    CHECK(marked == 0 || before == 0);
    check_chunk(in, before);
    for (size_t i = before; i < (size_t)n; i++, marked++)
      CHECK(in[i] == MARK);
  }
  return NULL;
}

static void on_marked(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 8);
}

/* From here on only this thread uses the stream. */
static void *cancel_and_mark(void *arg) {
  static unsigned char marks[8];
  memset(marks, MARK, sizeof marks);
  ax_stream_cancel(stream);
  ax_stream_write(stream, AX_CSEQ(AX_CBUF(marks)), ax_call(on_marked, NULL));
  return NULL;
}

SCENARIO(write_cancel_again, "what is written after a cancel comes after what "
                             "the cancelled write has put") {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  begin_write();
  pthread_t thread = start_thread(read_all_and_marks, NULL);
  pthread_t canceller = start_thread(cancel_and_mark, NULL);
  serve(context, some(1, 2));
  join_thread(canceller);
  serve(context, 1);
  ax_stream_close(stream);
  join_thread(thread);
  CHECK(written == 1 && n_of_write == received && marked == 8);
  close(peer);
  ax_unref(stream);
  end(context);
}

static char answer[1];

static void on_answer(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED && n == 0);
}

/* From here on only this thread uses the stream. */
static void *cancel_reading(void *arg) {
  ax_stream_cancel_side(stream, AX_READ);
  return NULL;
}

SCENARIO(write_cancel_other,
         "a write goes on when the read of its stream is cancelled") {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  begin_write();
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(answer)), ax_call(on_answer, NULL));
  pthread_t thread = start_thread(read_all, NULL);
  pthread_t canceller = start_thread(cancel_reading, NULL);
  serve(context, some(1, 2));
  join_thread(canceller);
  ax_stream_close(stream);
  join_thread(thread);
  check_written_all();
  close(peer);
  ax_unref(stream);
  end(context);
}

static void *read_one_and_leave(void *arg) {
  CHECK(read(peer, in, 1) == 1);
  close(peer);
  return NULL;
}

SCENARIO(write_peer_leaves, "a write whose peer leaves ends with an error") {
  open_writer();
  peer = connect_end(stream);
  have_little_room(stream);
  begin_write();
  pthread_t thread = start_thread(read_one_and_leave, NULL);
  serve(context, 2);
  join_thread(thread);
  CHECK(written == 1 && n_of_write < LARGE);
  CHECK(err_of_write == UV_EPIPE || err_of_write == UV_ECONNRESET);
  ax_unref(stream);
  end(context);
}
