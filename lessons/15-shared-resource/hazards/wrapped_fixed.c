/* The twin of wrapped.c: the work is done elsewhere, and its answer comes home.
 */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

static ax_context *beach, *tent;
static ax_timer *echo;
static bool answered;
static int echoes;

/* Takes its time. */
static int ask(void *arg) {
  uv_sleep(200);
  return 0;
}

static void on_answer(void *arg, int err, size_t n) { answered = true; }

static void question(void) {
  ax_run_on(tent, ask, NULL, ax_on(beach, ax_call(on_answer, NULL)));
}

static void on_echo(void *arg, int err, size_t n);

static void next_echo(void) {
  ax_timer_expires_after(echo, AX_MS(2));
  ax_timer_wait(echo, ax_call(on_echo, NULL));
}

/* One who only wants to hear an echo, until the answer is there. */
static void on_echo(void *arg, int err, size_t n) {
  if (answered)
    return;
  echoes++;
  next_echo();
}

static void on_first(void *arg, int err, size_t n) {
  next_echo();
  question();
}

static void *butler(void *arg) {
  ax_run(tent);
  return NULL;
}

int main(void) {
  pthread_t jeeves;
  beach = ax_context_new(), tent = ax_context_new();
  echo = ax_timer_new(beach);
  ax_post(beach, ax_call(on_first, NULL));
  ax_work_begin(tent);
  int error = pthread_create(&jeeves, NULL, butler, NULL);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  ax_run(beach);
  ax_work_end(tent);
  pthread_join(jeeves, NULL);
  printf("%s\n", echoes > 1 ? "others were served" : "all others had to wait");
  ax_unref(echo);
  ax_context_free(tent);
  ax_context_free(beach);
}
