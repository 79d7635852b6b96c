/* Lesson 11: a session that is idle for too long is closed, and no other one,
 * also where the read and the alarm are ready in the same moment; a client
 * waits for its connection so long and no longer. */
#include "peers.h"

#include "../../lessons/11-deadline/session.c" // NOLINT

#include <sys/ioctl.h>

#define TCP "127.0.0.1:0"
#define IDLE "closed {*}: it was idle for too long\n"

enum { LESSON_MS = 50 }; /* milliseconds in a lesson second, at speed 20 */

static void end(struct server *server, long served, const char *errors) {
  long actual = end_server_with(server, SIGTERM, "sessions", errors);
  assert_int_equal(actual, served);
}

static void expect_echo(int client, const char *text) {
  client_send_text(client, text);
  client_expect_text(client, text);
}

/* ----------------------------------------------------------- the limit */

/* With an alarm of its own, and by ax_within. */
static const char *const ways[] = {"alarm", "within"};

static void a_silent_client_is_closed_and_not_before(void **state) {
  static const char *const idle[] = {"1", "4", "7", "3"};
  for (int i = 0; i < 4; i++) {
    struct server server =
        serve(11, "--by", ways[i / 2], "--idle", idle[i], TCP);
    double limit = atof(idle[i]) * LESSON_MS / 1000;
    double begin = seconds();
    int client = client_connect(server.endpoint);
    if (i % 2)
      begin = seconds(), expect_echo(client, "eat");
    client_expect_end(client);
    assert_true(seconds() - begin >= limit);
    client_close(client);
    wait_until_empty(&server);
    end(&server, 1, IDLE);
  }
}

/* Talks for three limits, and is never silent for half of one. False when the
 * machine was so busy that it was. */
static bool talks_on(const char *endpoint, double limit) {
  int client = client_connect(endpoint), silent = client_connect(endpoint);
  double begin = seconds(), last = begin;
  bool in_time = true;
  while (in_time && seconds() - begin < 3 * limit) {
    double end_of_pause = last + limit / 8;
    wait_until(seconds() >= end_of_pause);
    in_time = seconds() - last < limit / 2;
    last = seconds();
    if (in_time)
      expect_echo(client, "eat");
    in_time &= seconds() - last < limit / 4;
  }
  client_expect_end(silent); /* long ago */
  client_close(silent);
  client_close(client);
  return in_time;
}

static void who_talks_is_not_closed(const char *way) {
  static const char *const idle[] = {"10", "40", "160"};
  bool done = false;
  for (int i = 0; i < 3 && !done; i++) {
    struct server server = serve(11, "--by", way, "--idle", idle[i], TCP);
    done = talks_on(server.endpoint, atof(idle[i]) * LESSON_MS / 1000);
    if (!done) {
      print_message("the client was too slow for a limit of %s\n", idle[i]);
      program_signal(server.program, SIGTERM);
      assert_int_equal(program_wait(server.program), 0);
      program_free(server.program);
      continue;
    }
    wait_until_empty(&server);
    end(&server, 2, IDLE);
  }
}

static void who_talks_is_not_closed_and_who_is_silent_is(void **state) {
  for (int i = 0; i < 2; i++)
    who_talks_is_not_closed(ways[i]);
}

static void who_does_not_read_is_closed(const char *way) {
  struct server server = serve(11, "--by", way, "--idle", "4", TCP);
  size_t size = (size_t)64 << 20;
  char *much = calloc(1, size);
  assert_non_null(much);
  struct peer peer = {.out = much, .left = size, .deaf = true}, *all = &peer;
  peer_connect(&peer, server.endpoint);
  peers_until(&all, 1, *program_err(server.program) || !peer.left);
  program_wait_for_error(server.program, "closed");
  wait_until_empty(&server);
  peer_close(&peer);
  free(much);
  end(&server, 1, IDLE);
}

static void who_does_not_read_is_idle(void **state) {
  for (int i = 0; i < 2; i++)
    who_does_not_read_is_closed(ways[i]);
}

static void a_crowd_is_closed(const char *way) {
  enum { CROWD = 200 };
  int clients[CROWD];
  char path[TEMP_PATH], errors[CROWD * sizeof IDLE] = "";
  temp_path(path, "idle");
  struct server server = serve(11, "--by", way, "--butlers", "3", "--idle", "2",
                               TCP, path, "[::1]:0");
  const char *const endpoints[] = {server.endpoint, server.more[0],
                                   server.more[1]};
  for (int i = 0; i < CROWD; i++)
    clients[i] = client_connect(endpoints[i % 3]);
  for (int i = 0; i < CROWD; i++) {
    client_expect_end(clients[i]);
    client_close(clients[i]);
    strcat(errors, IDLE);
  }
  wait_until_empty(&server);
  end(&server, CROWD, errors);
}

static void a_silent_crowd_is_closed(void **state) {
  for (int i = 0; i < 2; i++)
    a_crowd_is_closed(ways[i]);
}

/* ------------------------------------------------------ alarms and ticks */

/* An alarm that is not cancelled would keep the session for an hour. */
static void who_leaves_leaves_no_alarm(const char *way) {
  struct server server =
      serve(11, "--by", way, "--idle", "3600", "--status", "1", TCP);
  int client = client_connect(server.endpoint);
  expect_echo(client, "eat");
  program_wait_for(server.program, "sessions: 1\n");
  client_close(client);
  const char *out = program_out(server.program);
  size_t at = (size_t)(strstr(out, "sessions: 1\n") - out);
  wait_until(strstr(program_out(server.program) + at, "sessions: 0\n"));
  end(&server, 1, "");
}

static void who_leaves_takes_its_alarm_along(void **state) {
  for (int i = 0; i < 2; i++)
    who_leaves_leaves_no_alarm(ways[i]);
}

static size_t ticks_of(const struct server *server) {
  size_t count = 0;
  const char *at = program_out(server->program);
  for (; (at = strstr(at, "sessions: 0\n")); at++)
    count++;
  return count;
}

/* While the server is frozen it misses ten ticks, and makes up for them. */
static void ticks_do_not_drift(void **state) {
  double period = LESSON_MS / 1000.0;
  struct server server = serve(11, "--status", "1", TCP);
  wait_until(ticks_of(&server) >= 1);
  double first = seconds();
  size_t before = ticks_of(&server);
  freeze(server.program);
  wait_until(seconds() - first > 12 * period);
  thaw(server.program);
  wait_until((double)(ticks_of(&server) - before) >=
             (seconds() - first) / period - 2);
  end(&server, 0, "");
}

static void many_words_need_one_alarm_and_one_strand(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "trace.json");
  struct program_options options = {
      .args = {"--butlers", "3", "--idle", "3600", TCP}, .trace = path};
  struct server server = serve_with(11, options);
  int client = client_connect(server.endpoint);
  for (int i = 0; i < 300; i++)
    expect_echo(client, "eat");
  client_close(client);
  wait_until_empty(&server);
  end(&server, 1, "");
  struct trace *trace = trace_load(path);
  assert_int_equal(trace_butlers(trace), 3);
  assert_int_equal(trace_count(trace, "on_alarm", NULL), 1);
  const char *on = trace_find(trace, "on_alarm", NULL, 0)->on;
  assert_int_equal(strncmp(on, "strand ", 7), 0);
  assert_int_equal(trace_count(trace, "on_read", on), 301);
  assert_int_equal(trace_overlaps(trace, on), 0);
  trace_free(trace);
}

/* ------------------------------------------------------- both are ready */

/* A session in this process, and its peer. */
struct table {
  ax_context *context;
  struct session *session;
  int peer, err;
};

/* What it reports goes to a file. */
static struct table table_new(void) {
  char path[TEMP_PATH];
  int ends[2];
  struct table table = {.context = ax_context_new()};
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  table.peer = ends[1];
  ax_stream *stream = ax_stream_new(table.context);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  close(ends[0]);
  session_limit = AX_MS(20);
  table.session = session_new(stream);
  ax_post(table.session->strand,
          ax_keep(table.session, ax_call(on_start, table.session)));
  temp_path(path, "errors");
  table.err = dup(2);
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  dup2(file, 2);
  close(file);
  return table;
}

/* Puts standard error back; the lines that the session wrote there. */
static size_t lines_reported(struct table *table) {
  char text[4096] = "";
  lseek(2, 0, SEEK_SET);
  ssize_t n = read(2, text, sizeof text - 1);
  dup2(table->err, 2);
  close(table->err);
  return n < 0 ? 99 : lines_in(text);
}

static void table_free(struct table *table) {
  close(table->peer);
  ax_unref(table->session);
  ax_context_free(table->context);
  assert_int_equal(sessions_alive, 0);
}

/* It was set before this call. */
static void let_the_deadline_pass(void) {
  ax_time then = ax_now() + session_limit;
  wait_until(ax_now() > then);
}

static void who_speaks_in_the_last_moment_is_not_closed(void **state) {
  struct table table = table_new();
  ax_poll(table.context);
  client_send_text(table.peer, "eat");
  let_the_deadline_pass();
  session_limit = AX_SECONDS(3600);
  while (!client_readable(table.peer, 0))
    ax_poll(table.context); /* finds both: the read comes first */
  ax_poll(table.context);
  client_expect_text(table.peer, "eat");
  assert_false(table.session->over);
  assert_int_equal(lines_reported(&table), 0);
  table_free(&table);
}

static void who_leaves_in_the_last_moment_is_not_called_idle(void **state) {
  struct table table = table_new();
  ax_poll(table.context);
  shutdown(table.peer, SHUT_WR);
  let_the_deadline_pass();
  ax_run(table.context);
  assert_true(table.session->over);
  assert_int_equal(lines_reported(&table), 0);
  table_free(&table);
}

static struct gate door;

static void on_door(void *arg, int err, size_t n) { gate_pass(&door); }

static void on_flag(void *flag, int err, size_t n) {
  atomic_store((atomic_bool *)flag, true);
}

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

/* The strand is busy; beside it the time runs out, and then a word comes. */
static void who_speaks_too_late_is_not_heard(void **state) {
  struct table table = table_new();
  atomic_bool passed = false;
  ax_timer *later = ax_timer_new(table.context);
  pthread_t butlers[2];
  door = (struct gate)GATE;
  ax_poll(table.context);
  ax_post(table.session->strand, ax_call(on_door, NULL));
  ax_timer_expires_after(later, session_limit);
  ax_timer_wait(later, ax_call(on_flag, &passed));
  for (int i = 0; i < 2; i++)
    pthread_create(&butlers[i], NULL, butler, table.context);
  wait_until(atomic_load(&passed)); /* on_alarm waits for the strand */
  client_send_text(table.peer, "eat");
  int left = 1, fd = ax_stream_fd(table.session->stream);
  wait_until(ioctl(fd, FIONREAD, &left) == 0 && left == 0); /* on_read, too */
  gate_open(&door);
  for (int i = 0; i < 2; i++)
    pthread_join(butlers[i], NULL);
  client_expect_end(table.peer);
  assert_int_equal(lines_reported(&table), 1);
  ax_unref(later);
  table_free(&table);
}

/* ------------------------------------------------------------ the client */

static struct program *client_of(const char *endpoint, const char *patience,
                                 const char *errand, int status) {
  char path[520];
  snprintf(path, sizeof path, "%s-client", lesson_path(11));
  const char *argv[] = {path, endpoint, patience, errand, NULL};
  struct program *client = program_exec((char *const *)argv, NULL);
  assert_int_equal(program_wait(client), status);
  return client;
}

static void expect_race(struct program *client, const char *text) {
  char *found = output_difference(text, program_out(client));
  if (found)
    give_up("%s", found);
  assert_string_equal(program_err(client), "");
  program_free(client);
}

static void a_client_gives_up_and_not_before(void **state) {
  double begin = seconds();
  struct program *client = client_of("nobody", "5", "0", 1);
  assert_true(seconds() - begin >= 5 * LESSON_MS / 1000.0);
  expect_race(client, "[{*} s] timer: err 0, first\n"
                      "[{*} s] connect: err ECANCELED, too late\n");
}

static void a_client_that_is_answered_does_not_give_up(void **state) {
  struct server server = serve(11, TCP);
  expect_race(client_of(server.endpoint, "3600", "0", 0),
              "[{*} s] connect: err 0, first\n"
              "[{*} s] timer: err ECANCELED, too late\n");
  end(&server, 1, "");
}

static void both_may_win(void **state) {
  struct server server = serve(11, "--idle", "3600", TCP);
  expect_race(client_of(server.endpoint, "1", "4", 0),
              "[{*} s] connect: err 0, first\n"
              "[{*} s] timer: err 0, too late\n");
  end(&server, 1, "");
}

static void a_client_that_is_refused_says_so(void **state) {
  struct server server = serve(11, TCP);
  char endpoint[ENDPOINT_TEXT];
  strcpy(endpoint, server.endpoint);
  int guest = client_connect(endpoint);
  expect_echo(guest, "eat"); /* it serves, so it hears signals */
  client_close(guest);
  end(&server, 1, "");
  struct program *client = client_of(endpoint, "3600", "0", 1);
  assert_int_equal(lines_in(program_err(client)), 1);
  assert_non_null(strstr(program_err(client), "connection refused"));
  program_free(client);
}

/* ------------------------------------------------------------ its manners */

static void signals_end_it_in_the_middle_of_everything(void **state) {
  static const int signals[] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2; i++) {
    struct server server =
        serve(11, "--butlers", "2", "--idle", "3600", "--status", "1", TCP);
    int clients[3];
    for (int k = 0; k < 3; k++)
      expect_echo(clients[k] = client_connect(server.endpoint), "eat");
    assert_int_equal(end_server_with(&server, signals[i], "sessions", ""), 3);
    for (int k = 0; k < 3; k++)
      client_close(clients[k]);
  }
}

static void it_explains_itself_and_refuses_wrong_usage(void **state) {
  static const char *const mentions[] = {
      "--butlers", "--idle", "--status", "--by", "127.0.0.1:8888", NULL};
  expect_usage(11, mentions);
  expect_refusal(11, 2, "--idle", "--idle", "0", TCP);
  expect_refusal(11, 2, "--idle", "--idle", "3601", TCP);
  expect_refusal(11, 2, "--status", "--status", "-1", TCP);
  expect_refusal(11, 2, "--by", "--by", "hand", TCP);
}

/* Without "[ 5 s] " at the beginning of lines. */
static char *without_times(const char *text) {
  char *copy = calloc(1, strlen(text) + 1), *to = copy;
  assert_non_null(copy);
  for (bool first = true; *text; first = to[-1] == '\n') {
    const char *end_of_time = first && *text == '[' ? strstr(text, " s] ") : 0;
    text = end_of_time ? end_of_time + strlen(" s] ") : text;
    *to++ = *text++;
  }
  return copy;
}

/* What is wrong with its output at that speed; NULL: nothing. */
static char *demo_difference(const char *speed, const char *expected,
                             bool times) {
  const char *argv[] = {"/bin/sh", "lessons/11-deadline/demo.sh",
                        lesson_path(11), NULL};
  struct program_options options = {.speed = speed};
  struct program *demo = program_exec((char *const *)argv, &options);
  int status = program_wait(demo);
  if (status != 0)
    give_up("its demo ended with %d:\n%s", status, program_out(demo));
  char *out =
      times ? strdup(program_out(demo)) : without_times(program_out(demo));
  char *found = output_difference(expected, out);
  if (found)
    print_message("at LESSON_SPEED=%s: %s\n", speed, found);
  free(out);
  program_free(demo);
  return found;
}

/* Where the machine is so busy that it is a second late, its lines count, and
 * at last also on such a machine. */
static void the_demo_shows_all_three_races(void **state) {
  char *expected = read_whole_file("lessons/11-deadline/expected.txt");
  char *lines = without_times(expected);
  char *wrong = demo_difference("5", expected, true);
  free(wrong);
  if (wrong && (wrong = demo_difference("1", lines, false))) {
    free(wrong);
    if ((wrong = demo_difference("0.5", lines, false)))
      give_up("times left out: %s", wrong);
  }
  free(lines);
  free(expected);
  expect_same_end(11, "lessons/11-deadline", "--help");
  expect_same_end(11, "lessons/11-deadline", "--nonsense");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_silent_client_is_closed_and_not_before),
      cmocka_unit_test(who_talks_is_not_closed_and_who_is_silent_is),
      cmocka_unit_test(who_does_not_read_is_idle),
      cmocka_unit_test(a_silent_crowd_is_closed),
      cmocka_unit_test(who_leaves_takes_its_alarm_along),
      cmocka_unit_test(ticks_do_not_drift),
      cmocka_unit_test(many_words_need_one_alarm_and_one_strand),
      clean_test(who_speaks_in_the_last_moment_is_not_closed),
      clean_test(who_leaves_in_the_last_moment_is_not_called_idle),
      clean_test(who_speaks_too_late_is_not_heard),
      cmocka_unit_test(a_client_gives_up_and_not_before),
      cmocka_unit_test(a_client_that_is_answered_does_not_give_up),
      cmocka_unit_test(both_may_win),
      cmocka_unit_test(a_client_that_is_refused_says_so),
      cmocka_unit_test(signals_end_it_in_the_middle_of_everything),
      cmocka_unit_test(it_explains_itself_and_refuses_wrong_usage),
      cmocka_unit_test(the_demo_shows_all_three_races),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
