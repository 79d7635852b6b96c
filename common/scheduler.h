/* scheduler.h: the completion queue of a context, and how threads serve it.
 * There are two implementations: scheduler_plain.c is the one to read first,
 * scheduler_fast.c the one that is built unless SCHEDULER=plain says otherwise.
 *
 * The work of law 6 is three things here: `work`, which counts pending
 * operations and ax_work_begin; handlers that run; entries in the queue. ax_run
 * continues while there is any of them. What completes is pushed first and then
 * subtracted from `work`, so a scheduler never looks idle in between.
 *
 * A scheduler knows entries, and one source of further entries that it polls,
 * in between and when it has nothing else to do: the loop. */
#ifndef AX_SCHEDULER_H
#define AX_SCHEDULER_H

#include "ax.h"
#include "queue.h"
#include "thread.h"

/* What a scheduler polls. */
struct ax__poller {
  /* Looks for what has completed and pushes it. May sleep when `may_sleep`:
   * sets `asleep`, asks ax__scheduler_idle, and sleeps if that is true. One
   * thread at a time is inside. */
  void (*poll)(struct ax__poller *poller, bool may_sleep);
  /* Ends the sleep, from any thread; does nothing if nobody sleeps. */
  void (*wake)(struct ax__poller *poller);
  atomic_bool asleep;
  _Atomic(ax_time) due; /* poll it by then: no later than the first timer */
};

/* Both schedulers begin with this. */
struct ax__scheduler {
  struct ax__poller *poller;
  atomic_bool stopped;
};

struct ax__scheduler *ax__scheduler_new(struct ax__poller *poller);
void ax__scheduler_free(struct ax__scheduler *scheduler);

/* Puts an entry at the end of the queue, from any thread. False when the
 * scheduler is closed; the entry is left as it was then. */
bool ax__scheduler_push(struct ax__scheduler *scheduler, ax__entry *entry);

/* Adds to `work`, from any thread. When the last piece goes, all who serve
 * return; nothing of the scheduler is touched after that, because they may
 * free it. */
void ax__scheduler_work(struct ax__scheduler *scheduler, long change);

/* Runs entries on the calling thread until there is no work left or a stop;
 * with `wait` false, until nothing is ready. Looks at the poller at least
 * once, unless it is over from the start. */
void ax__scheduler_serve(struct ax__scheduler *scheduler, bool wait);

/* All who serve return after the handler they run. */
void ax__scheduler_stop(struct ax__scheduler *scheduler);

/* For the poller, before it sleeps: nothing is ready, and it is not over. */
bool ax__scheduler_idle(struct ax__scheduler *scheduler);

/* Takes no more entries; returns those that were left. */
ax__queue ax__scheduler_close(struct ax__scheduler *scheduler);

static inline bool ax__poll_asleep(struct ax__poller *poller) {
  return atomic_load(&poller->asleep);
}

#endif
