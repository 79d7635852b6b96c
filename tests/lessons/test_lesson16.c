/* Lesson 16: every packet reaches everybody else, whole, once and in the order
 * of its sender, by one write each; whoever is too loud or too slow is shown
 * out; with one butler, two and four. */
#define CHAT 16
#include "chat_tests.h"

/* The chat itself, with a memory, a log and a loop of the test's. */
static ax_acceptor *listen_at(ax_context *context, const ax_endpoint *endpoint);
static void run(ax_context *context, long butlers);
static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void *scarce(size_t size);
#define server chat_server
#define server_start chat_server_start
#define lesson_listen listen_at
#define lesson_serve run
#define lesson_log note
#define malloc scarce
#include "../../lessons/16-chat/chat.c"   // NOLINT
#include "../../lessons/16-chat/room.c"   // NOLINT
#include "../../lessons/16-chat/server.c" // NOLINT
#undef server
#undef server_start
#undef lesson_listen
#undef lesson_serve
#undef lesson_log
#undef malloc

#define TOO_MUCH "closed {*}: too much is waiting for it\n"

/* ------------------------------------------------------ the queue limit */

static void who_does_not_read_is_cut_off(const char *butlers) {
  char path[TEMP_PATH];
  temp_path(path, "deaf");
  struct speech speech = speech_new(
      serve(CHAT, "--butlers", butlers, TCP, path, "--queue-limit", "50000"),
      3);
  speak_until_cut_off(&speech, 3);
  speak(&speech, 50, BIG);
  for (int i = 0; i < 3; i++) {
    size_t heard = catch_up(speech.deaf[i]);
    assert_true(heard > 0 && heard < speech.said - 50);
  }
  wait_until(program_descriptors(speech.server.program) == -1 ||
             program_descriptors(speech.server.program) ==
                 speech.server.descriptors + 3);
  speech_end(&speech, TOO_MUCH TOO_MUCH TOO_MUCH);
}

static void who_does_not_read_is_cut_off_and_nobody_else_notices(void **state) {
  for (int b = 0; b < 3; b++)
    who_does_not_read_is_cut_off(butlers_of[b]);
}

/* One who could not read hears all of it, when he can. */
static void listen_late(struct speech *speech) {
  struct member late = {.self = SENDERS};
  char bytes[BIG];
  while (late.heard < speech->said) {
    size_t n = client_recv_some(speech->deaf[0], bytes, sizeof bytes);
    assert_true(n > 0);
    member_got(&late.peer, bytes, n);
  }
  assert_int_equal(late.size, 0);
}

/* Without --queue-limit it is a mebibyte: a little less may wait, and wait at
 * no cost; then it is read after all. */
static void less_than_the_queue_limit_may_wait(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "late");
  struct speech speech = speech_new(serve(CHAT, TCP, path), 1);
  speak(&speech, (1 << 20) / (BIG + 64), BIG);
  expect_rest(speech.server.program, 0.2);
  listen_late(&speech);
  speech_end(&speech, "");
  client_expect_end(speech.deaf[0]);
  client_close(speech.deaf[0]);
}

static void by_default_the_queue_limit_is_a_mebibyte(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "default");
  struct speech speech = speech_new(serve(CHAT, TCP, path), 1);
  long before = program_resident(speech.server.program);
  speak_until_cut_off(&speech, 1);
  long after = program_resident(speech.server.program);
  assert_true(speech.said > (1 << 20) / (BIG + 64));
  assert_true(SANITIZED || before < 0 || after - before < 4096);
  assert_true(catch_up(speech.deaf[0]) < speech.said);
  speech_end(&speech, TOO_MUCH);
}

/* A packet of one byte takes more than a byte to keep. */
static void the_limit_counts_what_memory_is_used(void **state) {
  enum { LIMIT = 20000, LEAST_FOR_ONE = 20 };
  char path[TEMP_PATH];
  temp_path(path, "tiny");
  struct server server = serve(CHAT, TCP, path, "--queue-limit", "20000");
  int clients[3]; /* the third one does not read */
  fill_room(clients, 2, server.endpoint);
  come_in(clients, 2, server.more[0]);
  say(clients[1], ""); /* for the third one to hear, and nothing more */
  hear(clients[0], "");
  hear(clients[2], "");
  int said = 0;
  for (; lines_in(program_err(server.program)) == 0; said++) {
    if (said > 3000 + LIMIT / LEAST_FOR_ONE) /* the system keeps some */
      give_up("nobody was cut off by %d packets", said);
    say(clients[0], "");
    hear(clients[1], "");
  }
  end_with(&server, 3, TOO_MUCH);
  client_close(clients[2]);
  all_leave(clients, 2);
}

/* Nobody is cut off by one packet, however large: it waits for nothing. */
static void a_packet_larger_than_the_limit_passes(void **state) {
  enum { SIZE = 60000, LISTENERS = 3 };
  struct server server = serve(CHAT, TCP, "--queue-limit", "1");
  int clients[1 + LISTENERS];
  char *packet = packet_of(SIZE);
  fill_room(clients, 1 + LISTENERS, server.endpoint);
  for (int round = 0; round < 5; round++) {
    client_send(clients[0], packet, SIZE);
    for (int i = 1; i <= LISTENERS; i++)
      client_expect(clients[i], packet, SIZE);
  }
  free(packet);
  end(&server, 1 + LISTENERS);
  all_leave(clients, 1 + LISTENERS);
}

/* ------------------------------------------------------------- no memory */

/* Requests that are granted before there is no memory; -1: all. */
static atomic_long granted = -1;
static atomic_int refused;

static void *scarce(size_t size) {
  long left = atomic_load(&granted);
  while (left > 0 && !atomic_compare_exchange_weak(&granted, &left, left - 1))
    ;
  if (left)
    return malloc(size);
  refused++;
  return NULL;
}

static char noted[512];
static atomic_int notes;

static void note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(noted, sizeof noted, format, args);
  va_end(args);
  notes++;
}

static ax_acceptor *listen_at(ax_context *context,
                              const ax_endpoint *endpoint) {
  ax_acceptor *acceptor = ax_acceptor_new(context);
  assert_int_equal(ax_acceptor_listen(acceptor, endpoint), 0);
  return acceptor;
}

static void run(ax_context *context, long butlers) { ax_run(context); }

struct in_process {
  struct chat_server server;
  struct room room;
  char path[TEMP_PATH];
  pthread_t thread;
};

static void *serve_here(void *arg) {
  struct in_process *here = arg;
  ax_endpoint endpoint;
  ax_endpoint_parse(here->path, &endpoint);
  chat_server_start(&here->server, &endpoint, 1,
                    (struct handler){chat_make, chat_start, &here->room});
  return NULL;
}

static void here_begins(struct in_process *here) {
  *here = (struct in_process){0};
  temp_path(here->path, "here");
  granted = -1;
  refused = 0;
  notes = 0;
  server_init(&here->server, 1);
  room_init(&here->room, here->server.context, 100, 100000);
  here->thread = thread_start(serve_here, here);
  wait_until(access(here->path, F_OK) == 0);
}

static void here_ends(struct in_process *here) {
  ax_stop(here->server.context);
  thread_join(here->thread);
  room_free(&here->room);
  server_free(&here->server);
  assert_int_equal(chat_alive, 0);
}

static void expect_note(int count, const char *text) {
  wait_until(notes == count);
  assert_non_null(strstr(noted, text));
}

/* The next one has a handler already. Those behind it are sent away, and the
 * first one after there is memory again. */
static void a_client_without_memory_is_sent_away(void **state) {
  struct in_process here;
  int clients[4];
  here_begins(&here);
  fill_room(clients, 2, here.path);
  granted = 0;
  clients[2] = client_connect(here.path);
  for (int i = 1; i <= 3; i++) {
    wait_until(refused == i); /* so there is no handler for this one */
    granted = i < 3 ? 0 : -1;
    int client = client_connect(here.path);
    client_expect_end(client);
    client_close(client);
    expect_note(i, "there is no memory for it");
  }
  say(clients[0], "who is here?");
  all_hear(clients + 1, 2, "who is here?");
  come_in(clients, 3, here.path);
  here_ends(&here);
  all_leave(clients, 4);
}

/* A packet for two. The first message is the sender's, and the others are those
 * of the receivers, the last one who came in first. */
static void a_packet_without_memory_ends_whom_it_concerns(void **state) {
  static const struct {
    int notes, ended, says, hears;
    const char *why;
  } cases[] = {{1, 0, 1, 2, "no memory for its packet"},
               {2, 1, 0, -1, "no memory for what it was to hear"},
               {1, 1, 0, 2, "no memory for what it was to hear"}};
  for (int i = 0; i < 3; i++) {
    struct in_process here;
    int clients[3];
    here_begins(&here);
    fill_room(clients, 3, here.path);
    granted = i;
    say(clients[0], "the last straw");
    expect_note(cases[i].notes, cases[i].why);
    client_expect_end(clients[cases[i].ended]);
    granted = -1;
    if (i == 2)
      hear(clients[2], "the last straw");
    say(clients[cases[i].says], "and on");
    if (cases[i].hears > 0)
      hear(clients[cases[i].hears], "and on");
    here_ends(&here);
    for (int c = 0; c < 3; c++)
      client_close(clients[c]);
  }
}

/* -------------------------------------------------- what the trace tells */

/* Each client has a strand, and the room has one. */
static void handlers_of_a_strand_never_overlap(void **state) {
  for (int b = 0; b < 3; b++)
    expect_no_overlaps(butlers_of[b], 1);
}

/* Several speak while the server is frozen: each packet that one of the others
 * hears has left by itself, and the next one was written when it had. (So when
 * all have heard a last word, the writes before it are done.) */
static void each_packet_leaves_with_a_write_of_its_own(void **state) {
  enum { COUNT = 12, SPEAKERS = 8, SIZE = 50 };
  char path[TEMP_PATH];
  temp_path(path, "one");
  struct program_options options = {.args = {TCP}, .trace = path};
  struct server server = serve_with(CHAT, options);
  int clients[COUNT];
  char *packet = packet_of(SIZE);
  fill_room(clients, COUNT, server.endpoint);
  freeze(server.program);
  for (int i = 0; i < SPEAKERS; i++)
    client_send(clients[i], packet, SIZE);
  thaw(server.program);
  for (int i = 0; i < COUNT; i++)
    for (int j = i < SPEAKERS; j < SPEAKERS; j++)
      client_expect(clients[i], packet, SIZE);
  free(packet);
  for (size_t i = 0; i < 2; i++) {
    say(clients[i], "the last word");
    all_hear(clients, i, "the last word");
    all_hear(clients + i + 1, COUNT - 1 - i, "the last word");
  }
  end(&server, COUNT);
  all_leave(clients, COUNT);
  struct trace *trace = trace_load(path);
  assert_int_equal(handlers_with(trace, "packet_send_done", SIZE),
                   SPEAKERS * (COUNT - 1));
  trace_free(trace);
}

/* -------------------------------------------------- usage and the demo */

static void wrong_usage_is_refused(void **state) {
  static const char *const mentions[] = {
      "--butlers", "--packet-limit", "--queue-limit",
      "ENDPOINT",  "65536",          "1048576",
      NULL};
  expect_usage(CHAT, mentions);
  expect_refusal(CHAT, 2, "--packet-limit", "--packet-limit", "0", TCP);
  expect_refusal(CHAT, 2, "--packet-limit", TCP, "--packet-limit");
  expect_refusal(CHAT, 2, "--queue-limit", "--queue-limit=-5", TCP);
  expect_refusal(CHAT, 2, "--queue-limit", "--queue-limit", "1k", TCP);
}

static void the_demo_prints_what_is_expected(void **state) {
  expect_demo(CHAT, "lessons/16-chat");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      CHAT_TESTS,
      cmocka_unit_test(who_does_not_read_is_cut_off_and_nobody_else_notices),
      cmocka_unit_test(less_than_the_queue_limit_may_wait),
      cmocka_unit_test(by_default_the_queue_limit_is_a_mebibyte),
      cmocka_unit_test(the_limit_counts_what_memory_is_used),
      cmocka_unit_test(a_packet_larger_than_the_limit_passes),
      clean_test(a_client_without_memory_is_sent_away),
      clean_test(a_packet_without_memory_ends_whom_it_concerns),
      cmocka_unit_test(handlers_of_a_strand_never_overlap),
      cmocka_unit_test(each_packet_leaves_with_a_write_of_its_own),
      cmocka_unit_test(wrong_usage_is_refused),
      cmocka_unit_test(the_demo_prints_what_is_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
