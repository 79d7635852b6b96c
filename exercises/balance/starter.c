/* A load balancer. README.md in exercises/balance says what it is to do. This
 * page has its command line, listens, and closes every connection.
 *
 * Other parts may go into files beside this one: all .c files here are one
 * program. Of the lessons it has linger.h and relay.h, which you may also copy
 * to this place and change. */
#include "lesson.h"

#include <stdatomic.h>
#include <stdio.h>

struct door {
  ax_context *context;
  ax_acceptor *acceptor;
  ax_stream *client;
};

static atomic_long served; /* several butlers may touch it at once */

static void on_accepted(void *arg, int err, size_t n);

static void accept_next(struct door *door) {
  door->client = ax_stream_new(door->context);
  ax_acceptor_accept(door->acceptor, door->client, ax_call(on_accepted, door));
}

static void on_accepted(void *arg, int err, size_t n) {
  struct door *door = arg;
  if (err)
    return;
  served++;
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

  struct door doors[sizeof cli.endpoints / sizeof *cli.endpoints];
  ax_context *context = ax_context_new();
  for (size_t i = 0; i < cli.endpoint_count; i++) {
    doors[i].context = context;
    doors[i].acceptor = lesson_listen(context, &cli.endpoints[i]);
    accept_next(&doors[i]);
  }
  lesson_serve(context, butlers);
  for (size_t i = 0; i < cli.endpoint_count; i++) {
    ax_unref(doors[i].client);
    ax_unref(doors[i].acceptor);
  }
  ax_context_free(context);
  printf("sessions served: %ld, alive: 0\n", (long)served);
  return 0;
}
