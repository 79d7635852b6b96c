/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a line of entries, joined without a lock, and one entry of its
 * own, its turn. The turn stands in the queue of the executor below while the
 * strand is scheduled, so at most one butler has it in hand: that alone keeps
 * handlers apart and in order. Whoever joins and finds the strand not scheduled
 * schedules it, so that no post returns before its handler is sure to run.
 *
 * A turn runs what was waiting when it began and then stands at the back
 * again, so that a strand that feeds itself holds up nobody else. The waiting
 * turn holds the strand and counts as its work, once, however many handlers
 * wait. Since a turn is an entry like any other, the executor below may be a
 * strand too. */
#include "core.h"

#include <sched.h>

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  atomic_int state;
  struct ax__line line; /* served by who has the turn */
};

/* Between CLAIMED and SCHEDULED the turn is on its way to the executor below;
 * whoever joins then waits for it, since ax_run might not find it yet. */
enum { IDLE, CLAIMED, SCHEDULED };

static void strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = (struct strand *)executor;
  ax__line_join(&s->line, entry, entry);
  for (int state; (state = atomic_load(&s->state)) != SCHEDULED;) {
    if (state == CLAIMED) {
      sched_yield();
    } else if (atomic_compare_exchange_strong(&s->state, &state, CLAIMED)) {
      ax_ref(s);
      ax_strand *held = ax_ref(s);
      s->below->push(s->below, &s->turn);
      state = CLAIMED;
      atomic_compare_exchange_strong(&s->state, &state, SCHEDULED);
      ax_unref(held);
      return;
    }
  }
}

static bool is_stopped(const struct strand *s) {
  return atomic_load_explicit(&s->base.context->stopped, memory_order_relaxed);
}

/* Runs what waits now, but for what a gap or ax_stop leaves of it. */
static void run_batch(struct strand *s, bool live) {
  struct ax__frame frame;
  ax__entry *entry, *last = atomic_load(&s->line.end), *stub = &s->line.stub;
  ax__enter(&frame, &s->base);
  while ((entry = ax__line_pop(&s->line))) {
    bool done = entry == last || (last == stub && s->line.first == stub);
    entry->run(entry, live);
    if (done || (live && is_stopped(s)))
      break;
  }
  ax__leave(&frame);
}

/* True if nothing waits; from then on somebody else may have the turn. Who
 * joined in between may have found the strand scheduled and gone away. */
static bool is_idle_now(struct strand *s) {
  if (!ax__line_is_empty(&s->line))
    return false;
  int idle = IDLE;
  atomic_store(&s->state, IDLE);
  return atomic_load(&s->line.end) == &s->line.stub ||
         !atomic_compare_exchange_strong(&s->state, &idle, SCHEDULED);
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  atomic_store(&s->state, SCHEDULED);
  run_batch(s, live);
  if (is_idle_now(s))
    ax_unref(s);
  else
    s->below->push(s->below, &s->turn);
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
  ax__line_init(&s->line);
  ax_obj_init(&s->base.obj, strand_destroy);
  return &s->base;
}
