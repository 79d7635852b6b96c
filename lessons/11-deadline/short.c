/* short.c: the same session by ax_within. The core races the operation and its
 * time, so there is one circle, as in lesson 10: no strand and no flag. */
#include "lesson.h"
#include "session.h"

#include <stdlib.h>

struct session {
  ax_obj obj;
  ax_stream *stream;
  char data[1024];
};

static void on_written(void *arg, int err, size_t n);
static void on_read(void *arg, int err, size_t n);

/* region: short */
static ax_token in_time(struct session *s, ax_token token) {
  return ax_within(session_limit, ax_keep(s, token));
}

static void read_on(struct session *s) {
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      in_time(s, ax_call(on_read, s)));
}

/* The last reference goes with the handler, and closes the stream. */
static void session_end(struct session *s, int err) {
  if (err == UV_ETIMEDOUT)
    session_report(s->stream, "it was idle for too long");
}

static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    session_end(s, err);
  else
    ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                    in_time(s, ax_call(on_written, s)));
}
/* end: short */

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    session_end(s, err);
  else
    read_on(s);
}

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->stream); /* closes it */
  free(s);
  sessions_alive--;
}

void short_start(ax_stream *stream) {
  struct session *s = malloc(sizeof *s);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  sessions_served++;
  sessions_alive++;
  read_on(s);
  ax_unref(s);
}
