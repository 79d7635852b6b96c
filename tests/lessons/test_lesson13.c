/* Lesson 13: what either side says arrives at the other one, whole and in
 * order, both ways at once; an end is passed on and leaves the other way alone;
 * who vanishes takes the other one along; a stop waits for who is in. */
#include "lesson.h"
#include "peers.h"

/* The session itself, with a resolver, a log and a memory of the test's. */
static void look_up(ax_executor *executor, const char *text, ax_endpoint *found,
                    size_t max, ax_token token);
static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define ax_resolve look_up
static void *scarce(size_t size);
#define lesson_log note
#define malloc scarce
#include "../../lessons/12-framing/linger.c" // NOLINT
#include "../../lessons/13-proxy/relay.c"    // NOLINT
#undef ax_resolve
#undef lesson_log
#undef malloc

#define TCP "127.0.0.1:0"
#define IPV6 "[::1]:0"
#define REFUSED "closed {*}: cannot reach {*}: connection refused\n"

static const char *const butlers_of[] = {"1", "2", "4"};

/* ------------------------------------------- where the proxy goes on to */

/* A socket that is bound there, and listens if it is to; `bound` is where. */
static int bind_to(const char *endpoint, bool listens,
                   char bound[ENDPOINT_TEXT]) {
  ax_endpoint at;
  assert_int_equal(ax_endpoint_parse(endpoint, &at), 0);
  int fd = socket(at.addr.ss_family, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  struct sockaddr *addr = (struct sockaddr *)&at.addr;
  if (bind(fd, addr, at.len) || (listens && listen(fd, 100)))
    give_up("cannot listen on %s: %s", endpoint, strerror(errno));
  at.len = sizeof at.addr;
  assert_int_equal(getsockname(fd, addr, &at.len), 0);
  ax_endpoint_format(&at, bound);
  return fd;
}

/* The next connection that comes there: a socket with a deadline. */
static int take(int listener) {
  struct timeval limit = {.tv_sec = SUPPORT_DEADLINE};
  if (!client_readable(listener, SUPPORT_DEADLINE * 1000))
    give_up("the proxy does not come");
  int fd = accept(listener, NULL, NULL);
  assert_true(fd >= 0);
  fcntl(fd, F_SETFD, FD_CLOEXEC); /* the next proxy shall not hold it open */
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

/* The proxy, between where it listens and where it goes on to. */
struct between {
  struct server proxy;
  int listener;
  char onward[ENDPOINT_TEXT];
};

/* `options.args` are those in front of --to. */
static struct server proxy_start(const char *in, const char *to,
                                 struct program_options options) {
  size_t count = 0;
  while (options.args[count])
    count++;
  options.args[count++] = "--to";
  options.args[count++] = to;
  options.args[count] = in;
  struct program *program = program_start(13, &options);
  struct program_options listens = {.args = {in}};
  return listening(program, &listens);
}

static struct server proxy_to(const char *to) {
  return proxy_start(TCP, to, (struct program_options){.args = {NULL}});
}

static struct between between_with(const char *in, const char *out,
                                   struct program_options options) {
  struct between b;
  b.listener = bind_to(out, true, b.onward);
  b.proxy = proxy_start(in, b.onward, options);
  return b;
}

#define start_with(in, out, ...)                                               \
  between_with(in, out, (struct program_options){.args = {__VA_ARGS__}})

static struct between start(const char *in, const char *out) {
  return between_with(in, out, (struct program_options){.args = {NULL}});
}

static void end_with(struct between *b, int signo, long served,
                     const char *errors) {
  close(b->listener);
  long actual = end_server_with(&b->proxy, signo, "sessions", errors);
  assert_int_equal(actual, served);
}

/* A stop that waits for one session. */
#define GOES_ON "closing; sessions to wait for: 1, seconds at most: {*}\n"

static void begin_stop(struct between *b) {
  program_signal(b->proxy.program, SIGTERM);
  program_wait_for_error(b->proxy.program, "closing; ");
}

/* When no session is left, and nothing of any. */
static void end(struct between *b, long served) {
  wait_until_empty(&b->proxy);
  end_with(b, SIGTERM, served, "");
}

/* Both ends of one session. */
struct session {
  int client, server;
};

static struct session meet(const struct between *b) {
  struct session s = {.client = client_connect(b->proxy.endpoint)};
  s.server = take(b->listener);
  return s;
}

static void hear(int from, int to, const char *text) {
  client_send_text(from, text);
  client_expect_text(to, text);
}

static void converse(struct session s) {
  hear(s.client, s.server, "one purple slushie");
  hear(s.server, s.client, "ding");
  hear(s.client, s.server, "and an orange one");
}

static void part(struct session s) {
  client_close(s.client);
  client_close(s.server);
}

static bool has_ipv6(void) {
  ax_endpoint at;
  ax_endpoint_parse(IPV6, &at);
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  bool has = fd >= 0 && bind(fd, (struct sockaddr *)&at.addr, at.len) == 0;
  if (fd >= 0)
    close(fd);
  return has;
}

/* ------------------------------------------------------------ both ways */

static void either_side_hears_the_other(void **state) {
  struct between b = start(TCP, TCP);
  struct session s = meet(&b);
  converse(s);
  part(s);
  end(&b, 1);
}

static void every_transport_goes_with_every_other(void **state) {
  for (int i = 0; i < 9; i++) {
    char in[TEMP_PATH], out[TEMP_PATH];
    temp_path(in, "in");
    temp_path(out, "out");
    const char *ins[] = {TCP, IPV6, in}, *outs[] = {TCP, IPV6, out};
    if ((i % 3 == 1 || i / 3 == 1) && !has_ipv6())
      continue;
    struct between b = start(ins[i % 3], outs[i / 3]);
    struct session s = meet(&b);
    converse(s);
    part(s);
    end(&b, 1);
    unlink(out);
  }
}

static void a_server_may_speak_first(void **state) {
  struct between b = start(TCP, TCP);
  struct session s = meet(&b);
  hear(s.server, s.client, "welcome");
  part(s);
  end(&b, 1);
}

static void it_tells_how_many_bytes_it_carried(void **state) {
  struct between b = start(TCP, TCP);
  for (int i = 0; i < 2; i++) {
    struct session s = meet(&b);
    hear(s.client, s.server, "eat");
    hear(s.server, s.client, "drink");
    part(s);
  }
  wait_until_empty(&b.proxy);
  program_signal(b.proxy.program, SIGTERM);
  assert_int_equal(program_wait(b.proxy.program), 0);
  assert_non_null(
      strstr(program_out(b.proxy.program), "\nbytes there: 6, back: 10\n"));
  end_with(&b, 0, 2, "");
}

/* ------------------------------------------------ much, and both ways */

/* One end that sends a pattern from `offset` on, and expects another one. */
struct side {
  struct peer peer;
  size_t got, offset; /* of what it hears */
  bool said, heard;   /* all, and the end of it */
};

static unsigned char *pattern; /* what all of them send, from somewhere on */
enum { LARGE = 4 << 20, MOST = 24 << 20, OFFSETS = 997 };

static int make_pattern(void **state) {
  pattern = malloc(MOST + OFFSETS);
  assert_non_null(pattern);
  pattern_fill(pattern, MOST + OFFSETS, 0);
  return 0;
}

static int free_pattern(void **state) {
  free(pattern);
  return 0;
}

static void check_side(struct peer *peer, const char *bytes, size_t n) {
  struct side *side = (struct side *)peer;
  if (memcmp(bytes, pattern + side->offset + side->got, n) != 0)
    give_up("other bytes than were sent, after %zu", side->got);
  side->got += n;
}

static void side_init(struct side *side, int fd, size_t says, size_t from,
                      size_t hears) {
  *side = (struct side){.peer = {.fd = fd,
                                 .out = (const char *)pattern + from,
                                 .left = says,
                                 .got = check_side},
                        .offset = hears};
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Who has said all tells the end of it, and who has heard the end goes on
 * until it has said all. */
static bool has_ended(struct side *side) {
  struct peer *peer = &side->peer;
  if (!side->said && !peer->left) {
    client_half_close(peer->fd);
    side->said = true;
  }
  if (peer->ended) {
    peer->ended = false;
    peer->deaf = side->heard = true;
  }
  return side->said && side->heard;
}

static bool all_ended(struct side *sides, size_t count) {
  bool ended = true;
  for (size_t i = 0; i < count; i++)
    ended &= has_ended(&sides[i]);
  return ended;
}

/* Sessions whose both sides say `size` bytes, each another piece. */
static void sing(struct between *b, size_t sessions, size_t size) {
  struct side *sides = calloc(2 * sessions, sizeof *sides);
  struct peer **peers = calloc(2 * sessions, sizeof *peers);
  assert_true(sides && peers);
  for (size_t i = 0; i < sessions; i++) {
    struct session s = meet(b);
    side_init(&sides[2 * i], s.client, size, 2 * i, 2 * i + 1);
    side_init(&sides[2 * i + 1], s.server, size, 2 * i + 1, 2 * i);
  }
  for (size_t i = 0; i < 2 * sessions; i++)
    peers[i] = &sides[i].peer;
  peers_until(peers, 2 * sessions, all_ended(sides, 2 * sessions));
  for (size_t i = 0; i < 2 * sessions; i++) {
    assert_int_equal(sides[i].got, size);
    peer_close(peers[i]);
  }
  free(sides);
  free(peers);
}

static void large_transfers_both_ways_at_once_are_equal(void **state) {
  for (int i = 0; i < 3; i++) {
    char path[TEMP_PATH];
    temp_path(path, "large");
    struct between b =
        start_with(i % 2 ? path : TCP, TCP, "--butlers", butlers_of[i]);
    sing(&b, 1, LARGE);
    end(&b, 1);
  }
}

static void four_butlers_carry_many_sessions(void **state) {
  enum { MANY = 40 };
  char path[TEMP_PATH];
  temp_path(path, "many");
  struct between b = start_with(TCP, path, "--butlers", "4");
  sing(&b, MANY, 100000);
  end(&b, MANY);
}

static void one_byte_at_a_time_arrives(void **state) {
  struct between b = start_with(TCP, TCP, "--butlers", "2");
  struct session s = meet(&b);
  for (size_t i = 0; i < 300; i++) {
    client_send(s.client, pattern + i, 1);
    client_send(s.server, pattern + i + 1, 1);
  }
  client_expect(s.server, pattern, 300);
  client_expect(s.client, pattern + 1, 300);
  part(s);
  end(&b, 1);
}

/* -------------------------------------------------- who reads too slowly */

/* A side that says all there is, and another one that does not listen, until
 * nothing has moved for the time of a turn. */
static void stall(struct side *speaker, struct side *sleeper) {
  struct peer *peers[] = {&speaker->peer};
  sleeper->peer.deaf = true;
  for (size_t left = MOST + 1; speaker->peer.left < left;) {
    left = speaker->peer.left;
    peers_turn(peers, 1);
  }
  assert_true(speaker->peer.left > 0);
}

static void a_slow_reader_holds_the_writer_back(void **state) {
  for (int from_server = 0; from_server < 2; from_server++) {
    struct between b = start_with(TCP, TCP, "--butlers", "2");
    struct session s = meet(&b);
    struct side sides[2];
    struct peer *peers[] = {&sides[0].peer, &sides[1].peer};
    side_init(&sides[0], from_server ? s.server : s.client, MOST, 0, 0);
    side_init(&sides[1], from_server ? s.client : s.server, 0, 0, 0);
    long before = program_resident(b.proxy.program);
    stall(&sides[0], &sides[1]);
    expect_rest(b.proxy.program, 0.2);
    long after = program_resident(b.proxy.program);
    assert_true(SANITIZED || before < 0 || after - before < 1024);
    struct session other = meet(&b);
    converse(other);
    part(other);
    sides[1].peer.deaf = false;
    peers_until(peers, 2, sides[1].got == MOST);
    peer_close(peers[0]);
    peer_close(peers[1]);
    end(&b, 2);
  }
}

static void the_other_way_goes_on_meanwhile(void **state) {
  struct between b = start(TCP, TCP);
  struct session s = meet(&b);
  struct side sides[2];
  side_init(&sides[0], dup(s.client), MOST, 0, 0);
  side_init(&sides[1], dup(s.server), 0, 0, 0);
  stall(&sides[0], &sides[1]);
  for (int i = 0; i < 2; i++) /* they block again */
    fcntl(sides[i].peer.fd, F_SETFL, 0);
  hear(s.server, s.client, "I do not listen, but I talk");
  peer_close(&sides[0].peer);
  peer_close(&sides[1].peer);
  client_reset(s.client);
  client_close(s.server);
  end(&b, 1);
}

/* ------------------------------------------------------------ half an end */

/* One side has said all; the other one hears the end, and still answers. */
static void half_close(int first, int second) {
  client_send(first, pattern, 100000);
  client_half_close(first);
  unsigned char *heard = malloc(100000);
  assert_non_null(heard);
  client_recv(second, heard, 100000);
  assert_memory_equal(heard, pattern, 100000);
  free(heard);
  client_expect_end(second);
  hear(second, first, "you still hear me");
  hear(second, first, "as long as I like");
  client_half_close(second);
  client_expect_end(first);
}

static void half_close_over(const char *in, const char *out) {
  struct between b = start_with(in, out, "--butlers", "2");
  for (int server_first = 0; server_first < 2; server_first++) {
    struct session s = meet(&b);
    half_close(server_first ? s.server : s.client,
               server_first ? s.client : s.server);
    wait_until_empty(&b.proxy); /* though neither has closed */
    part(s);
  }
  end(&b, 2);
}

static void either_side_may_end_its_half_first(void **state) {
  char in[TEMP_PATH], out[TEMP_PATH];
  half_close_over(TCP, TCP);
  temp_path(in, "in");
  temp_path(out, "out");
  half_close_over(in, out);
}

static void both_may_end_at_once(void **state) {
  struct between b = start_with(TCP, TCP, "--butlers", "4");
  for (int i = 0; i < 30; i++) {
    struct session s = meet(&b);
    client_half_close(s.client);
    client_half_close(s.server);
    client_expect_end(s.client);
    client_expect_end(s.server);
    part(s);
  }
  end(&b, 30);
}

/* ------------------------------------------------------------ who vanishes */

/* The end, or a reset, is all there is to read. */
static void expect_gone(int peer) {
  char byte;
  assert_int_equal(client_recv_some(peer, &byte, 1), 0);
}

static void a_reset_of_either_side_ends_both(void **state) {
  struct between b = start_with(TCP, TCP, "--butlers", "2");
  for (int i = 0; i < 20; i++) {
    struct session s = meet(&b);
    converse(s);
    client_send_text(i % 2 ? s.server : s.client, "my last words");
    if (i % 4 >= 2)
      client_expect_text(i % 2 ? s.client : s.server, "my last words");
    client_reset(i % 2 ? s.server : s.client);
    int left = i % 2 ? s.client : s.server;
    for (char byte[64]; client_recv_some(left, byte, sizeof byte) > 0;)
      continue;
    client_close(left);
  }
  end(&b, 20);
}

static void a_reset_in_the_middle_of_a_transfer_ends_both(void **state) {
  for (int i = 0; i < 4; i++) {
    struct between b = start_with(TCP, TCP, "--butlers", "2");
    struct session s = meet(&b);
    struct side sides[2];
    struct peer *peers[] = {&sides[0].peer, &sides[1].peer};
    int left = i % 2; /* who is left when the other one has reset */
    side_init(&sides[0], s.client, MOST, 0, 1);
    side_init(&sides[1], s.server, MOST, 1, 0);
    sides[0].peer.deaf = sides[1].peer.deaf = i >= 2;
    for (int turns = 0; turns < 20; turns++)
      peers_turn(peers, 2);
    client_reset(peers[!left]->fd);
    peers[!left]->fd = -1;
    peers[left]->deaf = false;
    peers_until(&peers[left], 1, peers[left]->ended);
    peer_close(peers[left]);
    end(&b, 1);
  }
}

/* Both talk and neither listens, until nothing moves any more. Then the server
 * leaves, so what the proxy has for it cannot be written, and the client begins
 * to listen, while there are bytes of it that nobody has read. (The server has
 * a Unix socket: with TCP what it said may be lost before the proxy has it.) */
static void last_words_arrive(const char *in, bool closing) {
  char out[TEMP_PATH];
  temp_path(out, "out");
  struct between b = between_with(
      in, out,
      (struct program_options){.args = {"--butlers", "2"},
                               .speed = "0.1"}); /* time to listen */
  struct session s = meet(&b);
  struct side sides[2];
  struct peer *peers[] = {&sides[0].peer, &sides[1].peer};
  side_init(&sides[0], s.client, MOST, 0, 1);
  side_init(&sides[1], s.server, MOST, 1, 0);
  stall(&sides[0], &sides[1]);
  stall(&sides[1], &sides[0]);
  size_t said = MOST - sides[1].peer.left;
  if (closing)
    begin_stop(&b);
  peer_close(peers[1]);
  sides[0].peer.left = 0;
  sides[0].peer.deaf = false;
  peers_until(peers, 1, peers[0]->ended);
  assert_int_equal(sides[0].got, said);
  peer_close(peers[0]);
  if (closing)
    end_with(&b, 0, 1, GOES_ON);
  else
    end(&b, 1);
}

static void what_a_server_said_before_it_left_arrives(void **state) {
  char in[TEMP_PATH];
  temp_path(in, "in");
  last_words_arrive(in, false);
  last_words_arrive(TCP, false);
}

/* Its session is the last one. */
static void what_a_server_said_arrives_after_a_stop_as_well(void **state) {
  last_words_arrive(TCP, true);
}

/* The server's end of the session of `client`, which says "last"; -1 when the
 * client was sent away. All others that come are closed. */
static int take_last(int listener, int client) {
  for (;;) {
    struct pollfd wants[] = {{.fd = listener, .events = POLLIN},
                             {.fd = client, .events = POLLIN}};
    assert_true(poll(wants, 2, SUPPORT_DEADLINE * 1000) > 0);
    if (!wants[0].revents)
      return -1;
    char said[8] = "";
    int server = take(listener);
    if (client_recv_some(server, said, sizeof said - 1) && said[0] == 'l')
      return server;
    client_close(server);
  }
}

/* A session after those of all who came before and have gone. */
static struct session meet_last(int listener, const char *endpoint) {
  for (double end = deadline();; pause_before(end, "a way onward")) {
    struct session s = {.client = client_connect(endpoint)};
    client_try_send(s.client, "last", 4);
    s.server = take_last(listener, s.client);
    if (s.server != -1)
      return s;
    client_close(s.client);
  }
}

static void clients_may_leave_at_any_moment(void **state) {
  struct between b = start_with(TCP, TCP, "--butlers", "4");
  for (int i = 0; i < 60; i++) {
    int client = client_connect(b.proxy.endpoint);
    if (i % 2)
      client_send_text(client, "hello");
    if (i % 3)
      client_reset(client);
    else
      client_close(client);
  }
  struct session s = meet_last(b.listener, b.proxy.endpoint);
  converse(s);
  part(s);
  for (double end = deadline();
       program_descriptors(b.proxy.program) != b.proxy.descriptors;
       pause_before(end, "the end of all sessions"))
    if (client_readable(b.listener, 0))
      client_close(take(b.listener));
  close(b.listener);
  long served = end_server_with(&b.proxy, SIGTERM, "sessions", "");
  assert_in_range(served, 1, 61);
}

/* ------------------------------------------------------- no way onward */

static void a_busy_port_is_refused(void **state) {
  struct between b = start(TCP, TCP);
  expect_refusal(13, 1, "in use", b.proxy.endpoint);
  struct session s = meet(&b);
  converse(s);
  part(s);
  end(&b, 1);
}

static void who_cannot_be_brought_on_is_closed_and_told_of(void **state) {
  char onward[ENDPOINT_TEXT], path[TEMP_PATH], nowhere[TEMP_PATH + 8];
  temp_path(path, "nowhere");
  snprintf(nowhere, sizeof nowhere, "unix:%s", path);
  int bound = bind_to(TCP, false, onward); /* nobody else gets that port */
  const char *to[] = {onward, nowhere};
  const char *why[] = {REFUSED, "closed {*}: cannot reach unix:{*}-nowhere: "
                                "no such file or directory\n"};
  for (int i = 0; i < 2; i++) {
    struct server server = proxy_to(to[i]);
    int client = client_connect(server.endpoint);
    client_try_send(client, "hello", 5);
    expect_gone(client);
    client_close(client);
    wait_until_empty(&server);
    long served = end_server_with(&server, SIGTERM, "sessions", why[i]);
    assert_int_equal(served, 1);
  }
  close(bound);
}

static void the_server_may_come_later(void **state) {
  char onward[ENDPOINT_TEXT];
  int bound = bind_to(TCP, false, onward);
  struct server server = proxy_to(onward);
  int early = client_connect(server.endpoint);
  expect_gone(early);
  client_close(early);
  assert_int_equal(listen(bound, 10), 0);
  struct session s = {.client = client_connect(server.endpoint)};
  s.server = take(bound);
  converse(s);
  part(s);
  close(bound);
  wait_until_empty(&server);
  long served = end_server_with(&server, SIGTERM, "sessions", REFUSED);
  assert_int_equal(served, 2);
}

/* --------------------------------------- several addresses, in this process */

/* What the resolver of the test knows, and what was logged. */
static struct {
  ax_endpoint at[8];
  size_t count;
  int err;
} known;
static char noted[256];

static void look_up(ax_executor *executor, const char *text, ax_endpoint *found,
                    size_t max, ax_token token) {
  assert_true(known.count <= max);
  memcpy(found, known.at, known.count * sizeof *found);
  ax_complete(ax_initiate(executor, token), known.err, known.count);
}

static void note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(noted, sizeof noted, format, args);
  va_end(args);
}

static bool out_of_memory;

static void *scarce(size_t size) { return out_of_memory ? NULL : malloc(size); }

static void know(const char *endpoint) {
  assert_int_equal(ax_endpoint_parse(endpoint, &known.at[known.count++]), 0);
}

static void on_start(void *arg, int err, size_t n) { relay_start(arg); }

/* A session whose client is the socket that is returned; it has two butlers. */
static int in_process(struct proxy *proxy, struct butlers **butlers) {
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  *proxy = (struct proxy){.context = ax_context_new(), .to = "shack:80"};
  struct relay *r = relay_new(proxy);
  assert_int_equal(ax_stream_open_fd(r->client, fds[0]), 0);
  close(fds[0]);
  ax_post(r->strand, ax_keep(r, ax_call(on_start, r)));
  ax_unref(r);
  *butlers = butlers_start(proxy->context, 2);
  return fds[1];
}

static void expect_over(struct proxy *proxy, struct butlers *butlers) {
  butlers_join(butlers); /* no work is left */
  assert_int_equal(proxy->sessions, 0);
  assert_int_equal(proxy->clients, 0);
  assert_int_equal(proxy->served, 1);
  ax_context_free(proxy->context);
}

static void the_next_address_is_tried_when_one_refuses(void **state) {
  for (size_t refusing = 0; refusing <= 7; refusing++) {
    char refuses[ENDPOINT_TEXT], listens[ENDPOINT_TEXT];
    int bound = bind_to(TCP, false, refuses);
    int listener = bind_to(TCP, true, listens);
    struct proxy proxy;
    struct butlers *butlers;
    known.count = 0;
    known.err = 0;
    while (known.count < refusing)
      know(refuses);
    know(listens);
    struct session s = {.client = in_process(&proxy, &butlers)};
    s.server = take(listener);
    converse(s);
    part(s);
    expect_over(&proxy, butlers);
    close(bound);
    close(listener);
  }
  assert_string_equal(noted, "");
}

/* An address of another family, that is another kind of socket. */
static void the_next_address_may_be_of_another_kind(void **state) {
  char path[TEMP_PATH], listens[ENDPOINT_TEXT];
  struct proxy proxy;
  struct butlers *butlers;
  int listener = bind_to(TCP, true, listens);
  known.count = 0;
  known.err = 0;
  temp_path(path, "nowhere");
  know(path);
  if (has_ipv6())
    know("[::1]:1"); /* nobody has that one */
  know(listens);
  struct session s = {.client = in_process(&proxy, &butlers)};
  s.server = take(listener);
  converse(s);
  part(s);
  expect_over(&proxy, butlers);
  close(listener);
}

static void when_all_addresses_refuse_the_last_reason_is_told(void **state) {
  char path[TEMP_PATH], refuses[ENDPOINT_TEXT];
  struct proxy proxy;
  struct butlers *butlers;
  int bound = bind_to(TCP, false, refuses);
  known.count = 0;
  known.err = 0;
  temp_path(path, "nowhere");
  know(path);
  know(refuses);
  int client = in_process(&proxy, &butlers);
  client_expect_end(client);
  expect_over(&proxy, butlers);
  assert_non_null(strstr(noted, "cannot reach shack:80: connection refused"));
  noted[0] = 0;
  client_close(client);
  close(bound);
}

static void a_name_that_nobody_knows_is_told(void **state) {
  struct proxy proxy;
  struct butlers *butlers;
  known.count = 0;
  known.err = UV_EAI_NONAME;
  int client = in_process(&proxy, &butlers);
  client_expect_end(client);
  expect_over(&proxy, butlers);
  assert_non_null(strstr(noted, "cannot reach shack:80: unknown node"));
  noted[0] = 0;
  client_close(client);
}

static void without_memory_a_client_is_sent_away_and_told_of(void **state) {
  struct proxy proxy;
  struct butlers *butlers;
  out_of_memory = true;
  int client = in_process(&proxy, &butlers);
  client_expect_end(client);
  expect_over(&proxy, butlers);
  out_of_memory = false;
  assert_non_null(strstr(noted, "cannot reach shack:80: not enough memory"));
  noted[0] = 0;
  client_close(client);
}

/* -------------------------------------------------------------- strands */

static const char *const of_a_session[] = {
    "on_accepted", "on_resolved", "on_connected", "on_read", "on_written"};

/* The strand is there before the accept, and each session has its own. */
static void nothing_of_a_session_runs_off_its_strand(void **state) {
  enum { SESSIONS = 3 };
  char path[TEMP_PATH];
  temp_path(path, "trace");
  struct between b = between_with(
      TCP, TCP,
      (struct program_options){.args = {"--butlers", "4"}, .trace = path});
  for (int i = 0; i < SESSIONS; i++) {
    struct session s = meet(&b);
    converse(s);
    part(s);
    wait_until_empty(&b.proxy);
  }
  end(&b, SESSIONS);
  struct trace *trace = trace_load(path);
  assert_int_equal(trace_butlers(trace), 4);
  for (size_t i = 0; i < SESSIONS; i++) {
    const char *strand = trace_find(trace, "on_resolved", NULL, i)->on;
    assert_int_equal(strncmp(strand, "strand ", 7), 0);
    for (size_t j = 0; j < sizeof of_a_session / sizeof *of_a_session; j++)
      trace_find(trace, of_a_session[j], strand, 0);
    assert_int_equal(trace_count(trace, "on_resolved", strand), 1);
    assert_int_equal(trace_overlaps(trace, strand), 0);
  }
  for (size_t j = 0; j < sizeof of_a_session / sizeof *of_a_session; j++)
    assert_int_equal(trace_count(trace, of_a_session[j], "context 1"), 0);
  trace_free(trace);
}

/* --------------------------------------------------------------- the stop */

static bool refuses_clients(const char *endpoint) {
  int late = client_try_connect(endpoint);
  if (late >= 0)
    client_close(late);
  return late < 0;
}

static void a_stop_waits_for_who_is_in(void **state) {
  for (int i = 0; i < 3; i++) {
    struct between b =
        start_with(TCP, TCP, "--butlers", butlers_of[i], "--linger", "86400");
    struct session s = meet(&b);
    program_signal(b.proxy.program, i % 2 ? SIGTERM : SIGINT);
    program_wait_for_error(b.proxy.program, "closing; ");
    wait_until(refuses_clients(b.proxy.endpoint));
    converse(s);
    half_close(s.client, s.server);
    assert_int_equal(program_wait(b.proxy.program), 0);
    part(s);
    end_with(&b, 0, 1, GOES_ON);
  }
}

static void without_clients_it_stops_at_once(void **state) {
  for (int i = 0; i < 3; i++) {
    struct between b =
        start_with(TCP, TCP, "--linger", "86400", "--butlers", butlers_of[i]);
    struct session s = meet(&b);
    converse(s);
    part(s);
    wait_until_empty(&b.proxy);
    end_with(&b, SIGTERM, 1, "");
  }
}

static void at_the_limit_who_is_left_is_cut_off(void **state) {
  static const char *const limits[] = {"0", "1", "2"};
  for (int i = 0; i < 3; i++) {
    struct between b =
        start_with(TCP, TCP, "--linger", limits[i], "--butlers", butlers_of[i]);
    struct session s = meet(&b);
    converse(s);
    end_with(&b, SIGTERM, 1, GOES_ON "time is up; sessions cut off: 1\n");
    expect_gone(s.client);
    expect_gone(s.server);
    part(s);
  }
}

static void a_second_signal_ends_it_at_once(void **state) {
  static const int signals[][2] = {
      {SIGINT, SIGINT}, {SIGTERM, SIGINT}, {SIGINT, SIGTERM}};
  for (int i = 0; i < 3; i++) {
    struct between b = start_with(TCP, TCP, "--linger", "86400");
    struct session s = meet(&b);
    program_signal(b.proxy.program, signals[i][0]);
    program_wait_for_error(b.proxy.program, "closing; ");
    assert_true(program_is_alive(b.proxy.program));
    program_signal(b.proxy.program, signals[i][1]);
    assert_int_equal(program_wait(b.proxy.program), 128 + signals[i][1]);
    expect_gone(s.client);
    part(s);
    close(b.listener);
    program_free(b.proxy.program);
  }
}

/* Its socket's file is free for another one as soon as it closes. */
static void another_may_take_its_place_while_it_waits(void **state) {
  char in[TEMP_PATH];
  temp_path(in, "in");
  struct between old = start_with(in, TCP, "--linger", "86400");
  struct session s = meet(&old);
  program_signal(old.proxy.program, SIGTERM);
  program_wait_for_error(old.proxy.program, "closing; ");
  wait_until(access(in, F_OK) != 0);
  struct between new = start(in, TCP);
  struct session t = meet(&new);
  converse(t);
  converse(s);
  part(t);
  part(s);
  end_with(&old, 0, 1, GOES_ON);
  end(&new, 1);
}

/* ------------------------------------------------------------- the rest */

/* Each session takes two descriptors, and there are not enough for all. With
 * one more, it is the other of the two that cannot be had. */
static void go_on_with_descriptors(const char *limit) {
  enum { CROWD = 40 };
  char onward[ENDPOINT_TEXT];
  int clients[CROWD], listener = bind_to(TCP, true, onward);
  const char *argv[] = {"/bin/sh", "-c",   limit, lesson_path(13),
                        "--to",    onward, TCP,   NULL};
  struct program_options in = {.args = {TCP}};
  struct server server = listening(program_exec((char *const *)argv, &in), &in);
  for (int i = 0; i < CROWD; i++)
    clients[i] = client_connect(server.endpoint);
  program_wait_for_error(server.program, "too many open files");
  for (int i = 0; i < CROWD; i++)
    client_close(clients[i]);
  struct session s = meet_last(listener, server.endpoint);
  converse(s);
  part(s);
  close(listener);
  program_signal(server.program, SIGTERM);
  assert_int_equal(program_wait(server.program), 0);
  closing_line(&server, "sessions");
  program_free(server.program);
}

static void it_goes_on_when_descriptors_have_run_out(void **state) {
  go_on_with_descriptors("ulimit -n 40 && exec \"$0\" \"$@\"");
  go_on_with_descriptors("ulimit -n 41 && exec \"$0\" \"$@\"");
}

static void it_explains_itself_and_refuses_wrong_usage(void **state) {
  static const char *const mentions[] = {"--butlers", "--linger",
                                         "--to HOST:PORT", "ENDPOINT", NULL};
  expect_usage(13, mentions);
  static const char *const nowhere[] = {
      "", "shack", "shack:", ":", "unix:", "127.0.0.1:65536"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
    expect_refusal(13, 2, "--to is", "--to", nowhere[i], TCP);
  expect_refusal(13, 2, "--linger", "--linger", "-1", TCP);
  expect_refusal(13, 2, "--to", "--to");
}

static void the_demo_shows_both_ways_and_a_patient_stop(void **state) {
  expect_demo(13, "lessons/13-proxy");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(either_side_hears_the_other),
      cmocka_unit_test(every_transport_goes_with_every_other),
      cmocka_unit_test(a_server_may_speak_first),
      cmocka_unit_test(it_tells_how_many_bytes_it_carried),
      cmocka_unit_test(large_transfers_both_ways_at_once_are_equal),
      cmocka_unit_test(four_butlers_carry_many_sessions),
      cmocka_unit_test(one_byte_at_a_time_arrives),
      cmocka_unit_test(a_slow_reader_holds_the_writer_back),
      cmocka_unit_test(the_other_way_goes_on_meanwhile),
      cmocka_unit_test(either_side_may_end_its_half_first),
      cmocka_unit_test(both_may_end_at_once),
      cmocka_unit_test(a_reset_of_either_side_ends_both),
      cmocka_unit_test(a_reset_in_the_middle_of_a_transfer_ends_both),
      cmocka_unit_test(what_a_server_said_before_it_left_arrives),
      cmocka_unit_test(what_a_server_said_arrives_after_a_stop_as_well),
      cmocka_unit_test(clients_may_leave_at_any_moment),
      cmocka_unit_test(a_busy_port_is_refused),
      cmocka_unit_test(who_cannot_be_brought_on_is_closed_and_told_of),
      cmocka_unit_test(the_server_may_come_later),
      clean_test(the_next_address_is_tried_when_one_refuses),
      clean_test(the_next_address_may_be_of_another_kind),
      clean_test(when_all_addresses_refuse_the_last_reason_is_told),
      clean_test(a_name_that_nobody_knows_is_told),
      clean_test(without_memory_a_client_is_sent_away_and_told_of),
      cmocka_unit_test(nothing_of_a_session_runs_off_its_strand),
      cmocka_unit_test(a_stop_waits_for_who_is_in),
      cmocka_unit_test(without_clients_it_stops_at_once),
      cmocka_unit_test(at_the_limit_who_is_left_is_cut_off),
      cmocka_unit_test(a_second_signal_ends_it_at_once),
      cmocka_unit_test(another_may_take_its_place_while_it_waits),
      cmocka_unit_test(it_goes_on_when_descriptors_have_run_out),
      cmocka_unit_test(it_explains_itself_and_refuses_wrong_usage),
      cmocka_unit_test(the_demo_shows_both_ways_and_a_patient_stop),
  };
  return cmocka_run_group_tests(tests, make_pattern, free_pattern);
}
