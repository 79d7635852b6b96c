/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a queue and one entry, its turn. The turn stands in the queue of
 * the executor below exactly while the strand has something waiting, so at
 * most one butler has it in hand: that alone keeps handlers apart and in
 * order. A turn runs what was waiting when it began and then stands at the
 * back again, so that a strand that feeds itself holds up nobody else.
 *
 * The waiting turn holds the strand and counts as its work, once, however
 * many handlers wait. Since a turn is an entry like any other, the executor
 * below may be a strand too. */
#include "core.h"

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  ax__mutex lock; /* guards the rest */
  ax__queue waiting;
  bool scheduled; /* the turn waits below or is in a butler's hands */
};

static struct strand *strand_of(ax_executor *executor) {
  return (struct strand *)executor;
}

static void strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = strand_of(executor);
  ax__lock(&s->lock);
  ax__queue_push(&s->waiting, entry);
  bool idle = !s->scheduled;
  s->scheduled = true;
  ax__unlock(&s->lock);
  if (idle) {
    ax_ref(s);
    s->below->push(s->below, &s->turn);
  }
}

/* Runs the batch; what ax_stop leaves of it waits at the front again. */
static void run_batch(struct strand *s, ax__queue *batch, bool live) {
  struct ax__frame frame;
  ax__enter(&frame, &s->base);
  for (ax__entry *entry; (entry = ax__queue_pop(batch));) {
    entry->run(entry, live);
    if (live &&
        atomic_load_explicit(&s->base.context->stopped, memory_order_relaxed))
      break;
  }
  ax__leave(&frame);
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  ax__lock(&s->lock);
  ax__queue batch = ax__queue_take(&s->waiting);
  ax__unlock(&s->lock);
  run_batch(s, &batch, live);
  ax__lock(&s->lock);
  ax__queue_splice(&batch, &s->waiting);
  s->waiting = batch;
  s->scheduled = batch.head != NULL;
  bool more = s->scheduled;
  ax__unlock(&s->lock);
  if (more)
    s->below->push(s->below, &s->turn);
  else
    ax_unref(s);
}

static void strand_destroy(void *object) {
  struct strand *s = object;
  ax__mutex_destroy(&s->lock);
  ax_unref(s->below);
  free(s);
}

ax_strand *ax_strand_new(ax_executor *executor) {
  static atomic_uint count;
  struct strand *s = ax__alloc(sizeof *s);
  *s = (struct strand){.base = {.context = executor->context,
                                .push = strand_push,
                                .kind = "strand",
                                .number = atomic_fetch_add(&count, 1) + 1},
                       .below = ax_ref(executor),
                       .turn.run = strand_turn};
  ax_obj_init(&s->base.obj, strand_destroy);
  ax__mutex_init(&s->lock);
  return &s->base;
}
