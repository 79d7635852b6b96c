/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a line of entries, joined without a lock, and one entry of its
 * own, its turn. The turn stands in the line of the executor below while the
 * strand is scheduled, so at most one butler has it in hand: that alone keeps
 * handlers apart and in order. Whoever joins and finds nobody before him, not
 * even the stub, schedules the strand.
 *
 * The handler of an entry may let go of the strand for good, so nobody touches
 * a strand after his entry can be reached, unless he holds it.
 *
 * A turn runs what was waiting when it began and then stands at the back
 * again, so that a strand that feeds itself holds up nobody else. The waiting
 * turn holds the strand and counts as its work, once, however many handlers
 * wait. Since a turn is an entry like any other, the executor below may be a
 * strand too. */
#include "core.h"

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  atomic_uint phase;    /* odd: scheduled */
  struct ax__line line; /* its end is NULL while the strand is not scheduled */
};

/* After an idle phase. Each has its number: who comes late changes nothing. */
static void enter_scheduled(struct strand *s, unsigned idle) {
  atomic_compare_exchange_strong(&s->phase, &idle, idle + 1);
}

static bool is_scheduled(unsigned phase) { return phase % 2 == 1; }

/* The turn holds the strand, and so does this function for what it does after
 * the turn is on its way. */
static void schedule(struct strand *s, ax__entry *first) {
  unsigned idle = atomic_load(&s->phase);
  s->line.first = first;
  ax_ref(s);
  ax_strand *held = ax_ref(s);
  s->below->push(s->below, &s->turn);
  enter_scheduled(s, idle);
  ax_unref(held);
}

/* Returns when the turn is in the line below, whoever puts it there: otherwise
 * an ax_run that follows might not find it. */
static void strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = (struct strand *)executor;
  ax__entry *before = ax__line_step(&s->line, entry);
  if (!before) {
    schedule(s, entry);
    return;
  }
  while (!is_scheduled(atomic_load(&s->phase)))
    sched_yield();
  ax__line_link(before, entry);
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

/* True if nothing waits; from then on somebody else may have the turn. */
static bool is_idle_now(struct strand *s) {
  ax__entry *stub = &s->line.stub;
  if (!ax__line_is_empty(&s->line))
    return false;
  atomic_fetch_add(&s->phase, 1);
  if (atomic_compare_exchange_strong(&s->line.end, &stub, NULL))
    return true;
  atomic_fetch_add(&s->phase, 1);
  return false;
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  unsigned phase = atomic_load(&s->phase);
  if (!is_scheduled(phase))
    enter_scheduled(s, phase);
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
  atomic_store(&s->line.end, NULL);
  ax_obj_init(&s->base.obj, strand_destroy);
  return &s->base;
}
