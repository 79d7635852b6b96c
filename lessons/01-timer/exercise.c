/* The exercise of lesson 1: two things take their time at once, a slushie and a
 * tea, and one ax_run delivers both. */
#include "ax.h"
#include "lesson.h"

static void ready(void *arg, int err, size_t n) {
  const char *name = arg;
  lesson_say("%s is ready", name);
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "A slushie of 5 s, and a tea of 3 s."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  ax_timer *slushie = ax_timer_new(context);
  ax_timer_expires_after(slushie, lesson_seconds(5));
  ax_timer_wait(slushie, ax_call(ready, "the slushie"));

  /* todo: Order a tea as well, which takes 3 s: a timer of its own, whose
   * handler is `ready`, too, with "the tea". */
  ax_timer *tea = ax_timer_new(context);
  ax_timer_expires_after(tea, lesson_seconds(3));
  ax_timer_wait(tea, ax_call(ready, "the tea"));
  /* done */

  lesson_say("calling ax_run");
  ax_run(context);
  lesson_say("done");

  /* todo: Release what you have made. */
  ax_unref(tea);
  /* done */
  ax_unref(slushie);
  ax_context_free(context);
  return 0;
}
