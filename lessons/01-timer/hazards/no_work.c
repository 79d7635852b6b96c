/* The butler comes before there is work, so he leaves at once.
 *
 * ax_run returns when no work is left, and a timer that nobody waits for is no
 * work. The wait that is initiated afterwards has no butler. The twin initiates
 * first.
 *
 * Prints: handlers that ran: 0
 * Fixed: [ {5..9} s] timer expired
 * Fixed: [ {5..9} s] handlers that ran: 1
 */
#include "lesson.h"

static void on_expired(void *arg, int err, size_t n) {
  lesson_say("timer expired");
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, lesson_seconds(5));
  size_t ran = ax_run(context);
  ax_timer_wait(timer, ax_call(on_expired, NULL));
  lesson_say("handlers that ran: %zu", ran);
  ax_unref(timer);
  ax_context_free(context);
}
