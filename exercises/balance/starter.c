/* A load balancer. README.md in exercises/balance says what it is to do. This
 * page has its command line, listens, and shows everybody out.
 *
 * Other parts may go into files beside this one: all .c files here are one
 * program. Of the lessons it has linger.h and relay.h, which you may also copy
 * to this place and change. */
#include "lesson.h"

#include <stdio.h>

struct door {
  ax_context *context;
  ax_acceptor *acceptor;
  ax_stream *client;
  long served;
};

static void on_accepted(void *arg, int err, size_t n);

static void accept_next(struct door *door) {
  door->client = ax_stream_new(door->context);
  ax_acceptor_accept(door->acceptor, door->client, ax_call(on_accepted, door));
}

static void on_accepted(void *arg, int err, size_t n) {
  struct door *door = arg;
  if (err)
    return;
  door->served++;
  ax_unref(door->client);
  accept_next(door);
}

int main(int argc, char **argv) {
  long butlers = 1, check = 2, linger = 10;
  const char *to = "127.0.0.1:8888";
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"check", &check, 1, 86400, "lesson seconds between two looks"},
      {"linger", &linger, 0, 86400,
       "lesson seconds that sessions have to end"}};
  struct lesson_text texts[] = {
      {"to=ENDPOINT,...", &to, "the backends, sixteen at most"}};
  struct lesson_cli cli = {.about = "A load balancer.",
                           .endpoint = "127.0.0.1:9999",
                           .options = options,
                           .option_count = 3,
                           .texts = texts,
                           .text_count = 1};
  lesson_cli(&cli, argc, argv);

  struct door door = {.context = ax_context_new()};
  door.acceptor = lesson_listen(door.context, &cli.endpoints[0]);
  accept_next(&door);
  lesson_serve(door.context, butlers);
  ax_unref(door.client);
  ax_unref(door.acceptor);
  ax_context_free(door.context);
  printf("sessions served: %ld, alive: 0\n", door.served);
  return 0;
}
