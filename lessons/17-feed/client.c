/* Two clients of the feed. The first one says sync and keeps what it gets up to
 * date; the second one says it as well, and leaves in the middle of the reply.
 * At last the first one asks again, and compares.
 *
 *     lesson17-client ENDPOINT */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line is "order     0000017 ..."; an update has a word before that. */
enum { LINE = 64, NAME = 17, WORD = 7 };

static ax_context *context;
static ax_endpoint endpoint;
static ax_stream *viewer, *hasty;
static ax_dynbuf in; /* the viewer's */
static char some[1000];

/* The viewer's copy, and how much of a second reply was compared with it. */
static char (*lines)[LINE];
static size_t count, compared, updates;
static bool complete, asked_again;

static void on_line(void *arg, int err, size_t n);

/* --------------------------------------------------------------- asking */

static void on_asked(void *arg, int err, size_t n) {
  lesson_must("write", err);
}

static void ask(ax_stream *stream) {
  ax_stream_write(stream, AX_CSEQ(ax_cstring("sync me\n")),
                  ax_call(on_asked, NULL));
}

static void on_some(void *arg, int err, size_t n) {
  lesson_must("read", err);
  printf("another one says sync, too, and leaves after %zu bytes\n", n);
  ax_stream_close(hasty);
}

static void on_hasty(void *arg, int err, size_t n) {
  lesson_must("connect", err);
  ask(hasty);
  ax_stream_read(hasty, AX_SEQ(AX_BUF(some)), ax_call(on_some, NULL));
}

/* ------------------------------------------------------------- the copy */

static bool begins(const char *line, const char *with) {
  return strncmp(line, with, strlen(with)) == 0;
}

static size_t bytes_of(const char *word) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++)
    found += begins(lines[i], word);
  return found * LINE;
}

static void print_state(void) {
  printf("sync: %zu bytes (executions %zu, orders %zu, positions %zu, "
         "end %zu)\n",
         count * LINE, bytes_of("execution"), bytes_of("order"),
         bytes_of("position"), bytes_of("synced"));
}

static void keep(const char *line) {
  lines = realloc(lines, (count + 1) * sizeof *lines);
  if (!lines)
    lesson_must("memory", UV_ENOMEM);
  memcpy(lines[count++], line, LINE);
}

static void compare(const char *line) {
  if (compared == count || memcmp(lines[compared++], line, LINE) != 0)
    lesson_must("this is not the first state with its updates", UV_EPROTO);
}

static void apply(const char *line) {
  updates++;
  for (size_t i = 0; i < count; i++)
    if (memcmp(lines[i], line, NAME) == 0)
      memcpy(lines[i], line, LINE);
}

/* ---------------------------------------------------------------- lines */

/* The last line of a reply has come. */
static void on_end(void) {
  if (complete) {
    printf("sync again: what it was before, with %zu updates\n", updates);
    ax_stop(context);
    return;
  }
  complete = true;
  print_state();
  ax_stream_connect(hasty, &endpoint, ax_call(on_hasty, NULL));
}

/* The hasty one has come and gone when only one is alive. */
static void on_heartbeat(const char *line) {
  bool waiting = complete && ax_stream_fd(hasty) == -1 && !asked_again;
  if (!waiting || !strstr(line, ", 1 alive"))
    return;
  printf("%s\n", line);
  asked_again = true;
  ask(viewer);
}

static void read_line(void) {
  ax_stream_read_until(viewer, &in, '\n', ax_call(on_line, NULL));
}

static void on_line(void *arg, int err, size_t n) {
  char line[256] = "";
  lesson_must("read", err);
  memcpy(line, ax_dynbuf_data(&in).base, n - 1);
  ax_dynbuf_consume(&in, n);
  if (begins(line, "update "))
    apply(line + WORD);
  else if (begins(line, "heartbeat "))
    on_heartbeat(line);
  else if (complete)
    compare(line);
  else
    keep(line);
  if (begins(line, "synced    0000000"))
    on_end();
  read_line();
}

static void on_connected(void *arg, int err, size_t n) {
  lesson_must("connect", err);
  ask(viewer);
  read_line();
}

int main(int argc, char **argv) {
  lesson_words(argc, argv, "ENDPOINT",
               argc == 2 && !ax_endpoint_parse(argv[1], &endpoint));
  context = ax_context_new();
  viewer = ax_stream_new(context);
  hasty = ax_stream_new(context);
  ax_dynbuf_init(&in, 255);
  ax_stream_connect(viewer, &endpoint, ax_call(on_connected, NULL));
  ax_run(context);
  ax_unref(viewer);
  ax_unref(hasty);
  ax_context_free(context);
  ax_dynbuf_free(&in);
  free(lines);
  return 0;
}
