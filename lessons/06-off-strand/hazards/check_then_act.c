/* Two strands look at one variable and then change it.
 *
 * There is one slushie left. Each handler looks, goes for it and takes it. Both
 * look before either of them takes. The variable is atomic, so ThreadSanitizer
 * has nothing to say. In the twin the two handlers are on one strand.
 *
 * Prints: -1 left
 * Seed: -1 left
 * Fixed: 0 left
 */
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
  ax_strand *johnny = ax_strand_new(context);
  ax_strand *susie = ax_strand_new(context);
  ax_post(johnny, ax_call(on_order, NULL));
  ax_post(susie, ax_call(on_order, NULL));
  lesson_run(context, 2);
  printf("%d left\n", left);
  ax_unref(johnny);
  ax_unref(susie);
  ax_context_free(context);
}
