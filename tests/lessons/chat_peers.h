/* chat_peers.h: who comes to a chat in its tests, for lessons 16 and 18. The
 * test that includes it defines CHAT, the number of its lesson, before.
 *
 *   say, hear    a few who take turns, on blocking sockets
 *   packet_      packets that tell who said them, and whether they are whole
 *   crowd        many who hear everything, and some of them talk
 *   speech       one who talks, some who listen, and some who never read */
#ifndef CHAT_PEERS_H
#define CHAT_PEERS_H

#include "peers.h"

#define TCP "127.0.0.1:0"

static const char *const butlers_of[] = {"1", "2", "4"};

static inline void end(struct server *server, long served) {
  end_server(server, "clients", served);
}

static inline void end_with(struct server *server, long served,
                            const char *errors) {
  long actual = end_server_with(server, SIGTERM, "clients", errors);
  assert_int_equal(actual, served);
}

/* -------------------------------------------------- a few who take turns */

/* A packet, with its NUL. */
static inline void say(int client, const char *text) {
  client_send(client, text, strlen(text) + 1);
}

static inline void hear(int client, const char *text) {
  client_expect(client, text, strlen(text) + 1);
}

static inline void all_hear(const int *clients, size_t count,
                            const char *text) {
  for (size_t i = 0; i < count; i++)
    hear(clients[i], text);
}

/* One comes into the room. The others hear it, so it is in. The first one says
 * nothing: others might come in before that is read, and hear it. */
static inline void come_in(int *clients, size_t others, const char *endpoint) {
  clients[others] = client_connect(endpoint);
  if (others > 0)
    say(clients[others], "");
  all_hear(clients, others, "");
}

/* So many are in the room, and have nothing left to hear. */
static inline void fill_room(int *clients, size_t count, const char *endpoint) {
  for (size_t i = 0; i < count; i++)
    come_in(clients, i, endpoint);
}

/* Whether so many are in the room. One who has gone without a word is noticed
 * when somebody speaks to it, the second time at the latest: the first one here
 * speaks, and the second one hears it. */
static inline bool so_many_are_left(const struct server *server,
                                    const int *clients, long count) {
  say(clients[0], "anybody?");
  hear(clients[1], "anybody?");
  long open = program_descriptors(server->program);
  return open == -1 || open == server->descriptors + count;
}

/* The server ends; nobody hears a byte more than was expected. */
static inline void all_leave(const int *clients, size_t count) {
  for (size_t i = 0; i < count; i++) {
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
}

/* A packet of so many bytes. */
static inline char *packet_of(size_t size) {
  char *packet = malloc(size);
  assert_non_null(packet);
  memset(packet, 'x', size);
  packet[size - 1] = 0;
  return packet;
}

/* ------------------------------------------------- packets that tell all */

/* A packet says who sent it and which one it is, and ends with a sum over the
 * rest, in its last 9 bytes with the NUL. */
enum { HEAD = 10, SUM = 8, LEAST = HEAD + SUM + 1, MOST = 4096 };

/* Eight bytes at a time: millions of packets are looked at. */
static inline unsigned sum_of(const char *bytes, size_t n) {
  uint64_t sum = n, word;
  for (; n >= sizeof word; bytes += sizeof word, n -= sizeof word) {
    memcpy(&word, bytes, sizeof word);
    sum = (sum ^ word) * 1099511628211U;
    sum ^= sum >> 32;
  }
  for (; n > 0; bytes++, n--)
    sum = (sum ^ (unsigned char)*bytes) * 1099511628211U;
  return (unsigned)(sum ^ sum >> 32);
}

static inline void packet_make(char *packet, size_t size, unsigned sender,
                               unsigned number) {
  snprintf(packet, HEAD + 1, "%02x%08x", sender, number);
  for (size_t i = HEAD; i < size - SUM - 1; i++)
    packet[i] = (char)('a' + (i + number + sender) % 26);
  snprintf(packet + size - SUM - 1, SUM + 1, "%08x",
           sum_of(packet, size - SUM - 1));
}

static inline unsigned hex(const char *digits, size_t count) {
  char text[9] = "";
  memcpy(text, digits, count);
  return (unsigned)strtoul(text, NULL, 16);
}

/* Whole: not a part of one, nor parts of two. */
static inline bool packet_is_whole(const char *packet, size_t size) {
  return size >= LEAST && packet[size - 1] == 0 &&
         hex(packet + size - 1 - SUM, SUM) == sum_of(packet, size - SUM - 1);
}

/* `count` packets in a row, of `size` bytes each, or with size 0 of sizes from
 * LEAST to 300. The caller frees them. */
static inline char *packets_of(unsigned sender, unsigned first, unsigned count,
                               size_t size, size_t *total) {
  char *bytes = malloc(count * (size ? size : 300));
  uint32_t random = 1 + sender;
  assert_non_null(bytes);
  *total = 0;
  for (unsigned i = 0; i < count; i++) {
    size_t n = size ? size : LEAST + next_random(&random) % (300 - LEAST);
    packet_make(bytes + *total, n, sender, first + i);
    *total += n;
  }
  return bytes;
}

/* ---------------------------------------------------- a crowd that talks */

enum { MEMBERS = 50, SENDERS = 4 };
#define ANYWHERE 0xffffffffU

/* One of the crowd; the first SENDERS send. */
struct member {
  struct peer peer;
  unsigned self;
  char *said;             /* what it sends */
  unsigned told;          /* packets, with these */
  unsigned next[SENDERS]; /* the number it must hear next */
  size_t heard;           /* packets */
  size_t greeted;         /* lone NULs */
  char part[MOST];        /* of a packet, ... */
  size_t size;            /* ... so many bytes */
};

/* Lost, doubled, out of order, torn, or its own. */
static inline void member_check(struct member *m) {
  if (m->size == 1) {
    m->greeted++;
    return;
  }
  if (!packet_is_whole(m->part, m->size))
    give_up("a torn packet of %zu bytes: %.60s", m->size, m->part);
  unsigned sender = hex(m->part, 2), number = hex(m->part + 2, 8);
  if (sender >= SENDERS || sender == m->self)
    give_up("%u hears a packet of %u", m->self, sender);
  unsigned *next = &m->next[sender % SENDERS];
  if (*next == ANYWHERE)
    *next = number;
  if (number != *next)
    give_up("%u hears packet %u of %u, not %u", m->self, number, sender, *next);
  ++*next;
  m->heard++;
}

static inline void member_got(struct peer *peer, const char *bytes, size_t n) {
  struct member *m = (struct member *)peer;
  while (n > 0) {
    const char *nul = memchr(bytes, 0, n);
    size_t size = nul ? (size_t)(nul - bytes) + 1 : n;
    assert_true(size <= MOST - m->size);
    memcpy(m->part + m->size, bytes, size);
    m->size += size;
    bytes += size;
    n -= size;
    if (!nul)
      break;
    member_check(m);
    m->size = 0;
  }
}

/* Has it say `count` more packets, when it has said what it had to say. */
static inline void member_say(struct member *m, unsigned count, size_t size) {
  assert_int_equal(m->peer.left, 0);
  free(m->said);
  m->said = packets_of(m->self, m->told, count, size, &m->peer.left);
  m->peer.out = m->said;
  m->told += count;
}

static inline void member_come_in(struct member *m, unsigned self,
                                  unsigned expected, const char *endpoint) {
  *m = (struct member){.peer.got = member_got, .self = self};
  for (int i = 0; i < SENDERS; i++)
    m->next[i] = expected;
  peer_connect(&m->peer, endpoint);
}

static inline void member_leave(struct member *m) {
  peer_close(&m->peer);
  free(m->said);
  m->said = NULL;
}

struct crowd {
  struct server server;
  unsigned count; /* of members */
  struct member members[MEMBERS];
  struct peer *peers[MEMBERS];
};

/* All are in the room before the first word: the last one in was heard. */
static inline struct crowd *crowd_of(struct server server, unsigned count) {
  struct crowd *crowd = calloc(1, sizeof *crowd);
  assert_non_null(crowd);
  crowd->server = server;
  crowd->count = count;
  for (unsigned i = 0; i < count; i++) {
    bool more = i % 3 == 2 && *server.more[0];
    crowd->peers[i] = &crowd->members[i].peer;
    member_come_in(&crowd->members[i], i, 0,
                   more ? server.more[0] : server.endpoint);
    if (i > 0) /* see come_in */
      client_send(crowd->peers[i]->fd, "", 1);
    for (unsigned j = 0; j < i; j++) {
      assert_true(client_readable(crowd->peers[j]->fd, 20000));
      hear(crowd->peers[j]->fd, "");
    }
  }
  return crowd;
}

static inline struct crowd *crowd_new(struct server server) {
  return crowd_of(server, MEMBERS);
}

static inline bool all_have_ended(const struct crowd *crowd) {
  for (unsigned i = 0; i < crowd->count; i++)
    if (crowd->peers[i]->fd != -1 && !crowd->peers[i]->ended)
      return false;
  return true;
}

/* Everybody has heard `count` packets of each of the others who send. */
static inline bool all_have_heard(const struct crowd *crowd, size_t count) {
  for (unsigned i = 0; i < crowd->count; i++)
    if (crowd->members[i].heard != count * (SENDERS - (i < SENDERS)))
      return false;
  return true;
}

/* The server ends, and with it the streams: nothing more was on its way. */
static inline void crowd_end(struct crowd *crowd, long least, long most) {
  long served = end_server_with(&crowd->server, SIGTERM, "clients", "");
  assert_in_range(served, least, most);
  size_t heard[MEMBERS] = {0};
  for (unsigned i = 0; i < crowd->count; i++)
    heard[i] = crowd->members[i].heard;
  peers_until(crowd->peers, crowd->count, all_have_ended(crowd));
  for (unsigned i = 0; i < crowd->count; i++) {
    assert_int_equal(crowd->members[i].heard, heard[i]);
    assert_int_equal(crowd->members[i].size, 0);
    member_leave(&crowd->members[i]);
  }
  free(crowd);
}

/* ----------------------------------------------------- one who talks, alone */

enum { BIG = 4000 }; /* bytes of a packet */

/* One who says numbered packets, some who hear each of them before the next
 * one is said, and some who never read. */
struct speech {
  struct server server;
  int speaker, listeners[2];
  int deaf[3];
  size_t deaf_count;
  unsigned said;
};

static inline struct speech speech_new(struct server server,
                                       size_t deaf_count) {
  struct speech speech = {.server = server, .deaf_count = deaf_count};
  int clients[6];
  fill_room(clients, 3, server.endpoint);
  for (size_t i = 0; i < deaf_count; i++) {
    come_in(clients, 3 + i, i % 2 ? server.endpoint : server.more[0]);
    speech.deaf[i] = clients[3 + i];
  }
  speech.speaker = clients[0];
  speech.listeners[0] = clients[1];
  speech.listeners[1] = clients[2];
  return speech;
}

static inline void speak(struct speech *speech, unsigned count, size_t size) {
  char packet[BIG];
  for (unsigned i = 0; i < count; i++) {
    packet_make(packet, size, 0, speech->said++);
    client_send(speech->speaker, packet, size);
    for (int l = 0; l < 2; l++)
      client_expect(speech->listeners[l], packet, size);
  }
}

/* Reads what was left in the system when the server closed: all packets from
 * the first on, though the last one may be a part. Returns the packets. */
static inline size_t catch_up(int client) {
  struct member m = {.self = SENDERS};
  char bytes[BIG];
  for (size_t n; (n = client_recv_some(client, bytes, sizeof bytes)) > 0;)
    member_got(&m.peer, bytes, n);
  client_close(client);
  return m.heard;
}

static inline void speech_end(struct speech *speech, const char *errors) {
  end_with(&speech->server, 3 + (long)speech->deaf_count, errors);
  client_expect_end(speech->speaker);
  client_close(speech->speaker);
  all_leave(speech->listeners, 2);
}

/* Speaks until so many were shown out for not reading. */
static inline void speak_until_cut_off(struct speech *speech, size_t count) {
  for (double end = deadline();;) {
    speak(speech, 10, BIG);
    if (lines_in(program_err(speech->server.program)) >= count)
      return;
    if (seconds() > end)
      give_up("nobody was cut off within %u packets", speech->said);
  }
}

#endif
