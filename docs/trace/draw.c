/* draw.c: the picture: an axis, a row for each thread, one for each queue in
 * which something had to wait, and what the signs mean. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_THREADS = 24, MOST_QUEUES = 8, ASIDE = 8 };

/* ------------------------------------------------------------------- rows */

/* The letters of a row, in order of time, each where it would like to be. */
struct letters {
  int count, at[WIDTH];
  char letter[WIDTH + 1];
};

/* One whose place is taken stands to the right of it, unless that is too far;
 * it has no place then. */
static void add_letter(struct letters *letters, int at, char letter) {
  int i = letters->count;
  int free = i ? letters->at[i - 1] + 1 : 0;
  if (!letter || i == WIDTH || free - at > ASIDE)
    return;
  letters->at[i] = free > at ? free : at;
  letters->letter[i] = letter;
  letters->count++;
}

/* At the end of the row all move to the left as far as they must. */
static void put_letters(const struct letters *letters, char *row) {
  int last = WIDTH - 1;
  for (int i = letters->count; i-- > 0; last--) {
    last = letters->at[i] < last ? letters->at[i] : last;
    if (last >= 0)
      row[last] = letters->letter[i];
  }
}

static void put_bar(const struct view *view, char *row, const struct run *run) {
  int from = column(view, run->begin), to = column(view, run->end);
  for (int i = from; i < WIDTH && (i < to || i == from); i++)
    row[i] = sign_of(run->on);
  if (!run->whole && view->to >= run->end)
    row[WIDTH - 1] = '>';
}

/* ---------------------------------------------------------------- threads */

/* Columns of which at least half is sleep. */
static void put_polls(const struct view *view, char *row, double tid) {
  double asleep[WIDTH + 1] = {0};
  for (size_t i = 0; i < view->trace.polls.count; i++) {
    const struct span *poll = &view->trace.polls.at[i];
    if (poll->tid != tid || !in_view(view, poll->begin, poll->end))
      continue;
    double begin = fmax(column_of(view, poll->begin), 0);
    double end = fmin(column_of(view, poll->end), WIDTH);
    for (int at = (int)begin; at < end; at++)
      asleep[at] += fmin(end, at + 1) - fmax(begin, at);
  }
  for (int at = 0; at < WIDTH; at++)
    if (asleep[at] >= 0.5)
      row[at] = '.';
}

/* A handler within another one is drawn over it. */
static void put_runs(const struct view *view, char *row, double tid) {
  struct letters letters = {0};
  const struct run *end = view->trace.runs.at + view->trace.runs.count;
  for (const struct run *run = view->trace.runs.at; run < end; run++) {
    if (run->tid != tid || !in_view(view, run->begin, run->end))
      continue;
    put_bar(view, row, run);
    if (run->begin >= view->from)
      add_letter(&letters, column(view, run->begin), letter_of(view, run->op));
  }
  put_letters(&letters, row);
}

static void put_initiations(const struct view *view, char *row, double tid) {
  struct letters letters = {0};
  for (size_t i = 0; i < view->trace.ops.count; i++) {
    const struct op *op = &view->trace.ops.at[i];
    if (op->tid == tid && in_view(view, op->at, op->at))
      add_letter(&letters, column(view, op->at), op->letter);
  }
  put_letters(&letters, row);
}

/* Main may become a butler. */
static void label_thread(const struct view *view, double tid,
                         char label[LABEL + 1]) {
  const struct thread *thread = trace_thread(&view->trace, tid);
  const char *name = thread_name(view, tid);
  bool both = strcmp(name, thread->name) != 0 && *thread->name;
  snprintf(label, LABEL + 1, "%s%s%s", name, both ? ", " : "",
           both ? thread->name : "");
}

/* Initiations stand above, or in the row itself when it has nothing else. */
static void draw_thread(const struct view *view, double tid) {
  char above[WIDTH + 1], row[WIDTH + 1], label[LABEL + 1];
  clear_row(above);
  clear_row(row);
  put_initiations(view, above, tid);
  put_polls(view, row, tid);
  put_runs(view, row, tid);
  bool idle = strspn(row, " ") == WIDTH;
  if (!idle && strspn(above, " ") < WIDTH)
    print_row("", above);
  label_thread(view, tid, label);
  print_row(label, idle ? above : row);
}

static void draw_threads(const struct view *view) {
  size_t count = view->trace.threads.count;
  for (size_t i = 0; i < count && i < MOST_THREADS; i++)
    if (view->trace.threads.at[i].tid > 0)
      draw_thread(view, view->trace.threads.at[i].tid);
  if (count > MOST_THREADS)
    printf("... and %zu threads more\n", count - MOST_THREADS);
}

/* ----------------------------------------------------------------- queues */

/* Long enough to be seen. */
static bool waits(const struct view *view, const struct span *wait) {
  return wait->end - wait->begin >= column_span(view) / 2 &&
         in_view(view, wait->begin, wait->end);
}

/* A colon for one that waits there, else their number; a letter where it begins
 * to wait. */
static void draw_queue(const struct view *view, const char *on) {
  char row[WIDTH + 1], label[LABEL + 1];
  int waiting[WIDTH + 1] = {0};
  struct letters letters = {0};
  const struct span *end = view->trace.waits.at + view->trace.waits.count;
  for (const struct span *wait = view->trace.waits.at; wait < end; wait++) {
    if (strcmp(wait->on, on) != 0 || !waits(view, wait))
      continue;
    int from = column(view, wait->begin), to = column(view, wait->end);
    for (int at = from; at < to; at++)
      waiting[at]++;
    if (wait->begin >= view->from)
      add_letter(&letters, from, letter_of(view, wait->op));
  }
  clear_row(row);
  for (int at = 0; at < WIDTH; at++)
    row[at] = " :23456789+"[waiting[at] < 10 ? waiting[at] : 10];
  put_letters(&letters, row);
  snprintf(label, sizeof label, "%.9s queue", on);
  print_row(label, row);
}

static bool draw_queues(const struct view *view) {
  const char *names[MOST_QUEUES];
  size_t count = 0;
  bool all = true;
  for (size_t i = 0; i < view->trace.waits.count; i++)
    if (waits(view, &view->trace.waits.at[i]))
      all &= collect(names, &count, MOST_QUEUES, view->trace.waits.at[i].on);
  for (size_t i = 0; i < count; i++)
    draw_queue(view, names[i]);
  if (!all)
    printf("... and there are more queues in which handlers waited\n");
  return count > 0;
}

void draw(const struct view *view) {
  draw_axis(view);
  draw_threads(view);
  legend(view, draw_queues(view));
}
