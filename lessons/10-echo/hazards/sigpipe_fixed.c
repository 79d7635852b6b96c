/* The twin of sigpipe.c: the core writes, and a handler gets the error. */
#include "lesson.h"

#include <signal.h>
#include <stdio.h>

static void on_answered(void *arg, int err, size_t n) {
  if (err)
    printf("the client has gone: %s\n", uv_strerror(err));
}

static void answer(ax_stream *stream) {
  ax_stream_write(stream, AX_CSEQ(ax_cstring("ding")),
                  ax_call(on_answered, NULL));
}

int main(void) {
  ax_context *context = ax_context_new();
  signal(SIGPIPE, SIG_DFL);
  ax_stream *here = ax_stream_new(context), *client = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(here, client));
  ax_unref(client);
  answer(here);
  ax_run(context);
  puts("the server goes on");
  ax_unref(here);
  ax_context_free(context);
}
