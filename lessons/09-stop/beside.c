/* beside.c: main has a loop of its own, and the shack goes on all the same. */
#include "beside.h"
#include "lesson.h"

#include <pthread.h>

/* A turn of main's own loop, three seconds in which it cannot be disturbed. */
static void carry_a_bucket(void) {
  lesson_work(3);
  lesson_say("main has carried a bucket of sand");
}

/* region: beside */
/* One thread does both: between two buckets it looks at the table. */
static void poll_beside(ax_context *context) {
  while (!ax_stopped(context)) {
    carry_a_bucket();
    ax_poll(context);
  }
}

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

/* Two threads. The work keeps James when nothing is pending for a while. */
static void hire_beside(ax_context *context) {
  pthread_t james;
  ax_work_begin(context);
  int error = pthread_create(&james, NULL, butler, context);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  while (!ax_stopped(context))
    carry_a_bucket();
  ax_work_end(context);
  pthread_join(james, NULL);
}
/* end: beside */

void beside(ax_context *context, long main_does) {
  if (main_does == MAIN_POLLS)
    poll_beside(context);
  else if (main_does == MAIN_HIRES)
    hire_beside(context);
  else
    ax_run(context);
}
