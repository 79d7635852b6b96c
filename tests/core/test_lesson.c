/* The helper of the lessons: their time, text, butlers and command line.
 *
 * Much of it ends the program, so this test can also play a lesson: it starts
 * itself as `test_lesson play ARGUMENTS`, or as one that breaks down. */
#include "lesson.h"
#include "support.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *self;

/* ----------------------------------------------------------- the lesson */

#define LINES 400

static void say_line(void *arg, int err, size_t n) { lesson_say("%050d", 0); }

static void say_many_lines(long butlers) {
  ax_context *context = ax_context_new();
  for (int i = 0; i < LINES; i++)
    ax_post(context, ax_call(say_line, NULL));
  lesson_run(context, butlers);
  ax_context_free(context);
}

static int play(int argc, char **argv) {
  long butlers = 2, lines = 0, drink = 1;
  const struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads"},
      {"lines", &lines, 0, 1, "whether to print them"},
      {"drink=tea|water|lemonade", &drink, 0, 0, "what there is"},
  };
  struct lesson_cli cli = {.about = "It plays.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 3};
  lesson_cli(&cli, argc, argv);
  lesson_say("%ld butlers", butlers);
  if (drink != 1)
    lesson_say("drink %ld", drink);
  for (size_t i = 0; i < cli.endpoint_count; i++) {
    char text[AX_ENDPOINT_TEXT];
    ax_endpoint_format(&cli.endpoints[i], text);
    lesson_say("at %s", text);
  }
  if (lines)
    say_many_lines(butlers);
  return 0;
}

static struct program *played(const struct program_options *options,
                              int status) {
  char *argv[16] = {self, "play"};
  for (int i = 0; options->args[i]; i++)
    argv[i + 2] = (char *)options->args[i];
  struct program *program = program_exec(argv, options);
  assert_int_equal(program_wait(program), status);
  return program;
}

/* So slowly that all is said in second 0. */
#define PLAY(...)                                                              \
  (&(struct program_options){.args = {__VA_ARGS__}, .speed = "0.001"})

static void expect_play(const struct program_options *options,
                        const char *expected) {
  struct program *program = played(options, 0);
  assert_string_equal(program_out(program), expected);
  assert_string_equal(program_err(program), "");
  program_free(program);
}

static void expect_refusal(const struct program_options *options,
                           const char *expected) {
  struct program *program = played(options, 2);
  assert_string_equal(program_out(program), "");
  assert_string_equal(program_err(program), expected);
  program_free(program);
}

/* --------------------------------------------------------- command line */

static void without_arguments_the_defaults_hold(void **state) {
  expect_play(PLAY(NULL), "[ 0 s] 2 butlers\n[ 0 s] at 127.0.0.1:8888\n");
}

static void options_and_endpoints_may_be_mixed(void **state) {
  expect_play(PLAY("127.0.0.1:9", "--butlers", "3", "[::1]:7"),
              "[ 0 s] 3 butlers\n"
              "[ 0 s] at 127.0.0.1:9\n"
              "[ 0 s] at [::1]:7\n");
  expect_play(PLAY("--butlers=64", "127.0.0.1:9"),
              "[ 0 s] 64 butlers\n[ 0 s] at 127.0.0.1:9\n");
}

static void unknown_options_are_refused(void **state) {
  expect_refusal(PLAY("--butler", "3"),
                 "play: there is no option '--butler' (--help tells more)\n");
  expect_refusal(PLAY("-xbutlers", "3"),
                 "play: there is no option '-xbutlers' (--help tells more)\n");
  expect_refusal(PLAY("--"),
                 "play: there is no option '--' (--help tells more)\n");
  expect_refusal(PLAY("-"),
                 "play: there is no option '-' (--help tells more)\n");
}

static void values_out_of_range_are_refused(void **state) {
  static const char *const bad[] = {"0", "65",   "3x",
                                    "",  "many", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char expected[100];
    snprintf(expected, sizeof expected,
             "play: --butlers is a number from 1 to 64, not '%s'\n", bad[i]);
    expect_refusal(PLAY("--butlers", bad[i]), expected);
  }
  expect_refusal(PLAY("--butlers"),
                 "play: --butlers wants a number behind it\n");
}

static void a_word_is_taken_by_its_place(void **state) {
  static const char *const words[] = {"tea", "water", "lemonade"};
  static const char *const said[] = {"[ 0 s] drink 0\n", "",
                                     "[ 0 s] drink 2\n"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    char expected[100], option[32];
    snprintf(expected, sizeof expected,
             "[ 0 s] 2 butlers\n%s[ 0 s] at 127.0.0.1:8888\n", said[i]);
    snprintf(option, sizeof option, "--drink=%s", words[i]);
    expect_play(PLAY("--drink", words[i]), expected);
    expect_play(PLAY(option), expected);
  }
}

/* Neither a part of one, nor more than one, nor its place. */
static void other_words_are_refused(void **state) {
  static const char *const bad[] = {
      "", "milk", "te", "teas", "Tea", "1", "tea|water", "water|lemonade", "|"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char expected[100];
    snprintf(expected, sizeof expected,
             "play: --drink is tea|water|lemonade, not '%s'\n", bad[i]);
    expect_refusal(PLAY("--drink", bad[i]), expected);
  }
  expect_refusal(PLAY("--drink"),
                 "play: --drink wants tea|water|lemonade behind it\n");
  expect_refusal(PLAY("--drink=tea|water|lemonade", "tea"),
                 "play: --drink is tea|water|lemonade, not "
                 "'tea|water|lemonade'\n");
}

static void bad_endpoints_are_refused(void **state) {
  expect_refusal(PLAY("nowhere"), "play: 'nowhere' is no endpoint: invalid "
                                  "argument (--help tells more)\n");
  expect_refusal(PLAY("/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"),
                 "play: more than 8 endpoints\n");
}

static void help_tells_everything(void **state) {
  expect_play(PLAY("nowhere", "--help"),
              "usage: play [--help] [--butlers N] [--lines N]"
              " [--drink tea|water|lemonade] [ENDPOINT...]\n"
              "It plays.\n"
              "  --butlers N: threads, 1 to 64 (default 2)\n"
              "  --lines N: whether to print them, 0 to 1 (default 0)\n"
              "  --drink tea|water|lemonade: what there is (default water)\n"
              "  ENDPOINT: 127.0.0.1:80, localhost:80, [::1]:80, :80, /path,"
              " unix:path or fd:3 (default 127.0.0.1:8888)\n");
}

/* ---------------------------------------------------------------- lines */

/* Reads "[ 5 s] " and returns the 5. */
static long second_of(const char *line, const char **text) {
  char *end;
  assert_int_equal(line[0], '[');
  long second = strtol(line + 1, &end, 10);
  assert_memory_equal(end, " s] ", 4);
  *text = end + 4;
  return second;
}

static void lines_of_several_butlers_stay_whole_and_in_order(void **state) {
  struct program_options options = {.args = {"--butlers=4", "--lines=1"},
                                    .speed = "1000000"};
  struct program *program = played(&options, 0);
  const char *at = program_out(program), *text;
  long before = second_of(at, &text);
  size_t lines = 0;
  for (at = strchr(at, '\n') + 1; *at; at = strchr(text, '\n') + 1) {
    long second = second_of(at, &text);
    assert_true(second >= before);
    before = second;
    lines += strspn(text, "0") == 50 && text[50] == '\n';
  }
  assert_int_equal(lines, LINES);
  program_free(program);
}

/* ------------------------------------------------------ time and butlers */

static void lesson_seconds_are_shorter_at_speed(void **state) {
  assert_true(lesson_seconds(5) == AX_SECONDS(2.5));
  ax_time begin = ax_now();
  lesson_work(0.1);
  assert_true(ax_now() - begin >= AX_SECONDS(0.05));
}

static void lesson_seconds_without_end_are_clamped(void **state) {
  assert_true(lesson_seconds(1e300) == UINT64_MAX);
  assert_true(lesson_seconds(3e10) < UINT64_MAX);
  assert_true(lesson_seconds(4e10) == UINT64_MAX); /* at speed 2 */
  assert_true(lesson_seconds(INFINITY) == UINT64_MAX);
  assert_true(lesson_seconds(-1) == 0);
  assert_true(lesson_seconds(-INFINITY) == 0);
  assert_true(lesson_seconds(NAN) == 0);
}

static void meet(void *arg, int err, size_t n) {
  uv_barrier_t *barrier = arg;
  uv_barrier_wait(barrier);
}

/* Each of the handlers waits for the others, so each needs a butler. */
static void as_many_butlers_run_as_were_asked_for(void **state) {
  ax_context *context = ax_context_new();
  uv_barrier_t barrier;
  assert_int_equal(uv_barrier_init(&barrier, 3), 0);
  for (int i = 0; i < 3; i++)
    ax_post(context, ax_call(meet, &barrier));
  lesson_run(context, 3);
  uv_barrier_destroy(&barrier);
  ax_context_free(context);
}

static void count(void *arg, int err, size_t n) { ++*(int *)arg; }

static void the_caller_is_a_butler_in_any_case(void **state) {
  ax_context *context = ax_context_new();
  int counted = 0;
  ax_post(context, ax_call(count, &counted));
  lesson_run(context, 0);
  assert_int_equal(counted, 1);
  ax_context_free(context);
}

/* --------------------------------------------------- errors and streams */

static int break_down(void) {
  lesson_must("fill the cup", 0);
  lesson_must("drink", UV_EPIPE);
  return 0;
}

static void an_error_ends_the_program(void **state) {
  char *argv[] = {self, "break down", NULL};
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 1);
  assert_string_equal(program_out(program), "");
  assert_string_equal(program_err(program), "lesson: drink: broken pipe\n");
  program_free(program);
}

/* A disk that is full, as /dev/full: what was said is lost, and that is told.
 */
static void output_that_is_lost_is_no_success(void **state) {
  char *argv[] = {"/bin/sh", "-c", "exec \"$0\" play >/dev/full", self, NULL};
  if (access("/dev/full", W_OK) != 0)
    skip();
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 1);
  assert_string_equal(program_err(program),
                      "play: standard output cannot be written\n");
  program_free(program);
}

static void help_that_is_lost_is_no_success(void **state) {
  char *argv[] = {"/bin/sh", "-c", "exec \"$0\" play --help >/dev/full", self,
                  NULL};
  if (access("/dev/full", W_OK) != 0)
    skip();
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 1);
  program_free(program);
}

static void what_is_not_printable_is_escaped(void **state) {
  static const char right_to_left[] = {'\xe2', '\x80', '\xae', 0};
  static const struct {
    const char *bytes, *text;
  } cases[] = {
      {"", ""},
      {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x8d\xb9", NULL},
      {"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"},
      {"\033[2J\177", "\\x1b[2J\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"}, /* C1 */
      {right_to_left, "\\xe2\\x80\\xae"},
      {"\xd8\x9c", "\\xd8\\x9c"}, /* the Arabic letter mark */
      {"\xe2\x82", "\\xe2\\x82"}, /* cut off */
      {"\xc0\x8a\xe0\x80\x8a", "\\xc0\\x8a\\xe0\\x80\\x8a"}, /* too long */
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                   /* a surrogate */
      {"\xf5\x80\x80\x80\xff", "\\xf5\\x80\\x80\\x80\\xff"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
  };
  char text[64];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *bytes = cases[i].bytes;
    lesson_printable(text, sizeof text, bytes, strlen(bytes));
    assert_string_equal(text, cases[i].text ? cases[i].text : bytes);
  }
  assert_string_equal(lesson_printable(text, 6, "a\0b", 3), "a\\x00");
  assert_string_equal(lesson_printable(text, 5, "a\0b", 3), "a");
  assert_string_equal(lesson_printable(text, 3, "a\xc3\xaf", 3), "a");
  assert_string_equal(lesson_printable(text, 1, "a", 1), "");
}

/* -------------------------------------------------- signals and the log */

static void open_up(void *arg, int err, size_t n) {
  puts("open");
  fflush(stdout);
}

static void never_return(void *arg, int err, size_t n) {
  open_up(NULL, 0, 0);
  for (;;)
    pause();
}

static void first_signal(void *arg, int err, size_t n) {
  puts("first");
  fflush(stdout);
}

static void read_again(void *arg, int err, size_t n) {
  puts("again");
  fflush(stdout);
}

/* Two signals at once, while it serves; then it ends by itself. */
static void hear_twice(void *arg, int err, size_t n) {
  kill(getpid(), SIGINT);
  kill(getpid(), SIGTERM);
}

/* A signal that comes as soon as anybody can know that there is a server. */
static ax_acceptor *open_and_kill(ax_context *context) {
  ax_endpoint endpoint;
  ax_endpoint_parse("127.0.0.1:0", &endpoint);
  ax_acceptor *acceptor = lesson_listen(context, &endpoint);
  kill(getpid(), SIGTERM);
  uv_sleep(20); /* so that it is heard before anybody serves, as a rule */
  return acceptor;
}

static int serve_as(const char *how) {
  ax_fn *fn = strcmp(how, "busy") == 0    ? never_return
              : strcmp(how, "twice") == 0 ? hear_twice
                                          : open_up;
  bool again = strcmp(how, "again") == 0;
  ax_context *context = ax_context_new();
  if (again)
    lesson_serve(context, 1); /* without work it returns */
  ax_work_begin(context);
  ax_acceptor *acceptor =
      again || strcmp(how, "early") == 0 ? open_and_kill(context) : NULL;
  ax_post(context, ax_call(fn, NULL));
  if (strcmp(how, "rereading") == 0)
    lesson_on_hangup(ax_call(read_again, NULL));
  if (strcmp(how, "patient") == 0)
    lesson_serve_until(context, 1, ax_call(first_signal, NULL));
  else
    lesson_serve(context, 1);
  ax_work_end(context);
  ax_unref(acceptor);
  ax_context_free(context);
  puts("served");
  return 0;
}

static struct program *serving(const char *how) {
  char *argv[] = {self, "serve", (char *)how, NULL};
  struct program *program = program_exec(argv, NULL);
  program_wait_for(program, "open\n");
  return program;
}

static void expect_end(struct program *program, int status, const char *out) {
  assert_int_equal(program_wait(program), status);
  assert_string_equal(program_out(program), out);
  assert_string_equal(program_err(program), "");
  program_free(program);
}

static void a_signal_ends_a_server(void **state) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    struct program *program = serving("quietly");
    program_signal(program, signals[i]);
    expect_end(program, 0, "open\nserved\n");
  }
}

/* Of two that wait for their handlers either one may be the second. */
static void a_second_signal_ends_what_hangs(void **state) {
  struct program *program = serving("busy");
  program_signal(program, SIGINT);
  program_signal(program, SIGTERM);
  int status = program_wait(program);
  assert_true(status == 128 + SIGTERM || status == 128 + SIGINT);
  program_free(program);
}

static void a_second_signal_ends_what_is_patient(void **state) {
  struct program *program = serving("patient");
  program_signal(program, SIGTERM);
  program_wait_for(program, "first\n");
  assert_true(program_is_alive(program));
  program_signal(program, SIGINT);
  expect_end(program, 128 + SIGINT, "open\nfirst\n");
}

static void a_second_signal_changes_nothing_when_it_ends_anyway(void **state) {
  if (SANITIZED)
    skip(); /* its own end takes longer than the signal leaves it */
  char *argv[] = {self, "serve", "twice", NULL};
  expect_end(program_exec(argv, NULL), 0, "served\n");
}

static void a_signal_that_comes_early_is_heard(void **state) {
  char *argv[] = {self, "serve", "early", NULL};
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 0);
  assert_non_null(strstr(program_out(program), "\nserved\n"));
  program_free(program);
}

static void a_hangup_may_be_for_something_else_than_the_end(void **state) {
  struct program *program = serving("rereading");
  program_signal(program, SIGHUP);
  program_wait_for(program, "again\n");
  program_signal(program, SIGHUP);
  program_wait_for(program, "again\nagain\n");
  program_signal(program, SIGTERM);
  expect_end(program, 0, "open\nagain\nagain\nserved\n");
}

static void a_signal_between_two_servers_is_heard(void **state) {
  char *argv[] = {self, "serve", "again", NULL};
  struct program *program = program_exec(argv, NULL);
  assert_int_equal(program_wait(program), 0);
  assert_non_null(strstr(program_out(program), "\nserved\n"));
  program_free(program);
}

static void an_ignored_signal_stays_ignored(void **state) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  sigaction(SIGHUP, &ignore, &before);
  struct program *program = serving("quietly");
  sigaction(SIGHUP, &before, NULL);
  program_signal(program, SIGHUP);
  program_signal(program, SIGTERM); /* the first one that is heard */
  expect_end(program, 0, "open\nserved\n");
}

static void a_blocked_signal_is_heard(void **state) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct program *program = serving("quietly");
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  program_signal(program, SIGTERM);
  expect_end(program, 0, "open\nserved\n");
}

/* What is in the pipe, as a string. */
static size_t drain(int fd, char *text, size_t room) {
  ssize_t n;
  size_t at = 0;
  while (at < room && (n = read(fd, text + at, room - at)) > 0)
    at += (size_t)n;
  text[at < room ? at : room - 1] = '\0';
  return at;
}

/* Lines that do not fit are lost whole, and the next one that fits says so. */
static void a_log_that_nobody_reads_holds_up_nobody(void **state) {
  static char text[1 << 20];
  char expected[100];
  int log[2], stderr_ = dup(STDERR_FILENO);
  assert_int_equal(pipe(log), 0);
  fcntl(log[0], F_SETFL, O_NONBLOCK);
  dup2(log[1], STDERR_FILENO);
  for (int i = 0; i < LINES; i++)
    lesson_log("%0899d", 0);
  size_t size = drain(log[0], text, sizeof text);
  lesson_log("again");
  dup2(stderr_, STDERR_FILENO);
  assert_int_equal(size % 900, 0);
  assert_in_range(size / 900, 1, LINES - 1);
  drain(log[0], text, sizeof text);
  snprintf(expected, sizeof expected,
           "lines of this log that are lost: %zu\nagain\n", LINES - size / 900);
  assert_string_equal(text, expected);
  close(log[0]);
  close(log[1]);
  close(stderr_);
}

/* It says that it has room, and then has too little for a line. */
static void a_terminal_that_nobody_reads_holds_up_nobody(void **state) {
  static char text[1 << 20];
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  int stderr_ = dup(STDERR_FILENO);
  assert_int_equal(grantpt(terminal) || unlockpt(terminal), 0);
  int log = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  dup2(log, STDERR_FILENO);
  for (int i = 0; i < LINES; i++)
    lesson_log("line %d, and some more words than would always fit", i);
  drain(terminal, text, sizeof text);
  lesson_log("again");
  dup2(stderr_, STDERR_FILENO);
  assert_non_null(strstr(text, "line 0,"));
  drain(terminal, text, sizeof text);
  assert_non_null(strstr(text, "lines of this log that are lost: "));
  assert_non_null(strstr(text, "\nagain\r\n"));
  close(log);
  close(terminal);
  close(stderr_);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "serve") == 0)
    return serve_as(argv[2]);
  if (argc > 1)
    return strcmp(argv[1], "play") ? break_down() : play(argc - 1, argv + 1);
  self = argv[0];
  with_alarm();
  setenv("LESSON_SPEED", "2", 1);
  lesson_seconds(0); /* reads it */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_arguments_the_defaults_hold),
      cmocka_unit_test(options_and_endpoints_may_be_mixed),
      cmocka_unit_test(unknown_options_are_refused),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(a_word_is_taken_by_its_place),
      cmocka_unit_test(other_words_are_refused),
      cmocka_unit_test(bad_endpoints_are_refused),
      cmocka_unit_test(help_tells_everything),
      cmocka_unit_test(lines_of_several_butlers_stay_whole_and_in_order),
      clean_test(lesson_seconds_are_shorter_at_speed),
      clean_test(as_many_butlers_run_as_were_asked_for),
      clean_test(the_caller_is_a_butler_in_any_case),
      cmocka_unit_test(an_error_ends_the_program),
      clean_test(lesson_seconds_without_end_are_clamped),
      cmocka_unit_test(output_that_is_lost_is_no_success),
      cmocka_unit_test(help_that_is_lost_is_no_success),
      cmocka_unit_test(what_is_not_printable_is_escaped),
      cmocka_unit_test(a_signal_ends_a_server),
      cmocka_unit_test(a_second_signal_ends_what_hangs),
      cmocka_unit_test(a_second_signal_ends_what_is_patient),
      cmocka_unit_test(a_second_signal_changes_nothing_when_it_ends_anyway),
      cmocka_unit_test(a_signal_that_comes_early_is_heard),
      cmocka_unit_test(a_hangup_may_be_for_something_else_than_the_end),
      cmocka_unit_test(a_signal_between_two_servers_is_heard),
      cmocka_unit_test(an_ignored_signal_stays_ignored),
      cmocka_unit_test(a_blocked_signal_is_heard),
      clean_test(a_log_that_nobody_reads_holds_up_nobody),
      cmocka_unit_test(a_terminal_that_nobody_reads_holds_up_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
