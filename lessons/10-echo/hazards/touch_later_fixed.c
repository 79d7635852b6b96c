/* The twin of touch_later.c: a handler initiates last. */
#include "lesson.h"

#include <stdio.h>

struct session {
  ax_stream *stream;
  int turns;
  char data[64];
};

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->turns++;
}

static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  lesson_work(3);
  s->turns++;
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                  ax_call(on_written, s));
}

int main(void) {
  ax_context *context = ax_context_new();
  struct session s = {.stream = ax_stream_new(context)};
  ax_stream *client = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(s.stream, client));
  ax_stream_write(client, AX_CSEQ(ax_cstring("beach!")), (ax_token){0});
  ax_stream_read_some(s.stream, AX_SEQ(AX_BUF(s.data)), ax_call(on_read, &s));
  lesson_run(context, 2);
  printf("turns: %d\n", s.turns);
  ax_unref(s.stream);
  ax_unref(client);
  ax_context_free(context);
}
