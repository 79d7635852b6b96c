/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a queue of entries and one entry of its own, its turn. The turn
 * stands in the queue of the executor below while the strand is scheduled, so
 * at most one butler has it in hand: that alone keeps handlers apart and in
 * order. Who comes first to an idle strand schedules it.
 *
 * A turn runs what was waiting when it began and then stands at the back
 * again, so that a strand that feeds itself holds up nobody else. Eight chains
 * on each of four strands take 20 ns a handler so, and 56 with a turn for each
 * (micro-strandchain2). The waiting turn holds the strand and counts as its
 * work, once, however many handlers wait. Since a turn is an entry like any
 * other, the executor below may be a strand too. */
#include "core.h"

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  ax__latch latch; /* guards the rest */
  bool scheduled;
  ax__queue waiting;
};

/* The turn is below before the latch opens: whoever pushes next relies on it,
 * for an ax_run that follows would find no work otherwise. Nobody touches the
 * strand after, for its last handler may let go of it. */
static void strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = (struct strand *)executor;
  ax__latch_close(&s->latch);
  ax__queue_push(&s->waiting, entry);
  if (!s->scheduled) {
    s->scheduled = true;
    ax_ref(s);
    s->below->push(s->below, &s->turn);
  }
  ax__latch_open(&s->latch);
}

/* Runs them, but for what ax_stop leaves. */
static void run_batch(struct strand *s, ax__queue *batch, bool live) {
  struct ax__frame frame;
  ax__entry *entry;
  ax__enter(&frame, &s->base);
  while (!(live && s->base.context->stopped) && (entry = ax__queue_pop(batch)))
    entry->run(entry, live);
  ax__leave(&frame);
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  ax__latch_close(&s->latch);
  ax__queue batch = ax__queue_take(&s->waiting);
  ax__latch_open(&s->latch);
  run_batch(s, &batch, live);
  ax__latch_close(&s->latch);
  ax__queue_splice(&batch, &s->waiting);
  s->waiting = batch;
  bool more = s->scheduled = batch.head;
  ax__latch_open(&s->latch);
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
                                .push = strand_push,
                                .kind = "strand",
                                .number = atomic_fetch_add(&count, 1) + 1},
                       .below = ax_ref(executor),
                       .turn.run = strand_turn};
  ax_obj_init(&s->base.obj, strand_destroy);
  return &s->base;
}
