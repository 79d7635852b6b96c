/* A thread that is no butler touches what belongs to a strand.
 *
 * A strand keeps its own handlers apart and nobody else. This thread delivers
 * 100 cups with its own hands, while a handler of the strand does the same. The
 * twin posts to the strand.
 *
 * Thread: data race, in deliver
 * Seed: {100..199} cups
 * Fixed: 200 cups
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static ax_strand *johnny;
static int cups; /* in johnny */

static void deliver(void) {
  for (int i = 0; i < 100; i++) {
    cups++;
    (void)ax_now(); /* one looks at his watch: a seed may switch here */
  }
}

static void on_tray(void *arg, int err, size_t n) { deliver(); }

static void *aunt(void *arg) {
  deliver();
  return NULL;
}

int main(void) {
  ax_context *context = ax_context_new();
  johnny = ax_strand_new(context);
  pthread_t thread;
  if (pthread_create(&thread, NULL, aunt, NULL))
    return 1;
  ax_post(johnny, ax_call(on_tray, NULL));
  ax_run(context);
  pthread_join(thread, NULL);
  printf("%d cups\n", cups);
  ax_unref(johnny);
  ax_context_free(context);
}
