/* chat.c: one client of the chat, and how its packets reach the others.
 *
 * A client owns itself: its pending operations keep it. Its handlers run in
 * the strand of its outbox. The room holds no reference; a client leaves it in
 * the handler that ends it, so whom the room knows is alive.
 *
 *     on_packet -> broadcast -> outbox_send ... flush -> on_written
 *     sender's strand               |       receiver's strand
 *                                   receiver's outbox, under its lock
 *
 * What arrived in one read, one packet or more, is copied once, into a chunk
 * that all receivers share by reference count. What has gathered for one of
 * them leaves with one gather write, straight from the chunks: that is the
 * outbox of lesson 17. */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>

atomic_long chat_served, chat_alive;

/* region: client */
struct client {
  struct connection base; /* its stream is that of the outbox */
  struct room *room;
  struct outbox outbox; /* and with it the stream and the strand */
  ax_dynbuf in;
  struct client **link, *next; /* in the room, under the room's lock */
};
/* end: client */

/* ------------------------------------------------------------- the room */

static void client_end(void *client, const char *reason);

void room_init(struct room *room, size_t packet_limit, size_t queue_limit) {
  *room = (struct room){.packet_limit = packet_limit,
                        .rules = {queue_limit, client_end}};
  if (uv_rwlock_init(&room->lock))
    abort();
}

void room_free(struct room *room) { uv_rwlock_destroy(&room->lock); }

static void room_enter(struct room *room, struct client *c) {
  uv_rwlock_wrlock(&room->lock);
  c->next = room->clients;
  c->link = &room->clients;
  if (c->next)
    c->next->link = &c->next;
  room->clients = c;
  uv_rwlock_wrunlock(&room->lock);
}

static void room_leave(struct room *room, struct client *c) {
  uv_rwlock_wrlock(&room->lock);
  if (c->link) {
    *c->link = c->next;
    if (c->next)
      c->next->link = c->link;
    c->link = NULL;
  }
  uv_rwlock_wrunlock(&room->lock);
}

/* region: broadcast */
/* On the sender's butler. The lock keeps everybody in the room meanwhile. */
static void broadcast(struct room *room, const struct client *from,
                      struct chunk *chunk) {
  uv_rwlock_rdlock(&room->lock);
  for (struct client *c = room->clients; c; c = c->next)
    if (c != from)
      outbox_send(&c->outbox, chunk);
  uv_rwlock_rdunlock(&room->lock);
}
/* end: broadcast */

/* ------------------------------------------------------------ the client */

static void client_destroy(void *object) {
  struct client *c = object;
  room_leave(c->room, c); /* it has left, unless the server ends */
  outbox_free(&c->outbox);
  ax_dynbuf_free(&c->in);
  free(c);
  chat_alive--;
}

/* In c's strand: nothing more will be read or written. */
static void client_end(void *client, const char *reason) {
  struct client *c = client;
  room_leave(c->room, c);
  outbox_end(&c->outbox, reason);
}

/* --------------------------------------------------------------- reading */

/* The length up to and with the last NUL; there is one. */
static size_t whole_packets(ax_cbuf data) {
  const char *bytes = data.base;
  size_t size = data.len;
  while (bytes[size - 1] != '\0')
    size--;
  return size;
}

/* region: read */
static void on_packet(void *arg, int err, size_t n);

static void read_packet(struct client *c) {
  ax_token token = ax_keep(c, ax_call(on_packet, c));
  ax_stream_read_until(c->outbox.stream, &c->in, '\0',
                       ax_on(c->outbox.strand, token));
}

/* In c's strand: a packet has come, and perhaps more behind it. */
static void on_packet(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (err) {
    client_end(c, err == UV_EMSGSIZE ? "its packet is too long" : NULL);
    return;
  }
  ax_cbuf data = ax_dynbuf_data(&c->in);
  struct chunk *chunk = chunk_new(data.base, whole_packets(data));
  ax_dynbuf_consume(&c->in, chunk->size);
  broadcast(c->room, c, chunk);
  ax_unref(chunk);
  read_packet(c);
}
/* end: read */

/* ------------------------------------------------------------- the handler */

/* In c's strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) { read_packet(arg); }

struct connection *chat_make(void *room, ax_context *context) {
  struct client *c = malloc(sizeof *c);
  if (!c)
    abort();
  *c = (struct client){.room = room};
  ax_obj_init(&c->base.obj, client_destroy);
  c->base.stream = ax_stream_new(context);
  outbox_init(&c->outbox, &c->room->rules, c, c->base.stream, context);
  ax_dynbuf_init(&c->in, c->room->packet_limit);
  chat_alive++;
  return &c->base;
}

/* region: connected */
void chat_start(struct connection *connection) {
  struct client *c = (struct client *)connection;
  chat_served++;
  room_enter(c->room, c); /* before the next one is accepted */
  ax_post(c->outbox.strand, ax_keep(c, ax_call(on_start, c)));
}
/* end: connected */
