/* The twin of no_work.c: initiate first, then run. */
#include "lesson.h"

static void on_expired(void *arg, int err, size_t n) {
  lesson_say("timer expired");
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, lesson_seconds(5));
  ax_timer_wait(timer, ax_call(on_expired, NULL));
  size_t ran = ax_run(context);
  lesson_say("handlers that ran: %zu", ran);
  ax_unref(timer);
  ax_context_free(context);
}
