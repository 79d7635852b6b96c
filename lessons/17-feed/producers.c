/* producers.c: threads that have something to tell, at moments of their own. */
#include "producers.h"
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct producer {
  struct producers *all;
  pthread_t thread;
  long number;
};

struct producers {
  struct feed *feed;
  ax_time span; /* between two updates of one */
  uv_mutex_t lock;
  uv_cond_t stop;
  bool stopped; /* under the lock */
  long count;
  struct producer at[];
};

/* The nth update of a producer, for a line here and there. */
static void compose(const struct producer *p, long nth, char update[UPDATE]) {
  int text = (int)(nth % END_MARK);
  size_t line =
      (size_t)(nth * 31 + p->number * 7) % p->all->feed->state.lines[text];
  char what[48];
  snprintf(what, sizeof what, "producer %ld, update %ld", p->number, nth);
  state_update(update, text, line, what);
}

/* Sleeps until that moment, or the stop. */
static void sleep_until(struct producers *all, ax_time moment) {
  uv_mutex_lock(&all->lock);
  for (ax_time now; !all->stopped && (now = ax_now()) < moment;)
    uv_cond_timedwait(&all->stop, &all->lock, moment - now);
  uv_mutex_unlock(&all->lock);
}

/* region: produce */
/* A thread of its own, which knows nothing of strands. */
static void *produce(void *arg) {
  const struct producer *p = arg;
  char update[UPDATE];
  ax_time next = ax_now();
  long nth = 0;
  do {
    compose(p, ++nth, update);
    sleep_until(p->all, next);
    next += p->all->span;
  } while (feed_deliver(p->all->feed, update, UPDATE));
  return NULL;
}
/* end: produce */

static void start_one(struct producer *p) {
  if (pthread_create(&p->thread, NULL, produce, p) == 0)
    return;
  lesson_log("the system has no thread for producer %ld", p->number);
  exit(1);
}

struct producers *producers_start(struct feed *feed, long count, long rate) {
  struct producers *all =
      lesson_alloc(sizeof *all + (size_t)count * sizeof *all->at);
  lesson_must("make a lock", uv_mutex_init(&all->lock));
  lesson_must("make a condition", uv_cond_init(&all->stop));
  all->feed = feed;
  all->span = rate ? lesson_seconds(1.0 / (double)rate) : 0;
  all->stopped = false;
  all->count = count;
  for (long i = 0; i < count; i++) {
    all->at[i] = (struct producer){.all = all, .number = i + 1};
    start_one(&all->at[i]);
  }
  return all;
}

void producers_join(struct producers *all) {
  uv_mutex_lock(&all->lock);
  all->stopped = true;
  uv_cond_broadcast(&all->stop);
  uv_mutex_unlock(&all->lock);
  feed_wake(all->feed);
  for (long i = 0; i < all->count; i++)
    pthread_join(all->at[i].thread, NULL);
  uv_cond_destroy(&all->stop);
  uv_mutex_destroy(&all->lock);
  free(all);
}
