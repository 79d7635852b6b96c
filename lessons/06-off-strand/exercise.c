/* The exercise of lesson 6: two kids, two cups each, two butlers. Each kid
 * takes its cups one after the other, and no butler stands about. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

struct kid {
  const char *name;
  int cups; /* that it has drunk */
  ax_timer *timers[2];
  /* todo: A lock keeps the butlers of one kid apart, and the second one stands
   * there and waits. Replace the lock with something that lets him go: here,
   * in `drink`, in `order` and in `leave`. */
  ax_strand *strand;
  /* given: pthread_mutex_t lock; */
  /* done */
};

static void drink(void *arg, int err, size_t n) {
  struct kid *kid = arg;
  /* todo: The lock is here. */
  /* given: pthread_mutex_lock(&kid->lock); */
  /* done */
  lesson_say("%s enter", kid->name);
  lesson_work(3);
  kid->cups++;
  lesson_say("%s leave", kid->name);
  /* todo: And here. */
  /* given: pthread_mutex_unlock(&kid->lock); */
  /* done */
}

/* Two cups, which are ready at the same moment. */
static void order(struct kid *kid, ax_context *context) {
  /* todo: Make what takes the place of the lock, and use it below. */
  kid->strand = ax_strand_new(context);
  /* given: pthread_mutex_init(&kid->lock, NULL); */
  /* done */
  for (int i = 0; i < 2; i++) {
    kid->timers[i] = ax_timer_new(context);
    ax_timer_expires_after(kid->timers[i], lesson_seconds(5));
    /* todo: Say where the handler runs. */
    ax_timer_wait(kid->timers[i], ax_on(kid->strand, ax_call(drink, kid)));
    /* given: ax_timer_wait(kid->timers[i], ax_call(drink, kid)); */
    /* done */
  }
}

static void leave(struct kid *kid) {
  lesson_say("%s had %d cups", kid->name, kid->cups);
  for (int i = 0; i < 2; i++)
    ax_unref(kid->timers[i]);
  /* todo: Release what you have made. */
  ax_unref(kid->strand);
  /* given: pthread_mutex_destroy(&kid->lock); */
  /* done */
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
  struct lesson_cli cli = {.about = "Two kids, two cups each, two butlers."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  struct kid johnny = {.name = "Johnny"}, susie = {.name = "Susie"};
  order(&johnny, context);
  order(&susie, context);

  pthread_t james = hire(context);
  pthread_t jeeves = hire(context);
  pthread_join(james, NULL);
  pthread_join(jeeves, NULL);

  leave(&johnny);
  leave(&susie);
  ax_context_free(context);
  return 0;
}
