/* Lesson 12: framing. An echo server again, but of messages: each comes back
 * when it has come as a whole, and not before. Where one ends and the next
 * begins is told by a NUL (nul.c) or by a length (length.c). */
#include "../10-echo/listener.h"
#include "lesson.h"
#include "session.h"

#include <stdio.h>

struct echo {
  start_fn *start;
  size_t limit;
};

/* region: connected */
/* A client has come. When this returns, only its operation keeps it. */
static void on_connected(void *arg, ax_stream *stream) {
  const struct echo *echo = arg;
  struct session *s = session_new(stream, echo->limit);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  echo->start(s);
  ax_unref(s);
}
/* end: connected */

static void serve(const struct lesson_cli *cli, long butlers,
                  struct echo *echo) {
  ax_context *context = ax_context_new();
  struct listener listeners[sizeof cli->endpoints / sizeof cli->endpoints[0]];
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_start(&listeners[i], context, &cli->endpoints[i], on_connected,
                   echo);
  lesson_serve(context, butlers);
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_context_free(context); /* and with it the sessions that are left */
}

int main(int argc, char **argv) {
  static start_fn *const framings[] = {nul_start, length_start};
  long butlers = 1, framing = 0, limit = 1024;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"framing=nul|length", &framing, 0, 0, "what tells messages apart"},
      {"limit", &limit, 1, 65535, "bytes in a message, its frame apart"}};
  struct lesson_cli cli = {.about = "An echo server of whole messages.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = sizeof options / sizeof *options};
  lesson_cli(&cli, argc, argv);
  serve(&cli, butlers, &(struct echo){framings[framing], (size_t)limit});
  printf("sessions served: %ld, alive: %ld\n", sessions_served, sessions_alive);
  return 0;
}
