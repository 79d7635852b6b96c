/* The twin of sigpipe.c: the core writes, and a handler gets the error. */
#include "lesson.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_answered(void *arg, int err, size_t n) {
  if (err)
    printf("the client has gone: %s\n", uv_strerror(err));
}

static void answer(ax_context *context, int client) {
  ax_stream *stream = ax_stream_new(context);
  lesson_must("open the stream", ax_stream_open_fd(stream, client));
  ax_stream_write(stream, AX_CSEQ(ax_cstring("ding")),
                  ax_call(on_answered, NULL));
  ax_unref(stream);
}

int main(void) {
  ax_context *context = ax_context_new();
  signal(SIGPIPE, SIG_DFL);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
    return 1;
  close(ends[1]);
  answer(context, ends[0]);
  ax_run(context);
  puts("the server goes on");
  close(ends[0]);
  ax_context_free(context);
}
