/* The helpers themselves: a test is worth what its tools are. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct program *shell(const char *script, enum feed feed,
                             const char *input) {
  char *argv[] = {"/bin/sh", "-c", (char *)script, NULL};
  struct program_options options = {.feed = feed, .input = input};
  return program_exec(argv, &options);
}

static void output_of_a_program_is_caught(void **state) {
  struct program *program = shell("echo out; echo err >&2; exit 3", 0, NULL);
  assert_int_equal(program_wait(program), 3);
  assert_string_equal(program_out(program), "out\n");
  assert_string_equal(program_err(program), "err\n");
  program_free(program);
}

static void a_program_reads_what_it_is_fed(void **state) {
  static const enum feed feeds[] = {FEED_FILE, FEED_PIPE};
  for (size_t i = 0; i < 2; i++) {
    struct program *program = shell("cat; echo end", feeds[i], "hello\n");
    program_wait_for(program, "hello\n");
    program_end_input(program);
    assert_int_equal(program_wait(program), 0);
    assert_string_equal(program_out(program), "hello\nend\n");
    program_free(program);
  }
}

static void a_program_on_a_terminal_gets_its_keys(void **state) {
  struct program *program =
      shell("test -t 0; echo $?; cat; echo end", FEED_TERMINAL, NULL);
  program_wait_for(program, "0\n");
  program_type(program, "hello\n");
  program_wait_for(program, "hello\n");
  program_end_input(program);
  program_wait_for(program, "end\n");
  assert_int_equal(program_wait(program), 0);
  program_free(program);
  program = shell("exec cat", FEED_TERMINAL, "go\n");
  program_wait_for(program, "go\n");
  program_type(program, "\x03");
  assert_int_equal(program_wait(program), 128 + SIGINT);
  program_free(program);
}

static void a_program_is_given_its_environment(void **state) {
  char *argv[] = {"/bin/sh", "-c", "echo $LESSON_SPEED $AX_TRACE", NULL};
  struct program_options options = {.speed = "7", .trace = "/x"};
  struct program *program = program_exec(argv, &options);
  assert_int_equal(program_wait(program), 0);
  assert_string_equal(program_out(program), "7 /x\n");
  program_free(program);
}

static void expect_same(const char *expected, const char *actual, bool same) {
  char *found = output_difference(expected, actual);
  if (same != !found)
    give_up("expected:\n%sactual:\n%s%s", expected, actual,
            found ? found : "no difference");
  free(found);
}

static void a_difference_names_the_lines_of_a_block(void **state) {
  char *found = output_difference("#{\na\nb\n#}\n", "b\nc\n");
  assert_string_equal(found, "line 2 of the output\n"
                             "expected: in any order: a | b\n"
                             "actual:   c");
  free(found);
}

static void output_matches_in_order(void **state) {
  expect_same("a\nb\n", "a\nb\n", true);
  expect_same("a\nb\n", "b\na\n", false);
  expect_same("a\nb\n", "a\n", false);
  expect_same("a\n", "a\nb\n", false);
  expect_same("# why\n#\na\n", "a\n", true);
  expect_same("", "", true);
}

static void output_matches_with_wildcards(void **state) {
  expect_same("at {*} s\n", "at 5 s\n", true);
  expect_same("{*}a{*}\n", "banana\n", true);
  expect_same("at {*} s\n", "at 5\n", false);
  expect_same("{*}\n", "\n", true);
}

static void output_matches_in_any_order_within_a_block(void **state) {
  expect_same("a\n#{\nb\nc\n#}\nd\n", "a\nc\nb\nd\n", true);
  expect_same("a\n#{\nb\nc\n#}\nd\n", "b\na\nc\nd\n", false);
  expect_same("#{\nb\nb\nc\n#}\n", "b\nc\nc\n", false);
  expect_same("#{\n{*}\nb\n#}\n", "b\nc\n", true);
}

static void json_is_told_from_what_is_not(void **state) {
  static const char *const good[] = {
      "[]", "{}", "[1, -2.5e3, \"a\\\"\\u00e9\", true, null]",
      "{\"a\":[{\"b\":0}]}\n"};
  static const char *const bad[] = {"",          "[",     "[1,]", "[1 2]",
                                    "{\"a\"}",   "{a:1}", "[01]", "[\"\n\"]",
                                    "[\"\\x\"]", "[] []", "[1.]", "{\"a\":1,}",
                                    "[\"open]",  "[NaN]"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_null(json_error(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (!json_error(bad[i]))
      give_up("%s was taken for JSON", bad[i]);
}

static void a_trace_is_read_back(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "trace");
  write_whole_file(
      path,
      "[\n{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_name\",\"args\":"
      "{\"name\":\"butler 1\"}},\n"
      "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":12.345,\"dur\":3.200,\"cat\":"
      "\"handler\",\"name\":\"a\\\"b\",\"args\":{\"op\":7,\"by\":3,\"on\":"
      "\"strand 1\",\"err\":-9,\"n\":5}},\n"
      "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":1,\"ts\":2.000,\"cat\":"
      "\"mark\",\"name\":\"enter\"},\n"
      "{\"ph\":\"f\",\"bp\":\"e\",\"pid\":1,\"tid\":1,\"ts\":12.345,\"cat\":"
      "\"flow\",\"name\":\"a\",\"id\":7}\n]\n");
  struct trace *trace = trace_load(path);
  struct trace_slice *slice = trace_find(trace, "a\"b", "strand 1", 0);
  assert_true(slice->ts > 12.3449 && slice->ts < 12.3451);
  assert_int_equal(slice->op, 7);
  assert_int_equal(slice->by, 3);
  assert_int_equal(slice->err, -9);
  assert_int_equal(slice->n, 5);
  assert_int_equal(trace_count(trace, NULL, NULL), 1);
  assert_int_equal(trace_count_marks(trace, "ente"), 1);
  assert_int_equal(trace->flows[0].id, 7);
  assert_string_equal(trace_thread_name(trace, 1), "butler 1");
  trace_free(trace);
}

enum { TEXT = 1024 };

__attribute__((format(printf, 2, 3))) static void add(char text[TEXT],
                                                      const char *format, ...) {
  va_list args;
  size_t length = strlen(text);
  va_start(args, format);
  vsnprintf(text + length, TEXT - length, format, args);
  va_end(args);
}

#define HANDLER                                                                \
  ",\n{\"ph\":\"X\",\"tid\":1,\"ts\":%d,\"dur\":%d,\"cat\":\"handler\","       \
  "\"name\":\"h\",\"args\":{\"on\":\"strand %d\"}}"
#define MARK                                                                   \
  ",\n{\"ph\":\"i\",\"tid\":1,\"ts\":%d,\"cat\":\"mark\",\"name\":\"%s\"}"

/* Threads write their lines in blocks, so a file is not in order of time. */
static void a_trace_is_put_in_order_of_time(void **state) {
  char path[TEMP_PATH], text[TEXT] = "[\n{}";
  add(text, HANDLER, 30, 10, 1);
  add(text, HANDLER, 10, 5, 1);
  add(text, MARK, 9, "late");
  add(text, HANDLER, 1, 12, 1);
  add(text, MARK, 8, "early");
  add(text, HANDLER, 2, 50, 2);
  add(text, "\n]\n");
  temp_path(path, "trace");
  write_whole_file(path, text);
  struct trace *trace = trace_load(path);
  assert_true(trace_find(trace, "h", "strand 1", 0)->ts == 1);
  assert_true(trace_find(trace, "h", NULL, 1)->ts == 2);
  assert_true(trace_find(trace, "h", "strand 1", 2)->ts == 30);
  assert_string_equal(trace_find_mark(trace, "", 0)->name, "early");
  assert_string_equal(trace_find_mark(trace, "", 1)->name, "late");
  assert_int_equal(trace_overlaps(trace, "strand 1"), 1);
  assert_int_equal(trace_overlaps(trace, NULL), 4);
  trace_free(trace);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(output_of_a_program_is_caught),
      cmocka_unit_test(a_program_reads_what_it_is_fed),
      cmocka_unit_test(a_program_on_a_terminal_gets_its_keys),
      cmocka_unit_test(a_program_is_given_its_environment),
      cmocka_unit_test(output_matches_in_order),
      cmocka_unit_test(a_difference_names_the_lines_of_a_block),
      cmocka_unit_test(output_matches_with_wildcards),
      cmocka_unit_test(output_matches_in_any_order_within_a_block),
      cmocka_unit_test(json_is_told_from_what_is_not),
      cmocka_unit_test(a_trace_is_read_back),
      cmocka_unit_test(a_trace_is_put_in_order_of_time),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
