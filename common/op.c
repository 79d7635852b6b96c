/* op.c: the life of an operation.
 *
 * An operation is born by an initiating call (ax__op_new). Either it is
 * finished at once, or it becomes pending: ax__op_pend counts it as work.
 * ax__op_finish puts it in its executor's queue, and ax__op_run, on a butler,
 * gives its memory back and calls the handler, in this order, so that the next
 * operation the handler initiates finds the memory warm. A read is sent there
 * with AX__AT_HOME first, to move on, and is work until it has. ax__op_drop is
 * the other end: nobody is called.
 *
 * A handler that is posted has no operation behind it. It is a smaller thing
 * with the same end.
 *
 * A token that is passed whole is written word by word and read back in pairs
 * of words, and the processor waits for the one before it can do the other.
 * So ax_post and ax_timer_wait are inline and pass its words in registers: a
 * posted handler takes 14 ns so and 24 without (micro-wave1). */
#include "core.h"

/* The executor may be of another context than the object; then that one, too,
 * may not be over meanwhile. */
static void count(struct ax__context *at, struct ax__context *home, long n) {
  ax__work_add(at, n);
  if (home != at)
    ax__work_add(home, n);
}

void ax__op_pend(ax_op *op, struct ax__context *at) {
  op->at = at;
  op->pending = true;
  count(at, op->executor->context, 1);
}

/* Another context than that of the object may be freed at the same moment, or
 * as soon as the handler has run: its lock keeps the one apart, a reference the
 * other. A ready operation is work because it stands in a queue: there first.
 */
static void finish_from_afar(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->executor;
  struct ax__context *at = op->at, *home = ax_ref(executor->context);
  bool counted = op->pending && err != AX__AT_HOME;
  op->err = err;
  op->n = n;
  op->pending &= !counted;
  ax__lock(&home->lock);
  bool dead = home->dead;
  if (!dead)
    executor->push(executor, &op->entry);
  ax__unlock(&home->lock);
  if (dead)
    op->entry.run(&op->entry, false);
  if (counted)
    count(at, home, -1);
  ax_unref(home);
}

void ax__op_finish(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->executor;
  struct ax__context *at = op->at;
  bool counted = op->pending && err != AX__AT_HOME;
  if (at != executor->context) {
    finish_from_afar(op, err, n);
    return;
  }
  op->err = err;
  op->n = n;
  op->pending &= !counted;
  ax__push(executor, &op->entry);
  if (counted)
    ax__work_add(at, -1);
}

void ax__op_drop(ax_op *op) { op->entry.run(&op->entry, false); }

void ax__drop_all(ax__queue *queue) {
  for (ax__entry *entry; (entry = ax__queue_pop(queue));)
    entry->run(entry, false);
}

size_t ax__finish_all(ax__queue *queue, int err) {
  size_t count = 0;
  for (ax__entry *entry; (entry = ax__queue_pop(queue)); count++)
    ax__op_finish(ax__op_of(entry), err, ax__op_of(entry)->n);
  return count;
}

/* A slice was begun if it is traced: before the memory was given back. */
static inline void call(ax_fn *fn, void *arg, int err, size_t n,
                        const struct ax__slice *slice) {
  fn(arg, err, n);
  if (slice->on)
    ax__trace_end(slice, err, n);
  ax__self.handlers++;
}

/* Most hold little. Asking here saves the calls: 76 instead of 83 ns to arm and
 * cancel a timer (micro-timer_cancel). */
static inline void let_go(void *object) {
  if (object)
    ax_unref(object);
}

/* On a butler, in the token's executor; or not live, and still pending maybe.
 */
void ax__op_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  if (op->pending)
    count(op->at, op->executor->context, -1);
  bool whole = op->kind == AX__OP;
  ax_fn *fn = live ? op->fn : NULL;
  void *arg = op->arg, *keep = op->keep;
  void *object = op->object, *with = whole ? op->with : NULL;
  ax_executor *held = op->holding ? op->executor : NULL;
  int err = op->err;
  size_t n = op->n;
  struct ax__slice slice;
  ax__slice_begin(&slice, &op->origin, fn ? "f" : NULL);
  if (whole)
    free(op->extra);
  ax__give(op->kind, op);
  if (fn)
    call(fn, arg, err, n, &slice);
  let_go(keep);
  let_go(with);
  let_go(object);
  let_go(held);
}

ax_op *ax_initiate(ax_executor *executor, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, executor, NULL, token);
  struct ax__context *context = op->executor->context;
  ax__op_pend(op, context);
  ax__lock(&context->lock);
  LIST_INSERT_HEAD(&context->initiated, op, initiated);
  ax__unlock(&context->lock);
  return op;
}

void ax_complete(ax_op *op, int err, size_t n) {
  ax__lock(&op->at->lock);
  LIST_REMOVE(op, initiated);
  ax__unlock(&op->at->lock);
  finish_from_afar(op, err, n);
}

/* Where `executor` says, then home; not live: the place is gone, or home. */
static void run_on_there(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  struct ax__slice slice;
  ax__slice_begin(&slice, &op->origin, live ? "t" : NULL);
  int err = live ? op->work(op->work_arg) : UV_ECANCELED;
  if (slice.on)
    ax__trace_end(&slice, err, 0);
  entry->run = ax__op_run;
  finish_from_afar(op, err, 0);
}

void ax_run_on(ax_executor *executor, ax_work_fn *work, void *arg,
               ax_token token) {
  ax_executor *here = ax__self.inside ? ax__self.inside->executor : executor;
  ax_op *op = ax__op_new(AX__OP, here, NULL, token);
  op->work = work;
  op->work_arg = arg;
  op->entry.run = run_on_there;
  ax__op_pend(op, op->executor->context);
  ax__push(executor, &op->entry);
}

/* ------------------------------------------------------------- posting */

static void post_run(ax__entry *entry, bool live) {
  struct ax__post *post = AX__OF(struct ax__post, entry, entry);
  ax_fn *fn = post->fn;
  void *arg = post->arg, *keep = post->keep;
  struct ax__slice slice;
  ax__slice_begin(&slice, &post->origin, live ? "f" : NULL);
  ax__give(AX__POST, post);
  if (live)
    call(fn, arg, 0, 0, &slice);
  let_go(keep);
}

static ax__entry *post_new(ax_fn *fn, void *arg, void *keep, const char *name) {
  struct ax__post *post = ax__take(AX__POST);
  post->entry.run = post_run;
  post->fn = fn;
  post->arg = arg;
  post->keep = keep;
  if (keep)
    ax_ref(keep);
  if (ax__tracing())
    post->origin = ax__trace_initiated(fn, name);
  return &post->entry;
}

void ax__post(ax_executor *executor, ax_fn *fn, void *arg, void *keep,
              const char *name) {
  ax__push(executor, post_new(fn, arg, keep, name));
}

void ax_dispatch(ax_executor *executor, ax_token token) {
  ax_executor *on = token.executor ? token.executor : executor;
  if (ax_inside(on) && !on->context->dead)
    post_run(post_new(token.fn, token.arg, token.keep, token.name), true);
  else
    ax_post(executor, token);
}
