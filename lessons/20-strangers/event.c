/* event.c: one line for one event. */
#include "event.h"
#include "lesson.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

long event_level = INFO;

static void write_time(char to[48]) {
  struct timespec now;
  struct tm date;
  char seconds[24];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &date);
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &date);
  snprintf(to, 48, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

void event(enum level level, unsigned long session, const char *format, ...) {
  static const char *const names[] = {"error", "warn", "info"};
  char when[48], text[600];
  va_list args;
  if ((long)level > event_level)
    return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  write_time(when);
  if (session)
    lesson_log("%s %s #%lu %s", when, names[level], session, text);
  else
    lesson_log("%s %s server %s", when, names[level], text);
}
