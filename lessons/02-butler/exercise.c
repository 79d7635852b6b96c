/* The exercise of lesson 2: one butler, two slushies, and nobody melts.
 *
 * A kid takes three seconds for a slushie. Here the butler stands beside it
 * until the cup is empty. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

/* A kid has a timer, which is free again once it has expired. */
struct kid {
  const char *name;
  ax_timer *timer;
};

/* Each line tells which butler is there. */
static void say(struct kid *kid, const char *what) {
  lesson_say("%s %s, butler %d", kid->name, what, ax_butler());
}

/* todo: Let `served` return at once: what takes three seconds becomes an
 * operation, and what comes after it a handler of its own. James is then free
 * for the next cup. Hire nobody else. */
static void drunk(void *arg, int err, size_t n) {
  struct kid *kid = arg;
  say(kid, "has drunk it");
}

static void served(void *arg, int err, size_t n) {
  struct kid *kid = arg;
  say(kid, "gets a slushie");
  ax_timer_expires_after(kid->timer, lesson_seconds(3));
  ax_timer_wait(kid->timer, ax_call(drunk, kid));
}
/* given: static void served(void *arg, int err, size_t n) { */
/* given:   struct kid *kid = arg; */
/* given:   say(kid, "gets a slushie"); */
/* given:   lesson_work(3); */
/* given:   say(kid, "has drunk it"); */
/* given: } */
/* done */

static void order(struct kid *kid, ax_context *context) {
  kid->timer = ax_timer_new(context);
  ax_timer_expires_after(kid->timer, lesson_seconds(5));
  ax_timer_wait(kid->timer, ax_call(served, kid));
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
  struct lesson_cli cli = {.about = "Two kids, one butler."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  struct kid johnny = {.name = "Johnny"}, susie = {.name = "Susie"};
  order(&johnny, context);
  order(&susie, context);

  pthread_t james = hire(context);
  pthread_join(james, NULL);
  lesson_say("done");

  ax_unref(johnny.timer);
  ax_unref(susie.timer);
  ax_context_free(context);
  return 0;
}
