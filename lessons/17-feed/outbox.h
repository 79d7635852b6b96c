/* outbox.h: what waits to be sent to one client.
 *
 * Any thread may put something in. Only the client's strand takes it out, and
 * it takes all there is: one write at a time, which gathers the bytes from
 * where they are. The operations of an outbox keep its owner, the client. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "ax.h"

/* Bytes that are shared by all who still have to send them. Whoever holds the
 * only reference may change them, and nobody else. */
struct chunk {
  ax_obj obj;
  size_t size;
  char bytes[];
};

/* A copy of `bytes`; when that is NULL, the bytes are to be filled in. */
struct chunk *chunk_new(const char *bytes, size_t size);

/* What all outboxes of a server have in common. */
struct outbox_rules {
  size_t limit; /* bytes that may wait for one client */
  /* In the strand: more would wait, as `why` says; or a write has failed, and
   * `why` is NULL. The owner calls outbox_end. */
  void (*broken)(void *owner, const char *why);
};

struct batch;

/* region: outbox */
struct outbox {
  const struct outbox_rules *rules;
  void *owner; /* it begins with an ax_obj */
  ax_stream *stream;
  ax_strand *strand;
  struct batch *sending; /* by the write under way; in the strand */
  uv_mutex_t lock;       /* guards the rest */
  struct batch *waiting;
  size_t queued;     /* bytes in sending and waiting */
  size_t reply_left; /* so many of them to the end of the reply */
  ax_op *reply;      /* to be completed then, or NULL */
  bool flushing;     /* a flush is posted or a write is under way */
  bool closed;       /* it takes nothing more */
};
/* end: outbox */

/* An empty outbox, with a strand of its own on `executor`. It takes over the
 * reference to the stream; the owner reads from the stream in the strand. */
void outbox_init(struct outbox *box, const struct outbox_rules *rules,
                 void *owner, ax_stream *stream, ax_executor *executor);

/* For the owner's destroy function; this closes the stream. */
void outbox_free(struct outbox *box);

/* Sends a chunk, as soon as what was put in before has left. Any thread. */
void outbox_send(struct outbox *box, struct chunk *chunk);

/* The bytes that wait now, of the limit. Any thread. */
size_t outbox_waiting(struct outbox *box);

/* Sends several chunks, a byte at least, with nothing in between. The token is
 * completed when the last byte has left, or with UV_ECANCELED when it will not.
 * Any thread, but one reply at a time.
 *
 * A reply is not counted against the limit: the client asked for it, and will
 * not be heard again before it has it. */
void outbox_reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token);

/* In the strand: closes the stream, says why on standard error (unless it is
 * NULL or was closed before), and forgets what waits. */
void outbox_end(struct outbox *box, const char *why);

#endif
