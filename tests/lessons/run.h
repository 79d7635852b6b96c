/* run.h: what the tests of lessons 1 to 8 and 14 share: one run of the lesson,
 * five times as fast as a learner sees it, and questions about its trace. */
#ifndef RUN_H
#define RUN_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
  int number;
  const char *expected; /* the path of expected.txt */
  struct program *program;
  char trace_path[TEMP_PATH];
  struct trace *trace;
};

/* ------------------------------------------------------------- one run */

/* The text without "[ 5 s] " at the beginning of lines. */
static inline char *without_times(const char *text) {
  char *copy = calloc(1, strlen(text) + 1), *to = copy;
  assert_non_null(copy);
  for (bool first = true; *text; first = to[-1] == '\n') {
    const char *end = first && *text == '[' ? strstr(text, " s] ") : NULL;
    text = end ? end + strlen(" s] ") : text;
    *to++ = *text++;
  }
  return copy;
}

/* NULL, or how the output differs, its times left out; the caller's. */
static inline char *lines_differ(const struct run *run) {
  char *text = read_whole_file(run->expected);
  char *expected = without_times(text);
  char *actual = without_times(program_out(run->program));
  char *found = output_difference(expected, actual);
  free(expected);
  free(actual);
  free(text);
  return found;
}

/* NULL, or how the output differs; the caller's. */
static inline char *output_differs(const struct run *run) {
  char *expected = read_whole_file(run->expected);
  char *found = output_difference(expected, program_out(run->program));
  free(expected);
  return found;
}

static inline void expect_lines(const struct run *run) {
  char *found = lines_differ(run);
  if (found)
    give_up("%s, times left out: %s", run->expected, found);
}

/* What a learner has edited shows here. The other tests would only tell in many
 * words what follows from it, so the first one is the last. */
static inline _Noreturn void report_and_end(const struct run *run,
                                            const char *found, int status) {
  printf("The output is not that of %s.\n", run->expected);
  if (found)
    printf("In %s\n", found);
  if (status != 0)
    printf("It ended with status %d.\n", status);
  printf("--- the whole output:\n%s--- its errors:\n%s",
         program_out(run->program), program_err(run->program));
  exit(1);
}

static inline void run_free(struct run *run) {
  if (run->trace)
    trace_free(run->trace);
  program_free(run->program);
  run->trace = NULL;
  run->program = NULL;
}

/* Looks at the lines, but for those of lessons 6 and 14, where two threads
 * speak by the clock. */
static inline void run_at(struct run *run, const char *speed) {
  temp_path(run->trace_path, "trace.json");
  struct program_options options = {.speed = speed, .trace = run->trace_path};
  run_free(run);
  run->program = program_start(run->number, &options);
  int status = program_wait(run->program);
  bool by_the_clock = run->number == 6 || run->number == 14;
  char *found = by_the_clock && status == 0 ? NULL : lines_differ(run);
  if (found || status != 0)
    report_and_end(run, found, status);
}

/* On a machine so busy that something came half a lesson second late, which the
 * output shows, it is run again, more slowly, and says so. */
static inline struct run *run_start(int number, const char *expected) {
  static const char *const speeds[] = {"5", "2", "0.5"};
  struct run *run = calloc(1, sizeof *run);
  assert_non_null(run);
  run->number = number;
  run->expected = expected;
  for (int i = 0; i < 3; i++) {
    run_at(run, speeds[i]);
    char *found = output_differs(run);
    if (!found)
      break;
    if (i == 2)
      report_and_end(run, found, 0);
    print_message("%s: %s\n", run->expected, found);
    free(found);
  }
  run->trace = trace_load(run->trace_path);
  return run;
}

static inline int run_end(void **state) {
  if (*state)
    run_free(*state);
  free(*state);
  return 0;
}

/* The least that lesson seconds are in microseconds of the trace. */
static inline double lesson_us(double lesson_s) { return lesson_s * 1e6 / 5; }

/* The handler that was running when it said `text`; of nested ones, the
 * innermost. */
static inline struct trace_slice *handler_that_said(const struct run *run,
                                                    const char *text) {
  struct trace_mark *mark = trace_find_mark(run->trace, text, 0);
  struct trace_slice *found = NULL;
  for (size_t i = 0; i < run->trace->slice_count; i++) {
    struct trace_slice *slice = &run->trace->slices[i];
    bool around = strcmp(slice->cat, "handler") == 0 &&
                  slice->tid == mark->tid && slice->ts <= mark->ts &&
                  mark->ts <= slice_end(slice);
    if (around && (found == NULL || slice->ts >= found->ts))
      found = slice;
  }
  assert_non_null(found);
  return found;
}

/* When the operation of that handler was initiated. */
static inline double initiated(const struct run *run,
                               const struct trace_slice *handler) {
  for (size_t i = 0; i < run->trace->flow_count; i++) {
    const struct trace_flow *flow = &run->trace->flows[i];
    if (flow->phase == 's' && flow->id == handler->op)
      return flow->ts;
  }
  give_up("operation %ld was never initiated", handler->op);
}

/* ------------------------------------------------------------ its text */

static inline void text_is_as_expected(void **state) {
  const struct run *run = *state;
  expect_output(run->expected, program_out(run->program));
}

/* --------------------------------------------------------- its manners */

static inline size_t count_lines(const char *text) {
  size_t count = 0;
  for (; *text; text++)
    count += *text == '\n';
  return count;
}

static inline void help_explains(void **state) {
  const struct run *run = *state;
  struct program_options options = {.args = {"--help"}};
  struct program *program = program_run(run->number, &options, 0);
  char usage[32];
  snprintf(usage, sizeof usage, "usage: lesson%d [--help]\n", run->number);
  const char *text = program_out(program);
  assert_int_equal(strncmp(text, usage, strlen(usage)), 0);
  assert_int_equal(count_lines(text), 2);
  assert_string_equal(program_err(program), "");
  program_free(program);
}

static inline void expect_refusal(const struct run *run,
                                  const struct program_options *options,
                                  const char *what) {
  struct program *program = program_run(run->number, options, 2);
  assert_string_equal(program_out(program), "");
  assert_int_equal(count_lines(program_err(program)), 1);
  assert_non_null(strstr(program_err(program), what));
  program_free(program);
}

static inline void wrong_usage_is_refused(void **state) {
  const struct run *run = *state;
  struct program_options word = {.args = {"now"}}, option = {.args = {"-x"}};
  expect_refusal(run, &word, "'now'");
  expect_refusal(run, &option, "'-x'");
}

static inline void bad_speed_is_refused(void **state) {
  const struct run *run = *state;
  static const char *const bad[] = {"fast", "0", "-1", "2x", "nan", "inf"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct program_options options = {.speed = bad[i]};
    expect_refusal(run, &options, "LESSON_SPEED");
  }
}

/* A stack larger than memory can be is a thread that cannot be had. Sanitizers
 * make stacks of their own, and not every system allows such a limit. */
static inline void a_thread_that_cannot_be_had_is_told(void **state) {
  const struct run *run = *state;
  static const char limit[] = "ulimit -s 1000000000000 2>/dev/null";
  char script[400];
  if (SANITIZED || system(limit) != 0)
    skip();
  snprintf(script, sizeof script, "%s; exec %s", limit,
           lesson_path(run->number));
  char *argv[] = {"/bin/sh", "-c", script, NULL};
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 1);
  assert_string_equal(program_out(program), "");
  assert_int_equal(count_lines(program_err(program)), 1);
  assert_non_null(strstr(program_err(program), ": hire a butler: "));
  program_free(program);
}

#define RUN_TESTS                                                              \
  cmocka_unit_test(text_is_as_expected), cmocka_unit_test(help_explains),      \
      cmocka_unit_test(wrong_usage_is_refused)

#endif
