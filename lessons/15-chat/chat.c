/* chat.c: one client of the chat, and how its packets reach the others.
 *
 * A client owns itself: its pending operations keep it. Its handlers run in
 * its strand. The room holds no reference; a client leaves it in the handler
 * that ends it, so whom the room knows is alive.
 *
 *     on_packet -> broadcast -> send ... flush -> on_flushed
 *     sender's strand           |        receiver's strand
 *                               receiver's outbox, under its lock
 *
 * What arrived in one read, one packet or more, is copied once, into a chunk
 * that all receivers share by reference count. send() puts the chunk into the
 * receiver's outbox and, if none is under way, posts one flush to the
 * receiver's strand. By the time that runs, more may have gathered: all of it
 * leaves with one gather write, straight from the chunks. */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

atomic_long chat_served, chat_alive;

/* Whole packets, shared by all who still have to send them. */
struct chunk {
  ax_obj obj;
  size_t size;
  char bytes[];
};

/* A growing array of chunks, each of them held. */
struct chunks {
  struct chunk **at;
  size_t count, room;
};

/* region: client */
struct client {
  ax_obj obj;
  struct room *room;
  ax_stream *stream;
  ax_strand *strand;
  ax_dynbuf in;
  struct chunks sending; /* by the write under way ... */
  size_t sent;           /* ... so many of them; both in the strand */
  uv_mutex_t lock;       /* guards the rest */
  struct chunks outbox;
  size_t queued;               /* bytes in outbox and sending */
  bool flushing;               /* a flush is posted or a write is under way */
  bool cut_off;                /* too much was queued */
  struct client **link, *next; /* in the room, under the room's lock */
};
/* end: client */

/* --------------------------------------------------------------- memory */

static void *allocate(size_t size) {
  void *memory = malloc(size);
  if (!memory) {
    fprintf(stderr, "out of memory\n");
    abort();
  }
  return memory;
}

static struct chunk *chunk_new(const char *bytes, size_t size) {
  struct chunk *chunk = allocate(sizeof *chunk + size);
  ax_obj_init(&chunk->obj, free);
  chunk->size = size;
  memcpy(chunk->bytes, bytes, size);
  return chunk;
}

static void chunks_add(struct chunks *chunks, struct chunk *chunk) {
  if (chunks->count == chunks->room) {
    chunks->room = chunks->room ? 2 * chunks->room : 8;
    chunks->at = realloc(chunks->at, chunks->room * sizeof *chunks->at);
    if (!chunks->at)
      abort();
  }
  chunks->at[chunks->count++] = ax_ref(chunk);
}

/* Lets go of the chunks, and of the array unless it is small. */
static void chunks_clear(struct chunks *chunks) {
  for (size_t i = 0; i < chunks->count; i++)
    ax_unref(chunks->at[i]);
  chunks->count = 0;
  if (chunks->room > 8) {
    free(chunks->at);
    *chunks = (struct chunks){0};
  }
}

/* ------------------------------------------------------------- the room */

void room_init(struct room *room, ax_executor *executor, size_t packet_limit,
               size_t queue_limit) {
  *room = (struct room){.executor = executor,
                        .packet_limit = packet_limit,
                        .queue_limit = queue_limit};
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

/* ------------------------------------------------------------ the client */

static void client_destroy(void *object) {
  struct client *c = object;
  room_leave(c->room, c); /* it has left, unless the server ends */
  chunks_clear(&c->outbox);
  chunks_clear(&c->sending);
  free(c->outbox.at);
  free(c->sending.at);
  ax_dynbuf_free(&c->in);
  uv_mutex_destroy(&c->lock);
  ax_unref(c->stream);
  ax_unref(c->strand);
  free(c);
  chat_alive--;
}

/* In c->strand: nothing more will be read or written. */
static void client_end(struct client *c, const char *reason) {
  char peer[AX_ENDPOINT_TEXT];
  ax_endpoint endpoint;
  if (reason && ax_stream_remote(c->stream, &endpoint) == 0) {
    ax_endpoint_format(&endpoint, peer);
    fprintf(stderr, "closed %s: %s\n", peer, reason);
  }
  room_leave(c->room, c);
  ax_stream_close(c->stream);
}

/* --------------------------------------------------------------- writing */

enum { GATHER = 256 }; /* chunks in one write */

static void write_next(struct client *c);

/* region: flush */
/* In c->strand: all that has gathered leaves. */
static void flush(void *arg, int err, size_t n) {
  struct client *c = arg;
  uv_mutex_lock(&c->lock);
  struct chunks empty = c->sending;
  c->sending = c->outbox;
  c->outbox = empty;
  c->flushing = c->sending.count > 0;
  uv_mutex_unlock(&c->lock);
  if (c->flushing)
    write_next(c);
}
/* end: flush */

/* In c->strand. */
static void on_written(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (err) {
    client_end(c, NULL);
    return;
  }
  uv_mutex_lock(&c->lock);
  c->queued -= n;
  uv_mutex_unlock(&c->lock);
  if (c->sent < c->sending.count) {
    write_next(c);
    return;
  }
  chunks_clear(&c->sending);
  c->sent = 0;
  flush(c, 0, 0);
}

/* region: gather */
/* In c->strand: one write for many chunks, straight from where they are. */
static void write_next(struct client *c) {
  ax_cbuf bufs[GATHER];
  size_t count = 0;
  while (count < GATHER && c->sent < c->sending.count) {
    struct chunk *chunk = c->sending.at[c->sent++];
    bufs[count++] = ax_cbuffer(chunk->bytes, chunk->size);
  }
  ax_stream_write(c->stream, (ax_cseq){bufs, count},
                  ax_on(c->strand, ax_keep(c, ax_call(on_written, c))));
}
/* end: gather */

/* In c->strand. */
static void on_cut_off(void *arg, int err, size_t n) {
  client_end(arg, "it does not read, and too much is waiting for it");
}

/* region: send */
/* On any thread: puts the chunk in the outbox and has it flushed, once. */
static void send_chunk(struct client *c, struct chunk *chunk) {
  uv_mutex_lock(&c->lock);
  bool fits = c->queued + chunk->size <= c->room->queue_limit;
  bool cut_off = !fits && !c->cut_off;
  bool flush_now = fits && !c->flushing;
  if (fits) {
    chunks_add(&c->outbox, chunk);
    c->queued += chunk->size;
    c->flushing = true;
  }
  c->cut_off |= cut_off;
  uv_mutex_unlock(&c->lock);
  if (flush_now)
    ax_post(c->strand, ax_keep(c, ax_call(flush, c)));
  if (cut_off)
    ax_post(c->strand, ax_keep(c, ax_call(on_cut_off, c)));
}
/* end: send */

/* --------------------------------------------------------------- reading */

static void broadcast(struct room *room, struct client *from,
                      struct chunk *chunk) {
  uv_rwlock_rdlock(&room->lock);
  for (struct client *c = room->clients; c; c = c->next)
    if (c != from)
      send_chunk(c, chunk);
  uv_rwlock_rdunlock(&room->lock);
}

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
  ax_stream_read_until(c->stream, &c->in, '\0',
                       ax_on(c->strand, ax_keep(c, ax_call(on_packet, c))));
}

/* In c->strand: a packet has come, and perhaps more behind it. */
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

/* In c->strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) { read_packet(arg); }

void chat_connected(void *room, ax_stream *stream) {
  struct client *c = allocate(sizeof *c);
  *c = (struct client){.room = room, .stream = stream};
  ax_obj_init(&c->obj, client_destroy);
  c->strand = ax_strand_new(c->room->executor);
  ax_dynbuf_init(&c->in, c->room->packet_limit);
  if (uv_mutex_init(&c->lock))
    abort();
  chat_served++;
  chat_alive++;
  room_enter(c->room, c); /* before the next one is accepted */
  ax_post(c->strand, ax_keep(c, ax_call(on_start, c)));
  ax_unref(c);
}
