/* Lesson 16: the chat. Every packet, bytes that end with a NUL, goes to
 * everybody else. server.c listens, chat.c is what it is told to serve. */
#include "chat.h"
#include "lesson.h"

#include <stdio.h>

int main(int argc, char **argv) {
  long butlers = 1, packet = 64 << 10, queue = 1 << 20;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"packet-limit", &packet, 1, 1 << 30, "bytes in a packet"},
      {"queue-limit", &queue, 1, 1 << 30,
       "bytes of memory for what waits for a client"}};
  struct lesson_cli cli = {.about = "A chat; packets end with a NUL.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = sizeof options / sizeof *options};
  lesson_cli(&cli, argc, argv);

  /* region: main */
  struct server server;
  struct room room;
  server_init(&server, butlers);
  room_init(&room, server.context, (size_t)packet, (size_t)queue);
  server_start(&server, cli.endpoints, cli.endpoint_count,
               (struct handler){chat_make, chat_start, &room});
  room_free(&room);
  server_free(&server);
  /* end: main */
  printf("clients served: %ld, alive: %ld\n", chat_served, chat_alive);
  return 0;
}
