/* Lesson 17: a feed. Whoever says "sync" gets the whole state, and everybody
 * gets the updates that other threads deliver. feed.c is the manager, session.c
 * one client, outbox.c what waits for it, watch.c who is waited for, state.c
 * all there is to know. */
#include "../10-echo/listener.h"
#include "lesson.h"
#include "producers.h"
#include "session.h"

#include <stdio.h>

static long butlers = 1, state_kib = 46, producers = 4, rate = 1,
            queue_limit_kib = 1024, replies = 16;

static struct lesson_option options[] = {
    {"butlers", &butlers, 1, 64, "threads that run the handlers"},
    {"state-kb", &state_kib, 4, 1 << 19, "size of the state in KiB"},
    {"producers", &producers, 0, 64, "threads that deliver updates"},
    {"rate", &rate, 0, 1000000, "updates a second of each; 0: full speed"},
    {"queue-limit-kb", &queue_limit_kib, 1, 1 << 20,
     "KiB waiting for a client until the producers wait"},
    {"replies", &replies, 1, 1024, "replies at a time; more wait in line"}};

static struct lesson_cli cli = {
    .about = "A feed: \"sync\" brings all of it, updates come by themselves.",
    .endpoint = "127.0.0.1:8888",
    .options = options,
    .option_count = sizeof options / sizeof *options};

/* region: serve */
/* Returns when a signal has come and the producers have ended: from the stop
 * on, deliver tells them false. */
static void serve(ax_context *context, struct feed *feed) {
  struct listener listeners[sizeof cli.endpoints / sizeof *cli.endpoints];
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_start(&listeners[i], context, &cli.endpoints[i], session_start,
                   feed);
  struct producers *threads = producers_start(feed, producers, rate);
  lesson_serve(context, butlers);
  producers_join(threads);
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_free(&listeners[i]);
}
/* end: serve */

int main(int argc, char **argv) {
  lesson_cli(&cli, argc, argv);

  /* region: main */
  ax_context *context = ax_context_new();
  struct feed *feed = feed_new(context, (size_t)state_kib,
                               (size_t)queue_limit_kib << 10, replies);
  serve(context, feed);
  ax_context_free(context); /* the sessions that are left leave the feed */
  feed_free(feed);          /* so it goes last */
  /* end: main */
  printf("updates delivered: %ld\n", updates_delivered);
  printf("clients served: %ld, alive: %ld\n", sessions_served, sessions_alive);
  return 0;
}
