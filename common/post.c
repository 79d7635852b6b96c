/* post.c: handlers without an operation, and work done elsewhere.
 *
 * A posted handler has a record of its own, smaller than an operation, because
 * there may be a great many. ax_post and ax_timer_wait are inline and pass the
 * words of the token in registers: a token that is passed whole is written word
 * by word and read back in pairs of words, and the processor waits for the one
 * before it can do the other. */
#include "op.h"

struct post {
  ax__entry entry;
  ax_fn *fn;
  void *arg;
  void *keep;
};

/* While tracing. */
struct traced_post {
  struct post post;
  struct ax__origin origin;
};

bool ax_inside(ax_executor *executor) {
  for (struct ax__frame *frame = ax__self.inside; frame && frame->executor;
       frame = frame->up)
    if (frame->executor == executor)
      return true;
  return false;
}

/* ------------------------------------------------------------- posting */

static struct post *post_of(ax__entry *entry) {
  return AX__OF(struct post, entry, entry);
}

static void post_run(ax__entry *entry, bool live) {
  struct post *post = post_of(entry);
  ax_fn *fn = live ? post->fn : NULL;
  void *arg = post->arg, *keep = post->keep;
  ax__give(ax__block_for(sizeof *post), post);
  ax__call(fn, arg, 0, 0, NULL);
  ax__release(keep);
}

static void traced_run(ax__entry *entry, bool live) {
  struct traced_post *traced = (struct traced_post *)post_of(entry);
  struct post post = traced->post;
  struct ax__slice slice;
  bool runs = live && post.fn;
  ax__slice_begin(&slice, runs, &traced->origin, NULL);
  ax__give(ax__block_for(sizeof *traced), traced);
  ax__call(runs ? post.fn : NULL, post.arg, 0, 0, &slice);
  ax__release(post.keep);
}

static ax__entry *fill(struct post *post, ax_fn *fn, void *arg, void *keep) {
  post->fn = fn;
  post->arg = arg;
  post->keep = keep;
  if (keep)
    ax_ref(keep);
  return &post->entry;
}

static ax__entry *plain_new(ax_fn *fn, void *arg, void *keep) {
  struct post *post = ax__take(ax__block_for(sizeof *post));
  post->entry.run = post_run;
  return fill(post, fn, arg, keep);
}

static struct traced_post *traced_new(ax_fn *fn, void *arg, void *keep,
                                      const char *name) {
  struct traced_post *traced = ax__take(ax__block_for(sizeof *traced));
  traced->post.entry.run = traced_run;
  traced->origin = ax__trace_initiated(fn, name);
  fill(&traced->post, fn, arg, keep);
  return traced;
}

/* Apart, so that ax__post has nothing to keep on the stack for it. */
__attribute__((noinline)) static void post_traced(ax_executor *executor,
                                                  ax_fn *fn, void *arg,
                                                  void *keep,
                                                  const char *name) {
  struct traced_post *traced = traced_new(fn, arg, keep, name);
  ax__ready(fn, &traced->origin, executor, NULL);
  ax__push(executor, &traced->post.entry);
}

void ax__post(ax_executor *executor, ax_fn *fn, void *arg, void *keep,
              const char *name) {
  if (ax__tracing())
    post_traced(executor, fn, arg, keep, name);
  else
    ax__push(executor, plain_new(fn, arg, keep));
}

void ax_dispatch(ax_executor *executor, ax_token token) {
  ax_executor *on = token.executor ? token.executor : executor;
  if (!ax_inside(on)) {
    ax_post(executor, token);
    return;
  }
  ax__entry *entry =
      ax__tracing()
          ? &traced_new(token.fn, token.arg, token.keep, token.name)->post.entry
          : plain_new(token.fn, token.arg, token.keep);
  entry->run(entry, true);
}

/* ------------------------------------------------------- work elsewhere */

struct run_on {
  ax_op op;
  ax_work_fn *work;
  void *arg;
};

/* In the other executor, and then home; not live: the other one is gone. */
static void work_run(ax__entry *entry, bool live) {
  struct run_on *op = (struct run_on *)ax__op_of(entry);
  struct ax__slice slice;
  ax__slice_begin(&slice, live, &op->op.origin, AX__WORK);
  int err = UV_ECANCELED;
  if (live) {
    err = op->work(op->arg);
    ax__self.handlers++;
  }
  if (slice.on)
    ax__trace_end(&slice, err, 0);
  entry->run = ax__op_run_home;
  ax__op_finish_outside(&op->op, err, 0);
}

void ax_run_on(ax_executor *executor, ax_work_fn *work, void *arg,
               ax_token token) {
  ax_executor *here = token.executor ? token.executor : ax__here();
  struct run_on *op =
      ax__op_begin(sizeof *op, here ? here : executor, NULL, token);
  op->work = work;
  op->arg = arg;
  op->op.entry.run = work_run;
  ax__op_pend(&op->op);
  ax__ready(true, &op->op.origin, executor, AX__WORK);
  ax__push(executor, &op->op.entry);
}
