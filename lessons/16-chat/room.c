/* room.c: the list of who is there. All of it runs in the room's strand. */
#include "room.h"
#include "chat.h"

void room_init(struct room *room, ax_executor *executor, size_t packet_limit,
               size_t queue_limit) {
  *room = (struct room){.strand = ax_strand_new(executor),
                        .packet_limit = packet_limit,
                        .queue_limit = queue_limit};
  LIST_INIT(&room->members);
}

void room_free(struct room *room) {
  while (!LIST_EMPTY(&room->members))
    room_leave(LIST_FIRST(&room->members), 0, 0);
  ax_unref(room->strand);
}

/* Before the first word of this client gets here. */
void room_enter(void *arg, int err, size_t n) {
  struct chat_handler *c = ax_ref(arg);
  LIST_INSERT_HEAD(&c->room->members, c, others);
}

/* After its last word. */
void room_leave(void *arg, int err, size_t n) {
  struct chat_handler *c = arg;
  LIST_REMOVE(c, others);
  ax_unref(c);
}

/* region: say */
/* In the room's strand. Who has been heard may read on. */
void room_say(void *arg, int err, size_t n) {
  struct message *m = arg;
  struct chat_handler *from = m->who, *c;
  LIST_FOREACH(c, &from->room->members, others)
  if (c != from)
    chat_send(c, m->bytes, m->size);
  ax_post(from->strand, ax_keep(from, ax_call(read_packet, from)));
}
/* end: say */
