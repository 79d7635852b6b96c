/* A store of keys that expire. session.c is a client, command.c what it says,
 * and store.c what all of them share. */
#include "../../lessons/10-echo/listener.h"
#include "lesson.h"
#include "session.h"

#include <stdio.h>

static void serve(struct hall *hall, const struct lesson_cli *cli,
                  long butlers) {
  struct listener listeners[sizeof cli->endpoints / sizeof *cli->endpoints];
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_start(&listeners[i], hall->context, &cli->endpoints[i],
                   session_start, hall);
  lesson_serve(hall->context, butlers);
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_free(&listeners[i]);
}

int main(int argc, char **argv) {
  static struct hall hall;
  long butlers = 1, idle = 60, keys = 100000;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"idle", &idle, 1, 3600, "lesson seconds for a command"},
      {"keys", &keys, 1, 10000000, "at most"}};
  struct lesson_cli cli = {.about = "A store of keys that expire.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 3};
  lesson_cli(&cli, argc, argv);
  hall.context = ax_context_new();
  hall.idle = lesson_seconds((double)idle);
  store_init(&hall.store, hall.context, (size_t)keys);
  serve(&hall, &cli, butlers);
  ax_context_free(hall.context); /* the sessions that are left, and the waits */
  store_free(&hall.store);
  printf("sessions served: %ld, alive: %ld\n", hall.served, hall.alive);
  return 0;
}
