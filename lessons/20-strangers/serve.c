/* serve.c: listening, reading the message of the day again, and the end.
 *
 * At the end nobody is cut off in mid-sentence. The listeners stop; in the hall
 * everybody hears that it is over, and leaves; what waits for them is sent, as
 * after a QUIT. When the last one has gone there is no work left, and ax_run
 * returns. A timer ends it sooner. */
#include "serve.h"
#include "../19-irc/message.h"
#include "../19-irc/motd.h"
#include "../19-irc/session.h"
#include "door.h"
#include "event.h"
#include "lesson.h"
#include "scrape.h"
#include "settings.h"
#include "systemd.h"

#include <stdlib.h>

enum { ENDPOINTS = 8 };

static struct {
  const struct service *service;
  struct hall *hall;
  ax_strand *strand; /* listeners and timer are touched here alone */
  ax_timer *limit;
  struct listener listeners[ENDPOINTS + 1];
  size_t count;
} house;

/* ---------------------------------------------------------------- SIGHUP */

/* In the hall. */
static void on_motd(void *text, int err, size_t n) {
  free((char *)house.hall->rules.motd);
  house.hall->rules.motd = text;
}

/* On any butler, but not in the hall: a disk may take its time. */
static void on_hangup(void *arg, int err, size_t n) {
  char *text;
  int failed = motd_read(house.service->motd, &text);
  if (failed) {
    event(ERROR, 0, "the message of the day stays as it was: %s",
          uv_strerror(failed));
    return;
  }
  ax_post(house.hall->strand, ax_call(on_motd, text));
  event(INFO, 0, "the message of the day is read again");
}

/* --------------------------------------------------------------- the end */

/* In the hall. Nobody hears of the others that they leave. */
static void say_goodbye(struct hall *hall, void *arg) {
  static const char why[] = "Server shutting down";
  for (struct user *user; (user = LIST_FIRST(&hall->everybody));) {
    if (user->state == USER_WELCOME)
      user_hear(user, NULL, "NOTICE %s :%s", user->nick, why);
    user_hear(user, NULL, "ERROR :Closing Link: %s (%s)", user->host, why);
    user->farewell = true;
    user_leave(user, NULL, false);
  }
}

static void on_goodbye(void *hall, int err, size_t n) {
  hall_do(hall, say_goodbye, NULL);
}

/* On the strand of the house: all have gone, or time is up. */
static void on_empty(void *arg, int err, size_t n) {
  ax_timer_cancel(house.limit);
}

static void on_limit(void *arg, int err, size_t n) {
  if (err)
    return;
  event(WARN, 0, "time is up; cut off: %zu", door_count());
  ax_stop(house.hall->context);
}

/* region: goodbye */
/* On the strand of the house, where clients come in: whoever is let in has
 * entered the hall before it says goodbye. */
static void on_signal(void *arg, int err, size_t n) {
  event(INFO, 0, "closing; inside: %zu", door_count());
  systemd_tell("STOPPING=1");
  for (size_t i = 0; i < house.count; i++)
    listener_stop(&house.listeners[i]);
  ax_post(house.hall->strand, ax_call(on_goodbye, house.hall));
  ax_timer_expires_after(house.limit,
                         lesson_seconds((double)settings.drain_seconds));
  ax_timer_wait(house.limit, ax_call(on_limit, NULL));
  door_when_empty(house.strand, ax_call(on_empty, NULL));
}
/* end: goodbye */

/* ------------------------------------------------------------- the whole */

static void listen_at(const ax_endpoint *endpoint, connected_fn *connected) {
  listener_start(&house.listeners[house.count++], house.strand, endpoint,
                 connected, house.hall);
}

static void open_doors(const struct service *service) {
  ax_endpoint endpoint;
  for (size_t i = 0; i < service->count; i++)
    listen_at(&service->endpoints[i], door_open);
  if (!*service->metrics)
    return;
  lesson_must("read the endpoint of --metrics",
              ax_endpoint_parse(service->metrics, &endpoint));
  listen_at(&endpoint, scrape_start);
}

void serve(struct hall *hall, const struct service *service) {
  house.service = service;
  house.hall = hall;
  house.strand = ax_strand_new(hall->context);
  house.limit = ax_timer_new(house.strand);
  lesson_on_hangup(ax_call(on_hangup, NULL));
  open_doors(service);
  systemd_tell("READY=1");
  event(INFO, 0, "ready");
  lesson_serve_until(hall->context, service->butlers,
                     ax_on(house.strand, ax_call(on_signal, NULL)));
  door_when_empty(NULL, (ax_token){0}); /* the context goes next */
  for (size_t i = 0; i < house.count; i++)
    listener_free(&house.listeners[i]);
  ax_unref(house.limit);
  ax_unref(house.strand);
}
