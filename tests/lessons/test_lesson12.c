/* Lesson 12: a message comes back when it has come as a whole, and not before,
 * in both framings and however its bytes were cut or joined on the way; what
 * is too long, or cut off, ends its own session alone and is told. */
#include "peers.h"

/* Memory for messages, which may have run out. */
static bool no_memory;
static void *scarce(size_t size) { return no_memory ? NULL : malloc(size); }

#include "../../lessons/12-framing/linger.c" // NOLINT

#define malloc(size) scarce(size)
#include "../../lessons/12-framing/session.c" // NOLINT
#undef malloc

#define on_written on_written_nul
#include "../../lessons/12-framing/nul.c" // NOLINT
#undef on_written

#define malloc(size) scarce(size)
#include "../../lessons/12-framing/length.c" // NOLINT
#undef malloc

#include <sys/un.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#define TCP "127.0.0.1:0"
#define MIDDLE "closed {*}: it left in the middle of a message\n"
#define TOO_LONG "closed {*}: its message is too long\n"
#define RESET "closed {*}: connection reset by peer\n"

enum framing { NUL, LENGTH, FRAMINGS };
static const char *const names[] = {"nul", "length"};

/* ------------------------------------------------------------- messages */

/* Framed messages one behind the other, and where each of them ends. */
struct messages {
  enum framing framing;
  unsigned char *at;
  size_t size, room;
  size_t *ends, count;
};

static size_t framed(enum framing framing, size_t n) {
  return n + (framing == NUL ? 1 : 2);
}

static void add_message(struct messages *m, const void *bytes, size_t n) {
  size_t size = framed(m->framing, n);
  if (m->size + size > m->room) {
    m->room = 2 * (m->size + size);
    m->at = realloc(m->at, m->room);
  }
  m->ends = realloc(m->ends, (m->count + 1) * sizeof *m->ends);
  assert_true(m->at && m->ends);
  unsigned char *at = m->at + m->size;
  if (m->framing == LENGTH) {
    at[0] = (unsigned char)(n >> 8);
    at[1] = (unsigned char)n;
    at += 2;
  }
  memcpy(at, bytes, n);
  if (m->framing == NUL)
    at[n] = 0;
  m->size += size;
  m->ends[m->count++] = m->size;
}

/* A message of n bytes that are not 0. */
static void add_long(struct messages *m, size_t n) {
  unsigned char *bytes = malloc(n + 1);
  assert_non_null(bytes);
  for (size_t i = 0; i < n; i++)
    bytes[i] = (unsigned char)(1 + (i + m->count) * 31 % 255);
  add_message(m, bytes, n);
  free(bytes);
}

static void free_messages(struct messages *m) {
  free(m->at);
  free(m->ends);
}

/* Short ones, two of them empty; where the framing allows it also bytes that
 * look like a frame. */
static struct messages some_messages(enum framing framing) {
  struct messages m = {.framing = framing};
  add_message(&m, "eat", 3);
  add_message(&m, "", 0);
  add_message(&m, "d", 1);
  add_message(&m, framing == NUL ? "\xff\x01\x7f\n" : "\0\2\0\0", 4);
  add_message(&m, "", 0);
  add_message(&m, "be merry!", 9);
  return m;
}

/* How many of the first `n` bytes belong to messages that are whole. */
static size_t whole(const struct messages *m, size_t n) {
  size_t end = 0;
  for (size_t i = 0; i < m->count && m->ends[i] <= n; i++)
    end = m->ends[i];
  return end;
}

static void expect_echo(int client, const struct messages *m) {
  client_send(client, m->at, m->size);
  client_expect(client, m->at, m->size);
}

/* -------------------------------------------------------------- servers */

static struct server serve_framing(enum framing framing, const char *endpoint,
                                   const char *butlers) {
  return serve(12, "--framing", names[framing], "--butlers", butlers, endpoint);
}

static struct server serve_limit(enum framing framing, const char *endpoint,
                                 long limit) {
  return serve(12, "--framing", names[framing], "--limit", number_text(limit),
               endpoint);
}

/* Ends it; all that stands on standard error are `count` lines like this. */
static void end(struct server *server, long served, size_t count,
                const char *error) {
  char *errors = calloc(count + 1, strlen(error) + 1), *at = errors;
  assert_non_null(errors);
  for (size_t i = 0; i < count; i++, at += strlen(at))
    strcpy(at, error);
  wait_until_empty(server);
  long actual = end_server_with(server, SIGTERM, "sessions", errors);
  assert_int_equal(actual, served);
  free(errors);
}

/* It is served as if nothing had happened. */
static void expect_service(const struct server *server, enum framing framing) {
  struct messages m = some_messages(framing);
  int client = client_connect(server->endpoint);
  expect_echo(client, &m);
  client_half_close(client);
  client_expect_end(client);
  client_close(client);
  free_messages(&m);
}

/* ---------------------------------------------------- however it was cut */

/* Waits until the server has read what was sent through a Unix socket. */
static void until_taken(int client) {
#ifdef SIOCOUTQ
  int left;
  double end_of_wait = deadline();
  while (ioctl(client, SIOCOUTQ, &left) == 0 && left > 0)
    if (seconds() > end_of_wait)
      give_up("the server does not read");
#else
  usleep(300);
#endif
}

/* In so many pieces, each sent when the one before was read. */
static void send_pieces(int client, const struct messages *m,
                        const size_t *cuts, size_t count) {
  size_t from = 0;
  for (size_t i = 0; i < count; i++) {
    client_send(client, m->at + from, cuts[i] - from);
    until_taken(client);
    from = cuts[i];
  }
  client_send(client, m->at + from, m->size - from);
  client_expect(client, m->at, m->size);
}

static void messages_may_be_cut_anywhere(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "cut");
    struct server server = serve_framing(f, path, "1");
    struct messages m = some_messages(f);
    int client = client_connect(server.endpoint);
    for (size_t cut = 0; cut <= m.size; cut++)
      send_pieces(client, &m, &cut, 1);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 0, "");
  }
}

static void messages_may_be_cut_anywhere_twice(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "twice");
    struct server server = serve_framing(f, path, "2");
    struct messages m = some_messages(f);
    int client = client_connect(server.endpoint);
    for (size_t one = 1; one < m.size; one++)
      for (size_t two = one + 1; two < m.size; two++)
        send_pieces(client, &m, (size_t[]){one, two}, 2);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 0, "");
  }
}

static void messages_may_come_byte_by_byte(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_framing(f, TCP, "2");
    struct messages m = some_messages(f);
    add_long(&m, 300); /* its length has two bytes that are not 0 */
    int client = client_connect(server.endpoint);
    for (size_t i = 0; i < m.size; i++)
      client_send(client, m.at + i, 1);
    client_expect(client, m.at, m.size);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 0, "");
  }
}

static void many_messages_may_come_at_once(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "joined");
    struct server server = serve(12, "--framing", names[f], TCP, path);
    struct messages m = {.framing = f};
    for (size_t i = 0; i < 3000; i++)
      add_long(&m, i % 37);
    for (int i = 0; i < 2; i++) {
      int client = client_connect(i ? server.more[0] : server.endpoint);
      expect_echo(client, &m);
      client_close(client);
    }
    free_messages(&m);
    end(&server, 2, 0, "");
  }
}

static void a_thousand_empty_messages_come_back(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_framing(f, TCP, "1");
    struct messages m = {.framing = f};
    for (int i = 0; i < 1000; i++)
      add_message(&m, "", 0);
    int client = client_connect(server.endpoint);
    expect_echo(client, &m);
    client_half_close(client);
    client_expect_end(client);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 0, "");
  }
}

/* ------------------------------------------------------------- how long */

/* The largest one, and those near it, also cut in the middle. */
static void the_largest_message_comes_back(void **state) {
  static const long limits[] = {1, 2, 255, 256, 257, 65534, 65535};
  for (enum framing f = NUL; f < FRAMINGS; f++)
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
      char path[TEMP_PATH];
      temp_path(path, "largest");
      struct server server = serve_limit(f, path, limits[i]);
      struct messages m = {.framing = f};
      add_long(&m, (size_t)limits[i]);
      add_long(&m, (size_t)limits[i] - 1);
      add_long(&m, (size_t)limits[i]);
      int client = client_connect(server.endpoint);
      expect_echo(client, &m);
      send_pieces(client, &m, (size_t[]){m.ends[0] - 1, m.ends[1] + 1}, 2);
      client_close(client);
      free_messages(&m);
      end(&server, 1, 0, "");
    }
}

static void the_limit_is_1024_unless_told(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_framing(f, TCP, "1");
    for (size_t more = 0; more < 2; more++) {
      struct messages m = {.framing = f};
      add_long(&m, 1024 + more);
      int client = client_connect(server.endpoint);
      client_send(client, m.at, m.size);
      if (!more)
        client_expect(client, m.at, m.size);
      else
        client_expect_end(client);
      client_close(client);
      free_messages(&m);
    }
    end(&server, 2, 1, TOO_LONG);
  }
}

/* What came before it comes back. The others do not notice. */
static void one_byte_over_the_largest_ends_that_session(void **state) {
  static const long limits[] = {1, 8, 255, 256, 65534};
  for (enum framing f = NUL; f < FRAMINGS; f++)
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
      struct server server = serve_limit(f, TCP, limits[i]);
      struct messages m = {.framing = f}, other = {.framing = f};
      add_long(&m, 1);
      add_long(&m, (size_t)limits[i] + 1);
      add_long(&m, 1);
      add_long(&other, (size_t)limits[i]);
      int stays = client_connect(server.endpoint);
      client_send(stays, other.at, other.size - 1);
      int client = client_connect(server.endpoint);
      client_try_send(client, m.at, m.size);
      client_expect(client, m.at, m.ends[0]);
      client_expect_end(client);
      client_close(client);
      client_send(stays, other.at + other.size - 1, 1);
      client_expect(stays, other.at, other.size);
      client_close(stays);
      free_messages(&m);
      free_messages(&other);
      end(&server, 2, 1, TOO_LONG);
    }
}

/* Only a NUL can end it in time: here the largest one waits for its NUL. */
static void too_long_shows_when_the_nul_is_late(void **state) {
  struct server server = serve_limit(NUL, TCP, 5);
  int clients[2];
  for (int i = 0; i < 2; i++) {
    clients[i] = client_connect(server.endpoint);
    client_send_text(clients[i], "12345");
  }
  client_send_text(clients[0], "6");
  client_expect_end(clients[0]);
  client_send(clients[1], "", 1);
  client_expect(clients[1], "12345", 6);
  for (int i = 0; i < 2; i++)
    client_close(clients[i]);
  end(&server, 2, 1, TOO_LONG);
}

static void too_long_shows_in_the_header_alone(void **state) {
  static const char *const headers[] = {"\0\6", "\1\0", "\1\5", "\xff\xff"};
  struct server server = serve_limit(LENGTH, TCP, 5);
  for (int i = 0; i < 4; i++) {
    int client = client_connect(server.endpoint);
    client_send(client, headers[i], 2);
    client_expect_end(client);
    client_close(client);
  }
  end(&server, 4, 4, TOO_LONG);
}

static void a_message_without_end_ends_the_session(void **state) {
  static char bytes[100000];
  memset(bytes, 'x', sizeof bytes);
  struct server server = serve_limit(NUL, TCP, 65535);
  int client = client_connect(server.endpoint);
  while (client_try_send(client, bytes, sizeof bytes))
    continue;
  client_expect_end(client);
  client_close(client);
  expect_service(&server, NUL);
  end(&server, 2, 1, TOO_LONG);
}

/* ----------------------------------------------------------- a goodbye */

/* The end of the stream, and no reset. */
static void expect_goodbye(int client) {
  char byte;
  ssize_t n = recv(client, &byte, 1, 0);
  if (n != 0)
    give_up("no goodbye but %s", n < 0 ? strerror(errno) : "another byte");
}

/* Good messages, whose echo is more than a connection holds for a client that
 * does not read yet; then one that is too long, and a lot behind it. */
static struct messages too_much(enum framing framing) {
  struct messages m = {.framing = framing};
  for (int i = 0; i < 4; i++)
    add_long(&m, 60000);
  add_long(&m, 60001);
  for (int i = 0; i < 4; i++)
    add_long(&m, 60000);
  return m;
}

static void what_came_before_it_arrives(bool half) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_limit(f, TCP, 60000);
    struct messages m = too_much(f);
    int client = client_connect(server.endpoint);
    client_send(client, m.at, m.size);
    if (half)
      client_half_close(client);
    program_wait_for_error(server.program, "too long");
    if (!half)
      client_try_send(client, m.at, m.ends[0]);
    client_expect(client, m.at, m.ends[3]);
    expect_goodbye(client);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 1, TOO_LONG);
  }
}

static void answers_before_one_that_is_too_long_arrive(void **state) {
  what_came_before_it_arrives(false);
}

static void they_arrive_after_a_half_close_as_well(void **state) {
  what_came_before_it_arrives(true);
}

/* A client that has ended its half in the middle of a message. */
static void answers_before_half_a_message_arrive(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_limit(f, TCP, 60000);
    struct messages m = too_much(f);
    int client = client_connect(server.endpoint);
    client_send(client, m.at, m.ends[3] + 1);
    client_half_close(client);
    program_wait_for_error(server.program, "in the middle");
    client_expect(client, m.at, m.ends[3]);
    expect_goodbye(client);
    client_close(client);
    free_messages(&m);
    end(&server, 1, 1, MIDDLE);
  }
}

/* A server whose lesson seconds are short, or very long. */
static struct server serve_paced(enum framing framing, const char *speed) {
  return serve_with(
      12, (struct program_options){.args = {"--framing", names[framing], TCP},
                                   .speed = speed});
}

static int say_too_much_to(const struct server *server, enum framing framing) {
  struct messages m = {.framing = framing};
  add_long(&m, 1025);
  int client = client_connect(server->endpoint);
  client_send(client, m.at, m.size);
  expect_goodbye(client);
  free_messages(&m);
  return client;
}

/* It closes at last, though the client stays and says nothing more. */
static void a_goodbye_takes_its_time_and_no_more(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_paced(f, "100");
    int client = say_too_much_to(&server, f);
    wait_until_empty(&server);
    client_close(client);
    end(&server, 1, 1, TOO_LONG);
  }
}

/* Its time is 500 seconds here, so it is the amount that ends it. */
static void a_goodbye_hears_so_much_and_no_more(void **state) {
  static char bytes[100000];
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_paced(f, "0.01");
    int client = say_too_much_to(&server, f);
    while (client_try_send(client, bytes, sizeof bytes))
      continue;
    client_close(client);
    end(&server, 1, 1, TOO_LONG);
  }
}

static void a_signal_ends_it_in_the_middle_of_a_goodbye(void **state) {
  struct server server = serve_paced(LENGTH, "0.01");
  int client = say_too_much_to(&server, LENGTH);
  assert_int_equal(end_server_with(&server, SIGTERM, "sessions", TOO_LONG), 1);
  client_expect_end(client);
  client_close(client);
}

/* ------------------------------------------------------ those who leave */

/* At every byte: what is whole comes back, nothing else does, and whoever left
 * in the middle is told so, and nobody else. */
static void cut_off(enum framing f, bool half) {
  struct server server = serve_framing(f, TCP, "2");
  struct messages m = some_messages(f);
  for (size_t n = 0; n <= m.size; n++) {
    int client = client_connect(server.endpoint);
    client_send(client, m.at, n);
    if (half)
      client_half_close(client);
    client_expect(client, m.at, whole(&m, n));
    if (half)
      client_expect_end(client);
    client_close(client);
  }
  expect_service(&server, f);
  long sessions = (long)m.size + 2;
  size_t cut = m.size - m.count;
  free_messages(&m);
  end(&server, sessions, cut, MIDDLE);
}

static void a_client_may_end_its_half_at_every_byte(void **state) {
  cut_off(NUL, true);
  cut_off(LENGTH, true);
}

static void a_client_may_leave_at_every_byte(void **state) {
  cut_off(NUL, false);
  cut_off(LENGTH, false);
}

static void a_client_may_reset_at_every_byte(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_framing(f, TCP, "2");
    struct messages m = some_messages(f);
    for (size_t n = 1; n <= m.size; n++) {
      int client = client_connect(server.endpoint);
      client_send(client, m.at, n);
      client_expect(client, m.at, whole(&m, n));
      client_reset(client);
    }
    expect_service(&server, f);
    long sessions = (long)m.size + 1;
    size_t resets = m.size;
    free_messages(&m);
    end(&server, sessions, resets, RESET);
  }
}

static void a_client_may_leave_without_a_word(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct server server = serve_framing(f, TCP, "1");
    for (int i = 0; i < 20; i++)
      client_close(client_connect(server.endpoint));
    expect_service(&server, f);
    end(&server, 21, 0, "");
  }
}

/* Streams messages, and looks at what comes back. */
struct streamer {
  struct peer peer;
  const struct messages *m;
  size_t received;
};

static void check_stream(struct peer *peer, const char *bytes, size_t n) {
  struct streamer *s = (struct streamer *)peer;
  assert_true(n <= s->m->size - s->received);
  assert_memory_equal(bytes, s->m->at + s->received, n);
  s->received += n;
}

static void streamer_start(struct streamer *s, const char *endpoint,
                           const struct messages *m, size_t gulp) {
  *s = (struct streamer){.m = m};
  s->peer.out = (const char *)m->at;
  s->peer.left = m->size;
  s->peer.gulp = gulp;
  s->peer.got = check_stream;
  peer_connect(&s->peer, endpoint);
}

/* Sends until nothing more is taken: the server is in the middle of a write,
 * and reads no further. On a Unix socket that takes less than a megabyte. */
static void stall(struct streamer *s) {
  struct peer *peers[] = {&s->peer};
  size_t left;
  s->peer.deaf = true;
  do {
    left = s->peer.left;
    peers_turn(peers, 1);
  } while (s->peer.left < left);
  assert_true(s->peer.left > 0);
}

static struct messages endless(enum framing framing) {
  struct messages m = {.framing = framing};
  for (size_t i = 0; m.size < 2 << 20; i++)
    add_long(&m, i % 5 ? 1000 : i % 1000);
  return m;
}

static void a_client_that_does_not_read_stalls_itself_only(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "stall");
    struct server server = serve_framing(f, path, "1");
    struct messages m = endless(f);
    struct streamer lazy;
    struct peer *peers[] = {&lazy.peer};
    streamer_start(&lazy, server.endpoint, &m, 0);
    stall(&lazy);
    expect_service(&server, f);
    lazy.peer.deaf = false;
    peers_until(peers, 1, lazy.received == m.size);
    peer_close(&lazy.peer);
    free_messages(&m);
    end(&server, 2, 0, "");
  }
}

static void a_client_may_leave_in_the_middle_of_a_write(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "reset");
    struct server server = serve_framing(f, path, "2");
    struct messages m = endless(f);
    struct streamer lazy;
    streamer_start(&lazy, server.endpoint, &m, 0);
    stall(&lazy);
    peer_close(&lazy.peer);
    expect_service(&server, f);
    free_messages(&m);
    end(&server, 2, 1, "closed {*}: {*}\n"); /* which error, the system says */
  }
}

/* ---------------------------------------------------------------- crowds */

static bool all_received(const struct streamer *streamers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (streamers[i].received < streamers[i].m->size)
      return false;
  return true;
}

/* All at once, in gulps of different sizes, with four butlers. */
static void a_crowd_is_served_at_once(void **state) {
  enum { CROWD = 30 };
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    temp_path(path, "crowd");
    struct server server =
        serve(12, "--butlers", "4", "--framing", names[f], TCP, path);
    struct messages m = {.framing = f};
    for (size_t i = 0; i < 300; i++)
      add_long(&m, i * 7 % 257);
    struct streamer streamers[CROWD];
    struct peer *peers[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
      streamer_start(&streamers[i], i % 2 ? server.endpoint : server.more[0],
                     &m, 100 + 97 * i);
      peers[i] = &streamers[i].peer;
    }
    peers_until(peers, CROWD, all_received(streamers, CROWD));
    for (size_t i = 0; i < CROWD; i++)
      peer_close(peers[i]);
    free_messages(&m);
    end(&server, CROWD, 0, "");
  }
}

/* They are told apart in the trace, by their names. */
static void so_many_butlers_serve_as_are_asked_for(void **state) {
  for (long butlers = 1; butlers <= 3; butlers++) {
    char path[TEMP_PATH];
    temp_path(path, "trace");
    struct program_options options = {
        .args = {"--butlers", number_text(butlers), TCP}, .trace = path};
    struct server server = serve_with(12, options);
    expect_service(&server, NUL);
    end(&server, 1, 0, "");
    struct trace *trace = trace_load(path);
    assert_int_equal(trace_butlers(trace), butlers);
    trace_free(trace);
  }
}

/* ------------------------------------------------------------ its manners */

/* Sessions that wait for a header, for a body, for a NUL and for a client that
 * does not read. */
static void signals_end_it_in_the_middle_of_everything(void **state) {
  for (int i = 0; i < 4; i++) {
    enum framing f = i % 2 ? NUL : LENGTH;
    char path[TEMP_PATH];
    temp_path(path, "signals");
    struct server server = serve_framing(f, path, "2");
    struct messages m = endless(f);
    struct streamer lazy;
    int clients[2];
    for (int c = 0; c < 2; c++) {
      clients[c] = client_connect(server.endpoint);
      client_send(clients[c], m.at, m.ends[0] + 1 + 3 * (size_t)c);
      client_expect(clients[c], m.at, m.ends[0]);
    }
    streamer_start(&lazy, server.endpoint, &m, 0);
    stall(&lazy);
    long served =
        end_server_with(&server, i < 2 ? SIGTERM : SIGINT, "sessions", "");
    assert_int_equal(served, 3);
    for (int c = 0; c < 2; c++) {
      client_expect_end(clients[c]);
      client_close(clients[c]);
    }
    peer_close(&lazy.peer);
    free_messages(&m);
  }
}

static void the_framing_is_nul_unless_told(void **state) {
  struct server server = serve(12, TCP);
  expect_service(&server, NUL);
  end(&server, 1, 0, "");
}

static void it_explains_itself_and_refuses_wrong_usage(void **state) {
  static const char *const mentions[] = {"--framing nul|length",
                                         "(default nul)",
                                         "--limit",
                                         "--butlers",
                                         "127.0.0.1:8888",
                                         NULL};
  expect_usage(12, mentions);
  expect_refusal(12, 2, "--framing is nul|length, not 'line'", "--framing",
                 "line");
  expect_refusal(12, 2, "--framing wants nul|length", "--framing");
  expect_refusal(12, 2, "--limit", "--limit", "0");
  expect_refusal(12, 2, "--limit", "--limit", "65536");
}

/* ---------------------------------------------------- its client's manners */

/* Another server than the client expects, in this process, for one client. */
static int listen_for_client(char path[TEMP_PATH]) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  temp_path(path, "other");
  memcpy(address.sun_path, path, strlen(path) + 1);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 1), 0);
  return fd;
}

static struct program *client_start(enum framing framing, const char *path) {
  char program[520],
      *argv[] = {program, (char *)names[framing], (char *)path, NULL};
  snprintf(program, sizeof program, "%s-client", lesson_path(12));
  return program_exec(argv, NULL);
}

/* What it prints when these bytes come back for its first words. */
static void expect_client_says(enum framing framing, const char *bytes,
                               size_t n, int status, const char *says) {
  char path[TEMP_PATH], heard[29];
  int listener = listen_for_client(path);
  struct program *client = client_start(framing, path);
  int server = accept(listener, NULL, NULL);
  client_recv(server, heard, framing == NUL ? 25 : 29);
  client_send(server, bytes, n);
  client_half_close(server);
  assert_int_equal(program_wait(client), status);
  const char *text = status == 1 && !*program_out(client) ? program_err(client)
                                                          : program_out(client);
  if (!strstr(text, says) || strchr(program_out(client), '\x1b'))
    give_up("no \"%s\" in what it says:\n%s", says, text);
  program_free(client);
  client_close(server);
  close(listener);
}

/* What a terminal would obey is shown as it was written. */
static void its_client_prints_nothing_raw(void **state) {
  expect_client_says(NUL, "\x1b[2Jsome\nmore and others\0", 25, 1,
                     "back: \"\\x1b[2Jsome\\x0amore and others\"\n");
  expect_client_says(LENGTH, "\0\x1b\x1b[2J some more and an\0other", 29, 1,
                     "back: \"\\x1b[2J some more and an\\x00other\"\n");
}

static void its_client_believes_no_length(void **state) {
  expect_client_says(LENGTH, "\xff\xffxxxxxxxxxxxxxxxxxxxxxxxxxxx", 29, 1, "");
  expect_client_says(LENGTH, "\0\x19xxxxxxxxxxxxxxxxxxxxxxxxxxx", 29, 1, "");
  expect_client_says(NUL, "xxxxxxxxxxxxxxxxxxxxxxxxx", 25, 1, "");
}

/* The server reads no more, and does not hang up either. */
static void its_client_ends_when_it_cannot_write(void **state) {
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    char path[TEMP_PATH];
    int listener = listen_for_client(path);
    struct program *client = client_start(f, path);
    int server = accept(listener, NULL, NULL);
    char heard[29];
    client_recv(server, heard, f == NUL ? 25 : 29);
    assert_int_equal(shutdown(server, SHUT_RD), 0);
    client_send(server, heard, f == NUL ? 25 : 29);
    assert_int_equal(program_wait(client), 1);
    assert_non_null(strstr(program_err(client), "write: broken pipe"));
    program_free(client);
    client_close(server);
    close(listener);
  }
}

static void the_demo_shows_both_framings(void **state) {
  expect_demo(12, "lessons/12-framing");
}

/* -------------------------------------------- a socket that keeps borders */

#ifdef __APPLE__
#define KEEPS_BORDERS SOCK_DGRAM
#else
#define KEEPS_BORDERS SOCK_SEQPACKET
#endif

/* The lesson's session, in this process, on a socket where each write of its
 * arrives as one packet. What is sent to it is read in packets, too. */
struct border {
  ax_context *context;
  struct session *session;
  int peer;
};

static struct border border_open(start_fn *start, int type) {
  struct border border = {.context = ax_context_new()};
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
  border.peer = ends[1];
  ax_stream *stream = ax_stream_new(border.context);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  close(ends[0]);
  border.session = session_new(stream, 64);
  start(border.session);
  return border;
}

static void border_send(const struct border *border, const void *bytes,
                        size_t n) {
  assert_int_equal(send(border->peer, bytes, n, 0), n);
}

static void on_moment(void *context, int err, size_t n) { ax_stop(context); }

static void run_for_a_moment(const struct border *border) {
  ax_timer *timer = ax_timer_new(border->context);
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_moment, border->context));
  ax_run(border->context);
  ax_restart(border->context);
  ax_unref(timer);
}

/* Runs until the next packet has come, and looks at it. */
static void expect_packet(const struct border *border, const void *bytes,
                          size_t n) {
  char packet[64];
  ssize_t size;
  double end_of_wait = deadline();
  while ((size = recv(border->peer, packet, sizeof packet, MSG_DONTWAIT)) < 0) {
    pause_before(end_of_wait, "a packet");
    run_for_a_moment(border);
  }
  assert_int_equal(size, n);
  assert_memory_equal(packet, bytes, n);
}

static void border_close(const struct border *border) {
  close(border->peer);
  ax_unref(border->session);
  ax_context_free(border->context);
  assert_int_equal(sessions_alive, 0);
}

static void header_and_body_leave_with_one_write(void **state) {
  struct border border = border_open(length_start, KEEPS_BORDERS);
  border_send(&border, "\0\3", 2);
  border_send(&border, "eat", 3);
  border_send(&border, "\0\0", 2);
  border_send(&border, "\0\5", 2);
  border_send(&border, "drink", 5);
  expect_packet(&border, "\0\3eat", 5);
  expect_packet(&border, "\0\0", 2);
  expect_packet(&border, "\0\5drink", 7);
  border_close(&border);
}

static void what_came_after_the_nul_stays_for_the_next_read(void **state) {
  struct border border = border_open(nul_start, KEEPS_BORDERS);
  border_send(&border, "eat\0drink\0\0and be", 17);
  expect_packet(&border, "eat", 4);
  expect_packet(&border, "drink", 6);
  expect_packet(&border, "", 1);
  border_send(&border, " merry", 7);
  expect_packet(&border, "and be merry", 13);
  border_close(&border);
}

/* Ten thousand idle clients shall cost next to nothing. */
static void between_two_messages_it_holds_no_memory(void **state) {
  static start_fn *const starts[] = {nul_start, length_start};
  for (enum framing f = NUL; f < FRAMINGS; f++) {
    struct border border = border_open(starts[f], SOCK_STREAM);
    struct messages m = some_messages(f);
    client_send(border.peer, m.at, m.size);
    for (double end_of_wait = deadline(); !client_readable(border.peer, 0);) {
      pause_before(end_of_wait, "an echo");
      run_for_a_moment(&border);
    }
    for (double end_of_wait = deadline();
         border.session->in.base || border.session->body;) {
      pause_before(end_of_wait, "memory that is given back");
      run_for_a_moment(&border);
    }
    free_messages(&m);
    border_close(&border);
  }
}

/* ----------------------------------------------------- what has run out */

/* The echo of the message before still arrives, and then the end. */
static void no_memory_for_a_message_ends_its_session(void **state) {
  struct border border = border_open(length_start, SOCK_STREAM);
  client_send(border.peer, "\0\3eat", 5);
  expect_packet(&border, "\0\3eat", 5);
  no_memory = true;
  assert_null(session_new(NULL, 64));
  client_send(border.peer, "\0\5drink and more", 16);
  expect_packet(&border, "", 0); /* the end */
  no_memory = false;
  border_close(&border);
}

/* A goodbye that is under way when its context goes leaves nothing behind. */
static void a_goodbye_may_be_dropped(void **state) {
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context), *peer = ax_stream_new(context);
  assert_int_equal(ax_stream_pair(stream, peer), 0);
  linger(stream, context);
  ax_unref(stream);
  ax_poll(context);
  ax_unref(peer);
  ax_context_free(context);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_may_be_cut_anywhere),
      cmocka_unit_test(messages_may_be_cut_anywhere_twice),
      cmocka_unit_test(messages_may_come_byte_by_byte),
      cmocka_unit_test(many_messages_may_come_at_once),
      cmocka_unit_test(a_thousand_empty_messages_come_back),
      cmocka_unit_test(the_largest_message_comes_back),
      cmocka_unit_test(the_limit_is_1024_unless_told),
      cmocka_unit_test(one_byte_over_the_largest_ends_that_session),
      cmocka_unit_test(too_long_shows_when_the_nul_is_late),
      cmocka_unit_test(too_long_shows_in_the_header_alone),
      cmocka_unit_test(a_message_without_end_ends_the_session),
      cmocka_unit_test(answers_before_one_that_is_too_long_arrive),
      cmocka_unit_test(they_arrive_after_a_half_close_as_well),
      cmocka_unit_test(answers_before_half_a_message_arrive),
      cmocka_unit_test(a_goodbye_takes_its_time_and_no_more),
      cmocka_unit_test(a_goodbye_hears_so_much_and_no_more),
      cmocka_unit_test(a_signal_ends_it_in_the_middle_of_a_goodbye),
      cmocka_unit_test(a_client_may_end_its_half_at_every_byte),
      cmocka_unit_test(a_client_may_leave_at_every_byte),
      cmocka_unit_test(a_client_may_reset_at_every_byte),
      cmocka_unit_test(a_client_may_leave_without_a_word),
      cmocka_unit_test(a_client_that_does_not_read_stalls_itself_only),
      cmocka_unit_test(a_client_may_leave_in_the_middle_of_a_write),
      cmocka_unit_test(a_crowd_is_served_at_once),
      cmocka_unit_test(so_many_butlers_serve_as_are_asked_for),
      cmocka_unit_test(signals_end_it_in_the_middle_of_everything),
      cmocka_unit_test(the_framing_is_nul_unless_told),
      cmocka_unit_test(it_explains_itself_and_refuses_wrong_usage),
      cmocka_unit_test(its_client_prints_nothing_raw),
      cmocka_unit_test(its_client_believes_no_length),
      cmocka_unit_test(its_client_ends_when_it_cannot_write),
      cmocka_unit_test(the_demo_shows_both_framings),
      clean_test(header_and_body_leave_with_one_write),
      clean_test(what_came_after_the_nul_stays_for_the_next_read),
      clean_test(between_two_messages_it_holds_no_memory),
      clean_test(no_memory_for_a_message_ends_its_session),
      clean_test(a_goodbye_may_be_dropped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
