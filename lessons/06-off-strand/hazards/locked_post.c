/* A handler posts under a lock, and what it posted comes back for that lock.
 *
 * on_order holds the menu, posts, and wants the till. The other butler may run
 * on_pay at that moment: it holds the till and wants the menu. Both wait for
 * ever. That is rare, so a seed shows it; ThreadSanitizer sees the two orders
 * in any run. In the twin menu and till belong to a strand, and nobody waits.
 *
 * Seed: deadlock, in on_pay
 * Thread: lock-order-inversion, in on_order
 * Fixed: 1 order, 1 paid
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t menu = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t till = PTHREAD_MUTEX_INITIALIZER;
static int orders, paid;

static void on_pay(void *arg, int err, size_t n) {
  pthread_mutex_lock(&till);
  pthread_mutex_lock(&menu);
  paid++;
  pthread_mutex_unlock(&menu);
  pthread_mutex_unlock(&till);
}

static void on_order(void *arg, int err, size_t n) {
  ax_context *context = arg;
  pthread_mutex_lock(&menu);
  ax_post(context, ax_call(on_pay, NULL));
  pthread_mutex_lock(&till);
  orders++;
  pthread_mutex_unlock(&till);
  pthread_mutex_unlock(&menu);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_order, context));
  lesson_run(context, 2);
  printf("%d order, %d paid\n", orders, paid);
  ax_context_free(context);
}
