/* The twin of freed_write.c: the handler is the last one who needs it. */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 4 << 20 };

static void on_news(void *arg, int err, size_t n) {
  printf("Johnny has read %zu bytes\n", n);
}

static void on_sent(void *news, int err, size_t n) { free(news); }

static void send_news(ax_stream *mom) {
  char *news = lesson_alloc(SIZE);
  memset(news, '!', SIZE);
  ax_stream_write(mom, AX_CSEQ(ax_cbuffer(news, SIZE)), ax_call(on_sent, news));
}

int main(void) {
  static char paper[SIZE];
  ax_context *context = ax_context_new();
  ax_stream *mom = ax_stream_new(context);
  ax_stream *johnny = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(mom, johnny));
  send_news(mom);
  ax_stream_read(johnny, AX_SEQ(AX_BUF(paper)), ax_call(on_news, NULL));
  ax_run(context);
  ax_unref(mom);
  ax_unref(johnny);
  ax_context_free(context);
}
