/* chat.c: one client of the chat, from its first packet to its last.
 *
 *     in the sender's strand    read_packet -> read_packet_done
 *     in the room's             -> room_say, which has the sender read on, and
 *     in each receiver's        -> queue_message -> start_packet_send
 *                                  -> packet_send_done -> ...
 *
 * Each client has a strand and the room has one. What they have is touched in
 * there and nowhere else, so there is no lock. From one strand to another only
 * messages travel, by posts that keep them. */
#include "chat.h"
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

atomic_long chat_served, chat_alive;

enum { SPEAKS = 1, LISTENS = 2 }; /* the sides of a client */

/* -------------------------------------------------------------- messages */

static void message_free(void *object) {
  struct message *m = object;
  ax_unref(m->who);
  free(m);
}

/* NULL when there is no memory. */
static struct message *message_new(struct chat_handler *who, const void *bytes,
                                   size_t size) {
  struct message *m = malloc(sizeof *m + size);
  if (!m)
    return NULL;
  ax_obj_init(&m->obj, message_free);
  m->who = ax_ref(who);
  m->size = size;
  memcpy(m->bytes, bytes, size);
  return m;
}

static size_t memory_of(const struct message *m) { return sizeof *m + m->size; }

static void pop_front(struct chat_handler *c) {
  struct message *m = STAILQ_FIRST(&c->send_packet_queue);
  STAILQ_REMOVE_HEAD(&c->send_packet_queue, next);
  c->queued -= memory_of(m);
  ax_unref(m);
}

/* --------------------------------------------------------------- leaving */

/* In c's strand. Who neither speaks nor listens any more leaves. */
static void chat_close(struct chat_handler *c, unsigned sides) {
  bool here = c->sides != 0;
  c->sides &= ~sides;
  if (!here || c->sides)
    return;
  ax_stream_close(c->base.stream);
  ax_post(c->room->strand, ax_keep(c, ax_call(room_leave, c)));
}

/* In c's strand: a fault of its own, for which it is shown out. */
static void chat_end(struct chat_handler *c, const char *why) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(c->base.stream, peer);
  if (c->sides)
    lesson_log("closed %s: %s", peer, why);
  chat_close(c, SPEAKS | LISTENS);
}

/* --------------------------------------------------------------- reading */

/* In c's strand. It has said what it had to say, but may listen on. */
static void on_no_packet(struct chat_handler *c, int err) {
  if (err == UV_EMSGSIZE)
    chat_end(c, "its packet is too long");
  else if (err == UV_ENOMEM)
    chat_end(c, "no memory for its packet");
  else
    chat_close(c, err == UV_EOF ? SPEAKS : SPEAKS | LISTENS);
}

/* region: read */
static void read_packet_done(void *arg, int err, size_t n);

/* In c's strand, to which it is posted. */
void read_packet(void *arg, int err, size_t n) {
  struct chat_handler *c = arg;
  ax_stream_read_until(c->base.stream, &c->in_packet, '\0',
                       ax_keep(c, ax_call(read_packet_done, c)));
}

/* In c's strand. When the room has passed the packet on, it reads the next. */
static void read_packet_done(void *arg, int err, size_t n) {
  struct chat_handler *c = arg;
  const char *packet = ax_dynbuf_data(&c->in_packet).base;
  struct message *m = err ? NULL : message_new(c, packet, n);
  if (!m) {
    on_no_packet(c, err ? err : UV_ENOMEM);
    return;
  }
  ax_dynbuf_consume(&c->in_packet, n);
  ax_post(c->room->strand, ax_keep(m, ax_call(room_say, m)));
  ax_unref(m);
}
/* end: read */

/* --------------------------------------------------------------- sending */

static void on_message(void *arg, int err, size_t n);

/* In c's strand. */
static void on_no_message(void *arg, int err, size_t n) {
  chat_end(arg, "no memory for what it was to hear");
}

/* region: send */
/* On any butler: a copy of the packet goes to c's strand. */
void chat_send(struct chat_handler *c, const char *bytes, size_t size) {
  struct message *m = message_new(c, bytes, size);
  if (m)
    ax_post(c->strand, ax_keep(m, ax_call(on_message, m)));
  else
    ax_post(c->strand, ax_keep(c, ax_call(on_no_message, c)));
  ax_unref(m);
}
/* end: send */

/* region: queue */
static void packet_send_done(void *arg, int err, size_t n);

/* In c's strand. */
static void start_packet_send(struct chat_handler *c) {
  /* region: write */
  const struct message *m = STAILQ_FIRST(&c->send_packet_queue);
  ax_stream_write(c->base.stream, AX_CSEQ(ax_cbuffer(m->bytes, m->size)),
                  ax_keep(c, ax_call(packet_send_done, c)));
  /* end: write */
}

/* In c's strand. The queue is empty exactly when no write is under way. */
static void queue_message(struct chat_handler *c, struct message *m) {
  bool write_in_progress = !STAILQ_EMPTY(&c->send_packet_queue);
  STAILQ_INSERT_TAIL(&c->send_packet_queue, m, next);
  c->queued += memory_of(m);
  if (!write_in_progress)
    start_packet_send(c);
  else if (c->queued > c->room->queue_limit)
    chat_end(c, "too much is waiting for it");
}
/* end: queue */

/* In its receiver's strand. From here on the receiver holds the message and not
 * the other way round: in a circle nobody would ever be freed. */
static void on_message(void *arg, int err, size_t n) {
  struct message *m = arg;
  struct chat_handler *c = m->who;
  m->who = NULL;
  if (c->sides & LISTENS)
    queue_message(c, ax_ref(m));
  ax_unref(c);
}

/* region: done */
/* In c's strand. Who cannot be written to may still have said something: that
 * is read to the end. */
static void packet_send_done(void *arg, int err, size_t n) {
  struct chat_handler *c = arg;
  do
    pop_front(c);
  while (err && !STAILQ_EMPTY(&c->send_packet_queue));
  if (err)
    chat_close(c, LISTENS);
  else if (!STAILQ_EMPTY(&c->send_packet_queue))
    start_packet_send(c);
}
/* end: done */

/* ------------------------------------------------------ beginning and end */

static void chat_destroy(void *object) {
  struct chat_handler *c = object;
  while (!STAILQ_EMPTY(&c->send_packet_queue))
    pop_front(c);
  ax_dynbuf_free(&c->in_packet);
  ax_unref(c->base.stream);
  ax_unref(c->strand);
  free(c);
  chat_alive--;
}

struct connection *chat_make(void *room, ax_context *context) {
  struct chat_handler *c = malloc(sizeof *c);
  if (!c)
    return NULL;
  *c = (struct chat_handler){.room = room, .sides = SPEAKS | LISTENS};
  ax_obj_init(&c->base.obj, chat_destroy);
  c->strand = ax_strand_new(context);
  c->base.stream = ax_stream_new(c->strand); /* its handlers run there */
  ax_dynbuf_init(&c->in_packet, c->room->packet_limit);
  STAILQ_INIT(&c->send_packet_queue);
  chat_alive++;
  return &c->base;
}

/* region: start */
void chat_start(struct connection *connection) {
  struct chat_handler *c = (struct chat_handler *)connection;
  chat_served++;
  ax_post(c->room->strand, ax_keep(c, ax_call(room_enter, c)));
  ax_post(c->strand, ax_keep(c, ax_call(read_packet, c)));
}
/* end: start */
