/* outbox.c: a queue of shared chunks, and one write at a time.
 *
 *     outbox_send ... flush -> write_next -> on_written -> flush -> ...
 *     any thread      |_____ the client's strand __________________
 *
 * Putting something in is a few assignments under the lock. The first to do so
 * posts a flush to the strand; by the time that runs, more may have gathered,
 * and all of it leaves with one write. What comes while the write is under way
 * waits for the next. Whether that is too much is for watch.c to say.
 *
 * A batch lives from the first chunk put in until it was written. So an idle
 * outbox holds no memory but itself. */
#include "outbox.h"
#include "../12-framing/linger.h"
#include "lesson.h"
#include "watch.h"

/* ------------------------------------------------------------ putting in */

/* What is left to be done without the lock. */
enum { FLUSH = 1, WATCH = 2, CUT_OFF = 4 };

/* With the lock held: so much was put in, or there is no memory for it. */
static unsigned count_in(struct outbox *box, bool done, size_t cost) {
  if (!done) {
    watch_cut_off(box, "there is no memory for what waits for it");
    return CUT_OFF;
  }
  unsigned todo = box->flushing ? 0 : FLUSH;
  box->queued += cost;
  watch_note(box);
  box->flushing = true;
  return todo;
}

/* With the lock held. */
static unsigned put(struct outbox *box, struct chunk *chunk) {
  return count_in(box, batch_add(&box->waiting, chunk),
                  chunk_cost(chunk->size));
}

/* With the lock held: the same, within the limits. */
static unsigned put_within(struct outbox *box, struct chunk *chunk) {
  if (!watch_admits(box, chunk_cost(chunk->size)))
    return CUT_OFF;
  unsigned todo = put(box, chunk);
  return todo | (watch_more(box) ? WATCH : 0);
}

static ax_fn flush;

static void post_flush(struct outbox *box) {
  ax_post(box->strand, ax_keep(box->owner, ax_call(flush, box)));
}

static void post_what_is_left(struct outbox *box, unsigned todo) {
  if (todo & FLUSH)
    post_flush(box);
  if (todo & WATCH)
    ax_post(box->strand, ax_keep(box->owner, ax_call(watch_start, box)));
  if (todo & CUT_OFF)
    ax_post(box->strand, ax_keep(box->owner, ax_call(watch_on_cut_off, box)));
}

/* region: send */
/* On any thread: puts the chunk in, and has it flushed, once. */
void outbox_send(struct outbox *box, struct chunk *chunk) {
  uv_mutex_lock(&box->lock);
  unsigned todo = box->closed ? 0 : put_within(box, chunk);
  uv_mutex_unlock(&box->lock);
  if (todo)
    post_what_is_left(box, todo);
}
/* end: send */

/* --------------------------------------------------------------- writing */

/* Chunks in one write, and bytes: so that one can see a large reply move. */
enum { GATHER = 256, WRITE = 64 << 10 };

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

/* So much has left, and the reply or the senders that waited for it go on. */
static void count_off(struct outbox *box, size_t cost) {
  ax_op *reply = NULL;
  uv_mutex_lock(&box->lock);
  box->queued -= cost;
  box->reply_left -= cost < box->reply_left ? cost : box->reply_left;
  if (box->reply_left == 0) {
    reply = box->reply;
    box->reply = NULL;
  }
  struct outbox_waiter *waiters = watch_less(box);
  uv_mutex_unlock(&box->lock);
  if (reply)
    ax_complete(reply, 0, 0);
  watch_wake(waiters);
}

/* Nothing more is taken, and what waits is forgotten. */
static void shut(struct outbox *box) {
  uv_mutex_lock(&box->lock);
  struct batch *batch = box->waiting;
  struct outbox_waiter *waiters = watch_end(box);
  ax_op *reply = box->reply;
  box->waiting = NULL;
  box->reply = NULL;
  box->closed = true;
  uv_mutex_unlock(&box->lock);
  batch_free(batch);
  if (reply)
    ax_complete(reply, UV_ECANCELED, 0);
  watch_wake(waiters);
}

/* In the strand: a write has failed, perhaps because its owner ended it. */
static void fail(struct outbox *box) {
  shut(box);
  if (!box->ended)
    box->rules->broken(box->owner, NULL);
}

/* In the strand. */
static void on_written(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  if (!err)
    count_off(box, batch_release(box->sending));
  /* region: written */
  if (!err && box->sending->taken < box->sending->count) {
    write_next(box);
    return;
  }
  batch_free(box->sending);
  box->sending = NULL;
  if (err)
    fail(box);
  else
    flush(box, 0, 0);
  /* end: written */
}

/* In the strand: one write for many chunks, straight from where they are. */
static void write_next(struct outbox *box) {
  struct batch *batch = box->sending;
  /* region: write */
  ax_cbuf bufs[GATHER];
  size_t count = 0, room = WRITE;
  while (count < GATHER && room > 0 && batch->taken < batch->count) {
    bufs[count] = batch_take(batch, room);
    room -= bufs[count++].len;
  }
  ax_stream_write(
      box->stream, (ax_cseq){bufs, count},
      ax_on(box->strand, ax_keep(box->owner, ax_call(on_written, box))));
  /* end: write */
}

/* --------------------------------------------------------------- replies */

/* With the lock held, on an open outbox: all of it or nothing. */
static unsigned put_batch(struct outbox *box, struct batch *batch) {
  size_t cost = batch->cost;
  if (!watch_admits(box, cost)) {
    batch_free(batch);
    return CUT_OFF;
  }
  unsigned todo = count_in(box, batch_join(&box->waiting, batch), cost);
  return todo | (watch_more(box) ? WATCH : 0);
}

bool outbox_send_batch(struct outbox *box, struct batch *batch) {
  uv_mutex_lock(&box->lock);
  bool open = !box->closed;
  unsigned todo = open ? put_batch(box, batch) : 0;
  bool behind = box->state == BEHIND;
  uv_mutex_unlock(&box->lock);
  if (todo)
    post_what_is_left(box, todo);
  if (!open)
    batch_free(batch);
  return behind;
}

/* With the lock held: the reply ends behind what waits now. */
static unsigned begin_reply(struct outbox *box, ax_op *reply) {
  box->reply = reply;
  box->reply_left = box->queued;
  return watch_reply(box) ? WATCH : 0;
}

/* With `last` nothing more is taken after it, and nobody waits for this client
 * any more: its owner forgets it, so nobody would find it to wait for. */
static void reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token, bool last) {
  ax_op *op = ax_initiate(box->strand, token);
  unsigned todo = 0;
  uv_mutex_lock(&box->lock);
  for (size_t i = 0; !box->closed && i < count; i++)
    todo |= put(box, chunks[i]);
  struct outbox_waiter *waiters = last ? watch_end(box) : NULL;
  bool open = !box->closed, done = box->queued == 0;
  if (open && !done)
    todo |= begin_reply(box, op);
  box->closed |= last;
  uv_mutex_unlock(&box->lock);
  post_what_is_left(box, todo);
  if (!open || done)
    ax_complete(op, open ? 0 : UV_ECANCELED, 0);
  watch_wake(waiters);
}

void outbox_reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token) {
  reply(box, chunks, count, token, false);
}

/* --------------------------------------------------- beginning and end */

void outbox_init(struct outbox *box, struct outbox_rules *rules, void *owner,
                 ax_stream *stream, ax_executor *executor) {
  *box = (struct outbox){.rules = rules,
                         .owner = owner,
                         .stream = stream,
                         .strand = ax_strand_new(executor)};
  lesson_must("make a lock", uv_mutex_init(&box->lock));
}

void outbox_free(struct outbox *box) {
  batch_free(box->waiting);
  batch_free(box->sending);
  uv_mutex_destroy(&box->lock);
  ax_unref(box->timer);
  ax_unref(box->stream);
  ax_unref(box->strand);
}

static void say_why(struct outbox *box, const char *why) {
  char peer[AX_ENDPOINT_TEXT];
  if (!why || box->said_why)
    return;
  box->said_why = true;
  lesson_peer(box->stream, peer);
  lesson_log("closed %s: %s", peer, why);
}

void outbox_end(struct outbox *box, const char *why) {
  say_why(box, why);
  box->ended = true;
  ax_stream_close(box->stream);
  shut(box);
  if (box->timer)
    ax_timer_cancel(box->timer);
}

/* In the strand: all has left, or it never will. Nobody waits for it now. */
static void on_last(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  if (box->timer)
    ax_timer_cancel(box->timer);
  if (err)
    ax_stream_close(box->stream);
  else
    linger(box->stream, box->strand);
}

void outbox_dismiss(struct outbox *box, const char *why) {
  say_why(box, why);
  reply(box, NULL, 0,
        ax_on(box->strand, ax_keep(box->owner, ax_call(on_last, box))), true);
}
