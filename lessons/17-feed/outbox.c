/* outbox.c: a queue of shared chunks, and one write at a time.
 *
 *     outbox_send ... flush -> write_next -> on_written -> flush -> ...
 *     any thread      |_____ the client's strand __________________
 *
 * Putting something in is a few assignments under the lock. The first to do so
 * posts a flush to the strand; by the time that runs, more may have gathered,
 * and all of it leaves with one write. What comes while the write is under way
 * waits for the next.
 *
 * A batch lives from the first chunk put in until it was written. So an idle
 * outbox holds no memory but itself. */
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A growing array of chunks, each of them held. */
struct batch {
  size_t count, room;
  size_t taken; /* by writes */
  struct chunk *at[];
};

/* --------------------------------------------------------------- memory */

static void *must_have(void *memory) {
  if (!memory) {
    fprintf(stderr, "out of memory\n");
    abort();
  }
  return memory;
}

struct chunk *chunk_new(const char *bytes, size_t size) {
  struct chunk *chunk = must_have(malloc(sizeof *chunk + size));
  ax_obj_init(&chunk->obj, free);
  chunk->size = size;
  if (bytes)
    memcpy(chunk->bytes, bytes, size);
  return chunk;
}

static struct batch *batch_grow(struct batch *batch) {
  size_t room = batch ? 2 * batch->room : 8;
  struct batch *grown =
      must_have(realloc(batch, sizeof *batch + room * sizeof *batch->at));
  if (!batch)
    grown->count = grown->taken = 0;
  grown->room = room;
  return grown;
}

static void batch_add(struct batch **batch, struct chunk *chunk) {
  if (!*batch || (*batch)->count == (*batch)->room)
    *batch = batch_grow(*batch);
  (*batch)->at[(*batch)->count++] = ax_ref(chunk);
}

static void batch_free(struct batch *batch) {
  for (size_t i = 0; batch && i < batch->count; i++)
    ax_unref(batch->at[i]);
  free(batch);
}

/* --------------------------------------------------------------- writing */

enum { GATHER = 256 }; /* chunks in one write */

static void write_next(struct outbox *box);

/* region: flush */
/* In the strand: all that has gathered leaves. */
static void flush(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  uv_mutex_lock(&box->lock);
  box->sending = box->waiting;
  box->waiting = NULL;
  box->flushing = box->sending != NULL;
  uv_mutex_unlock(&box->lock);
  if (box->sending)
    write_next(box);
}
/* end: flush */

/* So many bytes have left; the reply whose last byte was among them, or NULL */
static ax_op *count_off(struct outbox *box, size_t n) {
  ax_op *reply = NULL;
  uv_mutex_lock(&box->lock);
  box->queued -= n;
  box->reply_left -= n < box->reply_left ? n : box->reply_left;
  if (box->reply_left == 0) {
    reply = box->reply;
    box->reply = NULL;
  }
  uv_mutex_unlock(&box->lock);
  return reply;
}

/* In the strand. */
static void on_written(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  ax_op *reply = count_off(box, n);
  if (reply)
    ax_complete(reply, 0, 0);
  /* region: written */
  if (!err && box->sending->taken < box->sending->count) {
    write_next(box);
    return;
  }
  batch_free(box->sending);
  box->sending = NULL;
  if (err)
    box->rules->broken(box->owner, NULL);
  else
    flush(box, 0, 0);
  /* end: written */
}

/* region: gather */
/* In the strand: one write for many chunks, straight from where they are. */
static void write_next(struct outbox *box) {
  struct batch *batch = box->sending;
  /* region: write */
  ax_cbuf bufs[GATHER];
  size_t count = 0;
  while (count < GATHER && batch->taken < batch->count) {
    const struct chunk *chunk = batch->at[batch->taken++];
    bufs[count++] = ax_cbuffer(chunk->bytes, chunk->size);
  }
  ax_stream_write(
      box->stream, (ax_cseq){bufs, count},
      ax_on(box->strand, ax_keep(box->owner, ax_call(on_written, box))));
  /* end: write */
}
/* end: gather */

/* ------------------------------------------------------------ putting in */

/* With the lock held; true when a flush has to be posted. */
static bool put(struct outbox *box, struct chunk *chunk) {
  bool idle = !box->flushing;
  batch_add(&box->waiting, chunk);
  box->queued += chunk->size;
  box->flushing = true;
  return idle;
}

static void post_flush(struct outbox *box) {
  ax_post(box->strand, ax_keep(box->owner, ax_call(flush, box)));
}

/* In the strand. */
static void on_full(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  box->rules->broken(box->owner,
                     "it does not read, and too much is waiting for it");
}

/* region: send */
/* On any thread: puts the chunk in, and has it flushed, once. */
void outbox_send(struct outbox *box, struct chunk *chunk) {
  uv_mutex_lock(&box->lock);
  size_t waiting = box->queued - box->reply_left;
  bool fits = waiting + chunk->size <= box->rules->limit;
  bool full = !fits && !box->closed;
  bool idle = fits && !box->closed && put(box, chunk);
  box->closed |= full;
  uv_mutex_unlock(&box->lock);
  if (idle)
    post_flush(box);
  if (full)
    ax_post(box->strand, ax_keep(box->owner, ax_call(on_full, box)));
}
/* end: send */

size_t outbox_waiting(struct outbox *box) {
  uv_mutex_lock(&box->lock);
  size_t waiting = box->closed ? 0 : box->queued - box->reply_left;
  uv_mutex_unlock(&box->lock);
  return waiting;
}

void outbox_reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token) {
  ax_op *reply = ax_initiate(box->strand, token);
  bool idle = false;
  uv_mutex_lock(&box->lock);
  bool open = !box->closed;
  for (size_t i = 0; open && i < count; i++)
    idle |= put(box, chunks[i]);
  if (open) {
    box->reply = reply;
    box->reply_left = box->queued;
  }
  uv_mutex_unlock(&box->lock);
  if (idle)
    post_flush(box);
  if (!open)
    ax_complete(reply, UV_ECANCELED, 0);
}

/* --------------------------------------------------- beginning and end */

void outbox_init(struct outbox *box, const struct outbox_rules *rules,
                 void *owner, ax_stream *stream, ax_executor *executor) {
  *box = (struct outbox){.rules = rules,
                         .owner = owner,
                         .stream = stream,
                         .strand = ax_strand_new(executor)};
  if (uv_mutex_init(&box->lock))
    abort();
}

void outbox_free(struct outbox *box) {
  batch_free(box->waiting);
  batch_free(box->sending);
  uv_mutex_destroy(&box->lock);
  ax_unref(box->stream);
  ax_unref(box->strand);
}

static void say_why(ax_stream *stream, const char *why) {
  char peer[AX_ENDPOINT_TEXT];
  ax_endpoint endpoint;
  if (ax_stream_remote(stream, &endpoint))
    return; /* it was closed before */
  ax_endpoint_format(&endpoint, peer);
  fprintf(stderr, "closed %s: %s\n", peer, why);
}

void outbox_end(struct outbox *box, const char *why) {
  if (why)
    say_why(box->stream, why);
  ax_stream_close(box->stream);
  uv_mutex_lock(&box->lock);
  struct batch *waiting = box->waiting;
  ax_op *reply = box->reply;
  box->waiting = NULL;
  box->reply = NULL;
  box->closed = true;
  uv_mutex_unlock(&box->lock);
  batch_free(waiting);
  if (reply)
    ax_complete(reply, UV_ECANCELED, 0);
}
