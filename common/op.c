/* op.c: the life of an operation.
 *
 * An operation is born by an initiating call (ax__op_new). Either it is
 * finished at once, or it becomes pending: ax__op_pend counts it as work and
 * holds its executor. ax__op_finish puts it in its executor's queue, and
 * ax__op_run, on a butler, gives its memory back and calls the handler, in
 * this order, so that the next operation the handler initiates finds the
 * memory warm. ax__op_drop is the other end: nobody is called.
 *
 * A handler that is posted has no operation behind it. It is a smaller thing
 * with the same end. */
#include "core.h"

ax_op *ax__op_new(ax_executor *executor, void *object, ax_token token) {
  ax_op *op = ax__take(AX__OP);
  op->entry.run = ax__op_run;
  op->token = token;
  if (!token.executor)
    op->token.executor = executor;
  op->object = ax_ref(object);
  op->holding = !object || op->token.executor != executor;
  op->with = NULL;
  op->extra = NULL;
  ax_ref(token.keep);
  op->pending = false;
  op->err = 0;
  op->n = 0;
  op->id = 0;
  if (ax__tracing())
    ax__trace_initiated(&token, &op->id, &op->by);
  return op;
}

/* The executor may be of another context than the object; then that one, too,
 * has to stay until the handler has run. */
void ax__op_pend_locked(ax_op *op, struct ax__context *at) {
  struct ax__context *home = op->token.executor->context;
  op->at = at;
  if (op->holding && !op->pending) /* else a further step of a composed one */
    ax_ref(op->token.executor);
  op->pending = true;
  if (home != at)
    ax__work_add(home, 1);
}

void ax__op_pend(ax_op *op, struct ax__context *at) {
  ax__op_pend_locked(op, at);
  ax__work_add(at, 1);
}

/* A ready operation is counted by the queue it stands in. */
static void op_uncount(struct ax__context *at, struct ax__context *home) {
  ax__work_add(at, -1);
  if (home != at)
    ax__work_add(home, -1);
}

bool ax__op_finish_locked(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->token.executor;
  struct ax__context *at = op->at;
  if (executor->context != at)
    return false;
  op->err = err;
  op->n = n;
  at->pending--;
  executor->push(executor, &op->entry);
  return true;
}

/* The context may be freed at the same moment, or as soon as the handler has
 * run: its lock keeps the one apart, a reference the other. */
static void finish_from_afar(ax_op *op, struct ax__context *home) {
  ax_executor *executor = op->token.executor;
  if (home != op->at)
    ax__work_add(op->at, -1);
  ax_ref(&home->base);
  ax__lock(&home->lock);
  bool dead = home->dead;
  home->pending--; /* work all the same, on the table */
  if (!dead)
    executor->push(executor, &op->entry);
  ax__unlock(&home->lock);
  if (dead)
    op->entry.run(&op->entry, false);
  ax_unref(&home->base);
}

void ax__op_finish(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->token.executor;
  struct ax__context *home = executor->context;
  op->err = err;
  op->n = n;
  if (op->pending && ax__self.door != home) {
    finish_from_afar(op, home);
    return;
  }
  if (op->pending)
    op_uncount(op->at, home);
  executor->push(executor, &op->entry);
}

void ax__op_drop(ax_op *op) {
  if (op->pending)
    op_uncount(op->at, op->token.executor->context);
  op->entry.run(&op->entry, false);
}

void ax__drop_all(ax__queue *queue) {
  for (ax__entry *entry; (entry = ax__queue_pop(queue));)
    ax__op_drop(ax__op_of(entry));
}

size_t ax__finish_all(ax__queue *queue, int err) {
  size_t count = 0;
  for (ax__entry *entry; (entry = ax__queue_pop(queue)); count++)
    ax__op_finish(ax__op_of(entry), err, 0);
  return count;
}

static inline void call(const ax_token *token, int err, size_t n, uint64_t id,
                        uint64_t by) {
  struct ax__slice slice;
  if (ax__tracing())
    ax__trace_begin(&slice, token->name, id, by);
  token->fn(token->arg, err, n);
  if (ax__tracing())
    ax__trace_end(&slice, err, n);
  ax__self.handlers++;
}

/* On a butler, in the token's executor. */
void ax__op_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  ax_token token = op->token;
  void *object = op->object, *with = op->with;
  ax_executor *held = op->holding && op->pending ? token.executor : NULL;
  int err = op->err;
  size_t n = op->n;
  uint64_t id = op->id, by = op->by;
  free(op->extra);
  ax__give(AX__OP, op);
  if (live && token.fn)
    call(&token, err, n, id, by);
  ax_unref(token.keep);
  ax_unref(with);
  ax_unref(object);
  ax_unref(held);
}

ax_op *ax_initiate(ax_executor *executor, ax_token token) {
  ax_op *op = ax__op_new(executor, NULL, token);
  struct ax__context *context = op->token.executor->context;
  ax__op_pend(op, context);
  op->before = NULL;
  ax__lock(&context->lock);
  op->after = context->initiated;
  if (op->after)
    op->after->before = op;
  context->initiated = op;
  ax__unlock(&context->lock);
  return op;
}

void ax_complete(ax_op *op, int err, size_t n) {
  struct ax__context *context = op->at;
  ax__lock(&context->lock);
  if (op->before)
    op->before->after = op->after;
  else
    context->initiated = op->after;
  if (op->after)
    op->after->before = op->before;
  ax__unlock(&context->lock);
  ax__op_finish(op, err, n);
}

/* Where `executor` says, then home; not live: the place is gone, or home. */
static void run_on_there(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  entry->run = ax__op_run;
  struct ax__slice slice;
  if (live && ax__tracing())
    ax__trace_begin(&slice, op->token.name, op->id, op->by);
  int err = live ? op->work(op->work_arg) : UV_ECANCELED;
  if (live && ax__tracing())
    ax__trace_end(&slice, err, 0);
  ax__op_finish(op, err, 0);
}

void ax_run_on(ax_executor *executor, ax_work_fn *work, void *arg,
               ax_token token) {
  ax_executor *here = ax__self.inside ? ax__self.inside->executor : executor;
  ax_op *op = ax__op_new(here, NULL, token);
  op->work = work;
  op->work_arg = arg;
  op->entry.run = run_on_there;
  ax__op_pend(op, op->token.executor->context);
  executor->push(executor, &op->entry);
}

/* ------------------------------------------------------------- posting */

static void post_run(ax__entry *entry, bool live) {
  struct ax__post *post = AX__OF(struct ax__post, entry, entry);
  ax_token token = {.fn = post->fn, .arg = post->arg, .keep = post->keep};
  uint64_t id = 0, by = 0;
  if (ax__tracing()) {
    token.name = post->name;
    id = post->id;
    by = post->by;
  }
  ax__give(AX__POST, post);
  if (live)
    call(&token, 0, 0, id, by);
  if (token.keep)
    ax_unref(token.keep);
}

static struct ax__post *post_new(const ax_token *token) {
  struct ax__post *post = ax__take(AX__POST);
  post->entry.run = post_run;
  post->fn = token->fn;
  post->arg = token->arg;
  post->keep = token->keep;
  if (token->keep)
    ax_ref(token->keep);
  if (ax__tracing()) {
    post->name = token->name;
    ax__trace_initiated(token, &post->id, &post->by);
  }
  return post;
}

void ax_post(ax_executor *executor, ax_token token) {
  if (token.executor)
    executor = token.executor;
  executor->push(executor, &post_new(&token)->entry);
}

void ax_dispatch(ax_executor *executor, ax_token token) {
  if (ax_inside(token.executor ? token.executor : executor))
    post_run(&post_new(&token)->entry, true);
  else
    ax_post(executor, token);
}
