/* The twin of check_then_act.c: the slushies have a strand of their own. */
#include "lesson.h"

#include <stdatomic.h>
#include <stdio.h>

static atomic_int left = 1;

static void on_order(void *arg, int err, size_t n) {
  if (left > 0) {
    lesson_work(3);
    left--;
  }
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_strand *slushies = ax_strand_new(context);
  ax_post(slushies, ax_call(on_order, NULL));
  ax_post(slushies, ax_call(on_order, NULL));
  lesson_run(context, 2);
  printf("%d left\n", left);
  ax_unref(slushies);
  ax_context_free(context);
}
