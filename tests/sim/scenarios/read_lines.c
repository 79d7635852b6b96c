/* Reads that go on: lines that come in pieces, reads that outsiders begin, and
 * what is left to read when one side has ended. */
#include "scenario.h"

#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream;
static int peer;

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

static void put(const char *text) {
  CHECK(write(peer, text, strlen(text)) == (ssize_t)strlen(text));
}

/* -------------------------------------------------------------- lines */

static const char *const expected[] = {"one\n", "\n", "three\n", "last"};
static ax_dynbuf lines;
static int came; /* lines, on the strand */
static bool restless;

static void on_line(void *arg, int err, size_t n);

static void read_line(void) {
  ax_stream_read_until(stream, &lines, '\n', ax_call(on_line, NULL));
}

static void take_line(size_t length) {
  CHECK(came < 4);
  const char *line = expected[came++];
  ax_cbuf data = ax_dynbuf_data(&lines);
  CHECK(length == strlen(line) && memcmp(data.base, line, length) == 0);
  ax_dynbuf_consume(&lines, length);
}

/* On the strand. At the end of the stream a line without its end is left. */
static void on_line(void *arg, int err, size_t n) {
  CHECK(err == 0 || err == UV_EOF || (restless && err == UV_ECANCELED));
  if (err == UV_EOF) {
    take_line(ax_dynbuf_data(&lines).len);
    return;
  }
  if (!err)
    take_line(n);
  read_line();
}

static void *write_lines(void *arg) {
  put("on");
  put("e\n\nth");
  put("ree");
  put("\nlast");
  close(peer);
  return NULL;
}

static void on_cancel(void *arg, int err, size_t n) {
  ax_stream_cancel(stream);
}

static void *cancel_if_restless(void *arg) {
  for (int i = 0; restless && i < 3; i++)
    ax_post(strand, ax_call(on_cancel, NULL));
  return NULL;
}

static void read_lines_with(int butlers) {
  open_reader();
  ax_dynbuf_init(&lines, 64);
  read_line();
  pthread_t writer = start_thread(write_lines, NULL);
  pthread_t canceller = start_thread(cancel_if_restless, NULL);
  serve(context, butlers);
  join_thread(writer);
  join_thread(canceller);
  serve(context, 1);
  CHECK(came == 4);
  ax_dynbuf_free(&lines);
  release_reader();
}

SCENARIO(read_lines, "lines that come in pieces are read line by line") {
  read_lines_with(some(1, 2));
}

SCENARIO(read_lines_cancelled,
         "a line that is cancelled between its pieces is read in the end") {
  restless = true;
  read_lines_with(2);
}

/* --------------------------------------- begun by threads that are no butlers
 */

static ax_stream *streams[2];
static int peers[2];
static char in[2][1];
static int handled; /* one butler only */

static void on_byte(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1 && *(char *)arg == 'x');
  if (++handled == 2)
    ax_work_end(context);
}

/* On two threads, each with a stream of its own. */
static void *begin_read(void *arg) {
  int i = number_of(arg);
  ax_stream_read_some(streams[i], AX_SEQ(AX_BUF(in[i])),
                      ax_call(on_byte, in[i]));
  return NULL;
}

static void *write_and_begin(void *arg) {
  CHECK(write(peers[number_of(arg)], "x", 1) == 1);
  return begin_read(arg);
}

static void *begin_and_write(void *arg) {
  begin_read(arg);
  CHECK(write(peers[number_of(arg)], "x", 1) == 1);
  return NULL;
}

static void open_two(void) {
  context = ax_context_new();
  ax_work_begin(context);
  for (int i = 0; i < 2; i++)
    peers[i] = connect_end(streams[i] = ax_stream_new(context));
}

static void close_two(void) {
  CHECK(handled == 2);
  for (int i = 0; i < 2; i++) {
    ax_unref(streams[i]);
    close(peers[i]);
  }
  end(context);
}

/* Begins with two threads; the butler comes at the same time, or after. */
static void begin_from_outside(void *(*begin)(void *), bool before) {
  pthread_t threads[2];
  open_two();
  for (int i = 0; i < 2; i++)
    threads[i] = start_thread(begin, as_arg(i));
  if (!before)
    serve(context, 1);
  for (int i = 0; i < 2; i++)
    join_thread(threads[i]);
  if (before)
    serve(context, 1);
  close_two();
}

SCENARIO(read_outsiders, "reads that two threads begin find their data while "
                         "the one butler sleeps") {
  begin_from_outside(some(0, 1) ? write_and_begin : begin_and_write, false);
}

SCENARIO(read_outsiders_before, "reads that two threads begin before there is "
                                "a butler find their data") {
  begin_from_outside(begin_and_write, true);
}

/* --------------------------------------------------- released, half closed */

static void *release_and_write(void *arg) {
  ax_unref(stream);
  put("x");
  close(peer);
  return NULL;
}

SCENARIO(read_released, "a stream that is released while a read is pending "
                        "lives until its handler has run") {
  handled = 1;
  open_reader();
  ax_work_begin(context);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(in[0])), ax_call(on_byte, in[0]));
  pthread_t thread = start_thread(release_and_write, NULL);
  serve(context, 2);
  join_thread(thread);
  CHECK(handled == 2);
  ax_unref(strand);
  end(context);
}

static ax_stream *other;
static char all[8];

static void on_all(void *arg, int err, size_t n) {
  CHECK(err == UV_EOF && n == 5 && memcmp(all, "hello", 5) == 0);
  handled++;
}

static void on_written(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 5);
  CHECK(ax_stream_shutdown(other) == 0);
}

SCENARIO(read_to_the_end,
         "the end of a stream comes after all that was written") {
  context = ax_context_new();
  stream = ax_stream_new(context);
  other = ax_stream_new(context);
  connect_pair(stream, other);
  ax_stream_read(stream, AX_SEQ(AX_BUF(all)), ax_call(on_all, NULL));
  ax_stream_write(other, AX_CSEQ(ax_cstring("hello")),
                  ax_call(on_written, NULL));
  serve(context, 2);
  CHECK(handled == 1);
  ax_unref(stream);
  ax_unref(other);
  end(context);
}
