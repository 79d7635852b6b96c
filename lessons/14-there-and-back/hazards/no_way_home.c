/* The kitchen's butler looks the recipe up, and hands it out himself.
 *
 * So the handler that belongs on the beach runs in the kitchen. It counts what
 * was served, while the beach's butler counts as well. The twin goes home
 * first.
 *
 * Thread: data race, in serve
 * Fixed: 2 served
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static ax_context *beach, *kitchen;
static int served; /* on the beach */

/* On the beach. */
static void serve(void *arg, int err, size_t n) { served++; }

static void on_back(void *arg, int err, size_t n) {
  serve(arg, err, n);
  ax_work_end(beach);
}

/* In the kitchen. */
static void on_there(void *arg, int err, size_t n) { on_back(NULL, 0, 0); }

/* On the beach: one order goes to the kitchen, another one is served here. */
static void order(void *arg, int err, size_t n) {
  ax_work_begin(beach);
  ax_post(kitchen, ax_call(on_there, NULL));
  serve(NULL, 0, 0);
}

static void *kitchen_butler(void *arg) {
  ax_run(kitchen);
  return NULL;
}

int main(void) {
  pthread_t jeeves;
  beach = ax_context_new(), kitchen = ax_context_new();
  ax_post(beach, ax_call(order, NULL));
  ax_work_begin(kitchen);
  int error = pthread_create(&jeeves, NULL, kitchen_butler, NULL);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  ax_run(beach);
  ax_work_end(kitchen);
  pthread_join(jeeves, NULL);
  printf("%d served\n", served);
  ax_context_free(kitchen);
  ax_context_free(beach);
}
