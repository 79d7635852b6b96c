/* A handler initiates first, and touches its session later.
 *
 * From the initiation on, the next handler may run on another butler, and here
 * it does: both use `turns` at once. With one butler nothing is seen. The twin
 * initiates last.
 *
 * Thread: data race, in on_read
 * Fixed: turns: 2
 */
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
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                  ax_call(on_written, s));
  lesson_work(3);
  s->turns++;
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
