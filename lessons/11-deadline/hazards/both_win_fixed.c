/* The twin of both_win.c: whoever comes first writes it down. */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

struct session {
  ax_stream *stream, *client; /* both ends */
  ax_timer *alarm;
  char *word;
  bool over;
};

/* When the word has come, or when the time is over. */
static void goodbye(struct session *s) {
  if (s->over)
    return;
  s->over = true;
  puts("goodbye");
  ax_stream_close(s->stream);
  ax_timer_cancel(s->alarm);
  free(s->word);
}

static void on_word(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (!err)
    goodbye(s);
}

static void on_alarm(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (!err)
    goodbye(s);
}

/* The only butler is away when the alarm rings and the word arrives. */
static void on_errand(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_timer_expires_after(s->alarm, AX_MS(1));
  ax_timer_wait(s->alarm, ax_call(on_alarm, s));
  uv_sleep(5);
  ax_stream_write(s->client, AX_CSEQ(ax_cstring("eat")), (ax_token){0});
}

int main(void) {
  ax_context *context = ax_context_new();
  struct session s = {.stream = ax_stream_new(context),
                      .client = ax_stream_new(context),
                      .alarm = ax_timer_new(context),
                      .word = lesson_alloc(3)};
  lesson_must("connect", ax_stream_pair(s.stream, s.client));
  ax_stream_read(s.stream, AX_SEQ(ax_buffer(s.word, 3)), ax_call(on_word, &s));
  ax_post(context, ax_call(on_errand, &s));
  ax_run(context);
  ax_unref(s.alarm);
  ax_unref(s.stream);
  ax_unref(s.client);
  ax_context_free(context);
}
