/* Lesson 5: the two timers and two butlers of lesson 3, and a strand. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

/* region: handler */
static void expired(void *arg, int err, size_t n) {
  const char *name = arg;
  lesson_say("%s enter", name);
  lesson_work(3);
  lesson_say("%s leave", name);
}
/* end: handler */

/* region: butler */
static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

/* Without a thread the program ends, and says so. */
static pthread_t hire(ax_context *context) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, butler, context);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  return thread;
}
/* end: butler */

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Two timers on a strand, two butlers."};
  lesson_cli(&cli, argc, argv);

  /* region: initiate */
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_timer *timer1 = ax_timer_new(context);
  ax_timer *timer2 = ax_timer_new(context);
  ax_timer_expires_after(timer1, lesson_seconds(5));
  ax_timer_expires_after(timer2, lesson_seconds(5));
  /* end: initiate */

  /* region: wrap */
  ax_timer_wait(timer1, ax_on(strand, ax_call(expired, "timer1")));
  ax_timer_wait(timer2, ax_on(strand, ax_call(expired, "timer2")));
  /* end: wrap */

  /* region: run */
  pthread_t james = hire(context);
  pthread_t jeeves = hire(context);
  pthread_join(james, NULL);
  pthread_join(jeeves, NULL);
  lesson_say("done");
  /* end: run */

  ax_unref(timer1);
  ax_unref(timer2);
  ax_unref(strand);
  ax_context_free(context);
  return 0;
}
