/* scheduler_plain.c: one lock, one condition, one queue. Read this one first.
 *
 * The poll has a place in the queue, an entry that is never run. The thread
 * that takes it looks at the loop, and puts the entry back at the end. So the
 * loop has its share however many handlers there are, and one thread at a time
 * is in it.
 * When the poll is all that is left in the queue that thread sleeps in the
 * loop. Threads that find nothing at all sleep on the condition. A push wakes
 * one of them, or the thread in the loop when there is none.
 *
 * This is the design of Asio's scheduler. scheduler_fast.c keeps the rules and
 * changes what they cost. */
#include "pool.h"
#include "scheduler.h"

struct plain {
  struct ax__scheduler base;
  ax__mutex lock; /* guards the rest; held to stop, too */
  ax__cond pushed;
  ax__queue ready;
  ax__entry poll; /* marks when to poll, and is never run; in the queue, unless
                     a thread polls */
  size_t work;
  int serving;  /* threads that run an entry, which may bring more; a poll is
                   not counted: the operations it ends are in `work` */
  int sleeping; /* threads that wait on the condition */
  bool closed;
};

/* ------------------------------------------------------ with the lock held */

static bool empty(const struct plain *s) {
  return !s->ready.head || (s->ready.head == &s->poll && !s->poll.next);
}

static bool over(const struct plain *s) {
  return s->base.stopped || (s->work == 0 && s->serving == 0 && empty(s));
}

static void wake_one(struct plain *s) {
  if (s->sleeping)
    ax__wake_one(&s->pushed);
  else
    s->base.poller->wake(s->base.poller);
}

static void wake_all(struct plain *s) {
  ax__wake_all(&s->pushed);
  s->base.poller->wake(s->base.poller);
}

/* ---------------------------------------------------------------- serving */

/* Without the lock; returns with it. */
static void poll_once(struct plain *s, bool may_sleep) {
  s->base.poller->poll(s->base.poller, may_sleep);
  ax__lock(&s->lock);
  ax__queue_push(&s->ready, &s->poll);
  wake_one(s); /* a thread for the next entry, which may be the poll */
}

/* region: serve */
/* Called with the lock, returns with it, and releases it to run or to poll. The
 * queue is not empty. False: the poll brought nothing. */
static bool serve_one(struct plain *s, bool wait) {
  ax__entry *entry = ax__queue_pop(&s->ready);
  bool may_sleep = wait && !s->ready.head;
  if (entry == &s->poll) {
    ax__unlock(&s->lock);
    poll_once(s, may_sleep);
    return !empty(s);
  }
  if (s->ready.head)
    wake_one(s); /* a thread for the next entry, which may be the poll */
  s->serving++;
  ax__unlock(&s->lock);
  entry->run(entry, true);
  ax__lock(&s->lock);
  s->serving--;
  return true;
}

static void sleep_until_pushed(struct plain *s) {
  s->sleeping++;
  ax__wait(&s->pushed, &s->lock);
  s->sleeping--;
}

void ax__scheduler_serve(struct ax__scheduler *scheduler, bool wait) {
  struct plain *s = (struct plain *)scheduler;
  ax__lock(&s->lock);
  for (bool more = true; more && !over(s);)
    if (s->ready.head)
      more = serve_one(s, wait) || wait;
    else if ((more = wait))
      sleep_until_pushed(s);
  wake_all(s);
  ax__unlock(&s->lock);
}
/* end: serve */

/* ------------------------------------------------------- from any thread */

bool ax__scheduler_push(struct ax__scheduler *scheduler, ax__entry *entry) {
  struct plain *s = (struct plain *)scheduler;
  ax__lock(&s->lock);
  bool open = !s->closed;
  if (open) {
    ax__queue_push(&s->ready, entry);
    wake_one(s);
  }
  ax__unlock(&s->lock);
  return open;
}

void ax__scheduler_work(struct ax__scheduler *scheduler, long change) {
  struct plain *s = (struct plain *)scheduler;
  ax__lock(&s->lock);
  assert(s->work + (size_t)change <= SIZE_MAX / 2 &&
         "ax_work_end without ax_work_begin");
  s->work += (size_t)change;
  if (over(s))
    wake_all(s);
  ax__unlock(&s->lock);
}

void ax__scheduler_stop(struct ax__scheduler *scheduler) {
  struct plain *s = (struct plain *)scheduler;
  ax__lock(&s->lock);
  atomic_store(&s->base.stopped, true);
  wake_all(s);
  ax__unlock(&s->lock);
}

bool ax__scheduler_idle(struct ax__scheduler *scheduler) {
  struct plain *s = (struct plain *)scheduler;
  ax__lock(&s->lock);
  bool idle = empty(s) && !over(s);
  ax__unlock(&s->lock);
  return idle;
}

/* ------------------------------------------------------ beginning and end */

struct ax__scheduler *ax__scheduler_new(struct ax__poller *poller) {
  struct plain *s = ax__alloc(sizeof *s);
  *s = (struct plain){.base.poller = poller};
  ax__mutex_init(&s->lock);
  ax__cond_init(&s->pushed);
  ax__queue_push(&s->ready, &s->poll);
  return &s->base;
}

ax__queue ax__scheduler_close(struct ax__scheduler *scheduler) {
  struct plain *s = (struct plain *)scheduler;
  ax__queue left = {0}, all;
  ax__lock(&s->lock);
  s->closed = true;
  all = ax__queue_take(&s->ready);
  ax__unlock(&s->lock);
  for (ax__entry *entry; (entry = ax__queue_pop(&all));)
    if (entry != &s->poll)
      ax__queue_push(&left, entry);
  return left;
}

void ax__scheduler_free(struct ax__scheduler *scheduler) {
  struct plain *s = (struct plain *)scheduler;
  ax__mutex_destroy(&s->lock);
  ax__cond_destroy(&s->pushed);
  free(s);
}
