/* The twin of handler_blocks.c: what takes long is an operation. */
#include "lesson.h"

#include <stdio.h>

static ax_timer *first, *second;

static void on_done(void *arg, int err, size_t n) {
  puts("the first one is done");
}

static void on_first(void *arg, int err, size_t n) {
  ax_timer_expires_after(first, lesson_seconds(10));
  ax_timer_wait(first, ax_call(on_done, NULL));
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
