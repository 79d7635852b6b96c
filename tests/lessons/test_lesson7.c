/* Lesson 7: sizes are deduced, the conversion goes one way, and the cup is
 * lent from the order to the handler. */
#include "run.h"

#include "ax.h"

static int setup(void **state) {
  *state = run_start(7, "lessons/07-buffers/expected.txt");
  return 0;
}

static struct trace_slice *handler(const struct run *run, const char *name) {
  return trace_find(run->trace, name, NULL, 0);
}

static void the_cup_is_lent_until_the_handler_runs(void **state) {
  struct run *run = *state;
  struct trace_slice *full = handler(run, "on_full");
  double lent = initiated(run, full);
  assert_true(lent < initiated(run, handler(run, "on_ding")));
  assert_true(full->ts - lent >= lesson_us(6));
  assert_true(full->ts >= handler(run, "on_second_ding")->ts);
}

static void one_read_collects_what_two_writes_sent(void **state) {
  struct run *run = *state;
  assert_int_equal(handler(run, "on_message_sent")->n, 12);
  assert_int_equal(handler(run, "on_code_sent")->n, 4);
  assert_int_equal(trace_count(run->trace, "on_full", NULL), 1);
  assert_int_equal(handler(run, "on_full")->n, 16);
  assert_int_equal(handler(run, "on_full")->err, 0);
}

static void the_second_write_starts_when_the_first_is_done(void **state) {
  struct run *run = *state;
  double second = initiated(run, handler(run, "on_code_sent"));
  assert_true(second >= handler(run, "on_message_sent")->ts);
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

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cup_is_lent_until_the_handler_runs),
      cmocka_unit_test(one_read_collects_what_two_writes_sent),
      cmocka_unit_test(the_second_write_starts_when_the_first_is_done),
      cmocka_unit_test(sizes_are_deduced),
      cmocka_unit_test(a_cup_to_be_filled_converts_to_a_full_one),
      cmocka_unit_test(what_would_be_wrong_does_not_compile),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
