/* The exercise of lesson 5: wrap what must be wrapped, and no more. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

static int cups; /* that Johnny has drunk */

static void drink(void *arg, int err, size_t n) {
  lesson_say("Johnny begins his %s", (const char *)arg);
  lesson_work(3);
  cups++;
  lesson_say("Johnny has drunk his %s", (const char *)arg);
}

static void ask(void *arg, int err, size_t n) {
  lesson_say("Mom asks: %d cups so far", cups);
}

static void dig(void *arg, int err, size_t n) {
  lesson_say("Dad begins to dig");
  lesson_work(3);
  lesson_say("Dad has dug a hole");
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

/* A timer that is set. */
static ax_timer *timer_of(ax_context *context, double seconds) {
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, lesson_seconds(seconds));
  return timer;
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Four timers, some of them on a strand."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_timer *slushie = timer_of(context, 5), *tea = timer_of(context, 5);
  ax_timer *mom = timer_of(context, 6), *dad = timer_of(context, 6);

  /* todo: Two butlers run these four handlers. Put those on the strand that
   * have to take turns, and no other. */
  ax_timer_wait(slushie, ax_on(strand, ax_call(drink, "slushie")));
  ax_timer_wait(tea, ax_on(strand, ax_call(drink, "tea")));
  ax_timer_wait(mom, ax_on(strand, ax_call(ask, NULL)));
  ax_timer_wait(dad, ax_call(dig, NULL));
  /* given: ax_timer_wait(slushie, ax_call(drink, "slushie")); */
  /* given: ax_timer_wait(tea, ax_call(drink, "tea")); */
  /* given: ax_timer_wait(mom, ax_call(ask, NULL)); */
  /* given: ax_timer_wait(dad, ax_call(dig, NULL)); */
  /* done */

  pthread_t james = hire(context);
  pthread_t jeeves = hire(context);
  pthread_join(james, NULL);
  pthread_join(jeeves, NULL);
  lesson_say("done");

  ax_unref(slushie);
  ax_unref(tea);
  ax_unref(mom);
  ax_unref(dad);
  ax_unref(strand);
  ax_context_free(context);
  return 0;
}
