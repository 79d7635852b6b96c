/* Lesson 11: a deadline. An echo server that does not wait for ever: a session
 * waits for two things at once, for bytes and for the time. */
#include "../10-echo/listener.h"
#include "lesson.h"
#include "session.h"

#include <stdio.h>

static ax_time period; /* between two lines of status */

static void on_connected(void *start, ax_stream *stream) {
  (*(start_fn **)start)(stream);
}

/* region: tick */
static void tick(ax_timer *ticker);

/* The next moment is counted from the last one, not from now: no drift. */
static void on_tick(void *arg, int err, size_t n) {
  ax_timer *ticker = arg;
  lesson_say("sessions: %ld", sessions_alive);
  ax_timer_expires_at(ticker, ax_timer_expiry(ticker) + period);
  tick(ticker);
}

static void tick(ax_timer *ticker) {
  ax_timer_wait(ticker, ax_call(on_tick, ticker));
}
/* end: tick */

static void serve(const struct lesson_cli *cli, long butlers, start_fn *start) {
  ax_context *context = ax_context_new();
  ax_timer *ticker = ax_timer_new(context);
  struct listener listeners[sizeof cli->endpoints / sizeof cli->endpoints[0]];
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_start(&listeners[i], context, &cli->endpoints[i], on_connected,
                   &start);
  ax_timer_expires_after(ticker, period);
  if (period)
    tick(ticker);
  lesson_serve(context, butlers);
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_unref(ticker);
  ax_context_free(context);
}

int main(int argc, char **argv) {
  long butlers = 1, idle = 5, status = 0, within = 0;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"idle", &idle, 1, 3600, "lesson seconds until a session is closed"},
      {"status", &status, 0, 3600, "lesson seconds between two lines; 0: none"},
      {"by=alarm|within", &within, 0, 1, "how a session is timed"}};
  struct lesson_cli cli = {.about = "An echo server that closes idle sessions.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 4};
  lesson_cli(&cli, argc, argv);
  session_limit = lesson_seconds((double)idle);
  period = lesson_seconds((double)status);
  serve(&cli, butlers, within ? short_start : session_start);
  printf("sessions served: %ld, alive: %ld\n", sessions_served, sessions_alive);
  return 0;
}
