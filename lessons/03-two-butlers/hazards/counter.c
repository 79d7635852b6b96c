/* Two butlers count 20 cups each, in one variable.
 *
 * cups++ is a load, an addition and a store. When the other butler stores in
 * between, one of the two cups is not counted. The plain build nearly always
 * prints the right answer. The twin counts on a strand.
 *
 * Seed: {20..39} cups
 * Thread: data race, in on_tray
 * Fixed: 40 cups
 */
#include "lesson.h"

#include <stdio.h>

static int cups;

static void on_tray(void *arg, int err, size_t n) {
  lesson_work(3);
  for (int i = 0; i < 20; i++) {
    cups++;
    (void)ax_now(); /* he looks at his watch: a seed may switch here */
  }
}

int main(void) {
  ax_context *context = ax_context_new();
  for (int i = 0; i < 2; i++)
    ax_post(context, ax_call(on_tray, NULL));
  lesson_run(context, 2);
  printf("%d cups\n", cups);
  ax_context_free(context);
}
