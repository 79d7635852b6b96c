/* The twin of locked_dispatch.c: no lock is held around the call. */
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
  pthread_mutex_unlock(&menu);
  ax_dispatch(context, ax_call(on_note, NULL));
}

int main(void) {
  ax_context *context = ax_context_new();
  alarm(1);
  ax_post(context, ax_call(on_order, context));
  ax_run(context);
  ax_context_free(context);
}
