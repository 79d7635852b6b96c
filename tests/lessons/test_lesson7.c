/* Lesson 7: sizes are deduced, the conversion goes one way, and the cup is
 * lent from the order to the handler. */
#include "support.h"

#include "ax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Slow enough for a busy machine to print the right second. */
#define SPEED "5"
#define LESSON_SECOND (1e6 / 5)

static void it_prints_what_is_expected(void **state) {
  struct program_options options = {.speed = SPEED};
  struct program *program = program_run(7, &options, 0);
  expect_output("lessons/07-buffers/expected.txt", program_out(program));
  assert_string_equal(program_err(program), "");
  program_free(program);
}

static struct trace *trace_of_a_run(void) {
  char path[TEMP_PATH];
  temp_path(path, "trace");
  struct program_options options = {.speed = SPEED, .trace = path};
  program_free(program_run(7, &options, 0));
  return trace_load(path);
}

static const struct trace_flow *arrow(const struct trace *trace, char phase,
                                      const char *name) {
  for (size_t i = 0; i < trace->flow_count; i++)
    if (trace->flows[i].phase == phase &&
        strcmp(trace->flows[i].name, name) == 0)
      return &trace->flows[i];
  fail_msg("no arrow '%c' of %s", phase, name);
  return NULL;
}

static void the_cup_is_lent_until_the_handler_runs(void **state) {
  struct trace *trace = trace_of_a_run();
  double lent = arrow(trace, 's', "on_full")->ts;
  double back = arrow(trace, 'f', "on_full")->ts;
  assert_true(lent < arrow(trace, 's', "on_ding")->ts);
  assert_true(back - lent >= 5 * LESSON_SECOND);
  assert_true(back >= trace_find(trace, "on_ding", NULL, 0)->ts);
  trace_free(trace);
}

static void one_read_collects_what_two_writes_sent(void **state) {
  struct trace *trace = trace_of_a_run();
  assert_int_equal(trace_find(trace, "on_message_sent", NULL, 0)->n, 12);
  assert_int_equal(trace_find(trace, "on_code_sent", NULL, 0)->n, 4);
  assert_int_equal(trace_count(trace, "on_full", NULL), 1);
  assert_int_equal(trace_find(trace, "on_full", NULL, 0)->n, 16);
  assert_int_equal(trace_find(trace, "on_full", NULL, 0)->err, 0);
  trace_free(trace);
}

static void sizes_are_deduced(void **state) {
  uint8_t cup[16];
  uint32_t words[3];
  static const uint8_t code[] = {0xde, 0xad, 0xbe, 0xef};
  assert_int_equal(AX_BUF(cup).len, 16);
  assert_ptr_equal(AX_BUF(cup).base, cup);
  assert_int_equal(AX_BUF(words).len, 12);
  assert_int_equal(AX_CBUF(code).len, 4);
  assert_int_equal(AX_CBUF("dinner time!").len, 13); /* with its NUL */
  assert_int_equal(ax_cstring("dinner time!").len, 12);
  assert_int_equal(ax_cstring("").len, 0);
}

static void a_cup_to_be_filled_converts_to_a_full_one(void **state) {
  uint8_t cup[16];
  ax_cbuf full = ax_const(ax_buffer(cup, 7));
  assert_ptr_equal(full.base, cup);
  assert_int_equal(full.len, 7);
}

/* Has the compiler look at a function body; true when it accepts it. */
static bool compiles(const char *body) {
  const char *compiler = getenv("CC");
  char command[256];
  snprintf(command, sizeof command,
           "%s -std=c11 -D_GNU_SOURCE -Icommon -Werror -fsyntax-only -x c - "
           "2>/dev/null",
           compiler && *compiler ? compiler : "cc");
  FILE *source = popen(command, "w");
  if (!source)
    return false;
  fprintf(source,
          "#include \"ax.h\"\n"
          "void f(ax_stream *s, ax_token t, char *p, const char *c) {\n"
          "static char cup[16]; static const char code[4];\n"
          "(void)s; (void)t; (void)p; (void)c; (void)cup; (void)code;\n"
          "%s\n}\n",
          body);
  return pclose(source) == 0;
}

static void what_would_be_wrong_does_not_compile(void **state) {
  if (!compiles("ax_stream_read(s, AX_SEQ(AX_BUF(cup), ax_buffer(p, 1)), t);"
                "ax_stream_write(s, AX_CSEQ(AX_CBUF(code), ax_cstring(c),"
                "                           ax_const(AX_BUF(cup))), t);")) {
    print_message("there is no compiler here, so nothing is proved\n");
    skip();
  }
  static const char *const wrong[] = {
      "ax_stream_read(s, AX_SEQ(ax_cstring(c)), t);",
      "ax_stream_read(s, AX_SEQ(AX_CBUF(cup)), t);",
      "ax_stream_read(s, AX_CSEQ(AX_CBUF(cup)), t);",
      "ax_stream_read(s, AX_SEQ(AX_BUF(code)), t);",
      "ax_stream_read(s, AX_SEQ(ax_buffer(c, 1)), t);",
      "ax_buf empty = ax_cstring(c); (void)empty;",
      "ax_stream_read(s, AX_SEQ(AX_BUF(p)), t);",
      "ax_stream_write(s, AX_CSEQ(AX_CBUF(c)), t);",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (compiles(wrong[i]))
      fail_msg("this compiles: %s", wrong[i]);
}

static void help_is_given_and_wrong_usage_is_refused(void **state) {
  struct program_options help = {.args = {"--help"}};
  struct program *program = program_run(7, &help, 0);
  assert_non_null(strstr(program_out(program), "usage: lesson7"));
  program_free(program);
  struct program_options wrong = {.args = {"--cups"}};
  program = program_run(7, &wrong, 2);
  assert_string_equal(program_out(program), "");
  const char *error = program_err(program);
  assert_ptr_equal(strchr(error, '\n') + 1, strchr(error, '\0'));
  program_free(program);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_prints_what_is_expected),
      cmocka_unit_test(the_cup_is_lent_until_the_handler_runs),
      cmocka_unit_test(one_read_collects_what_two_writes_sent),
      cmocka_unit_test(sizes_are_deduced),
      cmocka_unit_test(a_cup_to_be_filled_converts_to_a_full_one),
      cmocka_unit_test(what_would_be_wrong_does_not_compile),
      cmocka_unit_test(help_is_given_and_wrong_usage_is_refused),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
