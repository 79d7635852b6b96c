/* The feed's list holds a reference to each session.
 *
 * A session leaves the list when it is destroyed, and is never destroyed while
 * the list holds it. All are served as before, and no sanitizer speaks, because
 * the list still knows them. The twin's list holds nobody.
 *
 * Prints: objects alive: {1..99}
 * Fixed: 3 came and 3 left; objects alive: 0
 */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

struct session {
  ax_obj obj;
  LIST_ENTRY(session) others;
  ax_stream *stream;
  char in[16];
};

static LIST_HEAD(sessions, session) sessions;

static void session_destroy(void *object) {
  struct session *s = object;
  LIST_REMOVE(s, others);
  ax_unref(s->stream);
  free(s);
}

static void feed_enter(struct session *s) {
  LIST_INSERT_HEAD(&sessions, s, others);
  ax_ref(s);
}

static void on_command(void *arg, int err, size_t n);

static void read_command(struct session *s) {
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->in)),
                      ax_keep(s, ax_call(on_command, s)));
}

/* After the end nothing is initiated, so no operation keeps the session. */
static void on_command(void *arg, int err, size_t n) {
  if (!err)
    read_command(arg);
}

/* A client comes, says something and leaves. */
static void client(ax_context *context) {
  ax_stream *stream = ax_stream_new(context);
  struct session *s = lesson_alloc(sizeof *s);
  ax_obj_init(&s->obj, session_destroy);
  s->stream = ax_stream_new(context);
  lesson_must("connect", ax_stream_pair(s->stream, stream));
  feed_enter(s);
  read_command(s);
  ax_unref(s);
  ax_stream_write(stream, AX_CSEQ(ax_cstring("sync\n")), (ax_token){0});
  ax_unref(stream);
}

int main(void) {
  ax_context *context = ax_context_new();
  for (int i = 0; i < 3; i++)
    client(context);
  ax_run(context);
  ax_context_free(context);
  printf("3 came and 3 left; objects alive: %zu\n", ax_live().objects);
}
