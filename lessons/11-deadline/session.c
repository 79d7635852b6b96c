/* session.c: an echo beside an alarm. */
#include "session.h"
#include "lesson.h"

#include <stdlib.h>

atomic_long sessions_served, sessions_alive;
ax_time session_limit;

void session_report(ax_stream *stream, const char *why) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(stream, peer);
  lesson_log("closed %s: %s", peer, why);
}

/* region: session */
/* One client: a circle of reads and writes, and beside it a circle of waits.
 * All handlers of both run in the strand. */
struct session {
  ax_obj obj;
  ax_strand *strand;
  ax_stream *stream;
  ax_timer *timer;
  ax_time deadline; /* moves on with all that comes and goes */
  bool over;        /* one of the circles has ended the session */
  char data[1024];
};

static ax_token in_strand(struct session *s, ax_token token) {
  return ax_on(s->strand, ax_keep(s, token));
}

/* In s->strand. Each circle still gets its handler, and ends with that. */
static void session_end(struct session *s, const char *why) {
  if (why)
    session_report(s->stream, why);
  s->over = true;
  ax_timer_cancel(s->timer);
  ax_stream_close(s->stream);
}
/* end: session */

/* region: alarm */
static void on_alarm(void *arg, int err, size_t n);

static void watch(struct session *s) {
  ax_timer_expires_at(s->timer, s->deadline);
  ax_timer_wait(s->timer, in_strand(s, ax_call(on_alarm, s)));
}

/* In s->strand. `err` may be 0 even after the cancel in session_end. */
static void on_alarm(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err || s->over)
    return;
  if (ax_now() < s->deadline)
    watch(s); /* the deadline has moved on since the alarm was set */
  else
    session_end(s, "it was idle for too long");
}
/* end: alarm */

static void on_written(void *arg, int err, size_t n);
static void on_read(void *arg, int err, size_t n);

/* region: echo */
static void read_on(struct session *s) {
  s->deadline = ax_now() + session_limit;
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      in_strand(s, ax_call(on_read, s)));
}

/* In s->strand. `err` may be 0 even after the close in session_end. */
static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err || s->over) {
    session_end(s, NULL);
    return;
  }
  s->deadline = ax_now() + session_limit;
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                  in_strand(s, ax_call(on_written, s)));
}
/* end: echo */

/* In s->strand. */
static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err || s->over)
    session_end(s, NULL);
  else
    read_on(s);
}

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->timer);
  ax_unref(s->stream);
  ax_unref(s->strand);
  free(s);
  sessions_alive--;
}

static struct session *session_new(ax_stream *stream) {
  struct session *s = malloc(sizeof *s);
  if (!s)
    return NULL;
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  s->strand = ax_strand_new(ax_stream_executor(stream));
  s->timer = ax_timer_new(s->strand);
  s->over = false;
  sessions_served++;
  sessions_alive++;
  return s;
}

/* region: start */
/* In s->strand: on_read may run on another butler as soon as the read is
 * initiated. Here it waits until this function has returned. */
static void on_start(void *arg, int err, size_t n) {
  struct session *s = arg;
  read_on(s);
  watch(s);
}

void session_start(ax_stream *stream) {
  struct session *s = session_new(stream);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  ax_post(s->strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}
/* end: start */
