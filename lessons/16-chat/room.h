/* room.h: who is in the chat. */
#ifndef ROOM_H
#define ROOM_H

#include "ax.h"

#include <sys/queue.h>

struct chat_handler;

/* region: room */
/* Here everybody hears everybody else. */
struct room {
  ax_strand *strand; /* the list is touched in it alone */
  LIST_HEAD(members, chat_handler) members; /* held */
  size_t packet_limit; /* bytes of a packet, its NUL included */
  size_t queue_limit;  /* bytes of memory that wait for one member */
};
/* end: room */

void room_init(struct room *room, ax_executor *executor, size_t packet_limit,
               size_t queue_limit);

/* Releases those who are in it: after the last handler has run, and before the
 * context is freed. */
void room_free(struct room *room);

/* Handlers, to be posted to the strand of the room. The argument is a client
 * that comes or goes, or a message that its client says, each of them kept. */
ax_fn room_enter, room_leave, room_say;

#endif
