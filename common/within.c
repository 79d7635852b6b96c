/* within.c: operations that end with UV_ETIMEDOUT when their time is over.
 *
 * Such an operation has a limit beside it, a record of its own with a place in
 * the timers' heap. Both ends meet under a lock: when the operation is done it
 * takes the limit out of the heap (timers_lock), and when the time is over the
 * owner of the loop takes the operation out of what is pending, if it is still
 * there. So it completes once, with its own result or with UV_ETIMEDOUT, and no
 * result is changed afterwards.
 *
 * The limit is no work: the operation is, as long as it is pending. An
 * operation that needs not wait for the loop has none. */
#include "io.h"

struct ax__within {
  ax_obj obj; /* held by the operation, and by `over` while it is armed */
  ax_op over; /* finished when the time is over */
  struct ax__io *io;                         /* held */
  void (*done)(ax__entry *entry, bool live); /* the operation's */
  unsigned char side;
  /* under timers_lock */
  struct ax__due due;
  bool ended; /* the operation is done */
};

static struct ax__context *context_of(const struct ax__within *within) {
  return within->io->executor->context;
}

static void destroy(void *object) {
  struct ax__within *within = object;
  ax_unref(within->io);
  ax__give(ax__block_for(sizeof *within), within);
}

/* ---------------------------------------------------- the operation is done */

/* Takes the limit out of the heap. False: `over` is on its way, or never was
 * armed. */
static bool disarm(struct ax__within *within) {
  struct ax__context *context = context_of(within);
  ax__lock(&context->timers_lock);
  bool armed = ax__queue_pop(&within->due.waits);
  within->ended = true;
  if (within->due.index)
    ax__heap_remove(&context->timers, &within->due);
  ax__unlock(&context->timers_lock);
  return armed;
}

/* entry.run of the operation, in its executor. */
static void limited_done(ax__entry *entry, bool live) {
  struct ax__within *within = ax__io_op_of(entry)->limit.within;
  entry->run = within->done;
  if (disarm(within))
    ax_unref(within);
  ax_unref(within);
  entry->run(entry, live);
}

/* -------------------------------------------------------- the time is over */

/* The operation, if it is still pending. */
static ax_op *take(struct ax__within *within) {
  ax__queue *pending = &within->io->pending[within->side];
  ax__queue all = ax__queue_take(pending);
  ax_op *found = NULL;
  for (ax__entry *entry; (entry = ax__queue_pop(&all));)
    if (entry->run == limited_done &&
        ax__io_op_of(entry)->limit.within == within)
      found = ax__op_of(entry);
    else
      ax__queue_push(pending, entry);
  return found;
}

/* By the owner of the loop. */
static void time_out(ax__entry *entry, bool live) {
  struct ax__within *within = AX__OF(struct ax__within, over.entry, entry);
  ax_op *op = live ? take(within) : NULL;
  if (op)
    ax__op_finish(op, UV_ETIMEDOUT, op->n);
  ax_unref(within);
}

/* On a butler of the object's context. */
static void over_run(ax__entry *entry, bool live) {
  struct ax__within *within = AX__OF(struct ax__within, over.entry, entry);
  entry->run = time_out;
  if (live)
    ax__loop_submit(ax__io_loop(within->io), entry);
  else
    ax_unref(within);
}

/* -------------------------------------------------------------- beginning */

struct ax__within *ax__within_new(struct ax__io_op *op) {
  struct ax__within *within = ax__take(ax__block_for(sizeof *within));
  ax_time now = ax_now(), span = op->limit.span;
  *within = (struct ax__within){
      .io = ax_ref(op->op.object), .done = op->done, .side = op->side};
  ax_executor *context = &context_of(within)->base;
  within->over = (ax_op){
      .entry.run = over_run, .executor = context, .at = context->scheduler};
  within->due.expiry = span < UINT64_MAX - now ? now + span : UINT64_MAX;
  ax_obj_init(&within->obj, destroy);
  op->done = limited_done;
  op->limit.within = ax_ref(within);
  return within;
}

void ax__within_arm(struct ax__within *within) {
  struct ax__context *context = context_of(within);
  ax__lock(&context->timers_lock);
  bool arms = !within->ended && !context->timers_closed;
  if (arms)
    ax__heap_arm(&context->timers, &within->due, &within->over.entry);
  bool first = arms && within->due.index == 1;
  if (first)
    ax__timers_changed(context);
  ax__unlock(&context->timers_lock);
  if (first)
    ax__loop_wake(&context->loop.poller);
  if (!arms)
    ax_unref(within);
}
