/* The twin of locked_post.c: a strand for menu and till, and no lock. */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static int orders, paid; /* in the strand */

static void on_pay(void *arg, int err, size_t n) { paid++; }

static void on_order(void *arg, int err, size_t n) {
  ax_strand *shack = arg;
  ax_post(shack, ax_call(on_pay, NULL));
  orders++;
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_strand *shack = ax_strand_new(context);
  ax_post(shack, ax_call(on_order, shack));
  lesson_run(context, 2);
  printf("%d order, %d paid\n", orders, paid);
  ax_unref(shack);
  ax_context_free(context);
}
