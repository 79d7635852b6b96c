/* A plain write to a client that has gone ends the server.
 *
 * The system sends SIGPIPE, and its default ends the process. ax_context_new
 * ignores the signal; here the program has its default back, as some library
 * or a child to be wants it. The core's own writes ask for no signal at all, so
 * that of the twin ends with an error in its handler.
 *
 * Signal: PIPE
 * Fixed: the client has gone: broken pipe
 * Fixed: the server goes on
 */
#include "lesson.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void answer(ax_stream *stream) {
  if (write(ax_stream_fd(stream), "ding", 4) < 0)
    puts("the client has gone");
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
