/* outbox.h: what waits to be sent to one client.
 *
 * Any thread may put something in. Only the client's strand takes it out, and
 * it takes all there is: one write at a time, which gathers the bytes from
 * where they are. The operations of an outbox keep its owner, the client.
 *
 * The law of who waits for whom:
 *
 *   1. An outbox falls behind when more than `mark` waits in it. It has caught
 *      up when no more than half of that does.
 *   2. A sender asks before it puts something in. While an outbox is behind,
 *      the sender waits (outbox_wait) and does not read on from its own peer.
 *   3. Nobody is waited for longer than `patience`. A client that is behind and
 *      takes nothing in that time is cut off. One that takes something is late
 *      from then on: the senders go on without it, and it is cut off when more
 *      than `limit` would wait. With a `stall` one that takes nothing is late
 *      at the next look, and cut off when that time is over.
 *   4. An outbox that is not behind takes one chunk of any size.
 *
 * A client takes what its system says that it has taken. Systems say so in
 * steps, the client's and ours: together they hide up to 256 KiB, and more
 * where a receive buffer is larger than a MiB. So without a stall a client that
 * has fallen behind is never cut off, whoever talks, if in the time of patience
 * it reads all but half of the mark of what waits for it, and 256 KiB more. A
 * mark below that is for experiments.
 *
 * What waits for a client is `limit` at most, unless one chunk is larger.
 * (Senders on several threads may ask in the same moment, and each then puts a
 * chunk in: `limit` has to leave room for that.) */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "chunk.h"

/* What all outboxes of a server have in common. */
struct outbox_rules {
  size_t mark, limit; /* of what waits for one client, as chunk_cost counts */
  ax_time patience, stall; /* 0: no stall */
  size_t reply_least;      /* 0: a reply may take any time while it moves */
  /* In the strand. A write has failed, and `why` is NULL: nothing more will
   * leave, but what the client said before may still be read. Or the client is
   * cut off, as `why` says: the owner calls outbox_end. */
  void (*broken)(void *owner, const char *why);
  atomic_long behind;    /* so many outboxes are waited for */
  atomic_size_t highest; /* the most that has waited for one client */
};

/* A sender that waits. */
struct outbox_waiter {
  ax_op *op; /* of the sender's: completed when it has waited */
  struct outbox_waiter *next;
};

/* region: outbox */
struct outbox {
  struct outbox_rules *rules;
  void *owner; /* it begins with an ax_obj */
  ax_stream *stream;
  ax_strand *strand;
  struct batch *sending; /* by the write under way; in the strand */
  ax_timer *timer;       /* made when it is needed; in the strand */
  bool said_why, ended;  /* in the strand */
  int on_the_way;        /* bytes, at the last tick; in the strand */
  uv_mutex_t lock;       /* guards the rest */
  struct batch *waiting;
  size_t queued;     /* the cost of what is in sending and waiting */
  size_t reply_left; /* so much of it to the end of the reply */
  ax_op *reply;      /* to be completed then, or NULL */
  bool flushing;     /* a flush is posted or a write is under way */
  bool closed;       /* it takes nothing more */
  const char *why;   /* it is cut off */
  /* The watch: see watch.c. */
  enum { ABREAST, BEHIND, LATE } state;
  struct outbox_waiter *waiters;
  bool watched, moved, listens_on;
  int behind_for, still_for; /* ticks */
  size_t reply_ticks;        /* that the reply may still take; 0: any number */
};
/* end: outbox */

/* An empty outbox, with a strand of its own on `executor`. It takes over the
 * reference to the stream; the owner reads from the stream in the strand. */
void outbox_init(struct outbox *box, struct outbox_rules *rules, void *owner,
                 ax_stream *stream, ax_executor *executor);

/* Before anything else, when the stream is open: so that the system does not
 * keep much for the client. */
void outbox_opened(struct outbox *box);

/* For the owner's destroy function; this closes the stream. */
void outbox_free(struct outbox *box);

/* Sends a chunk, as soon as what was put in before has left. Any thread. */
void outbox_send(struct outbox *box, struct chunk *chunk);

/* Sends all chunks of a batch, which it takes over, with one lock and one post:
 * all of them or, when that is too much, none. True when the outbox is behind
 * now. Any thread. */
bool outbox_send_batch(struct outbox *box, struct batch *batch);

/* True when somebody is behind, so that a sender has to look for him. */
static inline bool outbox_anyone_behind(struct outbox_rules *rules) {
  return atomic_load_explicit(&rules->behind, memory_order_relaxed) > 0;
}

/* False when the outbox is not behind. Otherwise completes waiter->op when it
 * is no longer, or soon: then look again. The op keeps whom the waiter belongs
 * to. A waiter waits for one outbox at a time. Any thread. */
bool outbox_wait(struct outbox *box, struct outbox_waiter *waiter);

/* Sends several chunks with nothing in between. The token is completed when the
 * last byte has left, or with UV_ECANCELED when it will not. Any thread, but
 * one reply at a time.
 *
 * A reply is not counted against the limits: the client asked for it, and will
 * not be heard again before it has it. The client is cut off when it takes
 * nothing for the time of patience. It is cut off as well when the reply as a
 * whole takes longer than it may: the time of patience for each `reply_least`
 * bytes, and twice more. */
void outbox_reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token);

/* In the strand, when the owner has read the end of the stream: the client may
 * still listen, and the outbox keeps the owner. `broken` is called when a write
 * fails, or when nothing was sent for six times the patience: then nobody can
 * tell whether the client is still there. False when a write has failed
 * before. */
bool outbox_listens_on(struct outbox *box);

/* In the strand: closes the stream, says why on standard error (unless it is
 * NULL or was said before), and forgets what waits. */
void outbox_end(struct outbox *box, const char *why);

/* In the strand, when no read is pending and no reply under way: the client has
 * made a mistake. Says why and takes nothing more, and no sender waits for this
 * client any more. What waits leaves, and then the stream is closed so that it
 * arrives (linger.h). */
void outbox_dismiss(struct outbox *box, const char *why);

#endif
