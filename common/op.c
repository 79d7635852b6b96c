/* op.c: the life of an operation.
 *
 * An operation is born by an initiating call (ax__op_new). Either it is
 * finished at once, or it becomes pending: ax__op_pend counts it as work and
 * holds its executor. ax__op_finish puts it in its executor's queue, and
 * ax__op_run, on a butler, gives its memory back and calls the handler, in
 * this order, so that the next operation the handler initiates finds the
 * memory warm. ax__op_drop is the other end: nobody is called.
 *
 * A butler keeps the memory of some operations for itself, so most are born
 * without malloc and without a lock. */
#include "core.h"

enum { SPARES = 1024 };

_Thread_local struct ax__self ax__self;

void *ax__alloc(size_t size) {
  void *memory = malloc(size);
  if (!memory) {
    fprintf(stderr, "ax: out of memory for %zu bytes\n", size);
    abort();
  }
  return memory;
}

static ax_op *op_alloc(void) {
  ax__entry *spare = ax__queue_pop(&ax__self.spare);
  if (spare) {
    ax__self.spares--;
    return ax__op_of(spare);
  }
  atomic_fetch_add_explicit(&ax__live_operations, 1, memory_order_relaxed);
  return ax__alloc(sizeof(ax_op));
}

static void op_really_free(ax_op *op) {
  atomic_fetch_sub_explicit(&ax__live_operations, 1, memory_order_relaxed);
  free(op);
}

/* Only butlers keep spares: they forget them when they leave. */
static void op_free(ax_op *op) {
  if (!ax__self.inside || ax__self.spares == SPARES) {
    op_really_free(op);
    return;
  }
  op->entry.next = ax__self.spare.head; /* last in, first out: warm */
  ax__self.spare.head = &op->entry;
  ax__self.spares++;
}

void ax__op_forget_spares(void) {
  for (ax__entry *spare; (spare = ax__queue_pop(&ax__self.spare));)
    op_really_free(ax__op_of(spare));
  ax__self.spares = 0;
}

ax_op *ax__op_new(ax_executor *executor, void *object, ax_token token) {
  ax_op *op = op_alloc();
  op->entry.run = ax__op_run;
  op->token = token;
  if (!token.executor)
    op->token.executor = executor;
  op->object = ax_ref(object);
  op->with = NULL;
  op->extra = NULL;
  ax_ref(token.keep);
  op->pending = false;
  op->err = 0;
  op->n = 0;
  op->id = 0;
  if (ax__tracing())
    ax__trace_initiated(op);
  return op;
}

/* The executor may be of another context than the object; then that one, too,
 * has to stay until the handler has run. */
void ax__op_pend_locked(ax_op *op, struct ax__context *at) {
  struct ax__context *home = op->token.executor->context;
  op->at = at;
  if (!op->pending) /* else it is a further step of a composed operation */
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

void ax__op_finish(ax_op *op, int err, size_t n) {
  ax_executor *executor = op->token.executor;
  op->err = err;
  op->n = n;
  if (!op->pending) {
    executor->push(executor, &op->entry);
    return;
  }
  struct ax__context *at = op->at, *home = executor->context;
  ax_context *held = home == at ? NULL : ax_ref(&home->base);
  executor->push(executor, &op->entry);
  op_uncount(at, home);
  ax_unref(held);
}

/* What an operation held; its memory is gone already. */
static void release(const ax_token *token, void *object, void *with,
                    bool pending) {
  ax_unref(token->keep);
  ax_unref(with);
  ax_unref(object);
  if (pending)
    ax_unref(token->executor);
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

static void call(const ax_op *op) {
  struct ax__slice slice;
  if (ax__tracing())
    ax__trace_begin(&slice, op);
  op->token.fn(op->token.arg, op->err, op->n);
  if (ax__tracing())
    ax__trace_end(&slice, op->err, op->n);
}

/* On a butler, in the token's executor. */
void ax__op_run(ax__entry *entry, bool live) {
  ax_op op = *ax__op_of(entry); /* what the handler and the release need */
  free(op.extra);
  op_free(ax__op_of(entry));
  if (live && op.token.fn) {
    call(&op);
    ax__self.handlers++;
  }
  release(&op.token, op.object, op.with, op.pending);
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
    ax__trace_begin(&slice, op);
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

static ax_op *post_op(ax_executor *executor, ax_token token) {
  return ax__op_new(executor, NULL, token);
}

void ax_post(ax_executor *executor, ax_token token) {
  ax_op *op = post_op(executor, token);
  op->token.executor->push(op->token.executor, &op->entry);
}

void ax_dispatch(ax_executor *executor, ax_token token) {
  if (!ax_inside(token.executor ? token.executor : executor)) {
    ax_post(executor, token);
    return;
  }
  ax__op_run(&post_op(executor, token)->entry, true);
}
