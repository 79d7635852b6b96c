/* op.h: what all operations begin with, and their life.
 *
 *   begin    an initiating call takes memory and fills in the token
 *   pend     it counts as work
 *   finish   its result is known: it stands in its executor's queue
 *   run      on a butler, its memory is given back and the handler called
 *   drop     the other end: nobody is called
 *
 * An operation that is done at once is finished without being pending. An
 * operation of a kind begins with an ax_op, adds what it needs, and puts a
 * function of its own in entry.run if something has to happen before the
 * handler; that function ends with ax__op_run. */
#ifndef AX_OP_H
#define AX_OP_H

#include "pool.h"
#include "scheduler.h"
#include "trace.h"

struct ax_op {
  ax__entry entry;
  ax_fn *fn; /* NULL: nobody wants to know */
  void *arg;
  void *keep;
  ax_executor *executor;    /* where it completes */
  void *object;             /* the I/O object, held; may be NULL */
  struct ax__scheduler *at; /* where it is pending, if it is */
  struct ax__origin origin; /* set only while tracing */
  size_t n;
  int err;
  bool pending;        /* counted as work */
  bool holding;        /* it holds the executor itself; else the object does */
  unsigned char block; /* its number in the pool */
};

static inline ax_op *ax__op_of(ax__entry *entry) {
  return AX__OF(ax_op, entry, entry);
}

/* The entry's function of an operation that is done. */
void ax__op_run(ax__entry *entry, bool live);

/* The same for one that ran elsewhere before. */
void ax__op_run_home(ax__entry *entry, bool live);

/* Makes an operation in a block of the pool. Holds object, executor and keep.
 * `executor` is where it completes when the token does not say. Inline, so that
 * the words of the token stay in registers. */
static inline void *ax__op_init(void *memory, int block, ax_executor *executor,
                                void *object, ax_token token) {
  ax_op *op = memory;
  op->block = (unsigned char)block;
  op->entry.run = ax__op_run;
  op->fn = token.fn;
  op->arg = token.arg;
  op->keep = ax_ref(token.keep);
  op->executor = token.executor ? token.executor : executor;
  op->object = ax_ref(object);
  op->holding = !object || op->executor != executor;
  if (op->holding)
    ax_ref(op->executor);
  op->at = executor->scheduler;
  op->pending = false;
  op->err = 0;
  op->n = 0;
  if (ax__tracing())
    op->origin = ax__trace_initiated(token.fn, token.name);
  return op;
}

/* The same in a new block; the size is that of the whole operation. */
static inline void *ax__op_begin(size_t size, ax_executor *executor,
                                 void *object, ax_token token) {
  int block = ax__block_for(size);
  return ax__op_init(ax__take(block), block, executor, object, token);
}

/* Counts it as work: where its object is, and in its executor's context. */
void ax__op_pend(ax_op *op);

/* Its handler becomes ready. The operation may be gone after. Any thread. */
void ax__op_finish(ax_op *op, int err, size_t n);

/* The same for all of a queue; the number finished. */
size_t ax__op_finish_all(ax__queue *queue, int err);

/* Like ax__op_finish, for a thread outside of the executor's context. That may
 * be freed as soon as the handler has run, or at this very moment. */
void ax__op_finish_outside(ax_op *op, int err, size_t n);

/* Calls a handler that may be NULL, and counts it; its slice may be NULL. */
static inline void ax__call(ax_fn *fn, void *arg, int err, size_t n,
                            const struct ax__slice *slice) {
  if (!fn)
    return;
  fn(arg, err, n);
  if (slice && slice->on)
    ax__trace_end(slice, err, n);
  ax__self.handlers++;
}

/* Most operations hold little. Asking here saves the calls. */
static inline void ax__release(void *object) {
  if (object)
    ax_unref(object);
}

#endif
