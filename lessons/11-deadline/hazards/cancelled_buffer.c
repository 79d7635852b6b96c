/* A read is cancelled, and its buffer freed at once.
 *
 * A cancel asks for the end and is not the end. Until its handler runs, the
 * read has its buffer: on another butler the core may be filling it. Here the
 * handler looks at what had come. The twin frees the buffer in the handler.
 *
 * Address: heap-use-after-free, in on_word
 * Fixed: ECANCELED; what had come: eat
 */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORD = 8 };

struct session {
  ax_stream *stream;
  ax_timer *alarm;
  char *word;
};

static void on_word(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_timer_cancel(s->alarm);
  printf("%s; what had come: ", err ? uv_err_name(err) : "done");
  fwrite(s->word, 1, n, stdout);
  putchar('\n');
}

static void on_alarm(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    return;
  ax_stream_cancel(s->stream);
  free(s->word);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *client = ax_stream_new(context);
  struct session s = {ax_stream_new(context), ax_timer_new(context),
                      lesson_alloc(WORD)};
  lesson_must("connect", ax_stream_pair(s.stream, client));
  ax_stream_read(s.stream, AX_SEQ(ax_buffer(s.word, WORD)),
                 ax_call(on_word, &s));
  ax_timer_expires_after(s.alarm, AX_MS(10));
  ax_timer_wait(s.alarm, ax_call(on_alarm, &s));
  ax_stream_write(client, AX_CSEQ(ax_cstring("eat")), (ax_token){0});
  ax_run(context);
  ax_unref(s.alarm);
  ax_unref(s.stream);
  ax_unref(client);
  ax_context_free(context);
}
