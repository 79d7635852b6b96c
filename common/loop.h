/* loop.h: libuv's loop, which one thread at a time may touch.
 *
 * That thread owns the loop lock, which is the field `owner`. A thread that
 * wants something of the loop submits a request. The owner runs it: the caller
 * itself when nobody owns the loop, else the thread that does, before it
 * unlocks. So no request is ever left while nobody owns the loop.
 *
 * The loop lock is no mutex: its owner may sleep in the loop, and nobody may
 * wait for the lock then. Two kinds of threads wait for it: the next one that
 * polls, which never meets a sleeper, because one thread at a time polls; and
 * those that end what belongs to a context without butlers. Locks are taken in
 * this order: the loop, the timers' lock, spinlocks of strands from the top
 * down, a scheduler's, all others. */
#ifndef AX_LOOP_H
#define AX_LOOP_H

#include "executor.h"
#include "scheduler.h"

#include <sys/queue.h>

/* Something that ends with the loop's context, at the latest. */
struct ax__member {
  LIST_ENTRY(ax__member) link;
  void (*shut)(struct ax__member *member); /* by the owner of the loop */
};

struct ax__loop {
  struct ax__poller poller; /* what the scheduler sees of it */
  _Atomic(struct ax__thread *) owner;
  ax__spinlock guard; /* held while owner, requests, closed, members change */
  ax__queue requests;
  bool closed;
  LIST_HEAD(ax__members, ax__member) members;
  atomic_bool shared; /* the user has asked for it; never false again */
  uv_loop_t uv;
  uv_async_t waker;
  uv_timer_t alarm;
};

static inline bool ax__loop_owned(struct ax__loop *loop) {
  return atomic_load_explicit(&loop->owner, memory_order_relaxed) == &ax__self;
}

/* To lock does not wake the owner: call it only where the owner cannot be
 * asleep. To unlock first runs all requests. */
void ax__loop_lock(struct ax__loop *loop);
void ax__loop_unlock(struct ax__loop *loop);

/* Has request->run(request, live) called by the owner, once; not live when the
 * loop is closed. Any thread. */
void ax__loop_submit(struct ax__loop *loop, ax__entry *request);

/* Returns when a request that was submitted has set *done, which takes as long
 * as the owner needs to wake up. Any thread. */
void ax__loop_await(struct ax__loop *loop, atomic_bool *done);

/* Runs the loop once; it may sleep until the moment `until` (0: it does not
 * sleep; UINT64_MAX: there is no limit). By the owner. */
void ax__loop_run(struct ax__loop *loop, ax_time until);

/* Runs the requests that have come. By the owner. */
void ax__loop_requests(struct ax__loop *loop);

/* Wakes the thread that sleeps in the loop, if one does. Any thread. */
void ax__loop_wake(struct ax__poller *poller);

/* Adds and removes a member. Any thread. False: the loop is closed. */
bool ax__loop_join(struct ax__loop *loop, struct ax__member *member);
void ax__loop_leave(struct ax__loop *loop, struct ax__member *member);

void ax__loop_open(struct ax__loop *loop);
void ax__loop_close(struct ax__loop *loop);

#endif
