/* The twin of late_post.c: work begins before the thread does. */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static int coffee;

static void on_coffee(void *arg, int err, size_t n) { coffee++; }

static void *waitress(void *arg) {
  ax_context *context = arg;
  lesson_work(2);
  ax_post(context, ax_call(on_coffee, NULL));
  ax_work_end(context);
  return NULL;
}

int main(void) {
  ax_context *context = ax_context_new();
  pthread_t thread;
  ax_work_begin(context);
  if (pthread_create(&thread, NULL, waitress, context))
    return 1;
  ax_run(context);
  pthread_join(thread, NULL);
  printf("cups of coffee: %d\n", coffee);
  ax_context_free(context);
}
