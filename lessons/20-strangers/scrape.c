/* scrape.c: as much of HTTP as Prometheus and curl need: a request is read up
 * to its empty line, answered, and that is the end.
 *
 *     on_line ... on_request -> metrics_look -> on_look -> on_written
 *     the strand of the listeners   the hall    the strand of the listeners */
#include "scrape.h"
#include "lesson.h"
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 4096, LINES = 64, SECONDS = 5 };

struct scrape {
  ax_obj obj;
  ax_stream *stream;
  ax_dynbuf in;
  struct look look;
  char request[32]; /* the beginning of the first line */
  size_t lines;
  char *answer;
};

static void destroy(void *object) {
  struct scrape *s = object;
  ax_dynbuf_free(&s->in);
  ax_unref(s->stream);
  free(s->answer);
  free(s);
}

/* One who is slow is not waited for. */
static ax_token in_time(struct scrape *s, ax_token token) {
  return ax_within(lesson_seconds(SECONDS), ax_keep(s, token));
}

/* Nothing holds it any more when this has returned, so the stream closes. */
static void on_written(void *arg, int err, size_t n) {}

/* `body` is the scrape's from here on. */
static void answer(struct scrape *s, const char *status, char *body) {
  static const char head[] =
      "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8"
      "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s";
  const char *text = body ? body : status;
  size_t size = strlen(text), room = sizeof head + 64 + size;
  s->answer = malloc(room);
  if (s->answer) {
    snprintf(s->answer, room, head, status, size, text);
    ax_stream_write(s->stream, AX_CSEQ(ax_cstring(s->answer)),
                    in_time(s, ax_call(on_written, s)));
  }
  free(body);
}

static void on_look(void *arg, int err, size_t n) {
  struct scrape *s = arg;
  char *text = metrics_text(&s->look.counts);
  answer(s, text ? "200 OK" : "500 Out of memory", text);
}

static void on_request(struct scrape *s) {
  if (strncmp(s->request, "GET ", 4) != 0)
    answer(s, "405 Method Not Allowed", NULL);
  else if (strncmp(s->request + 4, "/metrics ", 9) != 0)
    answer(s, "404 Not Found", NULL);
  else
    ax_run_on(
        s->look.hall->strand, metrics_look, &s->look,
        ax_on(ax_stream_executor(s->stream), ax_keep(s, ax_call(on_look, s))));
}

static void on_line(void *arg, int err, size_t n);

static void read_line(struct scrape *s) {
  ax_stream_read_until(s->stream, &s->in, '\n',
                       in_time(s, ax_call(on_line, s)));
}

static void on_line(void *arg, int err, size_t n) {
  struct scrape *s = arg;
  if (err || ++s->lines > LINES)
    return;
  ax_cbuf line = ax_dynbuf_data(&s->in);
  bool empty = n <= strlen("\r\n");
  if (s->lines == 1)
    snprintf(s->request, sizeof s->request, "%.*s", (int)n,
             (const char *)line.base);
  ax_dynbuf_consume(&s->in, n);
  if (empty)
    on_request(s);
  else
    read_line(s);
}

/* On the strand of the listeners. */
void scrape_start(void *hall, ax_stream *stream) {
  struct scrape *s = lesson_alloc(sizeof *s);
  *s = (struct scrape){.stream = stream, .look.hall = hall};
  ax_obj_init(&s->obj, destroy);
  ax_dynbuf_init(&s->in, LINE);
  read_line(s);
  ax_unref(s);
}
