/* hall.c: a turn of the hall. A turn is short: it runs at most as many lines as
 * a session hands over at once, and ends early when the answer is long. When
 * the turns that wait are done, what has gathered is handed over, once to each
 * receiver: one lock and one post, however many lines it gets, and from however
 * many who talk. */
#include "hall.h"
#include "commands.h"
#include "history.h"
#include "lesson.h"
#include "message.h"
#include "monitor.h"
#include "whowas.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Bytes. An asker is read on at once after an answer of up to so many, and
 * after a longer one when it has left. */
enum { LONG_ANSWER = 8 << 10 };

/* What a second is called is made once in that second. */
static void look_at_the_clock(struct hall *hall) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != hall->now) {
    struct tm date;
    hall->now = now.tv_sec;
    gmtime_r(&hall->now, &date);
    strftime(hall->stamp, sizeof hall->stamp, "%Y-%m-%dT%H:%M:%S.000Z", &date);
  }
  long ms = now.tv_nsec / 1000000;
  for (char *digit = hall->stamp + 22; digit >= hall->stamp + 20; digit--) {
    *digit = (char)('0' + ms % 10);
    ms /= 10;
  }
}

/* What this thread has used of its processor: that of a turn, even if others
 * want the processor as well. */
static ax_time used(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (ax_time)time.tv_sec * 1000000000 + (ax_time)time.tv_nsec;
}

static void begin(struct hall *hall, struct user *asker) {
  hall->since = used();
  hall->asker = asker;
  hall->answer = 0;
  look_at_the_clock(hall);
}

/* The session closes when it has sent what it was just handed. */
static void post_farewell(struct user *user) {
  ax_token token = ax_call(user->hall->rules.dismiss, user->session);
  ax_post(user->outbox->strand, ax_keep(user->session, token));
}

/* There was no memory for what it gets or says. Its words of goodbye are short,
 * and what had gathered is free again. */
static void part_with(struct user *user) {
  lesson_log("closed %s@%s: there is no memory for what it gets or says",
             user_nick(user), user->host);
  struct hall *hall = user->hall;
  struct user *asker = hall->asker;
  user->starved = false;
  hall->asker = user;
  user_leave(user, "Out of memory", true); /* it is touched again */
  user_seal(hall);
  hall->asker = asker;
}

/* What has gathered for somebody goes to his outbox; a long answer later: see
 * hold. True when he is behind. */
static bool hand_to(struct user *user) {
  struct hall *hall = user->hall;
  bool gone = user->state == USER_GONE;
  bool later = user == hall->asker && hall->answer > LONG_ANSWER && !gone;
  bool behind = !later && user_flush(user) && !gone;
  if (user->farewell)
    post_farewell(user);
  if (gone)
    ax_unref(user->session); /* what user_enter took */
  return behind;
}

/* region: flush */
/* To everybody. Returns somebody who is behind, the asker if it is one of them,
 * or NULL. */
static struct user *hand_over(struct hall *hall) {
  struct user *user, *behind = NULL;
  while ((user = SLIST_FIRST(&hall->touched))) {
    SLIST_REMOVE_HEAD(&hall->touched, touched);
    user->is_touched = false;
    if (user->starved && user->state != USER_GONE)
      part_with(user);
    else if (hand_to(user) && (!behind || user == hall->asker))
      behind = user;
  }
  return behind;
}
/* end: flush */

/* The asker has to wait for the answer, or goes, or somebody is behind. */
static bool is_urgent(struct hall *hall) {
  const struct user *user = hall->asker;
  return hall->answer > LONG_ANSWER || user->state == USER_GONE ||
         user->starved || outbox_anyone_behind(&hall->rules.outbox);
}

/* region: end */
/* In the hall, behind the turns that waited when it was posted. */
static void on_gathered(void *arg, int err, size_t n) {
  struct hall *hall = arg;
  hall->since = used();
  hall->hands_over = false;
  hand_over(hall);
  hall->busy += used() - hall->since;
}

/* What several turns say leaves together, unless it is urgent. */
static const struct user *end(struct hall *hall) {
  const struct user *behind = NULL;
  speech_end(hall);
  user_seal(hall);
  if (is_urgent(hall)) {
    behind = hand_over(hall);
  } else if (!hall->hands_over) {
    hall->hands_over = true;
    ax_post(hall->strand, ax_call(on_gathered, hall));
  }
  hall->asker = NULL;
  hall->busy += used() - hall->since;
  return behind;
}
/* end: end */

/* True when `done` will be completed: as soon as the user has got what it asked
 * for, if that is much, or he who was behind has caught up. */
static bool hold(struct turn *turn, const struct user *behind) {
  struct user *user = turn->user;
  ax_token done = ax_on(user->outbox->strand, turn->done);
  if (user->hall->answer > LONG_ANSWER || behind == user) {
    user_answer(user, done);
    return true;
  }
  if (!behind)
    return false;
  turn->waiter.op = ax_initiate(user->outbox->strand, done);
  if (!outbox_wait(behind->outbox, &turn->waiter))
    ax_complete(turn->waiter.op, 0, 0);
  return true;
}

/* region: turn */
/* Runs lines: all of them, or until the answer is long. */
static void run_lines(struct turn *turn, struct user *user) {
  const struct hall *hall = user->hall;
  while (turn->at < turn->count && user->state != USER_GONE && !user->starved &&
         hall->answer <= LONG_ANSWER)
    command_run(user, &turn->lines[turn->at++]);
  if (turn->leave && user->state != USER_GONE)
    user_leave(user, turn->leave, false);
}

/* In the hall. */
int hall_turn(void *arg) {
  struct turn *turn = arg;
  struct user *user = turn->user;
  begin(user->hall, user);
  if (user->hall->rules.hooks)
    user->hall->rules.hooks->turn(turn);
  run_lines(turn, user);
  const struct user *behind = end(user->hall);
  if (user->state == USER_GONE)
    return UV_EOF;
  return hold(turn, behind) ? UV_EAGAIN : 0;
}
/* end: turn */

/* In the hall. */
int hall_starve(void *arg) {
  struct user *user = arg;
  begin(user->hall, user);
  if (user->state != USER_GONE)
    user_starve(user);
  end(user->hall);
  return UV_EOF;
}

/* In the hall. */
void hall_enter(void *arg, int err, size_t n) {
  struct user *user = arg;
  look_at_the_clock(user->hall);
  user_enter(user, user->hall);
}

void hall_do(struct hall *hall, void (*work)(struct hall *hall, void *arg),
             void *arg) {
  begin(hall, NULL);
  work(hall, arg);
  hand_over(hall);
  hall->busy += used() - hall->since;
}

/* It stands in front of each line. */
static bool is_name(const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < length; i++)
    if (!isgraph((unsigned char)name[i]) || strchr(":!@*?,", name[i]))
      return false;
  return length > 0 && length <= HOST_LEN;
}

const char *hall_refuses(const struct rules *rules) {
  if (!is_name(rules->name))
    return "--name is a short word, without any of :!@*?,";
  if (*rules->oper && !*rules->oper_password)
    return "--oper wants an --oper-password";
  return NULL;
}

struct hall *hall_new(ax_context *context, const struct rules *rules) {
  struct hall *hall = lesson_alloc(sizeof *hall);
  *hall = (struct hall){
      .context = context, .strand = ax_strand_new(context), .rules = *rules};
  TAILQ_INIT(&hall->past);
  look_at_the_clock(hall);
  hall->began = hall->now;
  return hall;
}

void hall_free(struct hall *hall) {
  hand_over(hall); /* whom it lets go is not among everybody any more */
  for (struct user *user; (user = LIST_FIRST(&hall->everybody));) {
    user_leave(user, NULL, false);
    batch_free(user->gathered);
    user->gathered = NULL;
    ax_unref(user->session);
  }
  whowas_free(hall);
  monitor_free(hall);
  map_free(&hall->users);
  map_free(&hall->channels);
  ax_unref(hall->strand);
  free(hall);
}
