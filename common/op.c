/* op.c: the life of an operation; op.h tells it. */
#include "op.h"

/* The executor may be of another context than the object. Then that context
 * may not be over meanwhile, either. */
static void count(const ax_op *op, long n) {
  struct ax__scheduler *home = op->executor->scheduler;
  ax__scheduler_work(op->at, n);
  if (home != op->at)
    ax__scheduler_work(home, n);
}

void ax__op_pend(ax_op *op) {
  op->pending = true;
  count(op, 1);
}

static void tell_ready(const ax_op *op) {
  bool home = op->entry.run == ax__op_run_home;
  ax__ready(op->fn, &op->origin, op->executor, home ? AX__HOME : NULL);
}

/* Pushes before it subtracts, so it is work at every moment. */
void ax__op_finish(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->executor;
  struct ax__scheduler *at = op->at, *home = executor->scheduler;
  bool counted = op->pending;
  if (at != home) {
    ax__op_finish_outside(op, err, n);
    return;
  }
  op->err = err;
  op->n = n;
  op->pending = false;
  tell_ready(op);
  ax__push(executor, &op->entry);
  if (counted)
    ax__scheduler_work(home, -1);
}

void ax__op_finish_outside(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->executor;
  struct ax__scheduler *at = op->at, *home = executor->scheduler;
  struct ax__context *held = ax_ref(executor->context);
  bool counted = op->pending;
  op->err = err;
  op->n = n;
  op->pending = false;
  tell_ready(op);
  ax__push(executor, &op->entry);
  if (counted)
    ax__scheduler_work(home, -1);
  if (counted && at != home)
    ax__scheduler_work(at, -1);
  ax_unref(held);
}

size_t ax__op_finish_all(ax__queue *queue, int err) {
  size_t count = 0;
  for (ax__entry *entry; (entry = ax__queue_pop(queue)); count++)
    ax__op_finish(ax__op_of(entry), err, ax__op_of(entry)->n);
  return count;
}

/* On a butler, in the token's executor; or not live, and maybe still pending.
 * A slice begins before the memory is given back, because it copies from it. */
static inline void complete(ax__entry *entry, bool live, const char *part) {
  ax_op *op = ax__op_of(entry);
  if (op->pending)
    count(op, -1);
  ax_fn *fn = live ? op->fn : NULL;
  void *arg = op->arg, *keep = op->keep, *object = op->object;
  ax_executor *held = op->holding ? op->executor : NULL;
  int err = op->err, block = op->block;
  size_t n = op->n;
  struct ax__slice slice;
  ax__slice_begin(&slice, fn, &op->origin, part);
  ax__give(block, op);
  ax__call(fn, arg, err, n, &slice);
  ax__release(keep);
  ax__release(object);
  ax__release(held);
}

void ax__op_run(ax__entry *entry, bool live) { complete(entry, live, NULL); }

void ax__op_run_home(ax__entry *entry, bool live) {
  complete(entry, live, AX__HOME);
}
