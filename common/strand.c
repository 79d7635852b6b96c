/* strand.c: an executor whose handlers never overlap.
 *
 * A strand is a line of entries, joined without a lock, and one entry of its
 * own, its turn. The turn stands in the queue of the executor below exactly
 * while the strand has something waiting, so at most one butler has it in
 * hand: that alone keeps handlers apart and in order.
 *
 * A turn runs what was waiting when it began and then stands at the back
 * again, so that a strand that feeds itself holds up nobody else. It begins by
 * putting a fence in line: that ends its batch, and, as the line is not empty
 * while the fence stands there, whoever joins meanwhile schedules no second
 * turn. When the fence is still the last of the line, the strand is idle.
 *
 * The waiting turn holds the strand and counts as its work, once, however
 * many handlers wait. Since a turn is an entry like any other, the executor
 * below may be a strand too. */
#include "core.h"

struct strand {
  ax_executor base;
  ax_executor *below;
  ax__entry turn;
  ax__line_end end; /* NULL: idle */
  /* for who has the turn */
  ax__entry *first;
  ax__entry fence;
  bool fenced; /* the fence is in line */
};

static void strand_push(ax_executor *executor, ax__entry *entry) {
  struct strand *s = (struct strand *)executor;
  if (ax__line_join(&s->end, entry, entry))
    return;
  s->first = entry;
  ax_ref(s);
  s->below->push(s->below, &s->turn);
}

static bool is_stopped(const struct strand *s) {
  return atomic_load_explicit(&s->base.context->stopped, memory_order_relaxed);
}

/* Runs the batch up to the fence, a gap, or ax_stop. */
static void run_batch(struct strand *s, bool live) {
  struct ax__frame frame;
  ax__enter(&frame, &s->base);
  while (s->first != &s->fence) {
    ax__entry *entry = s->first, *next = ax__line_next(entry);
    if (!next)
      break;
    s->first = next;
    entry->run(entry, live);
    if (live && is_stopped(s))
      break;
  }
  ax__leave(&frame);
}

/* The fence has come up: true if it goes away, and others stand behind it. */
static bool open_fence(struct strand *s) {
  ax__entry *next = ax__line_next(&s->fence);
  if (!next)
    return false;
  s->first = next;
  s->fenced = false;
  return true;
}

/* True if the fence was the last in line and is gone. From then on somebody
 * else may have the turn. */
static bool is_idle_now(struct strand *s) {
  ax__entry *last = &s->fence;
  if (s->first != last)
    return false;
  s->fenced = false;
  if (atomic_compare_exchange_strong(&s->end, &last, NULL))
    return true;
  s->fenced = true;
  return false;
}

/* On a butler; only one at a time can have it. */
static void strand_turn(ax__entry *turn, bool live) {
  struct strand *s = AX__OF(struct strand, turn, turn);
  if (s->first != &s->fence || open_fence(s)) {
    if (!s->fenced)
      ax__line_join(&s->end, &s->fence, &s->fence);
    s->fenced = true;
    run_batch(s, live);
  }
  if (!is_idle_now(s))
    s->below->push(s->below, &s->turn);
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
