/* A server of files over HTTP/1.0. README.md in exercises/http says what it is
 * to do. This page has its command line, listens, and closes every connection.
 *
 * Sessions may go into a file beside this one: all .c files here are one
 * program. Of the lessons it has listener.h and linger.h. */
#include "../../lessons/10-echo/listener.h"
#include "lesson.h"

#include <stdatomic.h>
#include <stdio.h>

static atomic_long served, alive; /* butlers touch them at once */

/* A client has come, and the stream is yours. */
static void on_connected(void *arg, ax_stream *stream) {
  served++;
  ax_unref(stream);
}

int main(int argc, char **argv) {
  long butlers = 1, within = 10;
  const char *root = ".";
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"within", &within, 1, 3600, "lesson seconds for a request"}};
  struct lesson_text texts[] = {{"root=DIRECTORY", &root, "what is served"}};
  struct lesson_cli cli = {.about = "A server of files over HTTP/1.0.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 2,
                           .texts = texts,
                           .text_count = 1};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  struct listener listeners[sizeof cli.endpoints / sizeof *cli.endpoints];
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_start(&listeners[i], context, &cli.endpoints[i], on_connected,
                   NULL);
  lesson_serve(context, butlers);
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_context_free(context);
  printf("sessions served: %ld, alive: %ld\n", (long)served, (long)alive);
  return 0;
}
