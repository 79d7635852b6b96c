/* Lesson 15: a shared resource. The answers of this server come from a function
 * in Python, where one thread may run at a time. There are three ways to ask
 * it, and a plain echo beside them, which asks nobody, to see who has to wait.
 */
#include "../10-echo/listener.h"
#include "../12-framing/session.h"
#include "customer.h"
#include "interpreter.h"
#include "lesson.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static long way = STRAND, butlers = 2;
static const char *app = "lessons/15-shared-resource/app.py:slow";

static void read_command_line(struct lesson_cli *cli, int argc, char **argv) {
  static const struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that serve the clients"},
      {"way=blocking|wrapped|strand", &way, 0, 0, "how Python is asked"}};
  static const struct lesson_text texts[] = {
      {"app=FILE:FUNCTION", &app, "the Python function that is asked"}};
  *cli = (struct lesson_cli){
      .about = "A server whose answers come from a Python function. Only the "
               "first ENDPOINT\nhas them; on the others it is an echo.",
      .endpoint = "127.0.0.1:8888",
      .options = options,
      .option_count = sizeof options / sizeof *options,
      .texts = texts,
      .text_count = 1};
  lesson_cli(cli, argc, argv);
}

_Noreturn static void quit(int status, const char *what, const char *why) {
  lesson_log("lesson15: %s%s", what, why);
  exit(status);
}

static bool is_directory(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static void start_interpreter(const char *program) {
  static char path[PATH_MAX];
  const char *colon = strrchr(app, ':');
  if (!colon || colon == app || !colon[1])
    quit(2, "--app is FILE:FUNCTION, not ", app);
  snprintf(path, sizeof path, "%.*s", (int)(colon - app), app);
  if (is_directory(path))
    quit(2, "--app is FILE:FUNCTION, and this FILE is a directory: ", path);
  const char *wrong = interpreter_start(program, path, colon + 1);
  if (wrong)
    quit(1, "", wrong);
  printf("Python %s serves %s\n", interpreter_version(), app);
  fflush(stdout);
}

/* The echo of lesson 12: figure 1. */
static void echo_connected(void *unused, ax_stream *stream) {
  struct session *s = session_new(stream, FRAME_MAX);
  length_start(s);
  ax_unref(s);
}

static void run(void *context) { ax_run(context); }

/* region: serve */
/* The customers have a context with its butlers. Python has a context, too,
 * with one butler and a strand that leads to him. */
static void serve(const struct lesson_cli *cli) {
  ax_context *context = ax_context_new(), *aside = ax_context_new();
  struct shop shop = {way, context, ax_strand_new(aside)};
  uv_thread_t butler;
  ax_work_begin(aside); /* he stays when there is nothing to do */
  lesson_must("hire a butler", uv_thread_create(&butler, run, aside));
  struct listener listeners[sizeof cli->endpoints / sizeof *cli->endpoints];
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_start(&listeners[i], context, &cli->endpoints[i],
                   i == 0 ? customer_connected : echo_connected, &shop);
  lesson_serve(context, butlers);
  ax_stop(aside);
  uv_thread_join(&butler);
  /* end: serve */
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_unref(shop.python);
  ax_context_free(aside);   /* questions that wait there are sent home ... */
  ax_context_free(context); /* ... and dropped here */
}

int main(int argc, char **argv) {
  struct lesson_cli cli;
  read_command_line(&cli, argc, argv);
  start_interpreter(argv[0]);
  serve(&cli);
  interpreter_end();
  printf("sessions served: %ld, alive: %ld\n",
         customers_served + sessions_served, customers_alive + sessions_alive);
  return 0;
}
