/* A thread posts when the butlers have left.
 *
 * A thread that will post is no work, so ax_run returns before it does. The
 * post is accepted, and nobody runs it. In the twin the thread is work until it
 * has posted.
 *
 * Prints: cups of coffee: 0
 * Fixed: cups of coffee: 1
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static int coffee;

static void on_coffee(void *arg, int err, size_t n) { coffee++; }

static void *waitress(void *arg) {
  ax_context *context = arg;
  lesson_work(2);
  ax_post(context, ax_call(on_coffee, NULL));
  return NULL;
}

int main(void) {
  ax_context *context = ax_context_new();
  pthread_t thread;
  if (pthread_create(&thread, NULL, waitress, context))
    return 1;
  ax_run(context);
  pthread_join(thread, NULL);
  printf("cups of coffee: %d\n", coffee);
  ax_context_free(context);
}
