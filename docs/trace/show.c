/* show.c: a trace as text, 80 columns wide; docs/trace.md tells how to read it.
 *
 *     show [--from TIME] [--to TIME] TRACE
 *
 * LESSON_SPEED is what the program had. The exit status is 1 when the file is
 * no trace, or ends too early; then the picture is that of what there is. */
#include "show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ times */

static const struct unit {
  const char *name, *short_name;
  double us;
} units[] = {{"seconds", "s", 1e6}, {"ms", "ms", 1e3}, {"us", "us", 1}};
enum { UNITS = sizeof units / sizeof *units };

static const struct unit *unit_for(double us) {
  const struct unit *unit = units;
  while (unit < units + UNITS - 1 && us < unit->us)
    unit++;
  return unit;
}

static const struct unit *unit(const struct view *view) {
  return unit_for(view->to * view->speed);
}

const char *unit_of(const struct view *view) { return unit(view)->name; }

/* Four digits of what the view is long. */
void put_moment(const struct view *view, double us, char text[32]) {
  double per = view->speed / unit(view)->us;
  double digits = 3 - floor(log10((view->to - view->from) * per));
  int decimals = digits < 0 ? 0 : digits > 6 ? 6 : (int)digits;
  snprintf(text, 32, "%.*f", decimals, us * per);
}

void put_span(const struct view *view, double us, char text[32]) {
  const struct unit *unit = unit_for(us * view->speed);
  double number = us * view->speed / unit->us;
  int decimals = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  if (us <= 0)
    snprintf(text, 32, "-");
  else
    snprintf(text, 32, "%.*f %s", decimals, number, unit->short_name);
}

double column_span(const struct view *view) {
  return (view->to - view->from) / WIDTH;
}

double column_of(const struct view *view, double us) {
  return (us - view->from) / column_span(view);
}

/* ------------------------------------------------------------------ names */

const char *thread_name(const struct view *view, double tid) {
  static char text[32];
  const struct thread *thread = trace_thread(&view->trace, tid);
  const char *name = thread ? thread->name : "";
  if (thread && strcmp(thread->first, "main") == 0)
    name = thread->first;
  if (!*name)
    snprintf(text, sizeof text, tid < 0 ? "?" : "thread %.0f", tid);
  return *name ? name : text;
}

/* Contexts have one of two, strands one of eight, by their number. */
char sign_of(const char *on) {
  const char *digits = strrchr(on, ' ');
  long number = digits ? strtol(digits, NULL, 10) : 1;
  bool strand = strncmp(on, "strand", 6) == 0;
  const char *signs = strand ? "#%*@&$~+" : "=-";
  return signs[number > 0 ? (size_t)(number - 1) % strlen(signs) : 0];
}

char letter_of(const struct view *view, double id) {
  const struct op *op = trace_op(&view->trace, id);
  return op ? op->letter : '\0';
}

bool in_view(const struct view *view, double begin, double end) {
  return end >= view->from && begin <= view->to;
}

/* ---------------------------------------------------------------- letters */

static int by_initiation(const void *a, const void *b) {
  const struct op *x = *(struct op *const *)a, *y = *(struct op *const *)b;
  if (x->at != y->at)
    return x->at < y->at ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

enum { LETTERS = 52 };

/* Operations are lettered in the order in which they were initiated, if they
 * are initiated or run in the view. */
static void give_letters(struct view *view) {
  static const char letters[LETTERS + 1] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  size_t count = view->trace.ops.count;
  struct op **ops = resized(NULL, (count + 1) * sizeof(struct op *));
  for (size_t i = 0; i < count; i++) {
    struct op *op = ops[i] = &view->trace.ops.at[i];
    op->letter = in_view(view, op->at, op->at) ? '?' : '\0';
  }
  for (size_t i = 0; i < view->trace.runs.count; i++) {
    const struct run *run = &view->trace.runs.at[i];
    if (in_view(view, run->begin, run->end))
      trace_op(&view->trace, run->op)->letter = '?';
  }
  qsort(ops, count, sizeof *ops, by_initiation);
  for (size_t i = 0; i < count; i++)
    if (ops[i]->letter) {
      size_t nth = view->ops++;
      ops[i]->letter = letters[nth < LETTERS ? nth : LETTERS];
      view->lettered += nth < LETTERS;
    }
  free(ops);
}

/* ------------------------------------------------------------ command line */

_Noreturn static void usage(const char *wrong) {
  fprintf(stderr, "show: %s\nusage: show [--from TIME] [--to TIME] TRACE\n",
          wrong);
  exit(2);
}

/* A number above 0, of an option or of LESSON_SPEED. */
static double number_of(const char *text, double least, const char *wrong) {
  char *end;
  double number = text ? strtod(text, &end) : -1;
  if (!text || end == text || *end || !(number >= least && number <= 1e9))
    usage(wrong);
  return number;
}

static double speed(void) {
  const char *text = getenv("LESSON_SPEED");
  return text && *text ? number_of(text, 0.001, "LESSON_SPEED is no speed") : 1;
}

/* Times are typed in lesson seconds. */
static const char *read_options(struct view *view, char **arg) {
  const char *path = NULL;
  for (; *arg; arg++)
    if (strcmp(*arg, "--from") == 0)
      view->from = number_of(*++arg, 0, "--from wants a time in seconds");
    else if (strcmp(*arg, "--to") == 0)
      view->to = number_of(*++arg, 0, "--to wants a time in seconds");
    else if (path || **arg == '-')
      usage(path ? "one trace, please" : "there is no such option");
    else
      path = *arg;
  if (!path)
    usage("which trace?");
  return path;
}

static void set_view(struct view *view) {
  view->from *= 1e6 / view->speed;
  view->to *= 1e6 / view->speed;
  if (view->to <= 0)
    view->to = view->trace.end;
  if (view->from >= view->to && view->trace.end > 0)
    usage("--from is not before --to, or after the end");
}

int main(int argc, char **argv) {
  struct view view = {.speed = speed()};
  const char *path = read_options(&view, argv + (argc > 0));
  struct events events = events_read(path);
  view.trace = trace_of(&events);
  set_view(&view);
  if (view.trace.end > 0) {
    give_letters(&view);
    draw(&view);
    list(&view);
  } else {
    puts("Nothing happened in this trace.");
  }
  if (fflush(stdout) != 0 || ferror(stdout)) {
    perror("show: standard output");
    return 1;
  }
  if (events.cut)
    fprintf(stderr,
            "show: %s ends too early, as that of a program that was killed.\n",
            path);
  trace_free(&view.trace);
  events_free(&events);
  return events.cut;
}
