/* A wait is initiated, and nobody runs the context.
 *
 * Handlers run in ax_run and nowhere else. Nothing reports the mistake, because
 * the operation is well: it waits. The twin calls ax_run.
 *
 * Prints: operations that wait: 1
 * Fixed: [ {5..9} s] timer expired
 * Fixed: [ {7..9} s] operations that wait: 0
 */
#include "lesson.h"

static void on_expired(void *arg, int err, size_t n) {
  lesson_say("timer expired");
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, lesson_seconds(5));
  ax_timer_wait(timer, ax_call(on_expired, NULL));
  lesson_work(7);
  lesson_say("operations that wait: %zu", ax_live().operations);
  ax_unref(timer);
  ax_context_free(context);
}
