/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a queue of entries and one entry of its own, its turn. The turn
 * stands in the queue of the executor below while the strand is scheduled, so
 * at most one butler has it: that alone keeps handlers apart and in order.
 * Whoever pushes to an idle strand schedules it.
 *
 * A turn runs what was waiting when it began and then goes to the back of the
 * queue again, so a strand that feeds itself holds up nobody else. The turn
 * holds the strand, and because it stands in that queue ax_run goes on, however
 * many handlers wait. Since a turn is an entry like any other, the executor
 * below may be a strand too. */
#include "executor.h"
#include "pool.h"
#include "scheduler.h"

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  ax__spinlock lock; /* guards the rest */
  bool scheduled;
  ax__queue waiting;
};

/* Push the turn before unlocking, or a later ax_run may see no work. Do not
 * touch the strand afterwards: its last handler may release it. */
static bool strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = (struct strand *)executor;
  ax__spin_lock(&s->lock);
  if (!s->scheduled && s->below->push(s->below, &s->turn)) {
    s->scheduled = true;
    ax_ref(s);
  }
  bool pushed = s->scheduled;
  if (pushed)
    ax__queue_push(&s->waiting, entry);
  ax__spin_unlock(&s->lock);
  return pushed;
}

/* Runs the batch; what ax_stop leaves stays in it. */
static void run_batch(struct strand *s, ax__queue *batch) {
  struct ax__scheduler *scheduler = s->base.scheduler;
  struct ax__frame frame;
  ax__entry *entry;
  ax__enter(&frame, &s->base);
  while (!scheduler->stopped && (entry = ax__queue_pop(batch)))
    entry->run(entry, true);
  ax__leave(&frame);
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  ax__spin_lock(&s->lock);
  ax__queue batch = ax__queue_take(&s->waiting);
  ax__spin_unlock(&s->lock);
  if (live)
    run_batch(s, &batch);
  else
    ax__queue_drop(&batch);
  ax__spin_lock(&s->lock);
  ax__queue_splice(&batch, &s->waiting);
  s->waiting = batch;
  bool more = s->scheduled = batch.head;
  ax__spin_unlock(&s->lock);
  if (more)
    ax__push(s->below, &s->turn);
  else
    ax_unref(s);
}

static void strand_destroy(void *object) {
  struct strand *s = object;
  ax_unref(s->below);
  free(s);
}

ax_strand *ax_strand_new(ax_executor *executor) {
  static atomic_uint count;
  struct strand *s = ax__alloc(sizeof *s);
  *s = (struct strand){.base = {.context = executor->context,
                                .scheduler = executor->scheduler,
                                .push = strand_push,
                                .kind = "strand",
                                .number = atomic_fetch_add(&count, 1) + 1},
                       .below = ax_ref(executor),
                       .turn.run = strand_turn};
  ax_obj_init(&s->base.obj, strand_destroy);
  return &s->base;
}
