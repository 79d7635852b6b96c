/* The twin of counter.c: every handler that counts is on one strand. */
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
  ax_strand *strand = ax_strand_new(context);
  for (int i = 0; i < 2; i++)
    ax_post(strand, ax_call(on_tray, NULL));
  ax_unref(strand);
  lesson_run(context, 2);
  printf("%d cups\n", cups);
  ax_context_free(context);
}
