/* A handler blocks, and holds up all others of its butler.
 *
 * Two timers expire in second 1. The handler of the first one is busy for 10
 * seconds, and the handler of the second one is 10 seconds late. In the twin
 * the same 10 seconds are an operation, so the butler is free meanwhile.
 *
 * Prints: the second one is {9..30} s late
 * Fixed: the second one is {0..5} s late
 * Fixed: the first one is done
 */
#include "lesson.h"

#include <stdio.h>

static ax_timer *first, *second;

static void on_first(void *arg, int err, size_t n) {
  lesson_work(10);
  puts("the first one is done");
}

static void on_second(void *arg, int err, size_t n) {
  ax_time late = ax_now() - ax_timer_expiry(second);
  printf("the second one is %.1f s late\n",
         (double)late / (double)lesson_seconds(1));
}

int main(void) {
  ax_context *context = ax_context_new();
  first = ax_timer_new(context);
  second = ax_timer_new(context);
  ax_timer_expires_after(first, lesson_seconds(1));
  ax_timer_expires_at(second, ax_timer_expiry(first));
  ax_timer_wait(first, ax_call(on_first, NULL));
  ax_timer_wait(second, ax_call(on_second, NULL));
  ax_run(context);
  ax_unref(first);
  ax_unref(second);
  ax_context_free(context);
}
