/* Says: a data race */
/* The exercise of lesson 3: three slushies at once, and all are counted. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

/* todo: Every butler counts here. Choose a type that is made for it: the one
 * that "The last slushie" in the README uses. */
static int cups;
/* given: static int cups; */
/* done */

static void expired(void *arg, int err, size_t n) {
  const char *name = arg;
  lesson_say("%s enter", name);
  lesson_work(3);
  cups++;
  lesson_say("%s leave", name);
}

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

static pthread_t hire(ax_context *context) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, butler, context);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  return thread;
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Three timers, three butlers."};
  lesson_cli(&cli, argc, argv);

  static char *const names[] = {"timer1", "timer2", "timer3"};
  ax_context *context = ax_context_new();
  ax_timer *timers[3];
  for (int i = 0; i < 3; i++) {
    timers[i] = ax_timer_new(context);
    ax_timer_expires_after(timers[i], lesson_seconds(5));
    ax_timer_wait(timers[i], ax_call(expired, names[i]));
  }

  /* todo: Two butlers need until second 11. Hire a third one, and let main wait
   * for him as well: who is in ax_run needs the context. */
  pthread_t james = hire(context), jeeves = hire(context), jives;
  jives = hire(context);
  pthread_join(jives, NULL);
  /* given: pthread_t james = hire(context), jeeves = hire(context); */
  /* done */
  pthread_join(james, NULL);
  pthread_join(jeeves, NULL);
  lesson_say("%d cups", (int)cups);

  for (int i = 0; i < 3; i++)
    ax_unref(timers[i]);
  ax_context_free(context);
  return 0;
}
