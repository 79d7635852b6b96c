/* Lesson 10: what a client sends comes back, over every kind of endpoint, in
 * whatever pieces, for thousands of clients at once; a final NUL ends the
 * session; a session goes with its client, and all of them with the server. */
#include "peers.h"

#define TCP "127.0.0.1:0"
#define IPV6 "[::1]:0"

/* The lesson says sessions; nothing on standard error unless told. */
static void end(struct server *server, long served) {
  end_server(server, "sessions", served);
}

static void expect_echo(int client, const void *bytes, size_t n) {
  client_send(client, bytes, n);
  client_expect(client, bytes, n);
}

static void expect_echo_text(int client, const char *text) {
  expect_echo(client, text, strlen(text));
}

/* A conversation to its end; afterwards the session is over. */
static void converse(const char *endpoint) {
  int client = client_connect(endpoint);
  expect_echo_text(client, "eat");
  expect_echo_text(client, "drink");
  expect_echo(client, "be merry", sizeof "be merry"); /* with its NUL */
  client_expect_end(client);
  client_close(client);
}

static bool has_ipv6(void) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6,
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  bool has = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0;
  if (fd >= 0)
    close(fd);
  return has;
}

/* ------------------------------------------------------------- endpoints */

static void it_echoes_over_tcp(void **state) {
  struct server server = serve(10, TCP);
  assert_int_equal(strncmp(server.endpoint, "127.0.0.1:", 10), 0);
  assert_string_not_equal(server.endpoint, TCP); /* it is the real port */
  converse(server.endpoint);
  end(&server, 1);
}

static void it_echoes_over_ipv6(void **state) {
  if (!has_ipv6())
    skip();
  struct server server = serve(10, IPV6);
  assert_int_equal(strncmp(server.endpoint, "[::1]:", 6), 0);
  assert_string_not_equal(server.endpoint, IPV6);
  converse(server.endpoint);
  end(&server, 1);
}

static void it_echoes_over_a_unix_socket(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "echo");
  struct server server = serve(10, path);
  assert_string_equal(server.endpoint + strlen("unix:"), path);
  converse(server.endpoint);
  end(&server, 1);
}

static void a_unix_socket_may_have_a_relative_path(void **state) {
  char *directory = getcwd(NULL, 0);
  char path[TEMP_PATH], local[TEMP_PATH + 8];
  temp_path(path, "local");
  assert_int_equal(chdir("/tmp"), 0);
  snprintf(local, sizeof local, "unix:%s", path + strlen("/tmp/"));
  struct server server = serve(10, local);
  assert_string_equal(server.endpoint, local);
  converse(path);
  end(&server, 1);
  assert_int_equal(chdir(directory), 0);
  free(directory);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void localhost_and_any_address_are_endpoints(void **state) {
  struct server server = serve(10, "localhost:0", ":0");
  assert_int_equal(strncmp(server.endpoint, "127.0.0.1:", 10), 0);
  assert_int_equal(strncmp(server.more[0], "0.0.0.0:", 8), 0);
  converse(server.endpoint);
  converse(server.more[0]);
  end(&server, 2);
}

static void one_server_has_several_endpoints(void **state) {
  char path[TEMP_PATH], other[TEMP_PATH];
  temp_path(path, "one");
  temp_path(other, "other");
  const char *third = has_ipv6() ? IPV6 : TCP;
  struct server server = serve(10, "--butlers", "2", TCP, path, third, other);
  assert_string_equal(server.more[0] + strlen("unix:"), path);
  assert_string_equal(server.more[2] + strlen("unix:"), other);
  int clients[4] = {client_connect(server.endpoint)};
  for (int i = 1; i < 4; i++)
    clients[i] = client_connect(server.more[i - 1]);
  for (int i = 0; i < 4; i++)
    expect_echo_text(clients[i], "eat");
  for (int i = 4; i-- > 0;) { /* all are open meanwhile */
    expect_echo(clients[i], "drink", sizeof "drink");
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
  end(&server, 4);
}

static void an_inherited_socket_is_an_endpoint(void **state) {
  char inherited[16], idle[16];
  int fd = listening_socket(), deaf = socket(AF_INET, SOCK_STREAM, 0);
  snprintf(inherited, sizeof inherited, "fd:%d", fd);
  snprintf(idle, sizeof idle, "fd:%d", deaf);
  for (int round = 0; round < 2; round++) { /* it stays the test's */
    struct server server = serve(10, TCP, inherited);
    converse(server.endpoint);
    converse(server.more[0]);
    end(&server, 2);
  }
  expect_refusal(10, 1, "cannot listen on fd:99", "fd:99");
  expect_refusal(10, 1, "cannot listen on fd:", idle);
  close(deaf);
  close(fd);
}

static void eight_endpoints_are_served_and_nine_refused(void **state) {
  struct server server = serve(10, TCP, TCP, TCP, TCP, TCP, TCP, TCP, TCP);
  converse(server.endpoint);
  for (int i = 0; i < 7; i++)
    converse(server.more[i]);
  end(&server, 8);
  expect_refusal(10, 2, "8", TCP, TCP, TCP, TCP, TCP, TCP, TCP, TCP, TCP);
}

/* ----------------------------------------------------------- final NULs */

static void a_final_nul_ends_the_session_after_the_echo(void **state) {
  struct server server = serve(10, TCP);
  int client = client_connect(server.endpoint);
  expect_echo(client, "a", 2);
  client_expect_end(client);
  client_close(client);
  wait_until_empty(&server);
  end(&server, 1);
}

static void a_lone_nul_ends_the_session(void **state) {
  struct server server = serve(10, TCP);
  int clients[2];
  for (int i = 0; i < 2; i++)
    clients[i] = client_connect(server.endpoint);
  expect_echo_text(clients[1], "before");
  for (int i = 0; i < 2; i++) {
    expect_echo(clients[i], "", 1);
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
  end(&server, 2);
}

static void a_nul_in_the_middle_does_not(void **state) {
  static const char *const texts[] = {"a\0b", "\0b", "\0\0b", "a\0b\0c"};
  static const size_t sizes[] = {3, 2, 3, 5};
  struct server server = serve(10, TCP);
  int client = client_connect(server.endpoint);
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 4; i++)
      expect_echo(client, texts[i], sizes[i]);
  expect_echo(client, "a\0b", 4);
  client_expect_end(client);
  client_close(client);
  end(&server, 1);
}

static void it_ends_that_session_alone(void **state) {
  struct server server = serve(10, TCP);
  int stays = client_connect(server.endpoint);
  expect_echo_text(stays, "one");
  converse(server.endpoint);
  expect_echo_text(stays, "two");
  client_close(stays);
  end(&server, 2);
}

/* ------------------------------------------------- in whatever pieces */

static void a_half_closed_client_gets_its_echo_and_then_the_end(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "half");
  struct server server = serve(10, TCP, path);
  for (int i = 0; i < 2; i++) {
    int client = client_connect(i ? server.more[0] : server.endpoint);
    client_send_text(client, "my last words");
    client_half_close(client);
    client_expect_text(client, "my last words");
    client_expect_end(client);
    client_close(client);
  }
  end(&server, 2);
}

static void a_client_that_says_nothing_gets_the_end(void **state) {
  struct server server = serve(10, TCP);
  int client = client_connect(server.endpoint);
  client_half_close(client);
  client_expect_end(client);
  client_close(client);
  end(&server, 1);
}

static void one_byte_at_a_time_comes_back(void **state) {
  struct server server = serve(10, TCP);
  int client = client_connect(server.endpoint);
  for (int byte = 255; byte > 0; byte--)
    expect_echo(client, &(unsigned char){(unsigned char)byte}, 1);
  unsigned char bytes[600];
  for (size_t i = 0; i < sizeof bytes; i++) { /* and without waiting */
    bytes[i] = (unsigned char)(1 + i % 255);
    client_send(client, &bytes[i], 1);
  }
  client_expect(client, bytes, sizeof bytes);
  expect_echo(client, "", 1);
  client_expect_end(client);
  client_close(client);
  end(&server, 1);
}

/* Around the size of the server's buffer, in one piece. */
static void no_size_is_special(void **state) {
  static const size_t sizes[] = {1,    2,    1022, 1023, 1024, 1025,
                                 1026, 2047, 2048, 2049, 5000, 65536};
  static unsigned char bytes[65536];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(1 + i % 251);
  struct server server = serve(10, TCP);
  int client = client_connect(server.endpoint);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    expect_echo(client, bytes + i, sizes[i] - i * (sizes[i] == sizeof bytes));
  client_close(client);
  end(&server, 1);
}

/* ---------------------------------------------------------------- crowds */

/* A client that streams `size` bytes, the last one a NUL, and reads them back
 * meanwhile. */
struct streamer {
  struct peer peer;
  char *bytes;
  size_t size, received;
};

static void check_stream(struct peer *peer, const char *bytes, size_t n) {
  struct streamer *s = (struct streamer *)peer;
  assert_true(n <= s->size - s->received);
  assert_memory_equal(bytes, s->bytes + s->received, n);
  s->received += n;
}

/* Bytes with a period of 251, a prime, and without a NUL but the last: a read
 * of the server may end anywhere. */
static char *stream_of(size_t size, unsigned seed) {
  enum { PERIOD = 251 };
  char *bytes = malloc(size);
  assert_non_null(bytes);
  assert_true(size > PERIOD);
  for (unsigned i = 0; i < PERIOD; i++)
    bytes[i] = (char)(1 + (i + seed) % PERIOD);
  for (size_t filled = PERIOD, n; filled < size; filled += n) {
    n = filled < size - filled ? filled : size - filled;
    memcpy(bytes + filled, bytes, n);
  }
  bytes[size - 1] = 0;
  return bytes;
}

static void streamer_start(struct streamer *s, const char *endpoint,
                           size_t size, unsigned seed) {
  *s = (struct streamer){.bytes = stream_of(size, seed), .size = size};
  s->peer.out = s->bytes;
  s->peer.left = size;
  s->peer.got = check_stream;
  peer_connect(&s->peer, endpoint);
}

static void streamer_end(struct streamer *s) {
  assert_int_equal(s->received, s->size);
  peer_close(&s->peer);
  free(s->bytes);
}

static bool all_ended(struct peer *const *peers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!peers[i]->ended)
      return false;
  return true;
}

static void eight_mebibytes_stream_through(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "stream");
  struct server server = serve(10, TCP, path);
  struct streamer streamers[2];
  struct peer *peers[] = {&streamers[0].peer, &streamers[1].peer};
  streamer_start(&streamers[0], server.endpoint, 8 << 20, 1);
  streamer_start(&streamers[1], server.more[0], 8 << 20, 2);
  peers_until(peers, 2, all_ended(peers, 2));
  for (int i = 0; i < 2; i++)
    streamer_end(&streamers[i]);
  end(&server, 2);
}

/* A streamer that does not read, after the server has come to a halt: for the
 * time of a turn it took nothing. */
static void streamer_stall(struct streamer *s, const char *endpoint,
                           size_t size) {
  struct peer *peers[] = {&s->peer};
  streamer_start(s, endpoint, size, 3);
  s->peer.deaf = true;
  for (size_t left = size + 1; s->peer.left < left;) {
    left = s->peer.left;
    peers_turn(peers, 1);
  }
  assert_true(s->peer.left > 0);
}

/* What the server still owes to somebody who does not read stays with the
 * client: the server neither buffers nor waits. */
static void a_client_that_does_not_read_stalls_itself_only(void **state) {
  struct server server = serve(10, TCP);
  struct streamer lazy;
  struct peer *peers[] = {&lazy.peer};
  long before = program_resident(server.program);
  streamer_stall(&lazy, server.endpoint, 24 << 20);
  expect_rest(server.program, 0.2);
  converse(server.endpoint);
  long after = program_resident(server.program);
  assert_true(SANITIZED || before < 0 || after - before < 4096);
  lazy.peer.deaf = false;
  peers_until(peers, 1, lazy.peer.ended);
  streamer_end(&lazy);
  end(&server, 2);
}

static void stream_from_many(const char *butlers) {
  enum { MANY = 24, SIZE = 100000 };
  char path[TEMP_PATH];
  temp_path(path, "many");
  struct server server = serve(10, "--butlers", butlers, TCP, path);
  struct streamer streamers[MANY] = {0};
  struct peer *peers[MANY];
  for (unsigned i = 0; i < MANY; i++) {
    peers[i] = &streamers[i].peer;
    streamer_start(&streamers[i], i % 2 ? server.endpoint : server.more[0],
                   SIZE + i, i);
    peers[i]->gulp = 1 + 777 * (i % 7);
    if (peers[i]->gulp == 1)
      peers[i]->gulp = 4096;
  }
  peers_until(peers, MANY, all_ended(peers, MANY));
  for (int i = 0; i < MANY; i++)
    streamer_end(&streamers[i]);
  end(&server, MANY);
}

static void one_butler_serves_many_streams(void **state) {
  stream_from_many("1");
}

static void two_butlers_serve_many_streams(void **state) {
  stream_from_many("2");
}

static void four_butlers_serve_many_streams(void **state) {
  stream_from_many("4");
}

static void so_many_butlers_serve_as_are_asked_for(void **state) {
  for (size_t butlers = 1; butlers <= 4; butlers++) {
    char path[TEMP_PATH];
    temp_path(path, "trace");
    struct program_options options = {
        .args = {"--butlers", number_text((long)butlers), TCP}, .trace = path};
    struct server server = serve_with(10, options);
    converse(server.endpoint);
    end(&server, 1);
    struct trace *trace = trace_load(path);
    assert_int_equal(trace_butlers(trace), butlers);
    trace_free(trace);
  }
}

/* The clients that the limit on descriptors leaves room for, 2,100 at most. */
static size_t connect_crowd(const struct server *server, size_t count,
                            int *clients) {
  for (size_t i = 0; i < count; i++) {
    clients[i] = client_connect(i % 4 ? server->endpoint : server->more[0]);
    client_send_text(clients[i], number_text((long)i));
  }
  return count;
}

static void thousands_of_clients_are_served_at_once(void **state) {
  enum { CROWD = 2100, OTHERS = 60 };
  static int clients[CROWD];
  char path[TEMP_PATH];
  temp_path(path, "crowd");
  size_t count = allow_descriptors(CROWD + OTHERS) - OTHERS;
  struct server server = serve(10, "--butlers", "2", TCP, path);
  connect_crowd(&server, count, clients);
  for (size_t i = 0; i < count; i++) {
    client_expect_text(clients[i], number_text((long)i));
  }
  long held = program_descriptors(server.program);
  assert_true(held == -1 || held == server.descriptors + (long)count);
  for (size_t i = count; i-- > 0;) /* every one of them is still served */
    client_send(clients[i], "end", sizeof "end");
  for (size_t i = 0; i < count; i++) {
    client_expect(clients[i], "end", sizeof "end");
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
  wait_until_empty(&server);
  end(&server, (long)count);
}

/* ------------------------------------------------- clients that vanish */

static void clients_that_reset_are_forgotten(void **state) {
  struct server server = serve(10, TCP);
  for (int i = 0; i < 50; i++) {
    int client = client_connect(server.endpoint);
    expect_echo_text(client, "here");
    if (i % 2)
      client_send_text(client, "and gone before the answer");
    client_reset(client);
  }
  converse(server.endpoint);
  wait_until_empty(&server);
  end(&server, 51);
}

static void clients_that_reset_at_once_are_forgotten(void **state) {
  struct server server = serve(10, "--butlers", "2", TCP);
  for (int i = 0; i < 50; i++)
    client_reset(client_connect(server.endpoint));
  converse(server.endpoint);
  wait_until_empty(&server);
  /* Some systems do not tell of a connection that is gone by then. */
  long served = end_server_with(&server, SIGTERM, "sessions", "");
  assert_in_range(served, 1, 51);
}

static void clients_that_vanish_in_the_middle_are_forgotten(void **state) {
  struct server server = serve(10, TCP);
  for (int i = 0; i < 50; i++) {
    int client = client_connect(server.endpoint);
    expect_echo_text(client, "here");
    client_send_text(client, "and then");
    client_close(client);
  }
  wait_until_empty(&server);
  end(&server, 50);
}

/* The server waits for room to write when its client resets, and when it
 * closes with all that unread. */
static void clients_may_vanish_while_the_server_writes(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "vanish");
  struct server server = serve(10, "--butlers", "2", TCP, path);
  for (int i = 0; i < 4; i++) {
    struct streamer lazy;
    streamer_stall(&lazy, i & 2 ? server.more[0] : server.endpoint, 24 << 20);
    if (i & 1)
      client_reset(lazy.peer.fd);
    else
      client_close(lazy.peer.fd);
    free(lazy.bytes);
  }
  converse(server.endpoint);
  wait_until_empty(&server);
  end(&server, 5);
}

/* ------------------------------------------------------------ the end */

/* Sessions that have said something, that have not, that are in the middle of
 * a write, and one that is over. */
static void end_in_company(int signo, const char *butlers) {
  char path[TEMP_PATH];
  temp_path(path, "company");
  struct server server = serve(10, "--butlers", butlers, TCP, path);
  int silent = client_connect(server.endpoint);
  int clients[20];
  for (int i = 0; i < 20; i++) {
    clients[i] = client_connect(i % 2 ? server.endpoint : server.more[0]);
    expect_echo_text(clients[i], "here");
  }
  struct streamer lazy;
  streamer_stall(&lazy, server.more[0], 4 << 20);
  converse(server.endpoint);
  long served = end_server_with(&server, signo, "sessions", "");
  assert_int_equal(served, 23);
  for (int i = 0; i < 20; i++) {
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
  client_close(silent);
  peer_close(&lazy.peer);
  free(lazy.bytes);
}

static void sigterm_ends_it_while_sessions_are_open(void **state) {
  end_in_company(SIGTERM, "1");
  end_in_company(SIGTERM, "2");
  end_in_company(SIGTERM, "4");
}

static void sigint_ends_it_while_sessions_are_open(void **state) {
  end_in_company(SIGINT, "1");
  end_in_company(SIGINT, "2");
  end_in_company(SIGINT, "4");
}

static void it_ends_when_nobody_has_come(void **state) {
  struct server server = serve(10, TCP);
  long served = end_server_with(&server, SIGINT, "sessions", "");
  assert_int_equal(served, 0);
}

/* The server closes first, so the port has connections in TIME_WAIT. */
static void it_can_be_started_again_at_once(void **state) {
  struct server server = serve(10, TCP);
  char endpoint[ENDPOINT_TEXT];
  memcpy(endpoint, server.endpoint, sizeof endpoint);
  for (int round = 0; round < 3; round++) {
    converse(endpoint);
    int open = client_connect(endpoint);
    expect_echo_text(open, "here");
    end(&server, 2);
    client_expect_end(open);
    client_close(open);
    server = serve(10, endpoint);
    assert_string_equal(server.endpoint, endpoint);
  }
  end(&server, 0);
}

/* --------------------------------------------------- where others listen */

static void a_busy_port_is_refused(void **state) {
  struct server server = serve(10, TCP);
  expect_refusal(10, 1, server.endpoint, server.endpoint);
  expect_refusal(10, 1, "in use", server.endpoint);
  converse(server.endpoint);
  end(&server, 1);
}

static bool is_socket(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static void a_clean_stop_removes_the_socket_file(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "clean");
  for (int round = 0; round < 2; round++) {
    struct server server = serve(10, path);
    assert_true(is_socket(path));
    int open = client_connect(path);
    expect_echo_text(open, "here");
    long served =
        end_server_with(&server, round ? SIGINT : SIGTERM, "sessions", "");
    assert_int_equal(served, 1);
    client_close(open);
    assert_int_not_equal(access(path, F_OK), 0);
  }
}

static void a_stale_socket_file_does_not_prevent_a_restart(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "stale");
  for (int round = 0; round < 3; round++) {
    struct server server = serve(10, path);
    converse(path);
    program_signal(server.program, SIGKILL);
    assert_int_equal(program_wait(server.program), 128 + SIGKILL);
    program_free(server.program);
    assert_true(is_socket(path));
  }
  struct server server = serve(10, path);
  converse(path);
  end(&server, 1);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void a_live_socket_file_is_refused(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "live");
  struct server server = serve(10, path);
  expect_refusal(10, 1, path, path);
  expect_refusal(10, 1, "in use", path);
  assert_true(is_socket(path));
  converse(path);
  /* The second one has asked whether somebody listens, twice. */
  long served = end_server_with(&server, SIGTERM, "sessions", "");
  assert_in_range(served, 1, 3);
}

/* It lives although it does not answer. */
static void a_stopped_server_is_not_robbed_of_its_file(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "slow");
  struct server server = serve(10, path);
  freeze(server.program);
  expect_refusal(10, 1, "in use", path);
  thaw(server.program);
  assert_true(is_socket(path));
  converse(path);
  long served = end_server_with(&server, SIGTERM, "sessions", "");
  assert_in_range(served, 1, 2);
}

static void a_file_that_is_no_socket_is_left_alone(void **state) {
  char path[TEMP_PATH], link[TEMP_PATH];
  temp_path(path, "letter");
  temp_path(link, "link");
  write_whole_file(path, "dear butler");
  expect_refusal(10, 1, path, path);
  assert_int_equal(symlink(path, link), 0);
  expect_refusal(10, 1, link, link);
  char *text = read_whole_file(path);
  assert_string_equal(text, "dear butler");
  free(text);
}

static void a_place_that_does_not_exist_is_refused(void **state) {
  expect_refusal(10, 1, "/no/such/place/echo", "/no/such/place/echo");
  char path[200] = "/";
  memset(path + 1, 'x', sizeof path - 2);
  expect_refusal(10, 2, path, path); /* no socket has so long a name */
}

/* What it had opened before is given back as well. */
static void the_second_endpoint_may_be_refused(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "first");
  struct server other = serve(10, TCP);
  struct program_options options = {.args = {path, other.endpoint}};
  struct program *program = program_run(10, &options, 1);
  assert_int_equal(lines_in(program_err(program)), 1);
  assert_non_null(strstr(program_err(program), other.endpoint));
  program_free(program);
  assert_int_not_equal(access(path, F_OK), 0); /* it took its file along */
  struct server again = serve(10, path);
  converse(path);
  end(&again, 1);
  end(&other, 0);
}

/* -------------------------------------------------- out of descriptors */

enum { FEW = 48, TOO_MANY = 80 };

/* It may have inherited others, with higher numbers. */
static bool all_are_in_use(const struct program *program) {
  if (program_descriptors(program) == -1)
    return true; /* the system does not tell */
  for (int fd = 0; fd < FEW; fd++) {
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)program_pid(program),
             fd);
    if (lstat(path, &status) != 0)
      return false;
  }
  return true;
}

/* More clients than descriptors; those who come first are served. */
static void overcrowd(const struct server *server, int *clients) {
  for (int i = 0; i < TOO_MANY; i++) {
    clients[i] = client_connect(server->endpoint);
    client_send(clients[i], "x", 1);
  }
  client_expect(clients[0], "x", 1);
  wait_until(all_are_in_use(server->program));
}

#define OUT_OF_DESCRIPTORS                                                     \
  "ax: accept: too many open files; trying again every 100 ms\n"

static void out_of_descriptors_it_waits_until_some_leave(void **state) {
  int clients[TOO_MANY];
  allow_descriptors(TOO_MANY + 60);
  struct program_options options = {.args = {"--butlers", "2", TCP}};
  struct server server = serve_limited(FEW, 10, options);
  overcrowd(&server, clients);
  expect_rest(server.program, 0.7); /* it looks again from time to time */
  expect_echo_text(clients[0], "still here");
  assert_false(client_readable(clients[TOO_MANY - 1], 0));
  for (int i = 0; i < TOO_MANY; i++) { /* as one leaves, another is served */
    if (i > 0)
      client_expect(clients[i], "x", 1);
    expect_echo(clients[i], "bye", sizeof "bye");
    client_expect_end(clients[i]);
    client_close(clients[i]);
  }
  converse(server.endpoint);
  wait_until_empty(&server);
  long served =
      end_server_with(&server, SIGTERM, "sessions", OUT_OF_DESCRIPTORS);
  assert_int_equal(served, TOO_MANY + 1);
}

static void out_of_descriptors_it_can_be_ended(void **state) {
  int clients[TOO_MANY];
  allow_descriptors(TOO_MANY + 60);
  struct program_options options = {.args = {TCP}};
  struct server server = serve_limited(FEW, 10, options);
  overcrowd(&server, clients);
  long served =
      end_server_with(&server, SIGTERM, "sessions", OUT_OF_DESCRIPTORS);
  assert_in_range(served, 1, FEW);
  for (int i = 0; i < TOO_MANY; i++)
    client_close(clients[i]);
}

/* -------------------------------------------------- usage and the demo */

static void wrong_usage_is_refused(void **state) {
  static const char *const mentions[] = {"--butlers", "ENDPOINT", NULL};
  expect_usage(10, mentions);
}

static void the_demo_prints_what_is_expected(void **state) {
  if (!has_ipv6())
    skip();
  expect_demo(10, "lessons/10-echo");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_echoes_over_tcp),
      cmocka_unit_test(it_echoes_over_ipv6),
      cmocka_unit_test(it_echoes_over_a_unix_socket),
      cmocka_unit_test(a_unix_socket_may_have_a_relative_path),
      cmocka_unit_test(localhost_and_any_address_are_endpoints),
      cmocka_unit_test(one_server_has_several_endpoints),
      cmocka_unit_test(an_inherited_socket_is_an_endpoint),
      cmocka_unit_test(eight_endpoints_are_served_and_nine_refused),
      cmocka_unit_test(a_final_nul_ends_the_session_after_the_echo),
      cmocka_unit_test(a_lone_nul_ends_the_session),
      cmocka_unit_test(a_nul_in_the_middle_does_not),
      cmocka_unit_test(it_ends_that_session_alone),
      cmocka_unit_test(a_half_closed_client_gets_its_echo_and_then_the_end),
      cmocka_unit_test(a_client_that_says_nothing_gets_the_end),
      cmocka_unit_test(one_byte_at_a_time_comes_back),
      cmocka_unit_test(no_size_is_special),
      cmocka_unit_test(eight_mebibytes_stream_through),
      cmocka_unit_test(a_client_that_does_not_read_stalls_itself_only),
      cmocka_unit_test(one_butler_serves_many_streams),
      cmocka_unit_test(two_butlers_serve_many_streams),
      cmocka_unit_test(four_butlers_serve_many_streams),
      cmocka_unit_test(so_many_butlers_serve_as_are_asked_for),
      cmocka_unit_test(thousands_of_clients_are_served_at_once),
      cmocka_unit_test(clients_that_reset_are_forgotten),
      cmocka_unit_test(clients_that_reset_at_once_are_forgotten),
      cmocka_unit_test(clients_that_vanish_in_the_middle_are_forgotten),
      cmocka_unit_test(clients_may_vanish_while_the_server_writes),
      cmocka_unit_test(sigterm_ends_it_while_sessions_are_open),
      cmocka_unit_test(sigint_ends_it_while_sessions_are_open),
      cmocka_unit_test(it_ends_when_nobody_has_come),
      cmocka_unit_test(it_can_be_started_again_at_once),
      cmocka_unit_test(a_busy_port_is_refused),
      cmocka_unit_test(a_clean_stop_removes_the_socket_file),
      cmocka_unit_test(a_stale_socket_file_does_not_prevent_a_restart),
      cmocka_unit_test(a_live_socket_file_is_refused),
      cmocka_unit_test(a_stopped_server_is_not_robbed_of_its_file),
      cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
      cmocka_unit_test(a_place_that_does_not_exist_is_refused),
      cmocka_unit_test(the_second_endpoint_may_be_refused),
      cmocka_unit_test(out_of_descriptors_it_waits_until_some_leave),
      cmocka_unit_test(out_of_descriptors_it_can_be_ended),
      cmocka_unit_test(wrong_usage_is_refused),
      cmocka_unit_test(the_demo_prints_what_is_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
