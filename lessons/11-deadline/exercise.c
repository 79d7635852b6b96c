/* The exercise of lesson 11: a limit for the whole session. An echo server
 * closes who is silent for too long (ax_within does that), and it shall also
 * close who has been here for too long, however much he talks. */
#include "../10-echo/listener.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

static ax_time idle_limit, session_limit;
static atomic_long alive; /* sessions */

/* All handlers run in the strand. */
struct session {
  ax_obj obj;
  ax_strand *strand;
  ax_stream *stream;
  ax_timer *timer; /* for the session as a whole */
  bool over;
  char data[256];
};

static ax_token in_strand(struct session *s, ax_token token) {
  return ax_on(s->strand, ax_keep(s, token));
}

static void report(const struct session *s, const char *why) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(s->stream, peer);
  lesson_log("closed %s: %s", peer, why);
}

/* In the strand: the echo has ended, because of an error or the end. */
static void session_end(struct session *s, int err) {
  /* todo: the other circle shall end as well, at once. But if it was the limit
   * that has ended the session, there is nothing more to say. */
  if (!s->over && err == UV_ETIMEDOUT)
    report(s, "it was idle for too long");
  s->over = true;
  ax_timer_cancel(s->timer);
  /* given: if (err == UV_ETIMEDOUT) report(s, "it was idle for too long"); */
  /* done */
}

/* todo: a handler for the timer, in the strand. When the session is not over it
 * is now: report "its time is over", and close the stream. Remember that err
 * may be 0 even after a cancel. */
static void on_limit(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err || s->over)
    return;
  report(s, "its time is over");
  s->over = true;
  ax_stream_close(s->stream);
}
/* done */

static void watch(struct session *s) {
  /* todo: set the timer to session_limit from now, and wait for it in the
   * strand. The wait keeps the session. */
  ax_timer_expires_after(s->timer, session_limit);
  ax_timer_wait(s->timer, in_strand(s, ax_call(on_limit, s)));
  /* given: (void)s; */
  /* done */
}

/* ----------------------------------------- the echo; nothing is to do here */

static void on_read(void *arg, int err, size_t n);

static ax_token in_time(struct session *s, ax_token token) {
  return ax_within(idle_limit, in_strand(s, token));
}

static void read_on(struct session *s) {
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      in_time(s, ax_call(on_read, s)));
}

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    session_end(s, err);
  else
    read_on(s);
}

static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    session_end(s, err);
  else
    ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                    in_time(s, ax_call(on_written, s)));
}

/* ------------------------------------------------------ beginning and end */

static void on_start(void *arg, int err, size_t n) {
  struct session *s = arg;
  read_on(s);
  watch(s);
}

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->timer);
  ax_unref(s->stream);
  ax_unref(s->strand);
  free(s);
  lesson_say("a session is gone, alive: %ld", --alive);
}

static void on_connected(void *arg, ax_stream *stream) {
  struct session *s = lesson_alloc(sizeof *s);
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  s->strand = ax_strand_new(ax_stream_executor(stream));
  s->timer = ax_timer_new(s->strand);
  s->over = false;
  alive++;
  ax_post(s->strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}

int main(int argc, char **argv) {
  long butlers = 1, idle = 5, most = 20;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"idle", &idle, 1, 3600, "seconds that a client may be silent"},
      {"most", &most, 1, 3600, "seconds that a session may last"}};
  struct lesson_cli cli = {.about = "An echo server with two limits.",
                           .endpoint = "127.0.0.1:8888",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 3};
  lesson_cli(&cli, argc, argv);
  idle_limit = lesson_seconds((double)idle);
  session_limit = lesson_seconds((double)most);
  ax_context *context = ax_context_new();
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], on_connected, NULL);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_context_free(context);
  printf("alive: %ld\n", alive);
  return 0;
}
