/* lesson.c: time, text and errors of the lessons. */
#include "lesson.h"

#include <errno.h>
#include <pthread.h>
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

/* Output that was lost is no success. The program is ending already, so its
 * status can be changed by _exit only. */
static void check_output(void) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return;
  fprintf(stderr, "%s: standard output cannot be written\n", lesson__program);
  _exit(1);
}

static void start_once(void) {
  atexit(check_output);
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
  char line[4 * sizeof text];
  lesson_printable(line, sizeof line, text, strlen(text));

  /* Locked from the reading of the clock on, so that a later time never
   * stands above an earlier one. */
  flockfile(stdout);
  fprintf(stdout, "[%2ld s] %s\n", second_now(), line);
  fflush(stdout);
  ax_trace_mark(text);
  funlockfile(stdout);
}

/* --------------------------------------------------------------- errors */

void lesson_must(const char *what, int err) {
  if (err)
    lesson__quit(1, "%s: %s", what, uv_strerror(err));
}

void *lesson_alloc(size_t size) {
  void *memory = malloc(size);
  if (!memory && size)
    lesson__quit(1, "out of memory for %zu bytes", size);
  return memory;
}
