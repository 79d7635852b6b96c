/* Lesson 4: work that needs no waiting, placed straight on the table. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

/* region: handler */
static void say(void *arg, int err, size_t n) {
  const char *text = arg;
  lesson_say("%s", text);
}
/* end: handler */

/* region: compare */
static void compare(void *arg, int err, size_t n) {
  ax_context *context = arg;
  lesson_say("compare enter");
  ax_post(context, ax_call(say, "posted"));
  ax_dispatch(context, ax_call(say, "dispatched"));
  lesson_say("compare leave");
}
/* end: compare */

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
  struct lesson_cli cli = {.about = "Posted and dispatched work, one butler."};
  lesson_cli(&cli, argc, argv);

  /* region: initiate */
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(say, "eat"));
  ax_post(context, ax_call(say, "drink"));
  ax_post(context, ax_call(say, "and be merry!"));
  ax_post(context, ax_call(compare, context));
  /* end: initiate */

  /* region: run */
  pthread_t james = hire(context);
  pthread_join(james, NULL);
  lesson_say("James has left");
  /* end: run */

  /* region: late */
  ax_post(context, ax_call(say, "dessert"));
  lesson_say("main has posted one more");
  lesson_work(1);
  ax_work_begin(context);
  lesson_say("James is hired again");
  james = hire(context);
  lesson_work(2);
  ax_post(context, ax_call(say, "coffee"));
  ax_work_end(context);
  pthread_join(james, NULL);
  lesson_say("done");
  /* end: late */

  ax_context_free(context);
  return 0;
}
