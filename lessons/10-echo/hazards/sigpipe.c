/* A plain write to a client that has gone ends the server.
 *
 * The system sends SIGPIPE, and its default ends the process. ax_context_new
 * ignores the signal; here the program has its default back, as some library
 * wants it. The core's own writes ask for no signal at all, so that of the twin
 * ends with an error in its handler.
 *
 * Signal: PIPE
 * Fixed: the client has gone: broken pipe
 * Fixed: the server goes on
 */
#include "lesson.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void answer(ax_context *context, int client) {
  if (write(client, "ding", 4) < 0)
    puts("the client has gone");
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
