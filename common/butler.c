/* butler.c: the completion table and those who serve it.
 *
 * Whoever puts an entry on the table puts it on the tray, and a butler who
 * finds the table empty takes all that is there. To mind the door is no entry
 * of its own, for when it is due depends on more than its place in a queue.
 *
 * While handlers keep the table full the door is minded after a round of them,
 * not after each: a chain of posts beside a socket takes 16 instead of 320 ns a
 * handler so (micro-ping1-live). A round is what was on the table and then what
 * that brought, for a read, its answer and the next read belong together: when
 * the loop is asked before the next read waits, it reports data for nothing,
 * and again later. An echo costs 2.2 us so, and 3.4 when a round is TURN
 * entries (echo-unix-1000). Nor is the clock asked after each, but after 32,
 * once they have shown to be quick: 15 instead of 37 ns (micro-ping1).
 *
 * Waking a thread costs more than most handlers, too. So a butler with nothing
 * to do is not woken for every order. One idle butler keeps watch: it looks at
 * the table every WATCH_SPAN, and lends a hand when the table was never empty
 * since its last look. That is how a handler that blocks holds up nobody for
 * more than a millisecond. Where handlers take less than BRISK two butlers
 * only wait for each other. So one of them steps aside and keeps watch: 26
 * instead of 190 ns a handler for eight chains (micro-ping8x2), 20 instead of
 * 43 on strands (micro-strandchain2). Handlers take longer beside another
 * butler than alone, for they wait: that is allowed for three times, and with
 * less neither might step aside (micro-ping8x2 took 25 to 180 ns then). When
 * the table stays empty the watch dozes until the loop brings something. */
#include "core.h"

enum { TURN = 256, DOZE_AFTER = 8 };
static const ax_time BRISK = 200; /* nanoseconds a handler, alone */
static const ax_time DOOR_SPAN = AX_MS(4), LATE = AX_MS(1);
static const ax_time ASK_SPAN = AX_MS(0.1);
static const ax_time WATCH_SPAN = AX_MS(0.45);

/* -------------------------------------------------- the completion table */

void ax__table_push(ax_executor *executor, ax__entry *entry) {
  struct ax__context *context = executor->context;
  ax__latch_close(&context->tray);
  ax__queue_push(&context->incoming, entry);
  ax__latch_open(&context->tray);
  ax__ring(context);
}

/* With `hand` closed. */
static void fill_table(struct ax__context *context) {
  ax__latch_close(&context->tray);
  ax__queue_splice(&context->table, &context->incoming);
  ax__latch_open(&context->tray);
  if (context->table.head)
    atomic_store_explicit(&context->refills, context->refills + 1,
                          memory_order_relaxed);
}

static ax__entry *take_from_table(struct ax__context *context) {
  ax__latch_close(&context->hand);
  if (!context->table.head)
    fill_table(context);
  ax__entry *entry = ax__queue_pop(&context->table);
  ax__latch_open(&context->hand);
  return entry;
}

bool ax__table_is_empty(struct ax__context *context) {
  ax__latch_close(&context->hand);
  ax__latch_close(&context->tray);
  bool empty = !context->table.head && !context->incoming.head;
  ax__latch_open(&context->tray);
  ax__latch_open(&context->hand);
  return empty;
}

/* --------------------------------------------------------------- rounds */

/* A round of serving. The clock is asked when count & mask is 0: after 1 entry,
 * 2, 4, ... 32, from then on every 32, and after each again when those took
 * ASK_SPAN. */
struct round {
  unsigned count, mask;
  size_t handlers; /* a strand's turn is one entry, with many of them */
  ax_time begin, asked;
};

/* Whether the door is to be minded now. */
static bool ask_the_clock(struct ax__context *context, struct round *round) {
  ax_time now = ax_now();
  bool slow = now - round->asked > ASK_SPAN;
  round->mask = slow ? 0 : (2 * round->mask + 1) % 32;
  round->asked = now;
  return now - round->begin > DOOR_SPAN || context->due < now - LATE;
}

/* Runs what is on the table, until there is nothing to take or it is time to
 * mind the door: when the table has been filled with what was there, and then
 * with what that brought, and both were run, and TURN entries at least; or when
 * the clock is asked, and a timer is late or DOOR_SPAN has passed. */
static struct round serve(struct ax__context *context) {
  ax_time now = ax_now();
  struct round round = {.begin = now, .asked = now};
  size_t handlers = ax__self.handlers;
  ax__entry *entry;
  unsigned long enough = context->refills + 2;
  while (!context->stopped &&
         (round.count < TURN || context->refills <= enough) &&
         (entry = take_from_table(context))) {
    entry->run(entry, true);
    if ((++round.count & round.mask) == 0 && ask_the_clock(context, &round))
      break;
  }
  round.handlers = ax__self.handlers - handlers;
  return round;
}

/* ------------------------------------------------------ between rounds */

/* Looks at the table from time to time, until a hand is needed: it was full at
 * every look, and those who serve it are not so quick that another one would
 * only be in their way. False when there was nothing for a while. */
static bool keep_watch(struct ax__context *context) {
  bool needed = false;
  context->watched = true;
  for (unsigned quiet = 0; !needed && quiet < DOZE_AFTER;) {
    unsigned long turns = context->turns, served = context->served;
    ax__wait_for(&context->watch, &context->lock, WATCH_SPAN);
    bool full = !context->minded || !ax__table_is_empty(context);
    bool still = turns == context->turns;
    bool brisk = (context->served - served) * BRISK >= WATCH_SPAN;
    needed = (full && still && !brisk) || ax__over(context);
    quiet = full || !still ? 0 : quiet + 1;
  }
  context->watched = false;
  return needed;
}

/* With the lock held, and nothing to do that others do not do better: the first
 * keeps watch, and who dozes does when he is woken and nobody else does. */
static void idle(struct ax__context *context) {
  bool mine = context->idle++ == 0;
  while (!ax__over(context) && !(mine && keep_watch(context))) {
    ax__wait(&context->watch, &context->lock);
    mine = !context->watched;
  }
  context->idle--;
  ax__wake_one(&context->watch); /* somebody else keeps watch now */
}

/* With the lock held, after a round of serving: steps aside when handlers are
 * so short that this butler is only in the way of another one, who serves too
 * and made a round meanwhile. */
static void look_around(struct ax__context *context, struct round round,
                        unsigned long by_others) {
  bool aside = context->serving > 0 && by_others > 0 && round.count >= TURN &&
               ax_now() - round.begin < 3 * BRISK * round.handlers;
  if (!aside && !context->minded)
    ax__mind_the_door(context);
  else if (aside || ax__table_is_empty(context))
    idle(context);
}

static void serve_until_over(struct ax__context *context) {
  while (!context->stopped) {
    unsigned long served = context->served;
    context->serving++;
    ax__unlock(&context->lock);
    struct round round = serve(context);
    ax__lock(&context->lock);
    context->serving--;
    unsigned long by_others = context->served - served;
    context->served += round.handlers;
    if (ax__over(context))
      return;
    look_around(context, round, by_others);
  }
}

/* A butler is not cancelled in the middle of things. That he is said to be
 * cancellable at any point then has one effect: glibc need not note with two
 * exchanges at each system call that he is so for its time: an echo with two
 * butlers costs 2.44 instead of 2.51 us (echo-unix-50). */
static void forbid_cancel(int before[2]) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before[0]);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before[1]);
}

static void restore_cancel(const int before[2]) {
  pthread_setcanceltype(before[1], NULL);
  pthread_setcancelstate(before[0], NULL);
}

/* With the lock held: a stop may come between a request and the next look at
 * the door, and nobody else may come there for long. */
static void start_what_is_left(struct ax__context *context) {
  ax__unlock(&context->lock);
  if (ax__door_try(context))
    ax__start_all(context, true);
  ax__lock(&context->lock);
}

size_t ax_run(ax_executor *executor) {
  struct ax__context *context = executor->context;
  struct ax__frame frame;
  size_t before = ax__self.handlers;
  int number = ax__self.butler, cancel[2];
  forbid_cancel(cancel);
  ax__enter(&frame, &context->base);
  ax__lock(&context->lock);
  ax__self.butler = ++context->butlers;
  if (ax__tracing())
    ax__trace_butler();
  serve_until_over(context);
  start_what_is_left(context);
  context->butlers--;
  ax__unlock_and_wake_all(context);
  ax__leave(&frame);
  ax__self.butler = number;
  restore_cancel(cancel);
  return ax__self.handlers - before;
}

int ax_butler(void) { return ax__self.butler; }
