/* legend.c: how to read the picture: its rows, its axis, its signs. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_EXECUTORS = 6 };

/* ------------------------------------------------------------------- rows */

/* What is a little too early for a column is in it all the same: a second does
 * not begin in front of its label because the clock was not read at once. */
int column(const struct view *view, double us) {
  double at = column_of(view, us) + 0.05;
  return at < 0 ? 0 : at > WIDTH ? WIDTH : (int)at;
}

void clear_row(char row[WIDTH + 1]) {
  memset(row, ' ', WIDTH);
  row[WIDTH] = '\0';
}

void print_row(const char *label, const char *row) {
  int length = WIDTH;
  while (length && row[length - 1] == ' ')
    length--;
  if (length)
    printf("%-*.*s %.*s\n", LABEL, LABEL, label, length, row);
  else
    printf("%.*s\n", LABEL, label);
}

/* Puts `on` into a list of names that has room; false: it has not. */
bool collect(const char **names, size_t *count, size_t room, const char *on) {
  for (size_t i = 0; i < *count; i++)
    if (strcmp(names[i], on) == 0)
      return true;
  if (*count == room)
    return false;
  names[(*count)++] = on;
  return true;
}

/* ------------------------------------------------------------------- axis */

/* 1, 2 or 5 times a power of ten, so that labels have room. */
static double step_of(double span) {
  double power = pow(10, floor(log10(span))) / 10;
  static const double times[] = {1, 2, 5, 10};
  size_t i = 0;
  while (i < 3 && span / (times[i] * power) > 9)
    i++;
  return times[i] * power;
}

void draw_axis(const struct view *view) {
  char row[WIDTH + 1], text[32];
  clear_row(row);
  double unit = strcmp(unit_of(view), "seconds") == 0 ? 1e6
                : strcmp(unit_of(view), "ms") == 0    ? 1e3
                                                      : 1;
  double us = unit / view->speed; /* of one unit */
  double step = step_of((view->to - view->from) / us);
  for (double at = ceil(view->from / us / step) * step; at * us <= view->to;
       at += step) {
    int n = snprintf(text, sizeof text, "%.7g", at), to = column(view, at * us);
    to = to + n <= WIDTH ? to : WIDTH - n;
    if (row[to] == ' ')
      memcpy(row + to, text, (size_t)n);
  }
  print_row(unit_of(view), row);
}

/* ----------------------------------------------------------------- legend */

static int used; /* columns of the line */

static void say(const char *text) {
  int n = (int)strlen(text);
  if (used && used + 3 + n > COLUMNS) {
    putchar('\n');
    used = 0;
  }
  used += printf("%s%s", used ? "   " : "", text);
}

static void say_executors(const struct view *view) {
  const char *names[MOST_EXECUTORS];
  char text[COLUMNS];
  size_t count = 0;
  bool all = true;
  for (size_t i = 0; i < view->trace.runs.count; i++) {
    const struct run *run = &view->trace.runs.at[i];
    if (in_view(view, run->begin, run->end))
      all &= collect(names, &count, MOST_EXECUTORS, run->on);
  }
  for (size_t i = 0; i < count; i++) {
    char sign = sign_of(names[i]);
    snprintf(text, sizeof text, "%.40s %c%c%c", names[i], sign, sign, sign);
    say(text);
  }
  if (!all)
    say("and more");
}

void legend(const struct view *view, bool waiting) {
  char text[COLUMNS], span[32];
  used = 0;
  say("a letter: in a bar the handler begins, elsewhere it is initiated");
  if (view->ops > view->lettered) {
    snprintf(text, sizeof text, "the first %zu of %zu operations have letters",
             view->lettered, view->ops);
    say(text);
  }
  say_executors(view);
  say("asleep in the poll ...");
  if (waiting)
    say("waits, from its letter on ::: (22: two do)");
  put_span(view, column_span(view), span);
  snprintf(text, sizeof text, "a column: %s", span);
  say(text);
  if (view->speed != 1) {
    snprintf(text, sizeof text, "%g lesson seconds in a real one", view->speed);
    say(text);
  }
  putchar('\n');
}
