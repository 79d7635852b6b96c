/* The twin of session_gone.c: the pending read keeps the session. */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

struct session {
  ax_obj obj;
  ax_stream *stream;
  char data[64];
};

static void session_destroy(void *object) {
  struct session *s = object;
  puts("the session ends");
  ax_unref(s->stream);
  free(s);
}

static void on_read(void *arg, int err, size_t n) {
  printf("read %zu bytes\n", n);
}

static void session_start(ax_stream *stream) {
  struct session *s = lesson_alloc(sizeof *s);
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      ax_keep(s, ax_call(on_read, s)));
  ax_unref(s);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *here = ax_stream_new(context), *client = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(here, client));
  session_start(here);
  ax_stream_write(client, AX_CSEQ(ax_cstring("beach!")), (ax_token){0});
  ax_run(context);
  ax_unref(client);
  ax_context_free(context);
}
