/* The exercise of lesson 12: an echo of lines. A line ends with a newline and
 * has at most --limit bytes before that. One that is longer is not echoed: the
 * client hears "too long" instead, once, when the end of it has come. Then the
 * server goes on with the next line. */
#include "../10-echo/listener.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

static long limit = 64;
static atomic_long alive; /* sessions */

struct session {
  ax_obj obj;
  ax_stream *stream;
  ax_dynbuf in;  /* what has come, limit + 1 bytes at most */
  size_t line;   /* bytes of the line that is echoed, newline included */
  bool too_long; /* what comes now is the rest of a long line */
};

static void on_line(void *arg, int err, size_t n);

static void read_line(struct session *s) {
  ax_stream_read_until(s->stream, &s->in, '\n',
                       ax_keep(s, ax_call(on_line, s)));
}

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    return;
  ax_dynbuf_consume(&s->in, s->line);
  read_line(s);
}

/* Writes the line at the front, or what is said instead of it. The line stays
 * in the buffer until it is written. */
static void answer(struct session *s, ax_cbuf text) {
  ax_stream_write(s->stream, AX_CSEQ(text), ax_keep(s, ax_call(on_written, s)));
}

/* A line of n bytes is there, and perhaps something of the next ones. Or `err`
 * says that there is none: the buffer is full (UV_EMSGSIZE), or it is over. */
static void on_line(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_cbuf data = ax_dynbuf_data(&s->in);
  if (err && err != UV_EMSGSIZE) {
    lesson_log(data.len ? "left in the middle of a line" : "said goodbye");
    return;
  }
  /* todo: a line, or a buffer that is full. A line is answered with itself. Of
   * a line that is too long drop what is in the buffer, and read on: the bytes
   * up to the next newline are the rest of it. Answer with "too long\n" when
   * that newline has come (ax_cstring makes a buffer of a string); whatever is
   * behind it is the next line. */
  s->line = n;
  if (err) {
    s->too_long = true;
    ax_dynbuf_consume(&s->in, data.len);
    read_line(s);
  } else if (s->too_long) {
    s->too_long = false;
    answer(s, ax_cstring("too long\n"));
  } else {
    answer(s, ax_cbuffer(data.base, n));
  }
  /* given: s->line = n; */
  /* given: if (!err) */
  /* given:   answer(s, ax_cbuffer(data.base, n)); */
  /* done */
}

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->stream);
  ax_dynbuf_free(&s->in);
  free(s);
  lesson_say("a session is gone, alive: %ld", --alive);
}

static void on_connected(void *arg, ax_stream *stream) {
  struct session *s = lesson_alloc(sizeof *s);
  *s = (struct session){.stream = stream};
  ax_obj_init(&s->obj, session_destroy);
  ax_dynbuf_init(&s->in, (size_t)limit + 1);
  alive++;
  read_line(s);
  ax_unref(s);
}

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"limit", &limit, 1, 65535, "bytes in a line, without its newline"}};
  struct lesson_cli cli = {.about = "An echo server of lines.",
                           .endpoint = "127.0.0.1:8888",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 2};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], on_connected, NULL);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_context_free(context);
  printf("alive: %ld\n", alive);
  return 0;
}
