/* scheduler_fast.c: the default. Its rules are those of scheduler_plain.c; what
 * differs is what they cost. What each trick buys is in docs/tricks.md.
 *
 * Two queues. Whoever pushes an entry puts it in the inbox, and a butler that
 * finds the ready queue empty moves the whole inbox there. Each queue has a
 * spinlock and a cache line of its own, so threads that push and threads that
 * take seldom meet.
 *
 * Rounds. While handlers keep the queue full, a butler polls the loop after a
 * round of them, not after each. A round is what was ready and then what that
 * brought, because a read, its answer and the next read belong together: a poll
 * before the next read waits would report data for nothing. The butler asks the
 * clock after 1, 2, 4 ... 32 entries, once they have proved to be quick, and
 * ends the round when a timer is late or POLL_SPAN has passed.
 *
 * A monitor. Waking a thread costs more than most handlers. So a push wakes
 * nobody but a thread that sleeps in the loop. One idle butler is the monitor:
 * it looks every WATCH_SPAN, and serves when the queue was never empty since
 * its last look. So a handler that blocks holds up the others for a millisecond
 * at most. When the queue stays empty the monitor dozes until the loop brings
 * something.
 *
 * Stepping aside. Two butlers whose handlers take less than BRISK only wait for
 * each other. So one of them steps aside and becomes the monitor. A handler
 * takes longer beside another butler than alone, because it waits: three times
 * BRISK is allowed for that, and with less neither butler might step aside. */
#include "pool.h"
#include "scheduler.h"

enum { ROUND = 256, DOZE_AFTER = 8, ASK_EVERY = 32 };
static const ax_time BRISK = 200; /* nanoseconds a handler, alone */
static const ax_time POLL_SPAN = AX_MS(4), LATE = AX_MS(1);
static const ax_time ASK_SPAN = AX_MS(0.1);
static const ax_time WATCH_SPAN = AX_MS(0.45);

struct fast {
  struct ax__scheduler base;
  atomic_size_t work;

  char before[63];         /* apart from what all threads read */
  ax__spinlock inbox_lock; /* guards ... */
  ax__queue inbox;
  bool closed;
  char between[63];
  ax__spinlock ready_lock; /* guards ... */
  ax__queue ready;
  atomic_ulong refills; /* of the ready queue, from the inbox */

  ax__mutex lock;           /* guards the rest; held to stop, too */
  bool polling;             /* a butler is in the loop, or on its way */
  long serving;             /* butlers that run handlers */
  unsigned long served;     /* handlers run in rounds that have ended */
  unsigned long idle_polls; /* counts the times that the queue was empty */
  int idle;                 /* butlers with nothing to do, */
  bool watched;             /* one of which is the monitor */
  ax__cond watch;
};

/* -------------------------------------------------------- the two queues */

static void wake_sleeper(struct fast *s) {
  if (ax__poll_asleep(s->base.poller))
    s->base.poller->wake(s->base.poller);
}

bool ax__scheduler_push(struct ax__scheduler *scheduler, ax__entry *entry) {
  struct fast *s = (struct fast *)scheduler;
  ax__spin_lock(&s->inbox_lock);
  bool open = !s->closed;
  if (open)
    ax__queue_push(&s->inbox, entry);
  ax__spin_unlock(&s->inbox_lock);
  if (open)
    wake_sleeper(s);
  return open;
}

/* With ready_lock. */
static void refill(struct fast *s) {
  ax__spin_lock(&s->inbox_lock);
  ax__queue_splice(&s->ready, &s->inbox);
  ax__spin_unlock(&s->inbox_lock);
  if (s->ready.head)
    atomic_store_explicit(&s->refills, s->refills + 1, memory_order_relaxed);
}

static ax__entry *take(struct fast *s) {
  ax__spin_lock(&s->ready_lock);
  if (!s->ready.head)
    refill(s);
  ax__entry *entry = ax__queue_pop(&s->ready);
  ax__spin_unlock(&s->ready_lock);
  return entry;
}

static bool empty(struct fast *s) {
  ax__spin_lock(&s->ready_lock);
  ax__spin_lock(&s->inbox_lock);
  bool empty = !s->ready.head && !s->inbox.head;
  ax__spin_unlock(&s->inbox_lock);
  ax__spin_unlock(&s->ready_lock);
  return empty;
}

/* ----------------------------------------------------------- work and end */

/* With the lock held. */
static bool over(struct fast *s) {
  return s->base.stopped || (s->work == 0 && s->serving == 0 && empty(s));
}

/* Unlocks, and touches nothing after that: the context may be freed then. */
static void wake_all_and_unlock(struct fast *s) {
  ax__wake_all(&s->watch);
  wake_sleeper(s);
  ax__unlock(&s->lock);
}

/* The last piece goes under the lock: all butlers return then, and whoever
 * waits for them may free the context. */
void ax__scheduler_work(struct ax__scheduler *scheduler, long change) {
  struct fast *s = (struct fast *)scheduler;
  size_t before;
  while ((before = s->work) + (size_t)change) {
    assert(before + (size_t)change <= SIZE_MAX / 2 &&
           "ax_work_end without ax_work_begin");
    if (ax__change(&s->work, before, before + (size_t)change))
      return;
  }
  ax__lock(&s->lock);
  ax__add(&s->work, (size_t)change);
  if (over(s))
    wake_all_and_unlock(s);
  else
    ax__unlock(&s->lock);
}

void ax__scheduler_stop(struct ax__scheduler *scheduler) {
  struct fast *s = (struct fast *)scheduler;
  ax__lock(&s->lock);
  atomic_store(&s->base.stopped, true);
  wake_all_and_unlock(s);
}

bool ax__scheduler_idle(struct ax__scheduler *scheduler) {
  struct fast *s = (struct fast *)scheduler;
  ax__lock(&s->lock);
  bool idle = empty(s) && !over(s);
  s->idle_polls += idle;
  ax__unlock(&s->lock);
  return idle;
}

/* --------------------------------------------------------------- rounds */

/* A round of serving. The clock is asked when count & mask is 0. */
struct round {
  unsigned count, mask;
  size_t handlers; /* a strand's turn is one entry, with many of them */
  ax_time begin, asked;
};

/* Whether it is time to poll. */
static bool ask_the_clock(struct fast *s, struct round *round) {
  ax_time now = ax_now();
  bool slow = now - round->asked > ASK_SPAN;
  round->mask = slow ? 0 : (2 * round->mask + 1) % ASK_EVERY;
  round->asked = now;
  return now - round->begin > POLL_SPAN || s->base.poller->due < now - LATE;
}

/* Runs what is ready, until there is nothing to take or it is time to poll:
 * after two refills and ROUND entries at least, or when the clock says so. */
static struct round run_round(struct fast *s) {
  ax_time now = ax_now();
  struct round round = {.begin = now, .asked = now};
  size_t handlers = ax__self.handlers;
  ax__entry *entry;
  unsigned long enough = s->refills + 2;
  while (!s->base.stopped && (round.count < ROUND || s->refills <= enough) &&
         (entry = take(s))) {
    entry->run(entry, true);
    if ((++round.count & round.mask) == 0 && ask_the_clock(s, &round))
      break;
  }
  round.handlers = ax__self.handlers - handlers;
  return round;
}

/* ------------------------------- between rounds, all with the lock held */

static void poll_once(struct fast *s, bool may_sleep) {
  s->polling = true;
  ax__unlock(&s->lock);
  s->base.poller->poll(s->base.poller, may_sleep);
  ax__lock(&s->lock);
  s->polling = false;
  if (s->idle && !s->watched)
    ax__wake_one(&s->watch);
}

/* Looks at the queue from time to time, until another butler is needed: the
 * queue was full at every look, and the handlers are not so brisk that this
 * butler would only be in the way. False when there was nothing for a while. */
static bool monitor(struct fast *s) {
  bool needed = false;
  s->watched = true;
  for (unsigned quiet = 0; !needed && quiet < DOZE_AFTER;) {
    unsigned long polls = s->idle_polls, served = s->served;
    ax__wait_for(&s->watch, &s->lock, WATCH_SPAN);
    bool full = !s->polling || !empty(s);
    bool still = polls == s->idle_polls;
    bool brisk = (s->served - served) * BRISK >= WATCH_SPAN;
    needed = (full && still && !brisk) || over(s);
    quiet = full || !still ? 0 : quiet + 1;
  }
  s->watched = false;
  return needed;
}

/* The first idle butler is the monitor; a butler that dozes becomes it when it
 * is woken and nobody else is. */
static void idle(struct fast *s) {
  bool mine = s->idle++ == 0;
  while (!over(s) && !(mine && monitor(s))) {
    ax__wait(&s->watch, &s->lock);
    mine = !s->watched;
  }
  s->idle--;
  ax__wake_one(&s->watch); /* somebody else is the monitor now */
}

/* After a round: steps aside when handlers are so short that this butler is
 * only in the way of another one, which serves too and ended a round
 * meanwhile. */
static void rest(struct fast *s, struct round round, unsigned long by_others) {
  bool aside = s->serving > 0 && by_others > 0 && round.count >= ROUND &&
               ax_now() - round.begin < 3 * BRISK * round.handlers;
  if (!aside && !s->polling)
    poll_once(s, true);
  else if (aside || empty(s))
    idle(s);
}

/* Returns how much others served meanwhile. */
static unsigned long serve_round(struct fast *s, struct round *round) {
  unsigned long served = s->served;
  s->serving++;
  ax__unlock(&s->lock);
  *round = run_round(s);
  ax__lock(&s->lock);
  s->serving--;
  served = s->served - served;
  s->served += round->handlers;
  return served;
}

/* A stop that each ax_run finds in the queue would keep the loop waiting for
 * ever, so look there first. */
void ax__scheduler_serve(struct ax__scheduler *scheduler, bool wait) {
  struct fast *s = (struct fast *)scheduler;
  struct round round;
  ax__lock(&s->lock);
  if (!over(s) && !s->polling)
    poll_once(s, false);
  while (!over(s)) {
    unsigned long by_others = serve_round(s, &round);
    if (over(s))
      break;
    if (wait)
      rest(s, round, by_others);
    else if (!s->polling)
      poll_once(s, false);
    if (!wait && empty(s))
      break;
  }
  wake_all_and_unlock(s);
}

/* ------------------------------------------------------ beginning and end */

struct ax__scheduler *ax__scheduler_new(struct ax__poller *poller) {
  struct fast *s = ax__alloc(sizeof *s);
  *s = (struct fast){.base.poller = poller};
  ax__mutex_init(&s->lock);
  ax__cond_init(&s->watch);
  return &s->base;
}

ax__queue ax__scheduler_close(struct ax__scheduler *scheduler) {
  struct fast *s = (struct fast *)scheduler;
  ax__queue left = {0};
  ax__spin_lock(&s->ready_lock);
  ax__spin_lock(&s->inbox_lock);
  s->closed = true;
  ax__queue_splice(&left, &s->ready);
  ax__queue_splice(&left, &s->inbox);
  ax__spin_unlock(&s->inbox_lock);
  ax__spin_unlock(&s->ready_lock);
  return left;
}

void ax__scheduler_free(struct ax__scheduler *scheduler) {
  struct fast *s = (struct fast *)scheduler;
  ax__mutex_destroy(&s->lock);
  ax__cond_destroy(&s->watch);
  free(s);
}
