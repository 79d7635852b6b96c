/* chat.h: the chat, a handler to be plugged into the server of lesson 16.
 *
 * A packet is bytes up to and with a NUL. Every packet of a client goes to all
 * other clients, in the order of its sender. */
#ifndef CHAT_H
#define CHAT_H

#include "../16-chat/server.h"
#include "../17-feed/outbox.h"

struct client;

/* The room in which everybody hears everybody else. */
struct room {
  size_t packet_limit; /* bytes of a packet, its NUL included */
  struct outbox_rules rules;
  uv_rwlock_t lock; /* guards the rest; held while a packet is handed out */
  struct client *clients;
};

/* So many butlers will serve it. */
void room_init(struct room *room, size_t packet_limit, size_t queue_limit,
               long butlers);

/* Only when all clients are gone. */
void room_free(struct room *room);

/* For struct handler; the argument is the room. */
struct connection *chat_make(void *room, ax_context *context);
void chat_start(struct connection *connection);

/* Clients served so far, and those that are alive. Any thread. */
extern atomic_long chat_served, chat_alive;

#endif
