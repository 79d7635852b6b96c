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
 * What arrived in one read, one packet or more, is copied twice, however many
 * receive it: into the dynamic buffer, and from there into a chunk that they
 * share by reference count. What has gathered for one of them leaves with one
 * gather write, straight from the chunks: that is the outbox of lesson 17.
 *
 * While an outbox is behind, nobody hands out: a packet stays in its sender's
 * buffer, and the sender is not read on. */
#include "chat.h"
#include "lesson.h"

#include <stdlib.h>

atomic_long chat_served, chat_alive;

/* region: client */
struct client {
  struct connection base; /* the count, and the stream of the outbox */
  struct room *room;
  struct outbox outbox; /* and with it the strand */
  ax_dynbuf in;
  bool said_all;               /* it may still listen */
  struct outbox_waiter waiter; /* for somebody who is behind */
  struct client **link, *next; /* in the room, under the room's lock */
};
/* end: client */

/* ------------------------------------------------------------- the room */

static void on_broken(void *client, const char *why);

/* Those who ask in the same moment whether anyone is behind, one on each
 * butler, put a packet in: so there is room for that, and for as much again. */
void room_init(struct room *room, size_t packet_limit, size_t queue_limit,
               long butlers) {
  size_t at_once = (size_t)butlers * chunk_cost(packet_limit);
  *room = (struct room){.packet_limit = packet_limit,
                        .rules = {.mark = queue_limit,
                                  .limit = 2 * queue_limit + at_once,
                                  .patience = lesson_seconds(5),
                                  .broken = on_broken}};
  lesson_must("make a lock", uv_rwlock_init(&room->lock));
}

void room_free(struct room *room) { uv_rwlock_destroy(&room->lock); }

static void hand_out(void *arg, int err, size_t n);

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

/* region: hold */
/* In c's strand. True when somebody is behind: hand_out is called again when he
 * has caught up, or soon. */
static bool hold(struct client *c) {
  struct room *room = c->room;
  if (!outbox_anyone_behind(&room->rules))
    return false;
  ax_token token = ax_keep(c, ax_call(hand_out, c));
  c->waiter.op = ax_initiate(c->outbox.strand, token);
  uv_rwlock_rdlock(&room->lock);
  struct client *other = room->clients;
  while (other && !outbox_wait(&other->outbox, &c->waiter))
    other = other->next;
  uv_rwlock_rdunlock(&room->lock);
  if (!other) /* he has caught up in between */
    ax_complete(c->waiter.op, 0, 0);
  return true;
}
/* end: hold */

/* ------------------------------------------------------------ the client */

static void client_destroy(void *object) {
  struct client *c = object;
  room_leave(c->room, c); /* it has left, unless the server ends */
  outbox_free(&c->outbox);
  ax_dynbuf_free(&c->in);
  free(c);
  chat_alive--;
}

/* In c's strand: nothing more will be read or written. It leaves the room when
 * nobody waits for it any more: hold looks in there for those who are behind.
 */
static void client_end(struct client *c, const char *why) {
  outbox_end(&c->outbox, why);
  room_leave(c->room, c);
}

/* In c's strand: it has made a mistake, and gets what was said before. */
static void client_dismiss(struct client *c, const char *why) {
  outbox_dismiss(&c->outbox, why);
  room_leave(c->room, c);
}

/* region: broken */
/* In c's strand. When a write has failed it may have said something before it
 * left: then it is read to the end. */
static void on_broken(void *client, const char *why) {
  struct client *c = client;
  if (why || c->said_all)
    client_end(c, why);
}

/* In c's strand: nothing more will be read. */
static void on_no_packet(struct client *c, int err) {
  c->said_all = true;
  if (err == UV_EMSGSIZE)
    client_dismiss(c, "its packet is too long");
  else if (err == UV_ENOMEM)
    client_dismiss(c, "there is no memory for its packet");
  else if (err != UV_EOF || !outbox_listens_on(&c->outbox))
    client_end(c, NULL);
}
/* end: broken */

/* --------------------------------------------------------------- reading */

/* The length up to and with the last NUL; there is one. */
static size_t whole_packets(ax_cbuf data) {
  const char *bytes = data.base;
  size_t size = data.len;
  while (bytes[size - 1] != '\0')
    size--;
  return size;
}

/* All that has come as a whole; NULL when there is no memory for a copy. */
static struct chunk *take_packets(struct client *c) {
  ax_cbuf data = ax_dynbuf_data(&c->in);
  struct chunk *chunk = chunk_new(data.base, whole_packets(data));
  if (chunk)
    ax_dynbuf_consume(&c->in, chunk->size);
  return chunk;
}

static void on_packet(void *arg, int err, size_t n);

static void read_packet(struct client *c) {
  ax_token token = ax_keep(c, ax_call(on_packet, c));
  ax_stream_read_until(c->outbox.stream, &c->in, '\0',
                       ax_on(c->outbox.strand, token));
}

/* region: read */
/* In c's strand: a packet has come, and perhaps more behind it. */
static void on_packet(void *arg, int err, size_t n) {
  if (err)
    on_no_packet(arg, err);
  else
    hand_out(arg, 0, 0);
}

/* In c's strand. Until it is handed out the sender is not read on. */
static void hand_out(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (hold(c))
    return;
  struct chunk *chunk = take_packets(c);
  if (!chunk) {
    on_no_packet(c, UV_ENOMEM);
    return;
  }
  broadcast(c->room, c, chunk);
  ax_unref(chunk);
  read_packet(c);
}
/* end: read */

/* ------------------------------------------------------------- the handler */

struct connection *chat_make(void *room, ax_context *context) {
  struct client *c = malloc(sizeof *c);
  if (!c)
    return NULL;
  /* region: make */
  *c = (struct client){.room = room};
  ax_obj_init(&c->base.obj, client_destroy);
  c->base.stream = ax_stream_new(context);
  outbox_init(&c->outbox, &c->room->rules, c, c->base.stream, context);
  ax_dynbuf_init(&c->in, c->room->packet_limit);
  /* end: make */
  chat_alive++;
  return &c->base;
}

/* In c's strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) { read_packet(arg); }

/* region: connected */
void chat_start(struct connection *connection) {
  struct client *c = (struct client *)connection;
  chat_served++;
  outbox_opened(&c->outbox);
  room_enter(c->room, c); /* before the next one is accepted */
  ax_post(c->outbox.strand, ax_keep(c, ax_call(on_start, c)));
}
/* end: connected */
