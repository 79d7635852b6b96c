/* watch.c: whom the others wait for, and for how long.
 *
 *     ABREAST -- more than the mark waits --> BEHIND --- TICKS ---> LATE
 *        ^------- no more than half of it ------+-------------------+
 *
 * While somebody waits for a client (its outbox is behind, or its reply is
 * under way) a timer in its strand ticks, TICKS times in the time of patience.
 * A tick looks whether the client has taken something since the one before, and
 * wakes the senders that wait. So no wake-up can be lost for long, and a
 * machine that stood still for a while makes one tick, not the last one.
 *
 * A write ends late when the client reads slowly: once it has to wait, Linux
 * reports room when a third of what the system keeps has gone (with a Unix
 * socket, three quarters). So a tick also asks the system how much it keeps. */
#include "watch.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

enum { TICKS = 4, SILENT_TICKS = 6 * TICKS };

/* With the lock held: what counts against the limits. A reply does not. */
static size_t waiting(const struct outbox *box) {
  return box->queued - box->reply_left;
}

/* With the lock held, when what waits has changed, or the state. */
static void set_state(struct outbox *box, int state) {
  atomic_fetch_add(&box->rules->behind,
                   (state == BEHIND) - (box->state == BEHIND));
  box->state = state;
}

/* What the system keeps for a client is memory as well, and what has gone there
 * counts as taken. Linux would let it grow to some MiB. */
void outbox_opened(struct outbox *box) {
  int size = 128 << 10, fd = ax_stream_fd(box->stream);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* In the strand: bytes that have left, and that the client's system has not
 * taken. 0 where nobody can tell. */
static int on_the_way(const struct outbox *box) {
  int bytes = 0, fd = ax_stream_fd(box->stream);
#if defined __linux__
  ioctl(fd, SIOCOUTQ, &bytes);
#elif defined SO_NWRITE
  socklen_t size = sizeof bytes;
  getsockopt(fd, SOL_SOCKET, SO_NWRITE, &bytes, &size);
#endif
  return bytes;
}

/* With the lock held: somebody waits for this client from now on. */
static bool await(struct outbox *box) {
  bool start = !box->watched;
  box->watched = true;
  box->moved = false;
  box->still_for = 0;
  return start;
}

/* Besides its whole parts it has two more: one for the rest of it, and one
 * because the first tick may come at once. */
bool watch_reply(struct outbox *box) {
  size_t least = box->rules->reply_least;
  box->reply_ticks = least ? TICKS * (2 + box->reply_left / least) : 0;
  return await(box);
}

/* --------------------------------------------------------- more and less */

void watch_cut_off(struct outbox *box, const char *why) {
  box->closed = true;
  box->why = why;
}

void watch_on_cut_off(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  box->rules->broken(box->owner, box->why);
}

/* Another butler may raise it in the same moment. */
void watch_note(struct outbox *box) {
  atomic_size_t *highest = &box->rules->highest;
  size_t before = atomic_load_explicit(highest, memory_order_relaxed);
  while (box->queued > before &&
         !atomic_compare_exchange_weak(highest, &before, box->queued))
    ;
}

/* region: more */
/* One that is not behind takes a chunk of any size. */
bool watch_admits(struct outbox *box, size_t cost) {
  bool room = waiting(box) + cost <= box->rules->limit;
  if (box->state == ABREAST || room)
    return true;
  watch_cut_off(box, "it does not keep up, and too much waits for it");
  return false;
}

bool watch_more(struct outbox *box) {
  if (box->state != ABREAST || waiting(box) <= box->rules->mark)
    return false;
  set_state(box, BEHIND);
  box->behind_for = 0;
  return await(box);
}
/* end: more */

static struct outbox_waiter *take_waiters(struct outbox *box) {
  struct outbox_waiter *waiters = box->waiters;
  box->waiters = NULL;
  return waiters;
}

struct outbox_waiter *watch_less(struct outbox *box) {
  box->moved = true;
  if (box->state == ABREAST || waiting(box) > box->rules->mark / 2)
    return NULL;
  set_state(box, ABREAST);
  return take_waiters(box);
}

struct outbox_waiter *watch_end(struct outbox *box) {
  box->listens_on = false;
  set_state(box, ABREAST);
  return take_waiters(box);
}

/* --------------------------------------------------------------- waiters */

bool outbox_wait(struct outbox *box, struct outbox_waiter *waiter) {
  uv_mutex_lock(&box->lock);
  bool behind = box->state == BEHIND;
  if (behind) {
    waiter->next = box->waiters;
    box->waiters = waiter;
  }
  uv_mutex_unlock(&box->lock);
  return behind;
}

void watch_wake(struct outbox_waiter *waiter) {
  for (struct outbox_waiter *next; waiter; waiter = next) {
    next = waiter->next;
    ax_complete(waiter->op, 0, 0);
  }
}

bool outbox_listens_on(struct outbox *box) {
  uv_mutex_lock(&box->lock);
  bool open = !box->closed;
  bool start = open && await(box);
  box->listens_on = open;
  uv_mutex_unlock(&box->lock);
  if (start)
    watch_start(box, 0, 0);
  return open;
}

/* ----------------------------------------------------------------- ticks */

static void on_tick(void *arg, int err, size_t n);

void watch_start(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  if (!box->timer)
    box->timer = ax_timer_new(box->strand);
  box->on_the_way = on_the_way(box);
  ax_timer_expires_after(box->timer, box->rules->patience / TICKS);
  ax_timer_wait(box->timer, ax_keep(box->owner, ax_call(on_tick, box)));
}

/* So many ticks without a move are too many. */
static int still_limit(const struct outbox_rules *rules) {
  return rules->stall ? (int)(rules->stall / (rules->patience / TICKS)) : TICKS;
}

/* With the lock held, at a tick: the reply has had its time. */
static bool takes_too_long(struct outbox *box) {
  return box->reply && box->reply_ticks > 0 && --box->reply_ticks == 0;
}

/* With the lock held: why the client is to be cut off, or "". */
static const char *judge(struct outbox *box) {
  int limit = still_limit(box->rules);
  bool sleeps = box->rules->stall && box->state == BEHIND && !box->moved;
  box->still_for = box->moved ? 0 : box->still_for + 1;
  box->moved = false;
  box->behind_for = box->state == BEHIND ? box->behind_for + 1 : 0;
  if (box->still_for >= limit && box->state != ABREAST)
    return "it does not read, and others wait for it";
  if (box->still_for >= limit && box->reply)
    return "it does not read what it asked for";
  if (takes_too_long(box))
    return "it takes too long to read what it asked for";
  if (box->behind_for >= TICKS || sleeps)
    set_state(box, LATE);
  return "";
}

/* In the strand. */
static void on_tick(void *arg, int err, size_t n) {
  struct outbox *box = arg;
  bool taken = on_the_way(box) < box->on_the_way;
  uv_mutex_lock(&box->lock);
  box->moved |= taken;
  const char *why = judge(box);
  bool silent = box->listens_on && box->still_for >= SILENT_TICKS;
  bool again = !*why && !silent &&
               (box->state != ABREAST || box->reply || box->listens_on);
  box->watched = again;
  struct outbox_waiter *waiters = take_waiters(box);
  uv_mutex_unlock(&box->lock);
  if (again)
    watch_start(box, 0, 0);
  else if (*why || silent)
    box->rules->broken(box->owner, *why ? why : NULL);
  watch_wake(waiters);
}
