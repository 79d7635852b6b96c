/* context.c: the proactor.
 *
 * The story's roles, and where they are here:
 *
 *   Johnny            a handler, called in op.c
 *   completion table  context->table, and the tray it is filled from: butler.c
 *   butlers           the threads inside ax_run: butler.c
 *   Assistant         whoever minds the door: door.c
 *   Owner             ax__submit and the start functions it leads to: door.c
 *   blender           the operating system, seen through libuv's loop
 *
 * Nobody counts entries: work is what is pending, a butler on his round, and a
 * table that is not empty. What completes is put there first and then no longer
 * pending, so that it is work at every moment.
 *
 * Tray, table and desk have latches, and the door is one that knows who closed
 * it. Who minds the door may sleep with it closed, but no butler waits for him:
 * he alone minds it, and the others look whether it is free. `lock` is for what
 * happens between rounds of serving. No handler runs under any of them. Order:
 * door, lock, desk, table, strands from the top down, tray. */
#include "core.h"

#include <signal.h>

ax_time ax_now(void) { return uv_hrtime(); }

/* ----------------------------------------------------------------- work */

void ax__unlock_and_wake_all(struct ax__context *context) {
  ax__wake_all(&context->watch);
  ax__ring(context);
  ax__unlock(&context->lock);
}

bool ax__over(struct ax__context *context) {
  return context->stopped || (context->work == 0 && context->serving == 0 &&
                              ax__table_is_empty(context));
}

/* The last piece goes under the lock: the butlers go home then, and who waits
 * for them may free the context. */
void ax__work_add(struct ax__context *context, long change) {
  for (size_t before; (before = context->work) + (size_t)change;)
    if (ax__change(&context->work, before, before + (size_t)change))
      return;
  ax__lock(&context->lock);
  ax__add(&context->work, (size_t)change);
  if (ax__over(context))
    ax__unlock_and_wake_all(context);
  else
    ax__unlock(&context->lock);
}

void ax_work_begin(ax_executor *executor) {
  ax__work_add(executor->context, 1);
}

void ax_work_end(ax_executor *executor) { ax__work_add(executor->context, -1); }

/* ------------------------------------------------------------- executors */

bool ax_inside(ax_executor *executor) {
  for (struct ax__frame *frame = ax__self.inside; frame; frame = frame->up)
    if (frame->executor == executor)
      return true;
  return false;
}

void ax_stop(ax_executor *executor) {
  struct ax__context *context = executor->context;
  ax__lock(&context->lock);
  atomic_store(&context->stopped, true);
  ax__unlock_and_wake_all(context);
}

bool ax_stopped(ax_executor *executor) {
  return atomic_load(&executor->context->stopped);
}

void ax_restart(ax_executor *executor) {
  atomic_store(&executor->context->stopped, false);
}

uv_loop_t *ax_context_loop(ax_executor *executor) {
  return &executor->context->loop;
}

/* ------------------------------------------------------ beginning and end */

/* A write to a pipe that nobody reads is an error for a handler, not the end
 * of the process. A program that has its own mind about SIGPIPE keeps it. */
static void ignore_sigpipe(void) {
  struct sigaction now;
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

static void open_process(void) {
  ax__trace_open();
  ax__pool_open();
}

/* Memory only: objects that outlive their context hold it. */
static void context_destroy(void *object) {
  struct ax__context *context = object;
  free(context->timers.at);
  ax__mutex_destroy(&context->lock);
  ax__cond_destroy(&context->watch);
  free(context);
}

ax_context *ax_context_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static atomic_uint count;
  pthread_once(&once, open_process);
  ignore_sigpipe();
  struct ax__context *context = ax__alloc(sizeof *context);
  memset(context, 0, sizeof *context);
  context->base.context = context;
  context->base.push = ax__table_push;
  context->base.kind = "context";
  context->base.number = atomic_fetch_add(&count, 1) + 1;
  context->due = UINT64_MAX;
  ax_obj_init(&context->base.obj, context_destroy);
  ax__mutex_init(&context->lock);
  ax__cond_init(&context->watch);
  ax__loop_open(context);
  return &context->base;
}

/* What is dropped may let go of the last reference to user objects, whose
 * destroy functions may call anything here; it finds the context dead. */
void ax_context_free(ax_context *executor) {
  if (!executor)
    return;
  struct ax__context *context = executor->context;
  assert(context->butlers == 0 && "ax_context_free while a butler is inside");
  ax__door_close(context);
  ax__lock(&context->lock);
  ax__latch_close(&context->desk);
  context->dead = true;
  ax__latch_open(&context->desk);
  ax__queue left = ax__timers_expired(context, UINT64_MAX);
  ax__queue_splice(&left, &context->table);
  ax__queue_splice(&left, &context->incoming);
  ax__unlock(&context->lock);
  ax__start_all(context, false);
  ax__loop_close(context);
  ax__door_open(context);
  ax__drop_all(&left);
  for (ax_op *op; (op = LIST_FIRST(&context->initiated)); ax__op_drop(op))
    LIST_REMOVE(op, initiated);
  ax_unref(executor);
}
