/* lesson.c: time, text, errors and butlers of the lessons. */
#include "lesson.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *lesson__program = "lesson";

void lesson__quit(int status, const char *format, ...) {
  char text[1000];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(stderr, "%s: %s\n", lesson__program, text);
  exit(status);
}

/* ----------------------------------------------------------------- time */

/* Set once, by the first call of any function here. */
static struct {
  pthread_once_t once;
  double speed; /* lesson seconds in a real one */
  ax_time zero; /* when lesson second 0 was */
} lesson = {.once = PTHREAD_ONCE_INIT};

static double read_speed(const char *text) {
  char *end;
  double speed = strtod(text, &end);
  /* Asked this way round, because nothing is true of "nan". */
  if (end != text && *end == '\0' && speed >= 0.001 && speed <= 1000000)
    return speed;
  lesson__quit(2, "LESSON_SPEED is a number from 0.001 to 1000000, not '%s'",
               text);
}

static void start_once(void) {
  const char *text = getenv("LESSON_SPEED");
  lesson.speed = text && *text ? read_speed(text) : 1;
  lesson.zero = ax_now();
}

void lesson__start(void) { pthread_once(&lesson.once, start_once); }

ax_time lesson_seconds(double seconds) {
  lesson__start();
  return AX_SECONDS(seconds / lesson.speed);
}

static long second_now(void) {
  double real = (double)(ax_now() - lesson.zero) / 1e9;
  return (long)(real * lesson.speed + 0.5);
}

void lesson_work(double seconds) {
  ax_time span = lesson_seconds(seconds);
  struct timespec left = {.tv_sec = (time_t)(span / 1000000000),
                          .tv_nsec = (long)(span % 1000000000)};
  while (nanosleep(&left, &left) != 0)
    ; /* a signal woke it: sleep for what is left */
}

/* ----------------------------------------------------------------- text */

void lesson_say(const char *format, ...) {
  lesson__start();
  char text[1000];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);

  /* Locked from the reading of the clock on, so that a later time never
   * stands above an earlier one. */
  flockfile(stdout);
  fprintf(stdout, "[%2ld s] %s\n", second_now(), text);
  fflush(stdout);
  ax_trace_mark(text);
  funlockfile(stdout);
}

/* --------------------------------------------------------------- errors */

void lesson_must(const char *what, int err) {
  if (err)
    lesson__quit(1, "%s: %s", what, uv_strerror(err));
}

/* Each stream works on a duplicate of its own. */
/* -------------------------------------------------------------- butlers */

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

void lesson_run(ax_context *context, long butlers) {
  lesson__start();
  size_t count = butlers > 1 ? (size_t)butlers - 1 : 0;
  pthread_t *others = calloc(count + 1, sizeof *others);
  if (others == NULL)
    lesson__quit(1, "no memory for %ld butlers", butlers);
  for (size_t i = 0; i < count; i++)
    if (pthread_create(&others[i], NULL, butler, context) != 0)
      lesson__quit(1, "the system has no thread for butler %zu", i + 1);
  ax_run(context);
  for (size_t i = 0; i < count; i++)
    pthread_join(others[i], NULL);
  free(others);
}

static void on_signal(void *context, int err, size_t signo) {
  ax_stop(context);
}

ax_signals *lesson_stop_on_signals(ax_context *context) {
  ax_signals *signals = ax_signals_new(context);
  ax_signals_add(signals, SIGINT);
  ax_signals_add(signals, SIGTERM);
  ax_signals_wait(signals, ax_call(on_signal, context));
  return signals;
}

ax_acceptor *lesson_listen(ax_executor *executor, const ax_endpoint *endpoint) {
  char text[AX_ENDPOINT_TEXT];
  ax_endpoint local;
  ax_acceptor *acceptor = ax_acceptor_new(executor);
  int err = ax_acceptor_listen(acceptor, endpoint);
  ax_endpoint_format(endpoint, text);
  if (err)
    lesson__quit(1, "cannot listen on %s: %s", text, uv_strerror(err));
  ax_acceptor_local(acceptor, &local);
  ax_endpoint_format(&local, text);
  printf("listening on %s\n", text);
  fflush(stdout);
  return acceptor;
}
