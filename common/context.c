/* context.c: a scheduler, a loop and timers together; ax_run and the poll.
 *
 * The story's roles, and where they are here:
 *
 *   Johnny            a handler, called in op.c and post.c
 *   completion table  the queues of the scheduler
 *   butlers           the threads inside ax_run, which serve the scheduler
 *   Assistant         whichever butler is in poll(), below
 *   Owner             ax__loop_submit and the requests it runs: loop.c
 *   blender           the operating system, seen through libuv's loop
 *   bell, alarm       loop.waker, loop.alarm
 *   home              the executor where an operation completes
 *
 * The Assistant is no thread of its own. To poll is a task like a handler,
 * taken by a butler in between: it runs what was submitted, runs the loop once
 * (and sleeps there only when nothing is ready), and pushes what completed. No
 * handler runs under a lock. */
#include "context.h"
#include "op.h"
#include "socket.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------- polling */

static void expire(struct ax__context *context) {
  if (context->loop.poller.due == UINT64_MAX)
    return; /* do not ask the clock for nothing */
  ax_time now = ax_now();
  if (context->loop.poller.due > now)
    return;
  ax__lock(&context->timers_lock);
  ax__queue expired = ax__heap_expired(&context->timers, now);
  ax__timers_changed(context);
  ax__unlock(&context->timers_lock);
  ax__op_finish_all(&expired, 0);
}

/* Sets `asleep` first and then looks for the last time, because a producer puts
 * its thing in place first and then looks at `asleep`. */
static void poll(struct ax__poller *poller, bool may_sleep) {
  struct ax__context *context = AX__OF(struct ax__context, loop.poller, poller);
  struct ax__loop *loop = &context->loop;
  ax__loop_lock(loop);
  atomic_store(&poller->asleep, may_sleep);
  if (may_sleep && !ax__scheduler_idle(context->base.scheduler)) {
    atomic_store(&poller->asleep, false);
    may_sleep = false;
  }
  ax__loop_requests(loop);
  ax__loop_run(loop, may_sleep ? poller->due : 0);
  atomic_store(&poller->asleep, false);
  expire(context);
  ax__loop_unlock(loop);
}

/* ------------------------------------------------------------- executors */

static bool context_push(ax_executor *executor, ax__entry *entry) {
  return ax__scheduler_push(executor->scheduler, entry);
}

/* Takes the lowest number that is free. */
static void enter(struct ax__context *context, struct ax__butler *butler) {
  struct ax__butler **at = &context->butlers;
  int number = 1;
  ax__spin_lock(&context->butlers_lock);
  for (; *at && (*at)->number == number; number++)
    at = &(*at)->next;
  *butler = (struct ax__butler){*at, number};
  *at = butler;
  ax__spin_unlock(&context->butlers_lock);
}

static void leave(struct ax__context *context, struct ax__butler *butler) {
  struct ax__butler **at = &context->butlers;
  ax__spin_lock(&context->butlers_lock);
  while (*at != butler)
    at = &(*at)->next;
  *at = butler->next;
  ax__spin_unlock(&context->butlers_lock);
}

static size_t serve(ax_executor *executor, bool wait) {
  struct ax__context *context = executor->context;
  assert(!ax_inside(&context->base) && "ax_run in a handler of its context");
  assert(!ax__loop_owned(&context->loop) && "ax_run in a callback of its loop");
  struct ax__frame frame;
  struct ax__butler butler;
  size_t before = ax__self.handlers;
  int number = ax__self.butler;
  ax__enter(&frame, &context->base);
  enter(context, &butler);
  ax__self.butler = butler.number;
  if (ax__tracing())
    ax__trace_butler();
  ax__scheduler_serve(executor->scheduler, wait);
  leave(context, &butler);
  ax__leave(&frame);
  ax__self.butler = number;
  size_t handlers = ax__self.handlers - before;
  ax__self.handlers = before; /* an ax_run around this one counts its own */
  return handlers;
}

/* A butler cannot be cancelled. Its type of cancelling, which has no effect
 * then, is set to asynchronous all the same: that spares glibc some bookkeeping
 * at each system call. */
static size_t serve_uncancelled(ax_executor *executor, bool wait) {
  int state, type;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  size_t handlers = serve(executor, wait);
  pthread_setcanceltype(type, NULL);
  pthread_setcancelstate(state, NULL);
  return handlers;
}

size_t ax_run(ax_executor *executor) {
  return serve_uncancelled(executor, true);
}

size_t ax_poll(ax_executor *executor) {
  return serve_uncancelled(executor, false);
}

int ax_butler(void) { return ax__self.butler; }

void ax_stop(ax_executor *executor) { ax__scheduler_stop(executor->scheduler); }

bool ax_stopped(ax_executor *executor) {
  return atomic_load(&executor->scheduler->stopped);
}

void ax_restart(ax_executor *executor) {
  atomic_store(&executor->scheduler->stopped, false);
}

void ax_work_begin(ax_executor *executor) {
  ax__scheduler_work(executor->scheduler, 1);
}

void ax_work_end(ax_executor *executor) {
  ax__scheduler_work(executor->scheduler, -1);
}

uv_loop_t *ax_context_loop(ax_executor *executor) {
  struct ax__loop *loop = &executor->context->loop;
  atomic_store(&loop->shared, true);
  return &loop->uv;
}

/* ------------------------------------------------------ beginning and end */

/* A write to a pipe that nobody reads is an error for a handler, not the end
 * of the process. A program that has its own mind about SIGPIPE keeps it. */
static void ignore_sigpipe(void) {
  struct sigaction now;
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

/* libuv takes memory as it pleases, and aborts without a word in some places
 * where there is none. */
static void *speak(void *memory, size_t size) {
  if (!memory && size)
    fprintf(stderr, "ax: libuv is out of memory for %zu bytes\n", size);
  return memory;
}

static void *speaking_malloc(size_t size) { return speak(malloc(size), size); }

static void *speaking_realloc(void *memory, size_t size) {
  return speak(realloc(memory, size), size);
}

static void *speaking_calloc(size_t count, size_t size) {
  return speak(calloc(count, size), count * size);
}

static void open_process(void) {
  uv_replace_allocator(speaking_malloc, speaking_realloc, speaking_calloc,
                       free);
  ax__trace_open();
  ax__pool_open();
}

/* Memory only: objects that outlive their context hold it. */
static void context_destroy(void *object) {
  struct ax__context *context = object;
  assert(context->ended && "ax_unref of a context: use ax_context_free");
  ax__scheduler_free(context->base.scheduler);
  free(context->timers.at);
  ax__mutex_destroy(&context->timers_lock);
  free(context);
}

ax_context *ax_context_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static atomic_uint count;
  ax__fill_standard_fds(); /* before a trace is opened */
  pthread_once(&once, open_process);
  ignore_sigpipe();
  struct ax__context *context = ax__alloc(sizeof *context);
  memset(context, 0, sizeof *context);
  context->base.context = context;
  context->base.scheduler = ax__scheduler_new(&context->loop.poller);
  context->base.push = context_push;
  context->base.kind = "context";
  context->base.number = atomic_fetch_add(&count, 1) + 1;
  context->loop.poller.poll = poll;
  ax_obj_init(&context->base.obj, context_destroy);
  ax__mutex_init(&context->timers_lock);
  ax__loop_open(&context->loop);
  return &context->base;
}

static ax__queue close_timers(struct ax__context *context) {
  ax__lock(&context->timers_lock);
  context->timers_closed = true;
  ax__queue left = ax__heap_expired(&context->timers, UINT64_MAX);
  ax__unlock(&context->timers_lock);
  return left;
}

/* What is dropped may release the last reference to user objects, whose destroy
 * functions may call anything here; it finds the context closed. */
void ax_context_free(ax_context *executor) {
  if (!executor)
    return;
  struct ax__context *context = executor->context;
  assert(executor == &context->base && "ax_context_free of a strand");
  assert(!context->butlers && "ax_context_free while a butler is inside");
  ax__queue left = close_timers(context);
  ax__queue ready = ax__scheduler_close(executor->scheduler);
  ax__queue_splice(&left, &ready);
  ax__loop_lock(&context->loop);
  ax__loop_close(&context->loop);
  ax__loop_unlock(&context->loop);
  ax__queue_drop(&left);
  context->ended = true;
  ax_unref(executor);
}
