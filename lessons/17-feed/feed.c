/* feed.c: the state, the sessions, and what they are told. */
#include "feed.h"
#include "lesson.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNDER_WAY = 16 }; /* updates */

/* Bytes of a reply that a client takes in the time of patience: it holds up
 * those in line. */
enum { REPLY_LEAST = 512 << 10 };

atomic_long updates_delivered;

/* ------------------------------------------------------- who is connected */

/* region: enter */
/* In feed->strand. No reference is taken: the session is its own. */
void feed_enter(void *arg, int err, size_t n) {
  struct session *s = arg;
  LIST_INSERT_HEAD(&s->feed->sessions, s, others);
  s->entered = true;
}

void feed_forget(struct session *s) {
  if (s->entered)
    LIST_REMOVE(s, others);
  s->entered = false;
  if (s->turn)
    TAILQ_REMOVE(&s->feed->line, s, line);
  s->turn = NULL;
}

/* In feed->strand. The post that brings it here is the last to keep it. */
void feed_leave(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_op *turn = s->turn;
  feed_forget(s);
  if (turn)
    ax_complete(turn, UV_ECANCELED, 0);
}
/* end: enter */

/* In feed->strand. */
static void broadcast(struct feed *feed, struct chunk *text) {
  struct session *s = LIST_FIRST(&feed->sessions);
  for (; s; s = LIST_NEXT(s, others))
    outbox_send(&s->outbox, text);
}

/* --------------------------------------------------------------- replies */

/* region: sync */
/* In feed->strand, so it is after one update and before another: what the
 * reply does not hold comes behind it. */
static void start_reply(struct session *s) {
  outbox_reply(&s->outbox, s->feed->state.texts, TEXTS,
               ax_on(s->outbox.strand, ax_keep(s, ax_call(session_synced, s))));
}
/* end: sync */

static void on_turn(void *arg, int err, size_t n) {
  if (!err)
    start_reply(arg);
}

/* In feed->strand. A reply pins the state as it is now; so there are not too
 * many at a time, and the others wait in line. */
void feed_sync(void *arg, int err, size_t n) {
  struct session *s = arg;
  struct feed *feed = s->feed;
  if (feed->replies < feed->most_replies) {
    feed->replies++;
    start_reply(s);
  } else if (s->entered) {
    s->turn = ax_initiate(feed->strand, ax_keep(s, ax_call(on_turn, s)));
    TAILQ_INSERT_TAIL(&feed->line, s, line);
  }
}

/* In feed->strand: a reply has ended, and the next one takes its place. */
void feed_synced(void *arg, int err, size_t n) {
  const struct session *s = arg;
  struct session *next = TAILQ_FIRST(&s->feed->line);
  if (!next) {
    s->feed->replies--;
    return;
  }
  ax_op *turn = next->turn;
  TAILQ_REMOVE(&s->feed->line, next, line);
  next->turn = NULL;
  ax_complete(turn, 0, 0);
}

/* --------------------------------------------------------------- updates */

/* An update on its way to the strand. */
struct update {
  ax_obj obj;
  struct feed *feed;
  struct chunk *text;
};

static void update_destroy(void *object) {
  struct update *update = object;
  ax_unref(update->text);
  free(update);
}

static struct update *update_new(struct feed *feed, const char *text,
                                 size_t size) {
  struct update *update = lesson_alloc(sizeof *update);
  ax_obj_init(&update->obj, update_destroy);
  update->feed = feed;
  update->text = chunk_must(text, size);
  return update;
}

/* On any thread: waits for room, and takes it. After the stop nobody gives any
 * back, so a thread that is woken then wakes the next. */
static bool take_room(struct feed *feed) {
  uv_sem_wait(&feed->room);
  if (!ax_stopped(feed->strand))
    return true;
  feed_wake(feed);
  return false;
}

void feed_wake(struct feed *feed) { uv_sem_post(&feed->room); }

/* In feed->strand: that of the updates which were handed out. */
static void give_room(struct feed *feed) {
  for (; feed->handed_out > 0; feed->handed_out--)
    uv_sem_post(&feed->room);
}

static void pace(void *arg, int err, size_t n);

/* In feed->strand: waits for the first client that is behind. */
static void wait_for_somebody(struct feed *feed) {
  struct session *s = LIST_FIRST(&feed->sessions);
  feed->waiter.op = ax_initiate(feed->strand, ax_call(pace, feed));
  while (s && !outbox_wait(&s->outbox, &feed->waiter))
    s = LIST_NEXT(s, others);
  if (!s)
    ax_complete(feed->waiter.op, 0, 0);
}

/* region: pace */
/* In feed->strand, after an update: the producers go on, unless a client is
 * behind. Then they wait for it, as long as its outbox has patience. */
static void pace(void *arg, int err, size_t n) {
  struct feed *feed = arg;
  feed->waits = outbox_anyone_behind(&feed->rules);
  if (feed->waits)
    wait_for_somebody(feed);
  else
    give_room(feed);
}
/* end: pace */

/* region: deliver */
/* In feed->strand. */
static void on_update(void *arg, int err, size_t n) {
  struct update *update = arg;
  struct feed *feed = update->feed;
  state_apply(&feed->state, update->text->bytes, update->text->size);
  broadcast(feed, update->text);
  updates_delivered++;
  feed->handed_out++;
  if (!feed->waits)
    pace(feed, 0, 0);
}

/* On any thread, so it touches nothing of the strand's. */
bool feed_deliver(struct feed *feed, const char *text, size_t size) {
  if (!take_room(feed))
    return false;
  struct update *update = update_new(feed, text, size);
  ax_post(feed->strand, ax_keep(update, ax_call(on_update, update)));
  ax_unref(update);
  return true;
}
/* end: deliver */

/* ------------------------------------------------------------- heartbeat */

static void on_heartbeat(void *arg, int err, size_t n);

static void wait_for_heartbeat(struct feed *feed) {
  ax_timer_expires_after(feed->heartbeat, lesson_seconds(5));
  ax_timer_wait(feed->heartbeat,
                ax_on(feed->strand, ax_call(on_heartbeat, feed)));
}

/* In feed->strand. */
static void on_heartbeat(void *arg, int err, size_t n) {
  struct feed *feed = arg;
  char line[64];
  int size = snprintf(line, sizeof line, "heartbeat %ld, %ld alive\n",
                      ++feed->heartbeats, sessions_alive);
  struct chunk *text = chunk_must(line, (size_t)size);
  broadcast(feed, text);
  ax_unref(text);
  wait_for_heartbeat(feed);
}

/* --------------------------------------------------- beginning and end */

/* A client may have twice the queue limit, and the updates under way. */
static struct outbox_rules rules_of(size_t queue_limit) {
  return (struct outbox_rules){.mark = queue_limit,
                               .limit = 2 * queue_limit +
                                        UNDER_WAY * chunk_cost(UPDATE),
                               .patience = lesson_seconds(5),
                               .reply_least = REPLY_LEAST,
                               .broken = session_end};
}

struct feed *feed_new(ax_executor *executor, size_t state_kib,
                      size_t queue_limit, long most_replies) {
  struct feed *feed = lesson_alloc(sizeof *feed);
  *feed = (struct feed){.executor = executor,
                        .strand = ax_strand_new(executor),
                        .rules = rules_of(queue_limit),
                        .heartbeat = ax_timer_new(executor),
                        .most_replies = most_replies};
  TAILQ_INIT(&feed->line);
  state_init(&feed->state, state_kib);
  lesson_must("make a semaphore", uv_sem_init(&feed->room, UNDER_WAY));
  wait_for_heartbeat(feed);
  return feed;
}

void feed_free(struct feed *feed) {
  ax_unref(feed->heartbeat);
  ax_unref(feed->strand);
  state_free(&feed->state);
  uv_sem_destroy(&feed->room);
  free(feed);
}
