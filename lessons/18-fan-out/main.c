/* Lesson 18: the chat. Every packet, bytes that end with a NUL, goes to
 * everybody else. server.c listens, chat.c is what it is told to serve. */
#include "chat.h"
#include "lesson.h"
#include "server.h"

#include <stdio.h>

int main(int argc, char **argv) {
  long butlers = 1, packet_limit = 64 << 10, queue_limit = 1 << 20;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"packet-limit", &packet_limit, 1, 1 << 30, "bytes in a packet"},
      {"queue-limit", &queue_limit, 1, 1 << 30, "bytes waiting for a client"}};
  struct lesson_cli cli = {.about = "A chat; packets end with a NUL.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = sizeof options / sizeof *options};
  lesson_cli(&cli, argc, argv);

  /* region: main */
  ax_context *context = ax_context_new();
  struct room room;
  room_init(&room, context, (size_t)packet_limit, (size_t)queue_limit);
  server_start(context, cli.endpoints, cli.endpoint_count, butlers,
               (struct handler){chat_connected, &room});
  ax_context_free(context); /* and with it the clients that are left */
  room_free(&room);
  /* end: main */
  printf("clients served: %ld, alive: %ld\n", chat_served, chat_alive);
  return 0;
}
