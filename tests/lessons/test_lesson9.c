/* Lesson 9: it stops on Enter, on the end of its input, on Ctrl-C and on
 * SIGTERM, whatever its input is and whatever main does meanwhile; says which
 * it was, and leaves the input as it found it. */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define OPEN "the shack is open"

static struct program *start_at(const char *speed, enum feed feed,
                                const char *input) {
  struct program_options options = {
      .speed = speed, .feed = feed, .input = input};
  struct program *program = program_start(9, &options);
  program_wait_for(program, OPEN);
  return program;
}

static struct program *start(enum feed feed, const char *input) {
  return start_at("20", feed, input);
}

static size_t times_said(struct program *program, const char *text) {
  size_t count = 0;
  for (const char *at = program_out(program); (at = strstr(at, text)); at++)
    count++;
  return count;
}

static size_t times_closed(struct program *program) {
  return times_said(program, ": the shack closes\n");
}

static void wait_for_dings(struct program *program, size_t count) {
  for (double end = deadline(); times_said(program, "ding\n") < count;)
    pause_before(end, "the next ding");
}

/* Exactly one reason to close is given, this one, and all is well. */
static void expect_reason(struct program *program, const char *reason) {
  char line[64];
  snprintf(line, sizeof line, " s] %s: the shack closes\n", reason);
  assert_int_equal(program_wait(program), 0);
  assert_string_equal(program_err(program), "");
  if (!strstr(program_out(program), line))
    give_up("not '%s' but:\n%s", reason, program_out(program));
  assert_int_equal(times_closed(program), 1);
}

static void stops(struct program *program, const char *reason) {
  expect_reason(program, reason);
  program_free(program);
}

/* Sends a signal, or types ^C for signo 0. */
static void whistle_once(struct program *program, int signo) {
  if (signo)
    program_signal(program, signo);
  else
    program_type(program, "\x03");
}

#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer delays signals, and sometimes for ever one that comes shortly
 * before the program goes to sleep; with libuv alone it does so, too. So the
 * whistle is blown twice a second until it has been heard. */
static void whistle(struct program *program, int signo) {
  double again = 0;
  for (double end = deadline(); !times_closed(program);) {
    if (seconds() > again) {
      whistle_once(program, signo);
      again = seconds() + 0.5;
    }
    pause_before(end, "the program to close");
  }
}
#else
static void whistle(struct program *program, int signo) {
  whistle_once(program, signo);
}
#endif

/* ---------------------------------------------------------------- Enter */

static void enter_after_the_first_ding_prints_what_is_expected(void **state) {
  struct run *run = *state;
  run->program = start_at("5", FEED_TERMINAL, NULL); /* time for Enter */
  wait_for_dings(run->program, 1);
  program_type(run->program, "\n");
  expect_reason(run->program, "Enter");
  expect_lines(run);
  program_free(run->program);
}

static void enter_stops_it_on_a_terminal(void **state) {
  struct program *program = start(FEED_TERMINAL, NULL);
  program_type(program, "stop\n");
  stops(program, "Enter");
}

static void a_line_stops_it_on_a_pipe(void **state) {
  stops(start(FEED_PIPE, "stop\n"), "Enter");
}

static void a_line_stops_it_in_a_file(void **state) {
  stops(start(FEED_FILE, "stop\n"), "Enter");
}

static void letters_without_enter_do_not_stop_it(void **state) {
  struct program *program = start(FEED_PIPE, "not ");
  wait_for_dings(program, 1);
  program_type(program, "yet");
  wait_for_dings(program, 2);
  assert_true(program_is_alive(program));
  program_type(program, "\n");
  stops(program, "Enter");
}

static void a_long_line_counts_as_one(void **state) {
  char line[5002];
  memset(line, 'x', 5000);
  line[5000] = '\n';
  line[5001] = 0;
  stops(start(FEED_PIPE, line), "Enter");
  stops(start(FEED_FILE, line), "Enter");
}

/* --------------------------------------------------------- end of input */

static void the_end_of_a_terminal_stops_it(void **state) {
  struct program *program = start(FEED_TERMINAL, NULL);
  program_end_input(program);
  stops(program, "end of input");
}

static void the_end_of_a_pipe_stops_it(void **state) {
  struct program *program = start(FEED_PIPE, NULL);
  wait_for_dings(program, 1);
  program_end_input(program);
  stops(program, "end of input");
}

static void the_end_of_a_file_stops_it(void **state) {
  stops(start(FEED_FILE, "no line"), "end of input");
  stops(start(FEED_FILE, ""), "end of input");
}

static void the_null_device_stops_it(void **state) {
  stops(start(FEED_NULL, NULL), "end of input");
}

/* -------------------------------------------------------------- signals */

static void ctrl_c_stops_it_on_a_terminal(void **state) {
  struct program *program = start(FEED_TERMINAL, NULL);
  whistle(program, 0);
  stops(program, "Ctrl-C");
}

static void signals_stop_it(void **state) {
  static const enum feed feeds[] = {FEED_TERMINAL, FEED_PIPE};
  for (size_t i = 0; i < 2; i++) {
    struct program *program = start(feeds[i], NULL);
    whistle(program, SIGINT);
    stops(program, "Ctrl-C");
    program = start(feeds[i], NULL);
    whistle(program, SIGTERM);
    stops(program, "SIGTERM");
  }
}

static void it_stops_once_though_all_comes_at_the_same_time(void **state) {
  struct program *program = start(FEED_PIPE, NULL);
  program_signal(program, SIGSTOP);
  program_type(program, "stop\n");
  program_signal(program, SIGINT);
  program_signal(program, SIGTERM);
  program_end_input(program);
  program_signal(program, SIGCONT);
  assert_int_equal(program_wait(program), 0);
  assert_int_equal(times_closed(program), 1);
  program_free(program);
}

/* ------------------------------------------- the input is left as it was */

/* Runs the lesson on descriptor `in` as the input it inherits; `type` makes it
 * stop. Compares flags and settings before and after. */
static void compare_around_a_run(int in, int keys, int signo) {
  struct termios before, after;
  memset(&before, 0, sizeof before); /* the gaps between its members, too */
  memset(&after, 0, sizeof after);
  int had_settings = tcgetattr(in, &before) == 0;
  int flags = fcntl(in, F_GETFL);
  int saved = dup(0);
  dup2(in, 0);
  struct program *program = start(FEED_INHERIT, NULL);
  dup2(saved, 0);
  close(saved);
  if (signo)
    whistle(program, signo);
  else
    assert_int_equal(write(keys, "\n", 1), 1);
  assert_int_equal(program_wait(program), 0);
  program_free(program);
  assert_int_equal(fcntl(in, F_GETFL), flags);
  if (!had_settings)
    return;
  assert_int_equal(tcgetattr(in, &after), 0);
  assert_memory_equal(&before, &after, sizeof before);
}

static void a_terminal_is_left_as_it_was(void **state) {
  int keys = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(keys >= 0);
  assert_int_equal(grantpt(keys), 0);
  assert_int_equal(unlockpt(keys), 0);
  int in = open(ptsname(keys), O_RDWR | O_NOCTTY);
  assert_true(in >= 0);
  compare_around_a_run(in, keys, 0);
  compare_around_a_run(in, keys, SIGINT);
  compare_around_a_run(in, keys, SIGTERM);
  close(in);
  close(keys);
}

static void a_pipe_is_left_as_it_was(void **state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  compare_around_a_run(ends[0], ends[1], 0);
  compare_around_a_run(ends[0], ends[1], SIGTERM);
  close(ends[0]);
  close(ends[1]);
}

/* ---------------------------------------------- beside a loop of main's own */

static struct program *start_main(const char *speed, const char *main_does) {
  struct program_options options = {
      .args = {"--main", main_does}, .speed = speed, .feed = FEED_TERMINAL};
  struct program *program = program_start(9, &options);
  program_wait_for(program, OPEN);
  return program;
}

static bool matches_at(const char *speed, const char *main_does,
                       const char *path) {
  struct run run = {.expected = path};
  run.program = start_main(speed, main_does);
  wait_for_dings(run.program, 1);
  program_type(run.program, "\n");
  expect_reason(run.program, "Enter");
  char *found = output_differs(&run);
  if (found)
    print_message("%s: %s\n", path, found);
  program_free(run.program);
  free(found);
  return !found;
}

/* Again and more slowly when the machine was too busy to be in time. */
static void expect_main(const char *main_does, const char *path) {
  assert_true(matches_at("5", main_does, path) ||
              matches_at("2", main_does, path) ||
              matches_at("0.5", main_does, path));
}

static void a_main_that_polls_delivers_between_two_turns(void **state) {
  expect_main("polls", "lessons/09-stop/polls.txt");
}

static void a_main_that_hires_holds_nobody_up(void **state) {
  expect_main("hires", "lessons/09-stop/hires.txt");
}

static void a_signal_stops_it_beside_mains_loop(void **state) {
  static const char *const mains[] = {"runs", "polls", "hires"};
  for (size_t i = 0; i < 3; i++) {
    struct program *program = start_main("20", mains[i]);
    whistle(program, SIGTERM);
    stops(program, "SIGTERM");
  }
}

/* --------------------------------------------------- readable, but not read */

static void who_waits_leaves_the_input_to_the_next(void **state) {
  char script[600];
  snprintf(script, sizeof script,
           "printf 'one\\ntwo\\n' | { %s --input wait && cat; }",
           lesson_path(9));
  char *argv[] = {"/bin/sh", "-c", script, NULL};
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 0);
  assert_non_null(strstr(program_out(program), " done\none\ntwo\n"));
  assert_non_null(strstr(program_out(program), "something to read: "));
  program_free(program);
}

static void who_waits_stops_at_the_end_of_input_too(void **state) {
  static const enum feed feeds[] = {FEED_NULL, FEED_FILE, FEED_PIPE};
  for (size_t i = 0; i < 3; i++) {
    struct program_options options = {.args = {"--input", "wait"},
                                      .feed = feeds[i]};
    struct program *program = program_start(9, &options);
    program_wait_for(program, OPEN);
    program_end_input(program);
    stops(program, "something to read");
  }
}

static void who_waits_waits_for_enter_on_a_terminal(void **state) {
  struct program_options options = {.args = {"--input", "wait"},
                                    .feed = FEED_TERMINAL};
  struct program *program = program_start(9, &options);
  program_wait_for(program, OPEN);
  program_type(program, "not yet");
  wait_for_dings(program, 2);
  assert_true(program_is_alive(program));
  program_type(program, "\n");
  stops(program, "something to read");
}

/* ------------------------------------------------------------ the others */

static void the_blender_goes_on_meanwhile(void **state) {
  struct program *program = start(FEED_PIPE, NULL);
  wait_for_dings(program, 3);
  whistle(program, SIGTERM);
  stops(program, "SIGTERM");
}

/* Its standard input is what the shell says: "<&-" is none, "</" a folder. */
static struct program *with_input(const char *input) {
  char script[32];
  snprintf(script, sizeof script, "exec \"$0\" %s", input);
  char *argv[] = {"/bin/sh", "-c", script, (char *)lesson_path(9), NULL};
  return program_exec(argv, NULL);
}

/* An error in one line, neither Enter nor the end. */
static void what_cannot_be_read_is_an_error(void **state) {
  struct program *program = with_input("</");
  assert_int_equal(program_wait(program), 1);
  const char *error = program_err(program);
  assert_non_null(strstr(error, "standard input: "));
  assert_ptr_equal(strchr(error, '\n') + 1, strchr(error, '\0'));
  program_free(program);
}

/* The core puts the null device there, which is at its end. */
static void a_closed_standard_input_stops_it(void **state) {
  struct program *program = with_input("<&-");
  assert_int_equal(program_wait(program), 0);
  assert_string_equal(program_err(program), "");
  program_free(program);
}

static void help_names_the_options(void **state) {
  struct program_options options = {.args = {"--help"}};
  struct program *program = program_run(9, &options, 0);
  const char *text = program_out(program);
  static const char usage[] = "usage: lesson9 [--help] [--input read|wait] "
                              "[--main runs|polls|hires]\n";
  assert_int_equal(strncmp(text, usage, strlen(usage)), 0);
  assert_int_equal(count_lines(text), 4);
  assert_string_equal(program_err(program), "");
  program_free(program);
}

/* These tests start the program themselves. */
static int setup(void **state) {
  static struct run run = {.number = 9,
                           .expected = "lessons/09-stop/expected.txt"};
  *state = &run;
  return 0;
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(enter_after_the_first_ding_prints_what_is_expected),
      cmocka_unit_test(enter_stops_it_on_a_terminal),
      cmocka_unit_test(a_line_stops_it_on_a_pipe),
      cmocka_unit_test(a_line_stops_it_in_a_file),
      cmocka_unit_test(letters_without_enter_do_not_stop_it),
      cmocka_unit_test(a_long_line_counts_as_one),
      cmocka_unit_test(the_end_of_a_terminal_stops_it),
      cmocka_unit_test(the_end_of_a_pipe_stops_it),
      cmocka_unit_test(the_end_of_a_file_stops_it),
      cmocka_unit_test(the_null_device_stops_it),
      cmocka_unit_test(ctrl_c_stops_it_on_a_terminal),
      cmocka_unit_test(signals_stop_it),
      cmocka_unit_test(it_stops_once_though_all_comes_at_the_same_time),
      cmocka_unit_test(a_terminal_is_left_as_it_was),
      cmocka_unit_test(a_pipe_is_left_as_it_was),
      cmocka_unit_test(the_blender_goes_on_meanwhile),
      cmocka_unit_test(what_cannot_be_read_is_an_error),
      cmocka_unit_test(a_closed_standard_input_stops_it),
      cmocka_unit_test(a_main_that_polls_delivers_between_two_turns),
      cmocka_unit_test(a_main_that_hires_holds_nobody_up),
      cmocka_unit_test(a_signal_stops_it_beside_mains_loop),
      cmocka_unit_test(who_waits_leaves_the_input_to_the_next),
      cmocka_unit_test(who_waits_stops_at_the_end_of_input_too),
      cmocka_unit_test(who_waits_waits_for_enter_on_a_terminal),
      cmocka_unit_test(help_names_the_options),
      cmocka_unit_test(wrong_usage_is_refused),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
