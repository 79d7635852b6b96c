/* linger.c: a read that drops what it gets, and a timer that ends it.
 *
 * Nobody owns a farewell but its pending operations, as lesson 10 has it. There
 * are two of them, so it needs a strand. The strand is made on top of the
 * session's executor: if that is a strand as well, its handlers and these do
 * not overlap. */
#include "linger.h"
#include "lesson.h"

#include <stdlib.h>

struct farewell {
  ax_obj obj;
  ax_strand *strand;
  ax_stream *stream;
  ax_timer *timer;
  size_t left; /* bytes that it may still read */
  char rest[4096];
};

/* region: rest */
static void on_rest(void *arg, int err, size_t n);

static void read_rest(struct farewell *f) {
  ax_token token = ax_keep(f, ax_call(on_rest, f));
  ax_stream_read_some(f->stream, AX_SEQ(AX_BUF(f->rest)),
                      ax_on(f->strand, token));
}

/* In f->strand. */
static void on_rest(void *arg, int err, size_t n) {
  struct farewell *f = arg;
  if (!err && n < f->left) {
    f->left -= n;
    read_rest(f);
    return;
  }
  ax_timer_cancel(f->timer);
  ax_stream_close(f->stream);
}
/* end: rest */

/* In f->strand: the time is over, or the timer was cancelled too late. To close
 * twice is harmless. */
static void on_late(void *arg, int err, size_t n) {
  struct farewell *f = arg;
  if (!err)
    ax_stream_close(f->stream);
}

/* In f->strand. */
static void on_begin(void *arg, int err, size_t n) {
  struct farewell *f = arg;
  ax_timer_expires_after(f->timer, lesson_seconds(LINGER_SECONDS));
  ax_timer_wait(f->timer, ax_keep(f, ax_call(on_late, f)));
  read_rest(f);
}

static void farewell_destroy(void *object) {
  struct farewell *f = object;
  ax_unref(f->timer);
  ax_unref(f->stream);
  ax_unref(f->strand);
  free(f);
}

void linger(ax_stream *stream, ax_executor *executor) {
  struct farewell *f = malloc(sizeof *f);
  if (!f) {
    ax_stream_close(stream); /* without a goodbye */
    return;
  }
  ax_obj_init(&f->obj, farewell_destroy);
  f->strand = ax_strand_new(executor);
  f->stream = ax_ref(stream);
  f->timer = ax_timer_new(f->strand);
  f->left = LINGER_BYTES;
  ax_stream_shutdown(stream);
  ax_post(f->strand, ax_keep(f, ax_call(on_begin, f)));
  ax_unref(f);
}
