/* session.c: the beginning and the end of a session. */
#include "session.h"
#include "lesson.h"
#include "linger.h"

#include <stdlib.h>

atomic_long sessions_served, sessions_alive;

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->stream); /* closes it */
  ax_dynbuf_free(&s->in);
  free(s->body);
  free(s);
  sessions_alive--;
}

struct session *session_new(ax_stream *stream, size_t limit) {
  struct session *s = malloc(sizeof *s);
  if (!s)
    return NULL;
  *s = (struct session){.stream = stream, .limit = limit};
  ax_obj_init(&s->obj, session_destroy);
  ax_dynbuf_init(&s->in, limit + 1); /* and a NUL */
  sessions_served++;
  sessions_alive++;
  return s;
}

static const char *reason(int err) {
  switch (err) {
  case UV_EMSGSIZE:
    return "its message is too long";
  case UV_EOF:
    return "it left in the middle of a message";
  default:
    return uv_strerror(err);
  }
}

void session_end(const struct session *s, int err) {
  char peer[AX_ENDPOINT_TEXT];
  if (!err)
    return;
  lesson_peer(s->stream, peer);
  lesson_log("closed %s: %s", peer, reason(err));
  linger(s->stream, ax_stream_executor(s->stream));
}
