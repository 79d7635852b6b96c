/* list.c: the handlers beneath the picture, and sums when there are many. */
#include "show.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 30, MOST_NAMES = 12, NAME = 15, RESULT = 9 };

/* ---------------------------------------------------------------- one line */

static const struct {
  double err;
  const char *name;
} errors[] = {
    {-4095, "EOF"},
    {-ECANCELED, "ECANCELED"},
    {-ETIMEDOUT, "ETIMEDOUT"},
    {-ECONNRESET, "ECONNRESET"},
    {-EPIPE, "EPIPE"},
    {-ECONNREFUSED, "ECONNREFUSED"},
    {-ENOENT, "ENOENT"},
    {-EBUSY, "EBUSY"},
    {-EBADF, "EBADF"},
    {-EMSGSIZE, "EMSGSIZE"},
};

/* "" where there is neither error nor size. */
static void put_result(const struct run *run, char text[64]) {
  char err[24] = "", n[32] = "";
  if (run->err != 0)
    snprintf(err, sizeof err, "err %.0f", run->err);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (errors[i].err == run->err)
      snprintf(err, sizeof err, "%s", errors[i].name);
  if (run->n != 0)
    snprintf(n, sizeof n, "n %.0f", run->n);
  snprintf(text, 64, "%s%s%s", err, *err && *n ? " " : "", n);
}

static void put_by(const struct view *view, const struct run *run,
                   char text[32]) {
  char letter = letter_of(view, run->by);
  const struct op *op = trace_op(&view->trace, run->op);
  if (run->by != 0 && letter)
    snprintf(text, 32, "in %c", letter);
  else if (run->by != 0)
    snprintf(text, 32, "op %.0f", run->by);
  else
    snprintf(text, 32, "%s", thread_name(view, op->tid));
}

static void put_name(const struct run *run, char text[NAME + 1]) {
  int room = NAME - (*run->part ? 1 + (int)strlen(run->part) : 0);
  snprintf(text, NAME + 1, "%.*s%s%s", room < 1 ? 1 : room, run->name,
           *run->part ? " " : "", run->part);
}

static void list_run(const struct view *view, const struct run *run) {
  char by[32], name[NAME + 1], begin[32], waited[32], ran[32], result[64];
  char letter = letter_of(view, run->op);
  put_by(view, run, by);
  put_name(run, name);
  put_moment(view, run->begin, begin);
  put_span(view, run->ready < 0 ? 0 : run->begin - run->ready, waited);
  put_span(view, run->end - run->begin, ran);
  put_result(run, result);
  const char *thread = thread_name(view, run->tid);
  printf("%c %-*s %-8.8s %7s %7s %7s %-10.10s ", letter ? letter : ' ', NAME,
         name, by, begin, waited, run->whole ? ran : "goes on", run->on);
  if (!*result)
    printf("%.8s\n", thread);
  else if (strlen(result) <= RESULT)
    printf("%-8.8s %s\n", thread, result);
  else
    printf("%.8s\n    %s\n", thread, result);
}

/* -------------------------------------------------------------------- sums */

struct sum {
  const char *name;
  size_t count;
  double waited, ran, longest; /* the longest wait; all that it ran */
};

static int by_name(const void *a, const void *b) {
  const struct sum *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static int by_time_ran(const void *a, const void *b) {
  const struct sum *x = a, *y = b;
  if (x->ran != y->ran)
    return x->ran > y->ran ? -1 : 1;
  return strcmp(x->name, y->name);
}

static void add(struct sum *to, const struct sum *sum) {
  to->count += sum->count;
  to->ran += sum->ran;
  to->waited = fmax(to->waited, sum->waited);
  to->longest = fmax(to->longest, sum->longest);
}

/* One for each name, in place; returns how many there are. */
static size_t join_sums(struct sum *sums, size_t count) {
  size_t kept = 0;
  qsort(sums, count, sizeof *sums, by_name);
  for (size_t i = 0; i < count; i++)
    if (kept && strcmp(sums[kept - 1].name, sums[i].name) == 0)
      add(&sums[kept - 1], &sums[i]);
    else
      sums[kept++] = sums[i];
  qsort(sums, kept, sizeof *sums, by_time_ran);
  return kept;
}

static void list_sum(const struct view *view, const struct sum *sum) {
  char waited[32], ran[32], longest[32];
  put_span(view, sum->waited, waited);
  put_span(view, sum->ran, ran);
  put_span(view, sum->longest, longest);
  printf("%7zu %-26.26s %14s %14s %14s\n", sum->count, sum->name, ran, longest,
         waited);
}

static void list_sums(const struct view *view, size_t shown) {
  struct sum *sums = resized(NULL, shown * sizeof *sums);
  size_t count = 0;
  for (size_t i = 0; i < view->trace.runs.count; i++) {
    const struct run *run = &view->trace.runs.at[i];
    double ran = run->end - run->begin;
    if (in_view(view, run->begin, run->end))
      sums[count++] = (struct sum){
          run->name, 1, run->ready < 0 ? 0 : run->begin - run->ready, ran, ran};
  }
  count = join_sums(sums, count);
  printf("\n%7s %-26s %14s %14s %14s\n", "count", "all of one name", "ran",
         "the longest", "longest wait");
  for (size_t i = 0; i < count && i < MOST_NAMES; i++)
    list_sum(view, &sums[i]);
  if (count > MOST_NAMES)
    printf("... and %zu names more\n", count - MOST_NAMES);
  free(sums);
}

/* -------------------------------------------------------------------- list */

void list(const struct view *view) {
  size_t shown = 0, listed = 0;
  for (size_t i = 0; i < view->trace.runs.count; i++) {
    const struct run *run = &view->trace.runs.at[i];
    if (!in_view(view, run->begin, run->end))
      continue;
    if (shown++ == 0)
      printf("\n  %-*s %-8s %7s %7s %7s %-10s %s\n", NAME, "handler", "by",
             "begins", "waited", "ran", "on", "thread");
    if (listed < MOST_RUNS) {
      list_run(view, run);
      listed++;
    }
  }
  if (shown == 0)
    printf("\nNo handler ran.\n");
  if (shown > listed)
    printf(
        "... and %zu handlers more; FROM=1 TO=2 shows that part of the run\n",
        shown - listed);
  if (shown > listed)
    list_sums(view, shown);
}
