/* loop.c: the one place where libuv's loop is run. */
#include "loop.h"
#include "trace.h"

#include <stdio.h>

/* --------------------------------------------------------------- waking */

/* After something was put where the sleeper would have looked. */
void ax__loop_wake(struct ax__poller *poller) {
  struct ax__loop *loop = AX__OF(struct ax__loop, poller, poller);
  if (!atomic_load(&poller->asleep) || !atomic_exchange(&poller->asleep, false))
    return;
  if (ax__loop_owned(loop))
    uv_stop(&loop->uv); /* it does not sleep then */
  else
    uv_async_send(&loop->waker);
}

/* The loop would go to sleep after a timer that fired; it has to return. */
static void on_alarm(uv_timer_t *alarm) { uv_stop(alarm->loop); }

/* ------------------------------------------------- the lock, and requests */

/* With the spinlock held. */
static bool try_lock(struct ax__loop *loop) {
  if (atomic_load_explicit(&loop->owner, memory_order_relaxed))
    return false;
  atomic_store_explicit(&loop->owner, &ax__self, memory_order_relaxed);
  return true;
}

void ax__loop_lock(struct ax__loop *loop) {
  for (bool locked = false; !locked;) {
    ax__spin_lock(&loop->guard);
    locked = try_lock(loop);
    ax__spin_unlock(&loop->guard);
    if (!locked)
      sched_yield();
  }
}

/* The next request. NULL: there is none; with then_unlock, it has unlocked. */
static ax__entry *next_request(struct ax__loop *loop, bool then_unlock) {
  ax__spin_lock(&loop->guard);
  ax__entry *request = ax__queue_pop(&loop->requests);
  if (!request && then_unlock)
    atomic_store_explicit(&loop->owner, NULL, memory_order_relaxed);
  ax__spin_unlock(&loop->guard);
  return request;
}

/* One by one, because a request may submit more. */
void ax__loop_requests(struct ax__loop *loop) {
  for (ax__entry *request; (request = next_request(loop, false));)
    request->run(request, true);
}

void ax__loop_unlock(struct ax__loop *loop) {
  for (ax__entry *request; (request = next_request(loop, true));)
    request->run(request, true);
}

/* A request of the owner's own runs within the call, unless others wait. So
 * does one that finds no owner: this way main can set things up before ax_run,
 * and a handler's next read waits for its data before the loop reports it.
 * Wakes under the spinlock, because the loop may be gone afterwards. */
void ax__loop_submit(struct ax__loop *loop, ax__entry *request) {
  ax__spin_lock(&loop->guard);
  bool closed = loop->closed, mine = ax__loop_owned(loop);
  bool locked = !closed && !mine && try_lock(loop);
  bool now = !closed && (mine || locked) && !loop->requests.head;
  if (!closed && !now)
    ax__queue_push(&loop->requests, request);
  if (!closed && !mine && !locked)
    ax__loop_wake(&loop->poller);
  ax__spin_unlock(&loop->guard);
  if (closed || now)
    request->run(request, now);
  if (locked)
    ax__loop_unlock(loop);
}

/* The owner, who may be in a callback, has nobody to wait for. */
void ax__loop_await(struct ax__loop *loop, atomic_bool *done) {
  while (!atomic_load(done))
    if (ax__loop_owned(loop)) {
      ax__loop_requests(loop);
    } else {
      ax__loop_wake(&loop->poller);
      sched_yield();
    }
}

/* ------------------------------------------------------------- the loop */

/* The waker keeps alive a loop that has nothing else: uv_run would return. */
static void run_once(struct ax__loop *loop, uv_run_mode mode) {
  bool empty = !uv_loop_alive(&loop->uv);
  if (empty)
    uv_ref((uv_handle_t *)&loop->waker);
  uv_run(&loop->uv, mode);
  if (empty)
    uv_unref((uv_handle_t *)&loop->waker);
}

/* Skips uv_run when it need not sleep and nothing is alive. A loop that the
 * user has asked for is never skipped, because handles that were unref'd do not
 * count as alive. Sets the loop's clock before it sleeps: since libuv 1.45
 * uv_run does so only afterwards, and would sleep too long. In callbacks of the
 * loop ax_inside is false. */
void ax__loop_run(struct ax__loop *loop, ax_time until) {
  struct ax__frame outside;
  bool timed = until && until != UINT64_MAX;
  ax_time now = timed || ax__tracing() ? ax_now() : 0;
  ax__enter(&outside, NULL);
  if (until > now) {
    uv_update_time(&loop->uv);
    if (timed)
      uv_timer_start(&loop->alarm, on_alarm,
                     (until - now + AX_MS(1) - 1) / AX_MS(1), 0);
    run_once(loop, UV_RUN_ONCE);
  } else if (loop->shared || uv_loop_alive(&loop->uv)) {
    run_once(loop, UV_RUN_NOWAIT);
  }
  ax__leave(&outside);
  if (ax__tracing())
    ax__trace_polled(now);
}

/* -------------------------------------------------------------- members */

bool ax__loop_join(struct ax__loop *loop, struct ax__member *member) {
  ax__spin_lock(&loop->guard);
  bool open = !loop->closed;
  if (open)
    LIST_INSERT_HEAD(&loop->members, member, link);
  else
    member->link.le_prev = NULL;
  ax__spin_unlock(&loop->guard);
  return open;
}

void ax__loop_leave(struct ax__loop *loop, struct ax__member *member) {
  ax__spin_lock(&loop->guard);
  if (member->link.le_prev)
    LIST_REMOVE(member, link);
  member->link.le_prev = NULL;
  ax__spin_unlock(&loop->guard);
}

/* ------------------------------------------------------ beginning and end */

static void must(int err, const char *what) {
  if (err) {
    fprintf(stderr, "ax: %s: %s\n", what, uv_strerror(err));
    abort();
  }
}

void ax__loop_open(struct ax__loop *loop) {
  loop->poller.wake = ax__loop_wake;
  loop->poller.due = UINT64_MAX;
  must(uv_loop_init(&loop->uv), "cannot make an event loop");
  must(uv_async_init(&loop->uv, &loop->waker, NULL),
       "cannot make a waker for the event loop");
  must(uv_timer_init(&loop->uv, &loop->alarm), "cannot make a timer");
  uv_unref((uv_handle_t *)&loop->waker);
  uv_unref((uv_handle_t *)&loop->alarm);
}

static struct ax__member *next_member(struct ax__loop *loop) {
  ax__spin_lock(&loop->guard);
  struct ax__member *member = LIST_FIRST(&loop->members);
  if (member) {
    LIST_REMOVE(member, link);
    member->link.le_prev = NULL;
  }
  ax__spin_unlock(&loop->guard);
  return member;
}

/* By the owner. Members that end may release others, whose requests run not
 * live then, within the call. */
void ax__loop_close(struct ax__loop *loop) {
  ax__spin_lock(&loop->guard);
  loop->closed = true;
  ax__queue requests = ax__queue_take(&loop->requests);
  ax__spin_unlock(&loop->guard);
  ax__queue_drop(&requests);
  for (struct ax__member *member; (member = next_member(loop));)
    member->shut(member);
  uv_close((uv_handle_t *)&loop->waker, NULL);
  uv_close((uv_handle_t *)&loop->alarm, NULL);
  while (uv_run(&loop->uv, UV_RUN_DEFAULT))
    continue; /* it had been told to stop */
  must(uv_loop_close(&loop->uv), "a handle of the loop is still open");
}
