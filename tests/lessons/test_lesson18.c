/* Lesson 18: every packet reaches everybody else, whole, once and in the order
 * of its sender; whoever is too loud or too slow is shown out, and nobody else
 * notices; with one butler, two and four. */
#define CHAT 18
#include "chat_tests.h"

#define DEAF "closed {*}: it does not read, and others wait for it\n"
#define TOO_SLOW "closed {*}: it does not keep up, and too much waits for it\n"
#define NO_MEMORY "closed {*}: there is no memory for its packet\n"

/* More than an outbox takes until it is behind. */
static void much_talk_among_fifty_loses_nothing(void **state) {
  for (int b = 0; b < 3; b++) {
    struct server server = serve(18, "--butlers", butlers_of[b], TCP);
    struct crowd *crowd = crowd_new(server);
    crowd_round(crowd, THREAD_SANITIZED ? 1000 : 4000, 64);
    crowd_end(crowd, MEMBERS, MEMBERS);
  }
}

/* ------------------------------------------------------ the queue limit */

/* Hears so many numbered packets, and perhaps greetings. */
static void hear_all(struct member *m, int client, size_t count) {
  char bytes[BIG];
  while (m->heard < count) {
    if (!client_readable(client, 5000))
      give_up("only %zu packets were heard", m->heard);
    size_t n = client_recv_some(client, bytes, sizeof bytes);
    assert_true(n > 0);
    member_got(&m->peer, bytes, n);
  }
}

static void who_does_not_read_is_cut_off(const char *butlers) {
  char path[TEMP_PATH];
  temp_path(path, "deaf");
  struct speech speech = speech_new(
      serve(18, "--butlers", butlers, TCP, path, "--queue-limit", "50000"), 3);
  speak_until_cut_off(&speech, 3);
  speak(&speech, 50, BIG);
  for (int i = 0; i < 3; i++) {
    size_t heard = catch_up(speech.deaf[i]);
    assert_true(heard > 0 && heard < speech.said - 50);
  }
  wait_until(program_descriptors(speech.server.program) == -1 ||
             program_descriptors(speech.server.program) ==
                 speech.server.descriptors + 3);
  speech_end(&speech, DEAF DEAF DEAF);
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

static void speech_end_all(struct speech *speech) {
  speech_end(speech, "");
  client_expect_end(speech->deaf[0]);
  client_close(speech->deaf[0]);
}

/* Without --queue-limit it is a mebibyte: a little less may wait, and wait at
 * no cost; then it is read after all. */
static void less_than_the_queue_limit_may_wait(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "late");
  struct speech speech = speech_new(serve(18, TCP, path), 1);
  speak(&speech, (1 << 20) / BIG, BIG);
  expect_rest(speech.server.program, 0.2);
  listen_late(&speech);
  speech_end_all(&speech);
}

/* More packets than one write can gather wait behind one that has begun. */
static void thousands_of_packets_may_wait(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "many");
  struct speech speech = speech_new(serve(18, "--butlers", "2", TCP, path), 1);
  speak(&speech, 400000 / BIG, BIG);
  speak(&speech, 3000, LEAST);
  listen_late(&speech);
  speech_end_all(&speech);
}

static void by_default_the_queue_limit_is_a_mebibyte(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "default");
  struct speech speech = speech_new(serve(18, TCP, path), 1);
  long before = program_resident(speech.server.program);
  speak_until_cut_off(&speech, 1);
  long after = program_resident(speech.server.program);
  assert_true(speech.said > (1 << 20) / BIG);
  assert_true(SANITIZED || before < 0 || after - before < 4096);
  assert_true(catch_up(speech.deaf[0]) < speech.said);
  speech_end(&speech, DEAF);
}

/* An outbox that is not behind takes one chunk, whatever its size. */
static void a_packet_may_be_larger_than_the_queue_limit(void **state) {
  enum { SIZE = 60000, COUNT = 3 };
  for (int b = 0; b < 3; b++) {
    struct server server = serve(18, TCP, "--queue-limit", b ? "1000" : "1",
                                 "--butlers", butlers_of[b]);
    char *packet = packet_of(SIZE);
    int clients[COUNT];
    fill_room(clients, COUNT, server.endpoint);
    for (int i = 0; i < 4 * COUNT; i++) {
      client_send(clients[i % COUNT], packet, SIZE);
      client_expect(clients[(i + 1) % COUNT], packet, SIZE);
      client_expect(clients[(i + 2) % COUNT], packet, SIZE);
    }
    end(&server, COUNT);
    all_leave(clients, COUNT);
    free(packet);
  }
}

/* A packet of one byte takes what its chunk takes. */
static void small_packets_count_as_what_they_take(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "small");
  struct server server = serve(18, TCP, path, "--queue-limit", "65536");
  int clients[3], said = 0;
  fill_room(clients, 2, server.endpoint);
  come_in(clients, 2, server.more[0]);
  for (; lines_in(program_err(server.program)) == 0; said++) {
    say(clients[0], "");
    hear(clients[1], "");
    if (said > 6000)
      give_up("%d packets wait within 64 KiB", said);
  }
  client_close(clients[2]);
  end_with(&server, 3, DEAF);
  all_leave(clients, 2);
}

/* --------------------------------------- who reads, and those who wait */

enum { FEW = 12 };

/* FLOOD_SECONDS in the environment makes it longer. */
static double flood_seconds(void) {
  const char *text = getenv("FLOOD_SECONDS");
  return text ? strtod(text, NULL) : 1;
}

/* All but the first do not listen for a while, and then listen for a while. */
static void listen_by_turns(struct crowd *crowd, double since) {
  for (int i = 1; i < FEW; i++)
    crowd->peers[i]->deaf = (int)((seconds() - since) * 10 + i) % 2;
}

/* Says packets without an end, until the time is over; returns how many. */
static unsigned flood(struct crowd *crowd, double span) {
  struct member *m = &crowd->members[0];
  unsigned said = 0;
  size_t ignored;
  for (double begin = seconds(); m->peer.left || seconds() - begin < span;) {
    if (!m->peer.left) {
      free(m->said);
      m->said = packets_of(0, said, 1000, 64, &ignored);
      m->peer.out = m->said;
      m->peer.left = ignored;
      said += 1000;
    }
    listen_by_turns(crowd, begin);
    peers_turn(crowd->peers, FEW);
    for (int i = 0; i < FEW; i++)
      if (crowd->peers[i]->ended)
        give_up("%d was cut off: %s", i, program_err(crowd->server.program));
  }
  return said;
}

static bool all_but_the_first_heard(const struct crowd *crowd, size_t count) {
  for (int i = 1; i < FEW; i++)
    if (crowd->members[i].heard < count)
      return false;
  return true;
}

/* As fast as it can, so that everybody is behind all the time. */
static void who_reads_is_not_cut_off_by_a_flood(void **state) {
  for (int b = 0; b < 3; b++) {
    char path[TEMP_PATH];
    temp_path(path, "flood");
    struct program_options options = {
        .args = {"--butlers", butlers_of[b], TCP, path}, .speed = "0.5"};
    struct crowd *crowd = crowd_of(serve_with(18, options), FEW);
    long before = program_resident(crowd->server.program);
    unsigned said = flood(crowd, flood_seconds());
    long after = program_resident(crowd->server.program);
    if (!SANITIZED && before >= 0 && after - before > 4096 * FEW)
      give_up("it grew by %ld KiB", after - before);
    for (int i = 1; i < FEW; i++)
      crowd->peers[i]->deaf = false;
    peers_until(crowd->peers, FEW, all_but_the_first_heard(crowd, said));
    if (getenv("FLOOD_SECONDS"))
      print_message("%s butlers: %u packets, %ld KiB\n", butlers_of[b], said,
                    after - before);
    crowd_end(crowd, FEW, FEW);
  }
}

/* All that the system keeps for a server which stands still comes at once, and
 * nobody reads in the first moment. */
static void who_reads_is_not_cut_off_by_a_burst(void **state) {
  enum { COUNT = 30000 };
  for (int b = 0; b < 3; b++) {
    char path[TEMP_PATH];
    temp_path(path, "burst");
    struct program_options options = {
        .args = {"--butlers", butlers_of[b], TCP, path}, .speed = "0.5"};
    struct crowd *crowd = crowd_of(serve_with(18, options), FEW);
    freeze(crowd->server.program);
    for (unsigned i = 0; i < SENDERS; i++)
      member_say(&crowd->members[i], COUNT, 64);
    for (double until = seconds() + 0.1; seconds() < until;)
      peers_turn(crowd->peers, SENDERS);
    thaw(crowd->server.program);
    for (double until = seconds() + 0.2; seconds() < until;)
      peers_turn(crowd->peers, 1);
    peers_until(crowd->peers, FEW, all_have_heard(crowd, COUNT));
    crowd_end(crowd, FEW, FEW);
  }
}

/* The speaker says a packet, and is heard. */
static void speak_beside(struct speech *speech, struct slow_reader *reader) {
  char packet[BIG];
  packet_make(packet, sizeof packet, 0, speech->said++);
  client_send(speech->speaker, packet, sizeof packet);
  slow_read(reader);
  for (double end = deadline(); !client_readable(speech->listeners[1], 0);) {
    pause_before(end, "the speaker to be heard");
    slow_read(reader);
  }
  for (int l = 0; l < 2; l++)
    client_expect(speech->listeners[l], packet, sizeof packet);
}

/* There is a talk, and one who takes a little all the time. He is waited for,
 * but not for ever: the talk goes on, and in the end he is cut off. */
static void talk_past(struct slow_reader *reader, struct speech *speech) {
  reader->due = seconds();
  for (double end = deadline(); !lines_in(program_err(speech->server.program));
       assert_true(seconds() < end))
    speak_beside(speech, reader);
  speak(speech, 50, BIG);
  client_close(reader->fd);
  speech_end(speech, TOO_SLOW);
}

static void a_receiver_that_trickles_starves_nobody(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "trickle");
  struct program_options options = {
      .args = {"--queue-limit", "4000000", TCP, path}, .speed = "3"};
  struct speech speech = speech_new(serve_with(18, options), 1);
  struct slow_reader reader = {.fd = speech.deaf[0], .rate = 320 << 10};
  talk_past(&reader, &speech);
}

/* What it takes in the time of patience is less than the server's system needs
 * to report room. Nobody may say of it that it does not read. */
static void who_takes_little_all_the_time_is_not_called_deaf(void **state) {
  struct program_options options = {.args = {"--queue-limit", "65536", TCP},
                                    .speed = "4"};
  struct speech speech = speech_new(serve_with(18, options), 0);
  struct slow_reader reader = {.fd = slow_connect(speech.server.endpoint),
                               .rate = 32 << 10};
  say(reader.fd, "");
  hear(speech.speaker, "");
  all_hear(speech.listeners, 2, "");
  speech.deaf_count = 1;
  talk_past(&reader, &speech);
}

/* Speaks until it is not heard: somebody is behind. The last packet is heard
 * when the talk goes on. */
static void speak_until_somebody_is_behind(struct speech *speech) {
  char packet[BIG];
  for (bool heard = true; heard;) {
    packet_make(packet, sizeof packet, 0, speech->said++);
    client_send(speech->speaker, packet, sizeof packet);
    heard = client_readable(speech->listeners[0], 500);
    for (int l = 0; heard && l < 2; l++)
      client_expect(speech->listeners[l], packet, sizeof packet);
  }
}

/* The talk goes on at once: the time of patience is longer than this test may
 * take. */
static void nobody_waits_for_a_client_that_was_shown_out(void **state) {
  char *packet = packet_of(BIG + 1), last[BIG];
  for (int b = 0; b < 3; b++) {
    char path[TEMP_PATH];
    temp_path(path, "shown-out");
    struct program_options options = {
        .args = {"--butlers", butlers_of[b], "--queue-limit", "50000",
                 "--packet-limit", number_text(BIG), TCP, path},
        .speed = "0.05"};
    struct speech speech = speech_new(serve_with(18, options), 1);
    speak_until_somebody_is_behind(&speech);
    client_send(speech.deaf[0], packet, BIG + 1);
    packet_make(last, sizeof last, 0, speech.said - 1);
    for (int l = 0; l < 2; l++)
      client_expect(speech.listeners[l], last, sizeof last);
    speak(&speech, 50, BIG);
    client_close(speech.deaf[0]);
    speech_end(&speech, TOO_LONG);
  }
  free(packet);
}

/* ------------------------------------------------------------- memory */

/* A lesson that may have so many KiB of address space. */
static struct server serve_poor(long kib, struct program_options options) {
  char limit[64];
  snprintf(limit, sizeof limit, "ulimit -v %ld && exec \"$0\" \"$@\"", kib);
  const char *argv[16] = {"/bin/sh", "-c", limit, lesson_path(18)};
  memcpy(argv + 4, options.args, sizeof options.args - sizeof *argv);
  return listening(program_exec((char *const *)argv, &options), &options);
}

/* Its sender is shown out with a word, and the others go on. */
static void a_packet_without_memory_ends_its_sender_alone(void **state) {
  enum { SIZE = 112 << 20 }; /* more than its limit, wherever that goes */
  if (SANITIZED)
    skip();
  struct server server = serve_poor(
      100000,
      (struct program_options){.args = {"--packet-limit", "1000000000", TCP}});
  int clients[3];
  fill_room(clients, 3, server.endpoint);
  char *packet = packet_of(SIZE);
  client_try_send(clients[2], packet, SIZE - 1);
  free(packet);
  program_wait_for_error(server.program, "\n");
  client_close(clients[2]);
  say(clients[0], "that was long");
  hear(clients[1], "that was long");
  end_with(&server, 3, NO_MEMORY);
  all_leave(clients, 2);
}

/* ------------------------------------------------- those who just leave */

/* Though the server cannot write to it any more: while it stands still, another
 * one says something, and it says something and leaves. (The limit has the
 * server read it in many pieces.) */
static void who_leaves_is_heard_to_the_end(void **state) {
  enum { COUNT = 300 };
  char path[TEMP_PATH];
  temp_path(path, "last");
  struct server server = serve(18, "--packet-limit", "1000", TCP, path);
  for (int round = 0; round < 8; round++) {
    struct member member = {.self = SENDERS};
    int clients[3];
    size_t size;
    char *packets = packets_of(2, 0, COUNT, 64, &size);
    fill_room(clients, 2, server.endpoint);
    come_in(clients, 2, round % 2 ? server.endpoint : server.more[0]);
    freeze(server.program);
    say(clients[round / 2 % 2], "");
    client_send(clients[2], packets, size);
    leave(clients[2], round / 4 ? RESET : CLOSE);
    say(clients[round / 2 % 2], "");
    thaw(server.program);
    hear_all(&member, clients[1 - round / 2 % 2], COUNT);
    client_close(clients[0]);
    client_close(clients[1]);
    free(packets);
  }
  long served = end_server_with(&server, SIGTERM, "clients", "");
  assert_int_equal(served, 24);
}

/* Nobody says anything, so it cannot be found out whether it is still there. */
static void who_half_closes_is_not_kept_for_ever(void **state) {
  struct server server = serve(18, TCP);
  for (int i = 0; i < 4; i++)
    leave(client_connect(server.endpoint), i % 2 ? HALF_CLOSE : CLOSE);
  wait_until(program_descriptors(server.program) == -1 ||
             program_descriptors(server.program) == server.descriptors + 4);
  wait_until_empty(&server);
  end(&server, 4);
}

/* It gets what was said before it was shown out, and then the end. */
static void who_says_too_much_hears_what_was_said_before(void **state) {
  enum { SIZE = 60000, COUNT = 4, MORE = 1 << 20 };
  for (int b = 0; b < 3; b++) {
    struct program_options options = {.args = {"--butlers", butlers_of[b], TCP},
                                      .speed = "1"}; /* it lingers for long */
    struct server server = serve_with(18, options);
    char *packet = packet_of(SIZE), *more = packet_of(MORE);
    int clients[3];
    fill_room(clients, 3, server.endpoint);
    for (int i = 0; i < COUNT; i++) {
      client_send(clients[0], packet, SIZE);
      client_expect(clients[1], packet, SIZE);
    }
    client_try_send(clients[2], more, MORE);
    for (int i = 0; i < COUNT; i++)
      client_expect(clients[2], packet, SIZE);
    client_expect_end(clients[2]);
    client_close(clients[2]);
    end_with(&server, 3, TOO_LONG);
    all_leave(clients, 2);
    free(packet);
    free(more);
  }
}

/* -------------------------------------------------- what the trace tells */

static void handlers_of_a_client_never_overlap(void **state) {
  for (int b = 0; b < 3; b++)
    expect_no_overlaps(butlers_of[b], 0);
}

/* Several speak while the server is frozen: what each of the others hears when
 * it goes on left with one write. */
static void what_has_gathered_leaves_with_one_write(void **state) {
  enum { COUNT = 12, SPEAKERS = 8, SIZE = 50 };
  char path[TEMP_PATH];
  temp_path(path, "gather");
  struct program_options options = {.args = {TCP}, .trace = path};
  struct server server = serve_with(18, options);
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
  say(clients[0], ""); /* which leaves when the write before was reported */
  all_hear(clients + 1, COUNT - 1, "");
  end(&server, COUNT);
  all_leave(clients, COUNT);
  struct trace *trace = trace_load(path);
  size_t writes = handlers_with(trace, NULL, (long)SPEAKERS * SIZE);
  assert_int_equal(writes, COUNT - SPEAKERS);
  trace_free(trace);
}

/* -------------------------------------------------- usage and the demo */

static void wrong_usage_is_refused(void **state) {
  static const char *const mentions[] = {
      "--butlers", "--packet-limit", "--queue-limit",
      "ENDPOINT",  "65536",          "1048576",
      NULL};
  expect_usage(18, mentions);
  expect_refusal(18, 2, "--packet-limit", "--packet-limit", "0", TCP);
  expect_refusal(18, 2, "--packet-limit", TCP, "--packet-limit");
  expect_refusal(18, 2, "--queue-limit", "--queue-limit=-5", TCP);
  expect_refusal(18, 2, "--queue-limit", "--queue-limit", "1k", TCP);
}

static void the_demo_prints_what_is_expected(void **state) {
  expect_demo(18, "lessons/18-fan-out");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      CHAT_TESTS,
      cmocka_unit_test(much_talk_among_fifty_loses_nothing),
      cmocka_unit_test(who_does_not_read_is_cut_off_and_nobody_else_notices),
      cmocka_unit_test(less_than_the_queue_limit_may_wait),
      cmocka_unit_test(thousands_of_packets_may_wait),
      cmocka_unit_test(by_default_the_queue_limit_is_a_mebibyte),
      cmocka_unit_test(a_packet_may_be_larger_than_the_queue_limit),
      cmocka_unit_test(small_packets_count_as_what_they_take),
      cmocka_unit_test(who_reads_is_not_cut_off_by_a_flood),
      cmocka_unit_test(who_reads_is_not_cut_off_by_a_burst),
      cmocka_unit_test(a_receiver_that_trickles_starves_nobody),
      cmocka_unit_test(who_takes_little_all_the_time_is_not_called_deaf),
      cmocka_unit_test(nobody_waits_for_a_client_that_was_shown_out),
      cmocka_unit_test(a_packet_without_memory_ends_its_sender_alone),
      cmocka_unit_test(who_leaves_is_heard_to_the_end),
      cmocka_unit_test(who_half_closes_is_not_kept_for_ever),
      cmocka_unit_test(who_says_too_much_hears_what_was_said_before),
      cmocka_unit_test(handlers_of_a_client_never_overlap),
      cmocka_unit_test(what_has_gathered_leaves_with_one_write),
      cmocka_unit_test(wrong_usage_is_refused),
      cmocka_unit_test(the_demo_prints_what_is_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
