/* chat.h: one client of the chat, a handler to be plugged into server.h.
 *
 * A packet is bytes up to and with a NUL. Every packet of a client goes to all
 * other clients, in the order of its sender. */
#ifndef CHAT_H
#define CHAT_H

#include "room.h"
#include "server.h"

/* region: message */
/* A packet on its way. Each receiver gets a copy of its own. */
struct message {
  ax_obj obj;
  struct chat_handler *who;   /* who says it, or shall hear it; held */
  STAILQ_ENTRY(message) next; /* in a queue */
  size_t size;
  char bytes[];
};
/* end: message */

/* region: handler */
struct chat_handler {
  struct connection base; /* the count, and the socket */
  struct room *room;
  ax_strand *strand; /* all below but `others` is touched in it alone */
  ax_dynbuf in_packet;
  STAILQ_HEAD(queue, message)
  send_packet_queue;               /* the first is being written */
  size_t queued;                   /* bytes of memory in there */
  unsigned sides;                  /* that are open */
  LIST_ENTRY(chat_handler) others; /* in the room's strand */
};
/* end: handler */

/* For struct handler; the argument is the room. */
struct connection *chat_make(void *room, ax_context *context);
void chat_start(struct connection *connection);

/* Sends a copy of the packet. Any thread. */
void chat_send(struct chat_handler *c, const char *bytes, size_t size);

/* Reads one packet and takes it to the room. Post it to the client's strand,
 * and again only when the room has passed that packet on. */
ax_fn read_packet;

/* Clients served so far, and those that are alive. Any thread. */
extern atomic_long chat_served, chat_alive;

#endif
