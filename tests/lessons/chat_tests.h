/* chat_tests.h: what every chat has to do, for lessons 16 and 18: the tests
 * that do not ask how it does it. */
#ifndef CHAT_TESTS_H
#define CHAT_TESTS_H

#include "chat_peers.h"

#define TOO_LONG "closed {*}: its packet is too long\n"

static inline void a_packet_goes_to_everybody_but_its_sender(void **state) {
  for (int b = 0; b < 3; b++) {
    enum { COUNT = 5 };
    struct server server = serve(CHAT, "--butlers", butlers_of[b], TCP);
    int clients[COUNT];
    fill_room(clients, COUNT, server.endpoint);
    for (int sender = 0; sender < COUNT; sender++) {
      say(clients[sender], "to all of you");
      all_hear(clients, (size_t)sender, "to all of you");
      all_hear(clients + sender + 1, (size_t)(COUNT - 1 - sender),
               "to all of you");
    }
    end(&server, COUNT);
    all_leave(clients, COUNT);
  }
}

/* What one says alone is lost. (It is shown out, so it was heard before.) */
static inline void alone_nobody_hears_anything(void **state) {
  struct server server = serve(CHAT, TCP, "--packet-limit", "20");
  int client = client_connect(server.endpoint), clients[2];
  say(client, "is anybody here?");
  client_send_text(client, "somebody must be here");
  client_expect_end(client);
  client_close(client);
  fill_room(clients, 2, server.endpoint);
  end_with(&server, 3, TOO_LONG);
  all_leave(clients, 2);
}

static inline void all_endpoints_lead_to_one_room(void **state) {
  enum { COUNT = 4 };
  char path[TEMP_PATH], other[TEMP_PATH];
  temp_path(path, "front");
  temp_path(other, "back");
  struct server server = serve(CHAT, "--butlers", "2", TCP, path, other);
  int clients[COUNT];
  fill_room(clients, 2, server.endpoint);
  come_in(clients, 2, server.more[0]);
  come_in(clients, 3, server.more[1]);
  for (int i = 0; i < COUNT; i++) {
    say(clients[i], "from everywhere");
    for (int j = 1; j < COUNT; j++)
      hear(clients[(i + j) % COUNT], "from everywhere");
  }
  end(&server, COUNT);
  all_leave(clients, COUNT);
  assert_int_not_equal(access(path, F_OK), 0);
  assert_int_not_equal(access(other, F_OK), 0);
}

static inline void an_empty_packet_is_a_packet(void **state) {
  struct server server = serve(CHAT, TCP);
  int clients[3];
  fill_room(clients, 3, server.endpoint);
  say(clients[0], "");
  all_hear(clients + 1, 2, "");
  client_send(clients[0], "\0\0a\0\0", 5);
  for (int i = 1; i < 3; i++)
    client_expect(clients[i], "\0\0a\0\0", 5);
  end(&server, 3);
  all_leave(clients, 3);
}

/* Any other byte is only a byte. */
static inline void all_bytes_pass_but_the_nul(void **state) {
  struct server server = serve(CHAT, TCP);
  int clients[2];
  fill_room(clients, 2, server.endpoint);
  char bytes[256];
  for (int i = 0; i < 256; i++)
    bytes[i] = (char)(255 - i); /* the NUL is the last one */
  client_send(clients[0], bytes, sizeof bytes);
  client_expect(clients[1], bytes, sizeof bytes);
  end(&server, 2);
  all_leave(clients, 2);
}

/* ------------------------------------------------------ split and joined */

/* Waits until the server has read what was sent before: with one butler it
 * looks after its clients in the order in which they have something to say. */
static inline void let_it_read(int prober, const int *others, size_t count) {
  say(prober, "p");
  all_hear(others, count, "p");
}

/* Sends the pieces [0,i) [i,j) [j,n), each read by itself. The listener hears
 * packets as soon as they are whole, and the prober's in between. */
static inline void send_in_pieces(const int *clients, const char *bytes,
                                  size_t n, size_t i, size_t j) {
  enum { SENDER, PROBER, LISTENER };
  const size_t cuts[] = {0, i, j, n};
  size_t heard = 0;
  for (int piece = 0; piece < 3; piece++) {
    size_t whole = cuts[piece + 1];
    client_send(clients[SENDER], bytes + cuts[piece], whole - cuts[piece]);
    while (whole > heard && bytes[whole - 1] != 0)
      whole--;
    client_expect(clients[LISTENER], bytes + heard, whole - heard);
    client_expect(clients[PROBER], bytes + heard, whole - heard);
    heard = whole;
    let_it_read(clients[PROBER], clients + LISTENER, 1);
    hear(clients[SENDER], "p");
  }
  assert_int_equal(heard, n);
}

static inline void packets_may_be_split_anywhere(void **state) {
  static const char bytes[] = "eat\0\0drink\0be merry\0\0"; /* ends with two */
  struct server server = serve(CHAT, TCP);
  int clients[3];
  fill_room(clients, 3, server.endpoint);
  for (size_t i = 0; i <= sizeof bytes; i++)
    for (size_t j = i; j <= sizeof bytes; j++)
      send_in_pieces(clients, bytes, sizeof bytes, i, j);
  end(&server, 3);
  all_leave(clients, 3);
}

static inline void packets_may_come_byte_by_byte(void **state) {
  static const char bytes[] = "eat\0drink\0\0be merry";
  struct server server = serve(CHAT, TCP);
  int clients[3];
  fill_room(clients, 3, server.endpoint);
  for (size_t i = 0; i < sizeof bytes; i++) {
    client_send(clients[0], bytes + i, 1);
    let_it_read(clients[1], clients, 1);
  }
  client_expect(clients[1], bytes, sizeof bytes);
  end(&server, 3);
  client_close(clients[2]); /* its probes came in between */
  all_leave(clients, 2);
}

/* A thousand in one piece: more than one read of the server can hold, so that
 * the end of a read falls everywhere in a packet. */
static inline void packets_may_be_joined(void **state) {
  enum { SIZE = 97, COUNT = 2000 };
  static char bytes[SIZE * COUNT];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = i % SIZE == SIZE - 1 ? '\0' : (char)('!' + i / SIZE % 90);
  struct server server = serve(CHAT, "--packet-limit", "997", TCP);
  int clients[2];
  fill_room(clients, 2, server.endpoint);
  client_send(clients[0], bytes, sizeof bytes);
  client_expect(clients[1], bytes, sizeof bytes);
  end(&server, 2);
  all_leave(clients, 2);
}

/* ---------------------------------------------------------- the packet limit
 */

/* The largest packet passes, alone and behind others; with one byte more the
 * client is closed, even before it sends the NUL. */
static inline void try_limit(const char *option, size_t limit,
                             const char *endpoint) {
  struct program_options options = {
      .args = {endpoint, option ? "--packet-limit" : NULL, option}};
  struct server server = serve_with(CHAT, options);
  char *largest = packet_of(limit), *larger = packet_of(limit + 1);
  int clients[4];
  fill_room(clients, 4, server.endpoint);
  for (int round = 0; round < 3; round++) {
    client_send(clients[0], largest, limit);
    for (int i = 1; i < 4; i++)
      client_expect(clients[i], largest, limit);
    say(clients[0], "");
    all_hear(clients + 1, 3, "");
  }
  client_try_send(clients[0], larger, limit + 1);
  client_expect_end(clients[0]);
  say(clients[1], ""); /* what was whole before is heard */
  client_try_send(clients[1], larger, limit);
  all_hear(clients + 2, 2, "");
  client_expect_end(clients[1]);
  say(clients[2], "");
  hear(clients[3], "");
  end_with(&server, 4, TOO_LONG TOO_LONG);
  all_leave(clients + 2, 2);
  client_close(clients[0]);
  client_close(clients[1]);
  free(largest);
  free(larger);
}

static inline void
the_largest_packet_passes_and_a_larger_one_does_not(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "limit");
  try_limit("1", 1, TCP);
  try_limit("2", 2, TCP);
  try_limit("63", 63, TCP);
  try_limit("64", 64, path);
  try_limit("65", 65, TCP);
  try_limit("1000", 1000, TCP);
  try_limit("100000", 100000, TCP);
  try_limit(NULL, 65536, TCP); /* the default */
}

/* ------------------------------------------------------ a crowd that talks */

/* CROWD_SECONDS in the environment makes it longer. */
static inline double crowd_seconds(void) {
  const char *text = getenv("CROWD_SECONDS");
  return text ? strtod(text, NULL) : 0;
}

/* Each of the senders says so many packets. Who hears a round in the next one
 * has heard it in order, so all may be heard before the next one begins. */
static inline void crowd_round(struct crowd *crowd, unsigned count,
                               size_t size) {
  for (unsigned i = 0; i < SENDERS; i++) {
    member_say(&crowd->members[i], count, size);
    crowd->peers[i]->gulp = 200 + 500 * i; /* cut where it falls */
  }
  peers_until(crowd->peers, MEMBERS,
              all_have_heard(crowd, crowd->members[0].told));
}

/* A round is less than the queue limit: nobody can be too slow. */
static inline void talk(const char *butlers, size_t size) {
  const char *limit = "10000000";
  char path[TEMP_PATH];
  temp_path(path, "talk");
  struct crowd *crowd = crowd_new(
      serve(CHAT, "--butlers", butlers, "--queue-limit", limit, TCP, path));
  double begin = seconds();
  do
    crowd_round(crowd, SANITIZED ? 50 : 200, size);
  while (seconds() - begin < crowd_seconds());
  if (crowd_seconds() > 0)
    print_message("%s butlers: %u packets, each heard by %d\n", butlers,
                  crowd->members[0].told * SENDERS, MEMBERS - 1);
  crowd_end(crowd, MEMBERS, MEMBERS);
}

static inline void with_one_butler_nothing_is_lost(void **state) {
  talk("1", 64);
  talk("1", 0);
}

static inline void with_two_butlers_nothing_is_lost(void **state) {
  talk("2", 64);
  talk("2", 0);
}

static inline void with_four_butlers_nothing_is_lost(void **state) {
  talk("4", 64);
  talk("4", 0);
}

/* ------------------------------------------------- those who just leave */

enum manner { CLOSE, RESET, HALF_CLOSE, MANNERS };

static inline void leave(int client, enum manner manner) {
  if (manner == RESET) {
    client_reset(client);
    return;
  }
  if (manner == HALF_CLOSE)
    client_half_close(client);
  client_close(client);
}

static inline void a_packet_that_was_not_finished_reaches_nobody(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "torn");
  struct server server = serve(CHAT, TCP, path);
  int clients[3];
  fill_room(clients, 2, server.endpoint);
  for (int round = 0; round < 2 * MANNERS; round++) {
    come_in(clients, 2, round % 2 ? server.endpoint : server.more[0]);
    client_send(clients[2], "whole\0torn", 10);
    all_hear(clients, 2, "whole");
    leave(clients[2], round / 2);
    wait_until(so_many_are_left(&server, clients, 2));
    say(clients[0], "next");
    hear(clients[1], "next");
  }
  end(&server, 2 + 2 * MANNERS);
  all_leave(clients, 2);
}

static inline void who_half_closes_still_listens(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "half");
  for (int b = 0; b < 3; b++) {
    struct server server = serve(CHAT, "--butlers", butlers_of[b], TCP, path);
    int clients[4];
    fill_room(clients, 2, server.endpoint);
    come_in(clients, 2, server.endpoint);
    come_in(clients, 3, server.more[0]);
    for (int i = 2; i < 4; i++) {
      client_send(clients[i], "last\0words\0torn", 15);
      client_half_close(clients[i]);
      for (int j = 0; j < 4; j++)
        if (j != i)
          client_expect(clients[j], "last\0words", 11);
    }
    for (int i = 0; i < 10; i++) {
      say(clients[0], "who is listening?");
      all_hear(clients + 1, 3, "who is listening?");
    }
    client_close(clients[2]);
    client_close(clients[3]);
    wait_until(so_many_are_left(&server, clients, 2));
    end(&server, 4);
    all_leave(clients, 2);
  }
}

static inline void last_words_are_heard(void **state) {
  struct server server = serve(CHAT, "--butlers", "2", TCP);
  int clients[3];
  fill_room(clients, 2, server.endpoint);
  for (int i = 0; i < 20; i++) {
    clients[2] = client_connect(server.endpoint);
    client_send(clients[2], "last\0words", sizeof "last\0words");
    leave(clients[2], i % 2 ? HALF_CLOSE : CLOSE);
    all_hear(clients, 2, "last");
    all_hear(clients, 2, "words");
  }
  wait_until(so_many_are_left(&server, clients, 2));
  end(&server, 22);
  all_leave(clients, 2);
}

/* One talks much and leaves, while another one talks as well: what is written
 * to it meets nobody, long before all that it said is read. */
static inline void
last_words_are_heard_though_it_cannot_be_written_to(void **state) {
  enum { COUNT = 300 };
  for (int b = 0; b < 3; b++) {
    struct server server = serve(CHAT, "--butlers", butlers_of[b], TCP);
    int clients[3];
    fill_room(clients, 2, server.endpoint);
    come_in(clients, 2, server.endpoint);
    size_t total;
    char *words = packets_of(0, 0, COUNT, 64, &total);
    struct member first = {.self = 1}, second = {.self = 2};
    char bytes[BIG];
    freeze(server.program);
    say(clients[0], "");
    client_send(clients[2], words, total);
    say(clients[0], "");
    client_close(clients[2]); /* it had two words to hear: a reset */
    thaw(server.program);
    while (first.heard < COUNT)
      member_got(&first.peer, bytes,
                 client_recv_some(clients[0], bytes, sizeof bytes));
    while (second.heard < COUNT || second.greeted < 2)
      member_got(&second.peer, bytes,
                 client_recv_some(clients[1], bytes, sizeof bytes));
    wait_until(so_many_are_left(&server, clients, 2));
    end(&server, 3);
    all_leave(clients, 2);
    free(words);
  }
}

/* Some leave without a word before anybody looks at them. */
static inline void who_leaves_at_once_is_forgotten(void **state) {
  struct server server = serve(CHAT, "--butlers", "4", TCP);
  int clients[2];
  for (int i = 0; i < 60; i++)
    leave(client_connect(server.endpoint), i % MANNERS);
  fill_room(clients, 2, server.endpoint);
  wait_until(so_many_are_left(&server, clients, 2));
  long served = end_server_with(&server, SIGTERM, "clients", "");
  assert_in_range(served, 2 + 20, 62); /* not all systems tell of a reset */
  all_leave(clients, 2);
}

/* While much is waiting for them, too. */
static inline void who_does_not_read_may_leave(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "fed-up");
  struct speech speech =
      speech_new(serve(CHAT, "--butlers", "2", TCP, path), 3);
  speak(&speech, (1 << 19) / BIG, BIG);
  leave(speech.deaf[0], CLOSE);
  speak(&speech, 5, BIG);
  leave(speech.deaf[1], RESET);
  speak(&speech, 5, BIG);
  leave(speech.deaf[2], HALF_CLOSE);
  wait_until((speak(&speech, 1, LEAST),
              program_descriptors(speech.server.program) == -1 ||
                  program_descriptors(speech.server.program) ==
                      speech.server.descriptors + 3));
  speech_end(&speech, "");
}

/* ---------------------------------------------------------- coming, going */

enum { GUESTS = 20, VISITS = 200 };

/* A crowd that talks, and guests who come and leave all the time. */
struct party {
  struct crowd *crowd;
  struct member guests[GUESTS];
  struct peer *peers[MEMBERS + GUESTS];
  uint32_t random;
  long visits;
  size_t farewells;
};

/* Says goodbye, and listens a little longer. */
static inline void guest_says_goodbye(struct party *party,
                                      struct member *guest) {
  client_send(guest->peer.fd, "", 1);
  client_half_close(guest->peer.fd);
  party->farewells++;
  guest->self = MEMBERS; /* is leaving */
}

static inline void guest_leaves(struct party *party, struct member *guest) {
  unsigned how = next_random(&party->random) % 5;
  if (how == 0) {
    guest_says_goodbye(party, guest);
    return;
  }
  if (how < 3)
    client_send_text(guest->peer.fd, "00000001 I do not fin");
  if (how % 2) {
    client_reset(guest->peer.fd);
    guest->peer.fd = -1;
  }
  member_leave(guest);
}

/* What one guest does next. */
static inline void guest_turn(struct party *party) {
  struct member *guest = &party->guests[next_random(&party->random) % GUESTS];
  if (guest->peer.fd == -1) {
    member_come_in(guest, MEMBERS + 1, ANYWHERE, party->crowd->server.endpoint);
    party->visits++;
  } else if (guest->self == MEMBERS + 1) {
    guest_leaves(party, guest);
  } else {
    member_leave(guest);
  }
}

static inline void guests_leave(struct party *party) {
  for (int i = 0; i < GUESTS; i++)
    if (party->guests[i].peer.fd != -1)
      member_leave(&party->guests[i]);
}

static inline struct party *party_new(const char *butlers) {
  struct party *party = calloc(1, sizeof *party);
  assert_non_null(party);
  char path[TEMP_PATH];
  temp_path(path, "party");
  party->random = 1;
  party->crowd = crowd_new(serve(CHAT, "--butlers", butlers, TCP, path));
  memcpy(party->peers, party->crowd->peers, sizeof party->crowd->peers);
  for (int i = 0; i < GUESTS; i++) {
    party->guests[i].peer.fd = -1;
    party->peers[MEMBERS + i] = &party->guests[i].peer;
  }
  return party;
}

static inline bool all_have_heard_farewells(const struct party *party) {
  for (int i = 0; i < MEMBERS; i++)
    if (party->crowd->members[i].greeted < party->farewells)
      return false;
  return true;
}

/* Members stay; a word to each guest who has gone tells the server. */
static inline bool only_members_are_left(const struct crowd *crowd) {
  client_send(crowd->peers[0]->fd, "", 1);
  long open = program_descriptors(crowd->server.program);
  return open == -1 || open == crowd->server.descriptors + MEMBERS;
}

/* Nobody who stayed has missed anything, nor heard what was not finished. */
static inline void party_end(struct party *party) {
  struct crowd *crowd = party->crowd;
  peers_until(crowd->peers, MEMBERS, all_have_heard_farewells(party));
  for (int i = 0; i < MEMBERS; i++)
    assert_int_equal(crowd->members[i].greeted, party->farewells);
  peers_until(crowd->peers, MEMBERS, only_members_are_left(crowd));
#ifdef __linux__
  long least = MEMBERS + party->visits;
#else
  long least = MEMBERS; /* it may not tell of a connection that was reset */
#endif
  crowd_end(crowd, least, MEMBERS + party->visits);
  free(party);
}

/* There is talk as long as guests come, so no turn has to wait for one. */
static inline void talk_among_guests(struct party *party) {
  struct crowd *crowd = party->crowd;
  for (unsigned i = 0; i < SENDERS; i++) {
    member_say(&crowd->members[i], SANITIZED ? 50 : 100, 64);
    crowd->peers[i]->gulp = 70; /* many turns */
  }
  peers_until(
      party->peers, MEMBERS + GUESTS,
      (guest_turn(party), all_have_heard(crowd, crowd->members[0].told)));
}

static inline void come_and_go(const char *butlers) {
  struct party *party = party_new(butlers);
  while (party->visits < VISITS)
    talk_among_guests(party);
  guests_leave(party);
  member_come_in(&party->guests[0], MEMBERS + 1, ANYWHERE,
                 party->crowd->server.endpoint);
  party->visits++;
  guest_says_goodbye(party, &party->guests[0]); /* the last to be accepted */
  member_leave(&party->guests[0]);
  party_end(party);
}

static inline void many_may_come_and_go_with_one_butler(void **state) {
  come_and_go("1");
}

static inline void many_may_come_and_go_with_two_butlers(void **state) {
  come_and_go("2");
}

static inline void many_may_come_and_go_with_four_butlers(void **state) {
  come_and_go("4");
}

/* --------------------------------------------------------------- the end */

static inline bool all_have_heard_some(const struct crowd *crowd) {
  for (int i = 0; i < MEMBERS; i++)
    if (crowd->members[i].heard < 50)
      return false;
  return true;
}

/* In the midst of it: what was heard up to the end is a beginning. */
static inline void end_while_all_talk(int signo, const char *butlers) {
  char path[TEMP_PATH];
  temp_path(path, "end");
  struct crowd *crowd = crowd_new(serve(CHAT, "--butlers", butlers, TCP, path,
                                        "--queue-limit", "1000000000"));
  for (unsigned i = 0; i < SENDERS; i++) {
    member_say(&crowd->members[i], 300, 0);
    crowd->peers[i]->gulp = 4000;
  }
  peers_until(crowd->peers, MEMBERS, all_have_heard_some(crowd));
  freeze(crowd->server.program); /* so that there is much to do just then */
  for (int i = 0; i < 10; i++)
    peers_turn(crowd->peers, MEMBERS);
  program_signal(crowd->server.program, signo);
  thaw(crowd->server.program);
  long served = end_server_with(&crowd->server, 0, "clients", "");
  assert_int_equal(served, MEMBERS);
  peers_until(crowd->peers, MEMBERS, all_have_ended(crowd));
  for (int i = 0; i < MEMBERS; i++)
    member_leave(&crowd->members[i]);
  free(crowd);
}

static inline void sigterm_ends_it_while_all_talk(void **state) {
  for (int b = 0; b < 3; b++)
    end_while_all_talk(SIGTERM, butlers_of[b]);
}

static inline void sigint_ends_it_while_all_talk(void **state) {
  for (int b = 0; b < 3; b++)
    end_while_all_talk(SIGINT, butlers_of[b]);
}

static inline void it_ends_while_much_is_waiting(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "waiting");
  for (int b = 0; b < 3; b++) {
    struct speech speech =
        speech_new(serve(CHAT, "--butlers", butlers_of[b], TCP, path), 1);
    speak(&speech, 800000 / BIG, BIG);
    speech_end(&speech, "");
    client_close(speech.deaf[0]);
  }
}

/* All the signals by which one ends a program, whether somebody is there or
 * not. */
static inline void every_signal_that_ends_a_program_ends_it(void **state) {
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < 12; i++) { /* as soon as it listens, or later */
    struct server server = serve(CHAT, "--butlers", "4", TCP);
    size_t count = i % 3 ? 0 : 2;
    int clients[2];
    fill_room(clients, count, server.endpoint);
    long served = end_server_with(&server, signals[i % 4], "clients", "");
    assert_int_equal(served, count);
    all_leave(clients, count);
  }
}

static inline void a_busy_endpoint_is_refused(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "busy");
  struct server server = serve(CHAT, TCP, path);
  expect_refusal(CHAT, 1, "in use", server.endpoint);
  expect_refusal(CHAT, 1, "in use", path);
  int clients[2];
  fill_room(clients, 2, path);
  long served = end_server_with(&server, SIGTERM, "clients", "");
  assert_in_range(served, 2, 3); /* the other one may have knocked */
  all_leave(clients, 2);
}

/* ------------------------------------------------- what the trace tells */

/* No two handlers of a strand at once, and none off the strands but those that
 * accept (one for each member) and the one that ends it all. */
static inline void check_strands(struct trace *trace, size_t expected) {
  size_t strands = 0;
  for (unsigned i = 1; strands < expected && i < 1000; i++) {
    char name[24];
    snprintf(name, sizeof name, "strand %u", i);
    strands += trace_count(trace, NULL, name) > 0;
    assert_int_equal(trace_overlaps(trace, name), 0);
  }
  assert_int_equal(strands, expected);
  assert_in_range(trace_count(trace, NULL, "context 1"), MEMBERS, MEMBERS + 2);
}

/* Those of the members, and so many more. */
static inline void expect_no_overlaps(const char *butlers, size_t more) {
  enum { COUNT = 5 };
  char path[TEMP_PATH];
  temp_path(path, "trace");
  struct program_options options = {.args = {"--butlers", butlers, TCP},
                                    .trace = path};
  struct crowd *crowd = crowd_new(serve_with(CHAT, options));
  crowd_round(crowd, COUNT, 64);
  crowd_end(crowd, MEMBERS, MEMBERS);
  struct trace *trace = trace_load(path);
  assert_int_equal(trace_butlers(trace), atoi(butlers));
  check_strands(trace, MEMBERS + more);
  trace_free(trace);
}

static inline size_t handlers_with(const struct trace *trace, const char *name,
                                   long n) {
  size_t count = 0;
  for (size_t i = 0; i < trace->slice_count; i++) {
    const struct trace_slice *slice = &trace->slices[i];
    count += strcmp(slice->cat, "handler") == 0 && slice->n == n &&
             (!name || strcmp(slice->name, name) == 0);
  }
  return count;
}

#define CHAT_TESTS                                                             \
  cmocka_unit_test(a_packet_goes_to_everybody_but_its_sender),                 \
      cmocka_unit_test(alone_nobody_hears_anything),                           \
      cmocka_unit_test(all_endpoints_lead_to_one_room),                        \
      cmocka_unit_test(an_empty_packet_is_a_packet),                           \
      cmocka_unit_test(all_bytes_pass_but_the_nul),                            \
      cmocka_unit_test(packets_may_be_split_anywhere),                         \
      cmocka_unit_test(packets_may_come_byte_by_byte),                         \
      cmocka_unit_test(packets_may_be_joined),                                 \
      cmocka_unit_test(the_largest_packet_passes_and_a_larger_one_does_not),   \
      cmocka_unit_test(with_one_butler_nothing_is_lost),                       \
      cmocka_unit_test(with_two_butlers_nothing_is_lost),                      \
      cmocka_unit_test(with_four_butlers_nothing_is_lost),                     \
      cmocka_unit_test(a_packet_that_was_not_finished_reaches_nobody),         \
      cmocka_unit_test(who_half_closes_still_listens),                         \
      cmocka_unit_test(last_words_are_heard),                                  \
      cmocka_unit_test(last_words_are_heard_though_it_cannot_be_written_to),   \
      cmocka_unit_test(who_leaves_at_once_is_forgotten),                       \
      cmocka_unit_test(who_does_not_read_may_leave),                           \
      cmocka_unit_test(many_may_come_and_go_with_one_butler),                  \
      cmocka_unit_test(many_may_come_and_go_with_two_butlers),                 \
      cmocka_unit_test(many_may_come_and_go_with_four_butlers),                \
      cmocka_unit_test(sigterm_ends_it_while_all_talk),                        \
      cmocka_unit_test(sigint_ends_it_while_all_talk),                         \
      cmocka_unit_test(it_ends_while_much_is_waiting),                         \
      cmocka_unit_test(every_signal_that_ends_a_program_ends_it),              \
      cmocka_unit_test(a_busy_endpoint_is_refused)

#endif
