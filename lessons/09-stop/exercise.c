/* The exercise of lesson 9: the first Ctrl-C closes the shack when the slushie
 * in the blender is done, and the second one at once. */
#include "lesson.h"

#include <signal.h>

struct shack {
  ax_context *context;
  ax_timer *blender;
  ax_signals *signals;
  bool closing;
};

static void start_blender(struct shack *shack);

static void on_ding(void *arg, int err, size_t n) {
  struct shack *shack = arg;
  lesson_must("wait for the blender", err);
  lesson_say("ding");
  /* todo: When the shack is closing this was the last slushie. Make no other
   * one then, and end what is still pending: ax_run returns when nothing is. */
  if (shack->closing) {
    ax_signals_cancel(shack->signals);
    return;
  }
  /* done */
  start_blender(shack);
}

static void start_blender(struct shack *shack) {
  ax_timer_expires_after(shack->blender, lesson_seconds(5));
  ax_timer_wait(shack->blender, ax_call(on_ding, shack));
}

static void on_signal(void *arg, int err, size_t signo);

static void listen_to_signals(struct shack *shack) {
  ax_signals_wait(shack->signals, ax_call(on_signal, shack));
}

static void on_signal(void *arg, int err, size_t signo) {
  struct shack *shack = arg;
  if (err == UV_ECANCELED)
    return;
  lesson_must("wait for a signal", err);
  /* todo: At the first Ctrl-C say "closing after this slushie", and listen on.
   * At the second one say "closing at once", and stop. */
  if (shack->closing) {
    lesson_say("closing at once");
    ax_stop(shack->context);
  } else {
    lesson_say("closing after this slushie");
    shack->closing = true;
    listen_to_signals(shack);
  }
  /* given: ax_stop(shack->context); */
  /* done */
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Closes at the second Ctrl-C."};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct shack shack = {.context = context,
                        .blender = ax_timer_new(context),
                        .signals = ax_signals_new(context)};
  lesson_must("SIGINT", ax_signals_add(shack.signals, SIGINT));

  listen_to_signals(&shack);
  start_blender(&shack);
  lesson_say("the shack is open");
  ax_run(context);
  lesson_say("done");

  ax_unref(shack.signals);
  ax_unref(shack.blender);
  ax_context_free(context);
  return 0;
}
