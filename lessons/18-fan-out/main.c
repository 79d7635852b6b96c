/* Lesson 18: the chat. Every packet, bytes that end with a NUL, goes to
 * everybody else. The server is that of lesson 16, chat.c is plugged into it,
 * and what waits for a client is in the outbox of lesson 17. */
#include "chat.h"
#include "lesson.h"

#include <stdio.h>

int main(int argc, char **argv) {
  long butlers = 1, packet_limit = 64 << 10, queue_limit = 1 << 20;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"packet-limit", &packet_limit, 1, 1 << 30, "bytes in a packet"},
      {"queue-limit", &queue_limit, 1, 1 << 30,
       "bytes waiting for a client until the others wait"}};
  struct lesson_cli cli = {.about = "A chat; packets end with a NUL.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = sizeof options / sizeof *options};
  lesson_cli(&cli, argc, argv);

  /* region: main */
  struct server server;
  struct room room;
  room_init(&room, (size_t)packet_limit, (size_t)queue_limit, butlers);
  server_init(&server, butlers);
  server_start(&server, cli.endpoints, cli.endpoint_count,
               (struct handler){chat_make, chat_start, &room});
  server_free(&server); /* and with it the clients that are left */
  room_free(&room);
  /* end: main */
  printf("clients served: %ld, alive: %ld\n", chat_served, chat_alive);
  return 0;
}
