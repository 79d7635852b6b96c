/* show.h: a trace as text, in parts. */
#ifndef SHOW_H
#define SHOW_H

#include "events.h"

enum { COLUMNS = 80, LABEL = 15, WIDTH = COLUMNS - LABEL - 1 };

/* What is shown of a trace. */
struct view {
  struct trace trace;
  double from, to;      /* us since the trace began */
  double speed;         /* lesson seconds in a real one */
  size_t ops, lettered; /* operations in the view, and those with letters */
};

/* ------------------------------------------------------------------ times */

/* Moments have one unit, which fits the view. */
const char *unit_of(const struct view *view);
/* As "5.00". */
void put_moment(const struct view *view, double us, char text[32]);
/* As "3.00 s" or "21 us"; "-" for nothing. */
void put_span(const struct view *view, double us, char text[32]);
double column_span(const struct view *view);
/* From a moment to its column, which may be outside. */
double column_of(const struct view *view, double us);

/* ------------------------------------------------------------------ names */

/* What a thread is called in the list: main remains main as a butler. The text
 * stays until the next call. */
const char *thread_name(const struct view *view, double tid);
/* The character of an executor. */
char sign_of(const char *on);
/* The letter of an operation, or 0. */
char letter_of(const struct view *view, double op);
/* Does it touch the view? */
bool in_view(const struct view *view, double begin, double end);

/* -------------------------------------------------------------------- rows */

/* From 0 to WIDTH. */
int column(const struct view *view, double us);
void clear_row(char row[WIDTH + 1]);
void print_row(const char *label, const char *row);
/* Puts `on` into a list of names that has room; false: it has not. */
bool collect(const char **names, size_t *count, size_t room, const char *on);

/* ------------------------------------------------------------------- parts */

void draw_axis(const struct view *view);
/* Does it tell of queues? */
void legend(const struct view *view, bool waiting);

void draw(const struct view *view);
void list(const struct view *view);

#endif
