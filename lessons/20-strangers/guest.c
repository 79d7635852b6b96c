/* guest.c: what the server expects of a client: that it says who it is in time,
 * that it answers when it was silent for long, that it does not talk too much.
 *
 * All of that is asked in two places of lesson 19's session. Before each read,
 * when a turn is over: how many lines may come? And when the alarm rings: is
 * something due? There is one alarm for whatever is due next. It is not moved
 * when a line comes (lesson 11): it rings, compares, and is set again.
 *
 *     admit -> read -> turn -> admit ...      on_alarm -> judge -> wake_at ...
 *     in the session's strand                 in the same one */
#include "guest.h"
#include "bucket.h"
#include "event.h"
#include "lesson.h"
#include "metrics.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* region: guest */
struct guest {
  struct session session;  /* first */
  struct address *address; /* for the door */
  unsigned long number;    /* for the log */

  /* In the strand. */
  ax_timer *alarm;
  ax_time rings;      /* when it does; 0: it is not set */
  ax_time came;       /* when it did */
  ax_time since;      /* it has been listened to in vain since then */
  bool welcome;       /* it has said who it is */
  bool asked;         /* whether it is still there */
  bool over;          /* nothing is expected of it any more */
  enum cut why;       /* it is sent away */
  struct bucket said; /* lines */
  size_t counted;     /* of session.lines: those that are in the bucket */

  char nick[NICK_LEN + 1]; /* the hall's, until it posts on_welcome */
};
/* end: guest */

static ax_token in_strand(struct guest *g, ax_token token) {
  return ax_on(g->session.outbox.strand, ax_keep(g, token));
}

/* ------------------------------------------------------------ sent away */

static void say_goodbye(struct hall *hall, void *arg) {
  struct guest *g = arg;
  if (g->session.user.state != USER_GONE)
    user_leave(&g->session.user, cut_words[g->why], true);
}

/* In the hall. */
static void on_cut(void *arg, int err, size_t n) {
  struct guest *g = arg;
  hall_do(g->session.hall, say_goodbye, g);
}

/* region: cut */
/* In the strand. It is the hall that shows it out, as after a KILL, so that
 * others hear of it and lines that wait there do nothing more. */
static void cut(struct guest *g, enum cut why) {
  if (g->over)
    return;
  g->over = true;
  g->why = why;
  metrics_cut(why);
  event(WARN, g->number, "cut off: %s", cut_words[why]);
  ax_post(g->session.hall->strand, ax_keep(g, ax_call(on_cut, g)));
}
/* end: cut */

/* In the strand. It does not take what waits for it, so it cannot be told. */
void guest_broken(void *guest, const char *why) {
  struct guest *g = guest;
  if (why) {
    metrics_cut(CUT_SENDQ);
    event(WARN, g->number, "cut off: %s: %s", cut_words[CUT_SENDQ], why);
    g->session.outbox.said_why = true;
  }
  session_broken(g, why);
}

/* ------------------------------------------------------------- the alarm */

static void on_alarm(void *arg, int err, size_t n);

/* In the strand: is it still there? Any line is an answer. */
static void ask(struct guest *g, ax_time now) {
  char line[HOST_LEN + 16];
  const char *name = g->session.hall->rules.name;
  int size = snprintf(line, sizeof line, "PING :%s\r\n", name);
  struct chunk *chunk = chunk_new(line, (size_t)size);
  if (chunk)
    outbox_send(&g->session.outbox, chunk);
  ax_unref(chunk);
  g->asked = true;
  g->since = now;
}

/* In the strand. An alarm that rings earlier will look for itself. */
static void wake_at(struct guest *g, ax_time moment) {
  if (g->rings && g->rings <= moment)
    return;
  g->rings = moment;
  ax_timer_expires_at(g->alarm, moment);
  ax_timer_wait(g->alarm, in_strand(g, ax_call(on_alarm, g)));
}

/* When it has to have said something. */
static ax_time due(const struct guest *g) {
  if (!g->welcome)
    return g->came + lesson_seconds((double)settings.register_seconds);
  long patience = g->asked ? settings.answer_seconds : settings.ping_seconds;
  return g->since + lesson_seconds((double)patience);
}

/* region: judge */
/* In the strand. */
static void judge(struct guest *g, ax_time now) {
  if (!g->session.reading)
    g->since = now; /* it is others who let it wait */
  if (g->welcome && !g->asked && now >= due(g))
    ask(g, now);
  if (now >= due(g))
    cut(g, g->welcome ? CUT_PING : CUT_REGISTRATION);
  else
    wake_at(g, due(g));
}

/* In the strand. A wait that was cancelled has a successor. */
static void on_alarm(void *arg, int err, size_t n) {
  struct guest *g = arg;
  if (err || g->over)
    return;
  g->rings = 0;
  session_go_on(&g->session); /* if it was held back */
  judge(g, ax_now());
}
/* end: judge */

/* ------------------------------------------------------------ the bucket */

/* Bytes that it has said: here, and still in the system. */
static size_t backlog(const struct session *s) {
  int more = 0;
  ioctl(ax_stream_fd(s->outbox.stream), FIONREAD, &more);
  return ax_dynbuf_data(&s->in).len + (size_t)more;
}

/* region: admit */
/* In the strand: before a read. What was heard goes into the bucket; what has
 * no room there stays where it is, and nothing of it is lost. */
static size_t admit(struct session *s) {
  struct guest *g = (struct guest *)s;
  struct rate rate = {.burst = (size_t)settings.burst,
                      .each = lesson_seconds(1.0 / (double)settings.rate)};
  ax_time now = g->since = ax_now();
  g->asked = false;
  bucket_take(&g->said, rate, now, s->lines - g->counted);
  g->counted = s->lines;
  size_t room = bucket_room(&g->said, rate, now);
  if (room == 0 && backlog(s) > (size_t)settings.backlog)
    cut(g, CUT_FLOOD);
  if (g->over)
    return 0;
  wake_at(g, room ? due(g) : bucket_next(&g->said, rate));
  return room;
}
/* end: admit */

/* ------------------------------------------------------ coming and going */

/* In the strand. */
static void start(struct session *s) {
  struct guest *g = (struct guest *)s;
  char peer[AX_ENDPOINT_TEXT];
  g->alarm = ax_timer_new(s->outbox.strand);
  g->came = ax_now();
  lesson_peer(s->outbox.stream, peer);
  event(INFO, g->number, "has come from %s", peer);
  wake_at(g, due(g));
}

/* In the strand. */
static void on_welcome(void *arg, int err, size_t n) {
  struct guest *g = arg;
  g->welcome = true;
  g->since = ax_now();
  event(INFO, g->number, "is %s", g->nick);
  if (!g->over)
    wake_at(g, due(g));
}

/* In the hall. */
static void welcome(struct user *user) {
  struct guest *g = user->session;
  name_copy(g->nick, sizeof g->nick, user->nick);
  ax_post(user->hall->context, in_strand(g, ax_call(on_welcome, g)));
}

/* In the strand. */
static void end(struct session *s) {
  struct guest *g = (struct guest *)s;
  g->over = true;
  ax_timer_cancel(g->alarm);
  event(INFO, g->number, "has left; lines: %zu", s->lines);
}

const struct hooks guest_hooks = {.start = start,
                                  .end = end,
                                  .admit = admit,
                                  .turn = metrics_turn,
                                  .welcome = welcome};

static void guest_destroy(void *object) {
  struct guest *g = object;
  struct address *address = g->address;
  ax_unref(g->alarm);
  session_free(&g->session);
  free(g);
  door_leave(address);
}

void guest_start(struct hall *hall, ax_stream *stream, struct address *address,
                 unsigned long number) {
  struct guest *g = calloc(1, sizeof *g);
  if (!g) {
    event(ERROR, number, "is not served: there is no memory for it");
    ax_unref(stream);
    door_leave(address);
    return;
  }
  g->address = address;
  g->number = number;
  session_init(&g->session, hall, stream, guest_destroy);
  session_serve(&g->session);
}
