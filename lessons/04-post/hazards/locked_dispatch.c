/* A handler dispatches while it holds a lock that the other handler takes.
 *
 * The butler is on the context already, so ax_dispatch runs the handler inside
 * the call. That one waits for a lock which its own thread holds, for ever. The
 * twin unlocks first.
 *
 * Signal: ALRM
 * Seed: a mutex is locked twice, in on_note
 * Fixed: a note for Mom: 1 ordered
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t menu = PTHREAD_MUTEX_INITIALIZER;
static int orders; /* under menu */

static void on_note(void *arg, int err, size_t n) {
  pthread_mutex_lock(&menu);
  printf("a note for Mom: %d ordered\n", orders);
  pthread_mutex_unlock(&menu);
}

static void on_order(void *arg, int err, size_t n) {
  ax_context *context = arg;
  pthread_mutex_lock(&menu);
  orders++;
  ax_dispatch(context, ax_call(on_note, NULL));
  pthread_mutex_unlock(&menu);
}

int main(void) {
  ax_context *context = ax_context_new();
  alarm(1);
  ax_post(context, ax_call(on_order, context));
  ax_run(context);
  ax_context_free(context);
}
