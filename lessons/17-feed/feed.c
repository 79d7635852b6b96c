/* feed.c: the state, the sessions, and what they are told. */
#include "feed.h"
#include "lesson.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNDER_WAY = 16 };                    /* updates */
static const ax_time LOOK_AGAIN = AX_MS(1); /* at clients that are behind */

atomic_long updates_delivered;

/* ------------------------------------------------------- who is connected */

/* region: enter */
/* In feed->strand. No reference is taken: the session is its own. */
void feed_enter(void *arg, int err, size_t n) {
  struct session *s = arg;
  LIST_INSERT_HEAD(&s->feed->sessions, s, others);
  s->entered = true;
}

/* In feed->strand. The post that brings it here is the last to keep it. */
void feed_leave(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (s->entered)
    LIST_REMOVE(s, others);
  s->entered = false;
}
/* end: enter */

/* In feed->strand. */
static void broadcast(struct feed *feed, struct chunk *text) {
  struct session *s = LIST_FIRST(&feed->sessions);
  for (; s; s = LIST_NEXT(s, others))
    outbox_send(&s->outbox, text);
}

/* region: sync */
/* In feed->strand, so it is after one update and before another: what the
 * reply does not hold comes behind it. */
void feed_sync(void *arg, int err, size_t n) {
  struct session *s = arg;
  outbox_reply(&s->outbox, s->feed->state.texts, TEXTS,
               ax_on(s->outbox.strand, ax_keep(s, ax_call(session_synced, s))));
}
/* end: sync */

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
  struct update *update = malloc(sizeof *update);
  if (!update)
    abort();
  ax_obj_init(&update->obj, update_destroy);
  update->feed = feed;
  update->text = chunk_new(text, size);
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

/* In feed->strand: more waits for some client than half of what may. */
static bool somebody_is_behind(struct feed *feed) {
  struct session *s = LIST_FIRST(&feed->sessions);
  while (s && outbox_waiting(&s->outbox) <= feed->rules.limit / 2)
    s = LIST_NEXT(s, others);
  return s != NULL;
}

static void on_look(void *arg, int err, size_t n);

/* region: pace */
/* In feed->strand, after an update: the producers go on, unless a client is
 * behind. Then they wait for it, but not longer than a lesson second; from
 * there on it has to catch up, or will be cut off. */
static void pace(struct feed *feed) {
  ax_time now = ax_now();
  bool behind = somebody_is_behind(feed);
  if (!behind || !feed->patience)
    feed->patience = behind ? now + lesson_seconds(1) : 0;
  if (now >= feed->patience) {
    give_room(feed);
    return;
  }
  feed->looking = true;
  ax_timer_expires_after(feed->look, LOOK_AGAIN);
  ax_timer_wait(feed->look, ax_on(feed->strand, ax_call(on_look, feed)));
}

static void on_look(void *arg, int err, size_t n) {
  struct feed *feed = arg;
  feed->looking = false;
  pace(feed);
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
  if (!feed->looking)
    pace(feed);
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
  struct chunk *text = chunk_new(line, (size_t)size);
  broadcast(feed, text);
  ax_unref(text);
  wait_for_heartbeat(feed);
}

/* --------------------------------------------------- beginning and end */

struct feed *feed_new(ax_executor *executor, size_t state_kib,
                      size_t queue_limit) {
  struct feed *feed = malloc(sizeof *feed);
  if (!feed)
    abort();
  *feed = (struct feed){.executor = executor,
                        .strand = ax_strand_new(executor),
                        .rules = {queue_limit, session_end},
                        .heartbeat = ax_timer_new(executor),
                        .look = ax_timer_new(executor)};
  state_init(&feed->state, state_kib);
  if (uv_sem_init(&feed->room, UNDER_WAY))
    abort();
  wait_for_heartbeat(feed);
  return feed;
}

void feed_free(struct feed *feed) {
  ax_unref(feed->heartbeat);
  ax_unref(feed->look);
  ax_unref(feed->strand);
  state_free(&feed->state);
  uv_sem_destroy(&feed->room);
  free(feed);
}
