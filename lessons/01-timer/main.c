/* Lesson 1: one timer, and one call of ax_run that delivers what it brings. */
#include "ax.h"
#include "lesson.h"

/* region: handler */
static void expired(void *arg, int err, size_t n) {
  const char *name = arg;
  lesson_say("%s expired", name);
}
/* end: handler */

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "One timer of 5 s."};
  lesson_cli(&cli, argc, argv);

  /* region: initiate */
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, lesson_seconds(5));
  /* end: initiate */

  /* region: wait */
  ax_timer_wait(timer, ax_call(expired, "timer"));
  /* end: wait */

  /* region: run */
  lesson_say("calling ax_run");
  ax_run(context);
  lesson_say("done");
  /* end: run */

  ax_unref(timer);
  ax_context_free(context);
  return 0;
}
