/* Lesson 9: stop.
 *
 * The shack stays open until somebody says stop: Enter or the end of standard
 * input, whatever that is, Ctrl-C, or SIGTERM. The blender runs meanwhile, and
 * main may have work of its own (beside.c). */
#include "beside.h"
#include "lesson.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct shack {
  ax_context *context;
  ax_timer *blender;
  ax_signals *signals;
  ax_stream *input;
  char cup[64];
};

/* region: stop */
static void close_shack(struct shack *shack, const char *why) {
  lesson_say("%s: the shack closes", why);
  ax_stop(shack->context);
}
/* end: stop */

/* region: blender */
static void start_blender(struct shack *shack);

static void on_ding(void *arg, int err, size_t n) {
  struct shack *shack = arg;
  lesson_must("wait for the blender", err);
  lesson_say("ding");
  start_blender(shack);
}

static void start_blender(struct shack *shack) {
  ax_timer_expires_after(shack->blender, lesson_seconds(5));
  ax_timer_wait(shack->blender, ax_call(on_ding, shack));
}
/* end: blender */

/* region: input */
static void listen_to_input(struct shack *shack);

/* Enter is one byte, so it does not matter how the input is cut in pieces. */
static void on_input(void *arg, int err, size_t n) {
  struct shack *shack = arg;
  if (err == UV_EOF) {
    close_shack(shack, "end of input");
    return;
  }
  lesson_must("read standard input", err);
  if (memchr(shack->cup, '\n', n))
    close_shack(shack, "Enter");
  else
    listen_to_input(shack);
}

static void listen_to_input(struct shack *shack) {
  ax_stream_read_some(shack->input, AX_SEQ(AX_BUF(shack->cup)),
                      ax_call(on_input, shack));
}
/* end: input */

/* region: readable */
static void on_readable(void *arg, int err, size_t n) {
  lesson_must("wait for standard input", err);
  close_shack(arg, "something to read");
}

static void wait_for_input(struct shack *shack) {
  ax_stream_wait(shack->input, AX_READ, ax_call(on_readable, shack));
}
/* end: readable */

/* region: signals */
/* An ordinary handler on a butler, not one of sigaction: it may print, lock and
 * free. */
static void on_signal(void *arg, int err, size_t signo) {
  struct shack *shack = arg;
  lesson_must("wait for a signal", err);
  close_shack(shack, signo == SIGINT ? "Ctrl-C" : "SIGTERM");
}

static void listen_to_signals(struct shack *shack) {
  lesson_must("SIGINT", ax_signals_add(shack->signals, SIGINT));
  lesson_must("SIGTERM", ax_signals_add(shack->signals, SIGTERM));
  ax_signals_wait(shack->signals, ax_call(on_signal, shack));
}
/* end: signals */

static long leave_input, main_does; /* the place of the word that was given */

static const struct lesson_option options[] = {
    {"input=read|wait", &leave_input, 0, 0, "read the input, or leave it"},
    {"main=runs|polls|hires", &main_does, 0, 0, "what main does meanwhile"},
};

int main(int argc, char **argv) {
  struct lesson_cli cli = {
      .about = "Runs until Enter, end of input, Ctrl-C or SIGTERM.",
      .options = options,
      .option_count = sizeof options / sizeof *options};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct shack shack = {.context = context,
                        .blender = ax_timer_new(context),
                        .signals = ax_signals_new(context),
                        .input = ax_stream_new(context)};
  lesson_must("standard input", ax_stream_open_fd(shack.input, STDIN_FILENO));

  listen_to_signals(&shack);
  if (leave_input)
    wait_for_input(&shack);
  else
    listen_to_input(&shack);
  start_blender(&shack);
  lesson_say("the shack is open: Enter or Ctrl-C closes it");
  beside(context, main_does);
  lesson_say("done");

  ax_unref(shack.input);
  ax_unref(shack.signals);
  ax_unref(shack.blender);
  ax_context_free(context);
  return 0;
}
