/* Lesson 17: whoever says sync gets the whole state, everybody gets every
 * update, and both agree; clients that leave, at whatever moment, harm nobody;
 * with one butler, two and four. */
#include "peers.h"

#define TCP "127.0.0.1:0"
#define TOO_LONG "closed {*}: its command is too long\n"
#define TOO_SLOW "closed {*}: it does not {*}\n" /* read, or keep up */
#define SLOW_REPLY "closed {*}: it {*} what it asked for\n"
#define DEAF_TO_REPLY "closed {*}: it does not read what it asked for\n"

static const char *const butlers_of[] = {"1", "2", "4"};

/* -------------------------------------------------------------- the server */

/* One that says nothing by itself: no updates, and no heartbeat for minutes. */
#define serve_quietly(...)                                                     \
  serve_with(                                                                  \
      17, (struct program_options){.args = {"--producers", "0", __VA_ARGS__},  \
                                   .speed = "0.01"})

/* Ends it: nothing but `errors` on standard error, so many clients served, none
 * alive; returns the updates that were delivered. */
static long end_with(struct server *server, int signo, long served,
                     const char *errors) {
  const char said[] = "\nupdates delivered: ";
  program_signal(server->program, signo);
  program_wait(server->program);
  const char *line = strstr(program_out(server->program), said);
  long updates = line ? strtol(line + strlen(said), NULL, 10) : -1;
  assert_int_equal(end_server_with(server, 0, "clients", errors), served);
  assert_true(updates >= 0);
  return updates;
}

static long end(struct server *server, long served) {
  return end_with(server, SIGTERM, served, "");
}

/* --------------------------------------------------------------- the state */

/* A line is "order     0000017 producer 2, update 5 ..."; an update has a word
 * before that. */
enum { LINE = 64, NAME = 17, WORD = 7, PRODUCERS = 4 };
enum { EXECUTIONS, ORDERS, POSITIONS, END_MARK, TEXTS };

static const char words[][11] = {"execution ", "order     ", "position  ",
                                 "synced    "};

/* Where the lines of each text begin in a state, and where the last one ends;
 * in lines. */
struct layout {
  size_t first[TEXTS + 1];
};

static struct layout layout_of(size_t kib) {
  size_t all = kib * 1024 / LINE;
  size_t e = all / 46, o = all * 13 / 46, p = all * 8 / 46;
  return (struct layout){{0, e, e + o, e + o + p, all}};
}

static size_t state_size(const struct layout *layout) {
  return layout->first[TEXTS] * LINE;
}

/* The name of the line at that place; the end mark counts down. */
static void name_at(const struct layout *layout, size_t place,
                    char name[NAME + 1]) {
  int text = END_MARK;
  while (place < layout->first[text])
    text--;
  size_t number = place - layout->first[text];
  if (text == END_MARK)
    number = layout->first[TEXTS] - 1 - place;
  memcpy(name, words[text], 10);
  name[NAME] = 0;
  for (int i = NAME; i > 10; number /= 10)
    name[--i] = (char)('0' + number % 10);
}

/* Where the line of an update belongs, as far as its name tells. */
static size_t place_of(const struct layout *layout, const char *line) {
  int text = 0;
  while (text < END_MARK && line[0] != words[text][0])
    text++;
  size_t place = layout->first[text] + strtoul(line + 10, NULL, 10);
  assert_true(text < END_MARK && place < layout->first[text + 1]);
  return place;
}

/* ----------------------------------------------------------------- viewers */

/* A client that keeps a copy of the state. Every byte it gets is checked: a
 * reply is whole, and nothing stands within it; updates of one producer come in
 * order and without a gap, and follow on what the reply holds; a second reply
 * is the first one with the updates in between. */
struct viewer {
  struct peer peer;
  struct layout layout;
  char *copy;   /* of the state */
  size_t place; /* lines that have come of a reply */
  long syncs;   /* replies that have come whole */
  long updates, heartbeats, alive;
  long last[PRODUCERS + 1]; /* number of a producer's last update, or 0 ... */
  long held[PRODUCERS + 1]; /* ... and of the last one that a reply held */
  char part[128];           /* of a line, ... */
  size_t size;              /* ... so many bytes */
};

/* A line may say "producer 2, update 5" behind its name; the 2, or 0. */
static long producer_of(const char *line, long *number) {
  if (memcmp(line + NAME, " producer ", 10) != 0)
    return 0;
  long producer = line[NAME + 10] - '0';
  assert_true(producer >= 1 && producer <= PRODUCERS);
  assert_memory_equal(line + NAME + 11, ", update ", 9);
  *number = strtol(line + NAME + 20, NULL, 10);
  return producer;
}

static void viewer_change(struct viewer *v, const char *line) {
  char *copy = v->copy + place_of(&v->layout, line) * LINE;
  if (memcmp(copy, line, NAME) != 0)
    give_up("an update of no line: %.*s", LINE, line);
  memcpy(copy, line, LINE);
}

static void viewer_update(struct viewer *v, const char *line) {
  long number = 0, p = producer_of(line, &number);
  assert_true(p > 0 && v->place == 0); /* not within a reply */
  if (v->last[p] ? number != v->last[p] + 1 : number <= v->held[p])
    give_up("update %ld of %ld follows on %ld and %ld", number, p, v->last[p],
            v->held[p]);
  v->last[p] = number;
  v->updates++;
  if (v->syncs > 0)
    viewer_change(v, line);
}

/* A line of a reply: the one that comes next, as it was when the reply was
 * asked for. */
static void viewer_line(struct viewer *v, const char *line) {
  char name[NAME + 1], *copy = v->copy + v->place * LINE;
  name_at(&v->layout, v->place, name);
  assert_memory_equal(line, name, NAME);
  long number = 0, p = producer_of(line, &number);
  if (p && v->last[p] && number > v->last[p])
    give_up("the reply changed: it holds update %ld of %ld, but %ld was the "
            "last before it",
            number, p, v->last[p]);
  if (p && number > v->held[p])
    v->held[p] = number;
  if (v->syncs > 0 && memcmp(copy, line, LINE) != 0)
    give_up("not the first state with its updates:\n%.*s%.*s", LINE, copy, LINE,
            line);
  memcpy(copy, line, LINE);
  if (++v->place == v->layout.first[TEXTS]) {
    v->place = 0;
    v->syncs++;
  }
}

static void viewer_heartbeat(struct viewer *v, const char *line) {
  long number;
  assert_int_equal(
      sscanf(line, "heartbeat %ld, %ld alive\n", &number, &v->alive), 2);
  assert_true(v->heartbeats == 0 || number == v->heartbeats + 1);
  v->heartbeats = number;
}

static void viewer_take(struct viewer *v, const char *line, size_t size) {
  if (size == WORD + LINE && memcmp(line, "update ", WORD) == 0)
    viewer_update(v, line + WORD);
  else if (memcmp(line, "heartbeat ", 10) == 0)
    viewer_heartbeat(v, line);
  else if (size == LINE)
    viewer_line(v, line);
  else
    give_up("a line of %zu bytes: %.*s", size, (int)size, line);
}

/* The first line of `bytes` is complete, perhaps together with a part that
 * came before; returns where the next one begins. */
static const char *viewer_first(struct viewer *v, const char *bytes,
                                const char *newline) {
  size_t size = (size_t)(newline + 1 - bytes);
  if (v->size == 0) {
    viewer_take(v, bytes, size);
    return newline + 1;
  }
  assert_true(v->size + size <= sizeof v->part);
  memcpy(v->part + v->size, bytes, size);
  viewer_take(v, v->part, v->size + size);
  v->size = 0;
  return newline + 1;
}

static void viewer_got(struct peer *peer, const char *bytes, size_t n) {
  struct viewer *v = (struct viewer *)peer;
  const char *end = bytes + n;
  for (const char *newline;
       bytes < end && (newline = memchr(bytes, '\n', (size_t)(end - bytes)));)
    bytes = viewer_first(v, bytes, newline);
  assert_true(v->size + (size_t)(end - bytes) <= sizeof v->part);
  memcpy(v->part + v->size, bytes, (size_t)(end - bytes));
  v->size += (size_t)(end - bytes);
}

static void viewer_ask(struct viewer *v) {
  v->peer.out = "sync me\n";
  v->peer.left = strlen(v->peer.out);
}

static void viewer_come(struct viewer *v, const char *endpoint, size_t kib) {
  *v = (struct viewer){.peer.got = viewer_got, .layout = layout_of(kib)};
  v->copy = malloc(state_size(&v->layout));
  assert_non_null(v->copy);
  peer_connect(&v->peer, endpoint);
}

static void viewer_leave(struct viewer *v) {
  peer_close(&v->peer);
  free(v->copy);
  v->copy = NULL;
}

#define viewers_until(viewers, count, condition)                               \
  do {                                                                         \
    struct peer *peers_[MOST];                                                 \
    for (size_t i_ = 0; i_ < (count); i_++)                                    \
      peers_[i_] = &(viewers)[i_].peer;                                        \
    peers_until(peers_, count, condition);                                     \
  } while (0)

enum { MOST = 16 }; /* viewers, the crowd apart */

/* They have got so many replies and so many updates. */
static bool all_have(const struct viewer *viewers, size_t count, long syncs,
                     long updates) {
  for (size_t i = 0; i < count; i++) {
    if (viewers[i].peer.ended)
      give_up("viewer %zu was closed", i);
    if (viewers[i].syncs < syncs || viewers[i].updates < updates)
      return false;
  }
  return true;
}

/* Waits for one reply, for one viewer. */
static void viewer_sync(struct viewer *v) {
  long syncs = v->syncs;
  viewer_ask(v);
  viewers_until(v, 1, v->syncs > syncs);
}

/* With one butler, who comes when a connection has been closed, and gets an
 * answer, gets it behind all that the one who was there still led to. */
static void come_behind(struct viewer *v, struct server *server, size_t kib) {
  wait_until_empty(server);
  viewer_come(v, server->endpoint, kib);
  viewer_sync(v);
}

/* -------------------------------------------------------------- the reply */

/* The state as it is at the start; the caller frees it. */
static char *first_state(size_t kib) {
  struct layout layout = layout_of(kib);
  char *state = malloc(state_size(&layout) + 1);
  assert_non_null(state);
  for (size_t i = 0; i < layout.first[TEXTS]; i++) {
    char name[NAME + 1];
    name_at(&layout, i, name);
    snprintf(state + i * LINE, LINE + 1, "%s %-45s\n", name,
             "as it was at the start");
  }
  return state;
}

static void expect_state(int client, size_t kib) {
  char *state = first_state(kib);
  client_expect(client, state, kib * 1024);
  free(state);
}

/* As with netcat: 47,104 bytes, and not one more. */
static void sync_brings_the_whole_state(void **state) {
  struct server server = serve_quietly(TCP);
  int client = client_connect(server.endpoint);
  client_send_text(client, "sync me\n");
  char *expected = first_state(46);
  assert_int_equal(strlen(expected), 1024 + 13312 + 8192 + 24576);
  client_expect(client, expected, 47104);
  assert_memory_equal(expected + 1024, "order     0000000", NAME);
  assert_memory_equal(expected + 1024 + 13312, "position  0000000", NAME);
  assert_memory_equal(expected + 47104 - 24576, "synced    0000383", NAME);
  assert_memory_equal(expected + 47104 - 64, "synced    0000000", NAME);
  free(expected);
  client_half_close(client);
  end(&server, 1);
  client_expect_end(client);
  client_close(client);
}

static void the_state_may_have_any_size(void **state) {
  static const size_t sizes[] = {4, 5, 45, 46, 47, 100, 1024};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char path[TEMP_PATH];
    temp_path(path, "size");
    struct server server =
        serve_quietly("--state-kb", number_text((long)sizes[i]), path);
    int client = client_connect(server.endpoint);
    client_send_text(client, "sync\n");
    expect_state(client, sizes[i]);
    client_half_close(client);
    end(&server, 1);
    client_expect_end(client);
    client_close(client);
  }
}

/* The trace of a run with two replies, one after the other. */
static struct trace *trace_of_two_replies(size_t kib) {
  char path[TEMP_PATH];
  temp_path(path, "trace");
  struct program_options options = {
      .args = {"--producers", "0", TCP, "--state-kb", number_text((long)kib)},
      .speed = "0.01",
      .trace = path};
  struct server server = serve_with(17, options);
  int client = client_connect(server.endpoint);
  for (int i = 0; i < 2; i++) {
    client_send_text(client, "sync\n");
    expect_state(client, kib);
  }
  client_close(client);
  end(&server, 1);
  return trace_load(path);
}

/* Four texts, one write operation, which takes its bytes from all of them. */
static void the_reply_is_one_gather_write(void **state) {
  struct trace *trace = trace_of_two_replies(46);
  assert_in_range(trace_count(trace, "on_written", NULL), 1, 2);
  assert_int_equal(trace_find(trace, "on_written", NULL, 0)->n, 46 * 1024);
  trace_free(trace);
}

/* One that is larger leaves in pieces, so that one can see it move. */
static void a_large_reply_leaves_in_pieces(void **state) {
  enum { KIB = 4096, PIECE = 64 };
  struct trace *trace = trace_of_two_replies(KIB);
  assert_in_range(trace_count(trace, "on_written", NULL), KIB / PIECE,
                  2 * (KIB / PIECE) + 2);
  for (size_t i = 0; i < KIB / PIECE; i++)
    assert_int_equal(trace_find(trace, "on_written", NULL, i)->n, PIECE * 1024);
  trace_free(trace);
}

/* Sixteen replies of 16 MiB under way, and the server has one state. */
static void replies_share_the_state(void **state) {
  struct server server = serve_quietly("--state-kb", "16384", TCP);
  int clients[MOST];
  long before = program_resident(server.program);
  for (int i = 0; i < MOST; i++) {
    clients[i] = client_connect(server.endpoint);
    client_send_text(clients[i], "sync\n");
  }
  char first;
  for (int i = 0; i < MOST; i++)
    client_recv(clients[i], &first, 1);
  long after = program_resident(server.program);
  if (!SANITIZED && before >= 0 && after - before > 8192)
    give_up("it grew by %ld KiB", after - before);
  for (int i = 0; i < MOST; i++)
    client_close(clients[i]);
  wait_until_empty(&server);
  end(&server, MOST);
}

/* It gets its reply, all updates, and the heartbeats. */
static void a_half_closed_client_still_listens(void **state) {
  struct viewer viewers[2];
  struct program_options options = {
      .args = {"--rate", "10", "--state-kb", "4096", TCP}, .speed = "10"};
  struct server server = serve_with(17, options);
  for (int i = 0; i < 2; i++) {
    viewer_come(&viewers[i], server.endpoint, 4096);
    viewer_ask(&viewers[i]);
  }
  viewers_until(viewers, 2, !viewers[0].peer.left);
  client_half_close(viewers[0].peer.fd);
  viewers_until(viewers, 2, all_have(viewers, 2, 1, 100));
  viewers_until(viewers, 2,
                viewers[0].heartbeats > 3 && all_have(viewers, 2, 1, 500));
  viewer_leave(&viewers[0]);
  viewer_leave(&viewers[1]);
  end(&server, 2);
}

/* It was asked for: only what comes behind it counts. */
static void a_reply_may_be_larger_than_the_limit(void **state) {
  struct viewer viewers[2];
  struct program_options options = {.args = {"--butlers", "2", "--rate", "10",
                                             "--state-kb", "4096",
                                             "--queue-limit-kb", "256", TCP},
                                    .speed = "5"};
  struct server server = serve_with(17, options);
  for (int i = 0; i < 2; i++)
    viewer_come(&viewers[i], server.endpoint, 4096);
  viewers_until(viewers, 2, all_have(viewers, 2, 0, 1));
  for (long syncs = 1; syncs < 3; syncs++) {
    viewer_ask(&viewers[0]);
    viewer_ask(&viewers[1]);
    viewers_until(viewers, 2, all_have(viewers, 2, syncs, 1));
  }
  viewer_leave(&viewers[0]);
  viewer_leave(&viewers[1]);
  end(&server, 2);
}

/* --------------------------------------------------------------- commands */

/* Waits until the server has read what was sent before: with one butler it
 * looks after its clients in the order in which they have something to say. */
static void let_it_read(int prober) {
  client_send_text(prober, "sync\n");
  expect_state(prober, 4);
}

/* Pieces, each of them read by itself. */
static void a_command_may_be_split_anywhere(void **state) {
  static const char command[] = "sync me\n";
  const size_t size = strlen(command);
  struct server server = serve_quietly("--state-kb", "4", TCP);
  int client = client_connect(server.endpoint);
  int prober = client_connect(server.endpoint);
  for (size_t i = 0; i <= size; i++) {
    for (size_t j = i; j <= size; j++) {
      client_send(client, command, i);
      let_it_read(prober);
      client_send(client, command + i, j - i);
      let_it_read(prober);
      client_send(client, command + j, size - j);
      expect_state(client, 4);
    }
  }
  for (size_t i = 0; i < size; i++) {
    assert_false(client_readable(client, 0));
    client_send(client, command + i, 1);
    let_it_read(prober);
  }
  expect_state(client, 4);
  client_close(client);
  client_close(prober);
  end(&server, 2);
}

/* And each gets its reply, one after the other, though all of them together are
 * far more than may wait. */
static void commands_may_be_joined(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "joined");
  struct server server =
      serve_quietly("--state-kb", "512", "--queue-limit-kb", "1", TCP, path);
  for (int i = 0; i < 2; i++) {
    int client = client_connect(i ? server.more[0] : server.endpoint);
    client_send_text(client, "sync\nsync 2\nnonsense\nsync\nsync\nsync\nsy");
    for (int j = 0; j < 5; j++)
      expect_state(client, 512);
    client_send_text(client, "nc\n");
    expect_state(client, 512);
    assert_false(client_readable(client, 0));
    client_close(client);
  }
  end(&server, 2);
}

static void what_is_no_command_is_skipped(void **state) {
  struct server server = serve_quietly(TCP);
  int client = client_connect(server.endpoint);
  client_send_text(client, "\nhelp\nsyn\nsynchronise\nSYNC\n sync\nsync-me\n"
                           "please sync\n\r\n\n");
  for (int i = 0; i < 10000; i++)
    client_send_text(client, "?\n");
  client_send_text(client, "sync\r\n");
  expect_state(client, 46);
  client_send_text(client, "sync"); /* is none before the line has ended */
  client_half_close(client);
  end(&server, 1);
  client_expect_end(client);
  client_close(client);
}

static void too_long_a_command_ends_its_client_alone(void **state) {
  struct server server = serve_quietly(TCP);
  char command[2000];
  memset(command, 'x', sizeof command);
  int stays = client_connect(server.endpoint);
  for (int i = 0; i < 2; i++) {
    command[1023] = i ? 'x' : '\n'; /* 1024 bytes are not too many */
    int client = client_connect(server.endpoint);
    client_send(client, command, i ? 1025 : 1024);
    if (i == 0) {
      client_send_text(client, "sync\n");
      expect_state(client, 46);
    } else {
      client_expect_end(client);
    }
    client_close(client);
  }
  client_send_text(stays, "sync\n");
  expect_state(stays, 46);
  client_close(stays);
  end_with(&server, SIGTERM, 3, TOO_LONG);
}

/* It closes so that the replies before it arrive, though much comes behind. */
static void too_long_a_command_comes_after_its_replies(void **state) {
  enum { MORE = 200000 };
  struct server server =
      serve_quietly("--butlers", "2", "--state-kb", "1024", TCP);
  char *more = malloc(MORE);
  assert_non_null(more);
  memset(more, 'x', MORE);
  for (int i = 0; i < 10; i++) {
    int client = client_connect(server.endpoint);
    client_send_text(client, "sync\n");
    client_try_send(client, more, MORE);
    expect_state(client, 1024);
    client_expect_end(client);
    client_close(client);
  }
  free(more);
  long served =
      end_server_with(&server, SIGTERM, "clients",
                      "#{\n" TOO_LONG TOO_LONG TOO_LONG TOO_LONG TOO_LONG
                          TOO_LONG TOO_LONG TOO_LONG TOO_LONG TOO_LONG "#}\n");
  assert_int_equal(served, 10);
}

/* A client that asks a hundred thousand times, and does not read, has to wait:
 * its commands stay where they are. */
static void who_asks_and_does_not_read_is_not_heard(void **state) {
  static char commands[500000];
  for (size_t i = 0; i < sizeof commands; i++)
    commands[i] = "sync\n"[i % 5];
  struct server server = serve_quietly("--butlers", "2", TCP);
  struct peer peer = {.out = commands, .left = sizeof commands, .deaf = true};
  struct peer *peers[] = {&peer};
  long before = program_resident(server.program);
  peer_connect(&peer, server.endpoint);
  for (size_t left = sizeof commands + 1; peer.left < left;) {
    left = peer.left;
    peers_turn(peers, 1);
  }
  int client = client_connect(server.endpoint);
  client_send_text(client, "sync\n");
  expect_state(client, 46);
  client_close(client);
  long after = program_resident(server.program);
  assert_true(SANITIZED || before < 0 || after - before < 4096);
  peer_close(&peer);
  end(&server, 2);
}

/* --------------------------------------------------------------- updates */

/* The viewers check that nothing is lost, doubled, torn or out of order, and
 * that state and updates agree. */
static void everybody_gets_every_update(void **state) {
  for (int b = 0; b < 3; b++) {
    struct viewer viewers[MOST];
    char path[TEMP_PATH];
    temp_path(path, "all");
    struct server server =
        serve(17, "--butlers", butlers_of[b], "--rate", "50", TCP, path);
    for (int i = 0; i < MOST; i++) {
      viewer_come(&viewers[i], i % 2 ? server.endpoint : server.more[0], 46);
      if (i % 4)
        viewer_ask(&viewers[i]);
    }
    viewers_until(viewers, MOST, all_have(viewers, MOST, 0, 200));
    for (int round = 2; round < 4; round++) {
      for (int i = 0; i < MOST; i++)
        viewer_ask(&viewers[i]);
      viewers_until(viewers, MOST,
                    all_have(viewers, MOST, round - 1, 200 * round));
    }
    for (int i = 0; i < MOST; i++)
      viewer_leave(&viewers[i]);
    wait_until_empty(&server);
    assert_true(end(&server, MOST) >= 600);
  }
}

static void every_producer_is_heard(void **state) {
  struct viewer v;
  struct server server = serve(17, "--rate", "10", TCP);
  viewer_come(&v, server.endpoint, 46);
  viewers_until(&v, 1, v.last[1] && v.last[2] && v.last[3] && v.last[4]);
  viewer_leave(&v);
  end(&server, 1);
}

/* The reply waits in the outbox, for its client does not read, while updates
 * change the lines that it holds. A Unix socket, since it swallows little. */
static void a_reply_in_flight_does_not_change(void **state) {
  enum { KIB = 4096 };
  struct viewer viewers[2], *slow = &viewers[0], *quick = &viewers[1];
  char path[TEMP_PATH];
  temp_path(path, "flight");
  struct program_options options = {.args = {"--butlers", "2", "--rate", "4000",
                                             "--state-kb", "4096",
                                             "--queue-limit-kb", "65536", path},
                                    .speed = "0.5"};
  struct server server = serve_with(17, options);
  viewer_come(slow, server.endpoint, KIB);
  viewer_come(quick, server.endpoint, KIB);
  viewers_until(viewers, 2, all_have(viewers, 2, 0, 100));
  viewer_ask(slow);
  viewer_ask(quick);
  slow->peer.deaf = true;
  viewers_until(viewers, 2, quick->updates > 2000 && quick->syncs == 1);
  slow->peer.deaf = false;
  viewers_until(viewers, 2, all_have(viewers, 2, 1, 2000));
  viewer_ask(slow);
  viewer_ask(quick);
  viewers_until(viewers, 2, all_have(viewers, 2, 2, 2000));
  viewer_leave(slow);
  viewer_leave(quick);
  end(&server, 2);
}

static void the_heartbeat_tells_how_many_are_alive(void **state) {
  struct viewer viewers[2];
  struct program_options options = {.args = {"--producers", "0", TCP},
                                    .speed = "200"};
  struct server server = serve_with(17, options);
  viewer_come(&viewers[0], server.endpoint, 46);
  viewers_until(viewers, 1, viewers[0].heartbeats > 0);
  assert_int_equal(viewers[0].alive, 1);
  viewer_come(&viewers[1], server.endpoint, 46);
  viewers_until(viewers, 2, viewers[1].heartbeats > 0);
  viewers_until(viewers, 2, viewers[0].alive == 2 && viewers[1].alive == 2);
  viewer_leave(&viewers[1]);
  viewers_until(viewers, 1, viewers[0].alive == 1);
  viewer_leave(&viewers[0]);
  assert_int_equal(end(&server, 2), 0);
}

/* ------------------------------------------------- clients that leave */

static void leave(int client, bool reset) {
  if (reset)
    client_reset(client);
  else
    client_close(client);
}

/* At once, after a byte, after a quarter of the reply; closed and reset. */
static void leave_in_mid_reply(const char *endpoint, size_t size) {
  const size_t after[] = {0, 1, size / 4};
  for (int i = 0; i < 6; i++) {
    int client = client_connect(endpoint);
    client_send_text(client, "sync\n");
    char bytes[65536];
    for (size_t left = after[i / 2], n; left > 0; left -= n) {
      n = left < sizeof bytes ? left : sizeof bytes;
      client_recv(client, bytes, n);
    }
    leave(client, i % 2);
  }
}

/* Meanwhile one stays, and misses nothing. */
static void leavers_harm_nobody(size_t kib, const char *butlers) {
  struct viewer v;
  char path[TEMP_PATH];
  temp_path(path, "leave");
  struct program_options options = {
      .args = {"--butlers", butlers, "--rate", "20", "--state-kb",
               number_text((long)kib), "--queue-limit-kb", "65536", TCP, path},
      .speed = kib > 1024 ? "10" : "20"};
  struct server server = serve_with(17, options);
  viewer_come(&v, server.endpoint, kib);
  viewers_until(&v, 1, v.updates > 0);
  leave_in_mid_reply(server.endpoint, kib * 1024);
  leave_in_mid_reply(server.more[0], kib * 1024);
  long heartbeats = v.heartbeats;
  viewers_until(&v, 1, v.heartbeats > heartbeats && v.alive == 1);
  viewer_sync(&v);
  viewer_leave(&v);
  wait_until_empty(&server);
  end(&server, 13);
}

static void who_leaves_in_mid_reply_harms_nobody(void **state) {
  leavers_harm_nobody(46, "1");
  leavers_harm_nobody(46, "4");
  leavers_harm_nobody(1024, "2");
}

/* A quarter of that with ThreadSanitizer, for the sake of time. */
static void who_leaves_a_reply_of_64_mebibytes_harms_nobody(void **state) {
  leavers_harm_nobody(THREAD_SANITIZED ? 16384 : 65536, "2");
}

/* The write that was under way, and with it the reply, ends with an error, and
 * that ends the session. */
static void the_operation_ends_with_an_error(void **state) {
  struct viewer behind;
  char path[TEMP_PATH];
  temp_path(path, "error");
  struct program_options options = {
      .args = {"--producers", "0", "--state-kb", "16384", TCP},
      .speed = "0.01",
      .trace = path};
  struct server server = serve_with(17, options);
  int client = client_connect(server.endpoint);
  client_send_text(client, "sync\n");
  char first;
  client_recv(client, &first, 1);
  client_reset(client);
  come_behind(&behind, &server, 16384);
  end(&server, 2);
  viewer_leave(&behind);
  struct trace *trace = trace_load(path);
  const char *strand = trace_find(trace, "on_written", NULL, 0)->on;
  struct trace_slice *written =
      trace_find(trace, "on_written", strand,
                 trace_count(trace, "on_written", strand) - 1);
  assert_true(written->err == UV_ECONNRESET || written->err == UV_EPIPE);
  assert_int_equal(trace_find(trace, "session_synced", NULL, 0)->err,
                   UV_ECANCELED);
  assert_int_equal(trace_count(trace, "feed_leave", NULL), 1);
  trace_free(trace);
}

/* Nobody but their own operations keeps them. */
static void the_feed_keeps_nobody_alive(void **state) {
  struct viewer v;
  struct server server = serve(17, "--butlers", "2", "--rate", "20", TCP);
  viewer_come(&v, server.endpoint, 46);
  for (int i = 0; i < 200; i++) {
    int client = client_connect(server.endpoint);
    if (i % 3)
      client_send_text(client, "sync\n");
    leave(client, i % 2);
  }
  long heartbeats = v.heartbeats;
  viewers_until(&v, 1, v.heartbeats > heartbeats && v.alive == 1);
  viewer_sync(&v);
  viewer_leave(&v);
  wait_until_empty(&server);
  end(&server, 201);
}

/* --------------------------------------------- clients that do not read */

/* The feed waits for it, for a while; then it is cut off, and the one who reads
 * has missed nothing. That while is half a second here, for who reads is only
 * as quick as the machine. */
static void who_does_not_read_is_cut_off(void **state) {
  for (int b = 0; b < 3; b++) {
    struct viewer viewers[2], *deaf = &viewers[0], *v = &viewers[1];
    char path[TEMP_PATH];
    temp_path(path, "deaf");
    struct program_options options = {.args = {"--butlers", butlers_of[b],
                                               "--rate", "0",
                                               "--queue-limit-kb", "64", path},
                                      .speed = "2"};
    struct server server = serve_with(17, options);
    viewer_come(v, server.endpoint, 46);
    viewer_sync(v);
    viewer_come(deaf, server.endpoint, 46);
    deaf->peer.deaf = true;
    for (double limit = deadline(); !strstr(program_err(server.program), "\n");
         assert_true(seconds() < limit)) {
      struct peer *peers[] = {&v->peer};
      peers_turn(peers, 1);
    }
    viewer_sync(v);
    deaf->peer.deaf = false; /* what was sent before is whole */
    viewers_until(viewers, 2, deaf->peer.ended);
    viewer_leave(deaf);
    viewer_leave(v);
    wait_until_empty(&server);
    end_with(&server, SIGTERM, 2, TOO_SLOW);
  }
}

/* Hears what comes, until nothing has come for half a second. */
static void hear_until_it_is_silent(struct viewer *v) {
  struct peer *peers[] = {&v->peer};
  for (double end = deadline(); client_readable(v->peer.fd, 500);
       assert_true(seconds() < end))
    peers_turn(peers, 1);
}

/* The producers wait for one who is behind, and go on as soon as it is shown
 * out: the time of patience is longer than this test may take. */
static void nobody_waits_for_a_client_that_was_shown_out(void **state) {
  struct viewer v;
  char path[TEMP_PATH], command[1025];
  temp_path(path, "shown-out");
  memset(command, 'x', sizeof command);
  struct program_options options = {
      .args = {"--rate", "0", "--queue-limit-kb", "64", path}, .speed = "0.05"};
  struct server server = serve_with(17, options);
  int deaf = client_connect(server.endpoint);
  viewer_come(&v, server.endpoint, 46);
  hear_until_it_is_silent(&v);
  client_send(deaf, command, sizeof command);
  long updates = v.updates;
  viewers_until(&v, 1, v.updates > updates + 1000);
  client_close(deaf);
  viewer_leave(&v);
  end_with(&server, SIGTERM, 2, TOO_LONG);
}

/* One that asks, reads a byte and sleeps, and the one before it has heard ten
 * updates more when the next one comes: each pins a state of its own. */
enum { SLEEPERS = 12 };

static void sleepers_come(int sleepers[SLEEPERS], const struct server *server,
                          struct viewer *v) {
  for (int i = 0; i < SLEEPERS; i++) {
    sleepers[i] = client_connect(server->endpoint);
    client_send_text(sleepers[i], "sync\n");
    viewers_until(v, 1,
                  program_descriptors(server->program) == -1 ||
                      program_descriptors(server->program) >
                          server->descriptors + i + 1);
    long updates = v->updates;
    viewers_until(v, 1, v->updates > updates + 10);
  }
}

/* How much the sleepers make the server grow, in states that a sleeper may pin;
 * -1 when nobody knows. */
static double states_pinned(const char *replies) {
  enum { KIB = 16384, PINNED = KIB * 22 / 46 };
  int sleepers[SLEEPERS];
  struct viewer v;
  struct program_options options = {.args = {"--rate", "10000", "--state-kb",
                                             "16384", "--replies", replies,
                                             "--queue-limit-kb", "65536", TCP},
                                    .speed = "0.01"};
  struct server server = serve_with(17, options);
  viewer_come(&v, server.endpoint, KIB);
  viewer_sync(&v);
  long before = program_resident(server.program);
  sleepers_come(sleepers, &server, &v);
  long after = program_resident(server.program);
  for (int i = 0; i < SLEEPERS; i++)
    client_close(sleepers[i]);
  viewer_leave(&v);
  end(&server, SLEEPERS + 1);
  return SANITIZED || before < 0 ? -1 : (double)(after - before) / PINNED;
}

/* Two replies at a time pin two states, and the other sleepers wait in line.
 * When all of them are let in, each pins one. */
static void old_states_are_bounded(void **state) {
  double bounded = states_pinned("2");
  double unbounded = states_pinned("12");
  if (bounded > 3)
    give_up("two replies pin %.1f states", bounded);
  if (unbounded >= 0 && unbounded < SLEEPERS - 3)
    give_up("%d sleepers pin no more than %.1f states", SLEEPERS, unbounded);
}

/* Those who do not read are shown out; who waits behind them has its turn. */
static void a_reply_that_does_not_move_is_cut_off(void **state) {
  enum { KIB = 4096 };
  int sleepers[4];
  struct viewer v;
  char path[TEMP_PATH];
  temp_path(path, "still");
  struct program_options options = {.args = {"--producers", "0", "--state-kb",
                                             "4096", "--replies", "2", path},
                                    .speed = "5"};
  struct server server = serve_with(17, options);
  for (int i = 0; i < 4; i++) {
    sleepers[i] = client_connect(server.endpoint);
    client_send_text(sleepers[i], "sync\n");
  }
  wait_until(program_descriptors(server.program) == -1 ||
             program_descriptors(server.program) == server.descriptors + 4);
  viewer_come(&v, server.endpoint, KIB);
  viewer_sync(&v);
  viewer_leave(&v);
  wait_until(lines_in(program_err(server.program)) == 4);
  for (int i = 0; i < 4; i++)
    client_close(sleepers[i]);
  end_with(&server, SIGTERM, 5,
           DEAF_TO_REPLY DEAF_TO_REPLY DEAF_TO_REPLY DEAF_TO_REPLY);
}

/* A reader that is slow, but reads, gets all of its reply. (Heartbeats may come
 * before it and behind it.) */
static void a_reply_that_moves_slowly_arrives(void **state) {
  struct viewer v;
  char path[TEMP_PATH];
  temp_path(path, "slow");
  struct program_options options = {
      .args = {"--producers", "0", "--state-kb", "1024", path}, .speed = "5"};
  struct server server = serve_with(17, options);
  viewer_come(&v, server.endpoint, 1024);
  viewer_ask(&v);
  for (double end = deadline(), next = 0; v.syncs == 0;) {
    struct peer *peers[] = {&v.peer};
    pause_before(end, "the reply");
    if (seconds() < next && !v.peer.left)
      continue;
    next = seconds() + 0.12;
    peers_turn(peers, 1); /* 64 KiB at most */
  }
  viewer_leave(&v);
  end(&server, 1);
}

/* It takes less in the time of patience (a second and a quarter) than the
 * server's system needs to report room, but it never stops. */
static void
a_reply_that_trickles_without_a_pause_is_not_given_up(void **state) {
  struct program_options options = {
      .args = {"--producers", "0", "--state-kb", "4096", TCP}, .speed = "4"};
  struct server server = serve_with(17, options);
  struct slow_reader reader = {.fd = slow_connect(server.endpoint),
                               .rate = 32 << 10};
  client_send_text(reader.fd, "sync\n");
  reader.due = seconds();
  wait_until((slow_read(&reader), reader.got > 100000));
  client_close(reader.fd);
  wait_until_empty(&server);
  end(&server, 1);
}

/* It moves all the time, and would take twice the time that it has. Another one
 * waits for its place. */
static void a_reply_that_takes_too_long_makes_room_for_the_next(void **state) {
  enum { KIB = 2048 };
  struct viewer v;
  struct program_options options = {
      .args = {"--producers", "0", "--state-kb", "2048", "--replies", "1", TCP},
      .speed = "10"};
  struct server server = serve_with(17, options);
  struct slow_reader reader = {.fd = slow_connect(server.endpoint),
                               .rate = 320 << 10};
  client_send_text(reader.fd, "sync\n");
  char first;
  client_recv(reader.fd, &first, 1);
  reader.due = seconds();
  viewer_come(&v, server.endpoint, KIB);
  viewer_ask(&v);
  viewers_until(&v, 1, (slow_read(&reader), v.syncs == 1));
  viewer_leave(&v);
  client_close(reader.fd);
  end_with(&server, SIGTERM, 2, SLOW_REPLY);
}

/* Nobody asks whether the stream is open: the read that was pending when it
 * was closed says so itself. */
static void a_cut_off_session_learns_it_from_its_handler(void **state) {
  struct viewer behind;
  char path[TEMP_PATH], trace_path[TEMP_PATH];
  temp_path(path, "cut");
  temp_path(trace_path, "trace");
  struct program_options options = {
      .args = {"--rate", "1000", "--queue-limit-kb", "1", path},
      .trace = trace_path};
  struct server server = serve_with(17, options);
  int deaf = client_connect(server.endpoint);
  program_wait_for_error(server.program, "\n");
  come_behind(&behind, &server, 46);
  client_close(deaf);
  end_with(&server, SIGTERM, 2, TOO_SLOW);
  viewer_leave(&behind);
  struct trace *trace = trace_load(trace_path);
  const struct trace_slice *last = trace_find(trace, "on_command", NULL, 0);
  assert_int_equal(last->err, UV_ECANCELED);
  assert_int_equal(trace_count(trace, "on_command", last->on), 1);
  trace_free(trace);
}

/* ------------------------------------------------- what the trace tells */

/* A short run at full speed, of four butlers with some clients. */
static struct trace *trace_of_a_busy_run(void) {
  struct viewer viewers[4];
  char path[TEMP_PATH];
  temp_path(path, "busy");
  struct program_options options = {
      .args = {"--butlers", "4", "--rate", "0", TCP}, .trace = path};
  struct server server = serve_with(17, options);
  for (int i = 0; i < 4; i++) {
    viewer_come(&viewers[i], server.endpoint, 46);
    viewer_ask(&viewers[i]);
  }
  viewers_until(viewers, 4, all_have(viewers, 4, 1, 300));
  for (int i = 0; i < 4; i++)
    viewer_ask(&viewers[i]);
  viewers_until(viewers, 4, all_have(viewers, 4, 2, 300));
  for (int i = 0; i < 4; i++)
    viewer_leave(&viewers[i]);
  end(&server, 4);
  return trace_load(path);
}

/* The producers only post: the state and the list of sessions are touched in
 * one strand, by butlers, one at a time. */
static void updates_are_handed_out_by_butlers_in_one_strand(void **state) {
  struct trace *trace = trace_of_a_busy_run();
  const char *strand = trace_find(trace, "on_update", NULL, 0)->on;
  size_t updates = 0;
  for (size_t i = 0; i < trace->slice_count; i++) {
    const struct trace_slice *slice = &trace->slices[i];
    if (strcmp(slice->name, "on_update") != 0)
      continue;
    updates++;
    assert_string_equal(slice->on, strand);
    assert_int_equal(
        strncmp(trace_thread_name(trace, slice->tid), "butler ", 7), 0);
  }
  assert_true(updates >= 300);
  assert_int_equal(trace_overlaps(trace, strand), 0);
  assert_int_equal(trace_count(trace, "feed_sync", strand), 8);
  assert_int_equal(trace_count(trace, "feed_sync", NULL), 8);
  trace_free(trace);
}

/* When an operation was initiated. */
static double initiation(const struct trace *trace, long op) {
  for (size_t i = 0; i < trace->flow_count; i++)
    if (trace->flows[i].phase == 's' && trace->flows[i].id == op)
      return trace->flows[i].ts;
  give_up("operation %ld was never initiated", op);
}

/* A client's write begins when the one before it has ended. */
static void writes_of_a_client_do_not_overlap(void **state) {
  enum { LOOK_AT = 200 };
  struct trace *trace = trace_of_a_busy_run();
  const struct trace_slice *first = trace_find(trace, "on_written", NULL, 0);
  const struct trace_slice *before = first;
  size_t writes = trace_count(trace, "on_written", first->on);
  assert_true(writes > 4);
  for (size_t i = 1; i < writes && i < LOOK_AT; i++) {
    struct trace_slice *now = trace_find(trace, "on_written", first->on, i);
    assert_int_not_equal(now->err, UV_EBUSY);
    assert_true(initiation(trace, now->op) >= before->ts);
    before = now;
  }
  trace_free(trace);
}

/* ------------------------------------------------------------- the crowd */

enum { CROWD = 200, LEAVERS = CROWD / 10 };

static struct viewer crowd[CROWD];
static struct peer *crowd_peers[CROWD];

/* CROWD_SECONDS in the environment makes it longer. */
static double crowd_seconds(void) {
  const char *text = getenv("CROWD_SECONDS");
  return text ? strtod(text, NULL) : 1.5;
}

static void crowd_comes(const struct server *server) {
  for (int i = 0; i < CROWD; i++) {
    viewer_come(&crowd[i], i % 4 ? server->endpoint : server->more[0], 46);
    viewer_ask(&crowd[i]);
    crowd_peers[i] = &crowd[i].peer;
  }
}

/* All who are still there have got so many replies. */
static bool crowd_has(long syncs) {
  for (int i = 0; i < CROWD; i++) {
    if (crowd[i].peer.fd != -1 && crowd[i].peer.ended)
      give_up("client %d was closed", i);
    if (crowd[i].peer.fd != -1 && crowd[i].syncs < syncs)
      return false;
  }
  return true;
}

/* Every tenth leaves at a moment of its own, half of them by a reset. */
static void crowd_stays(double span) {
  double begin = seconds(), now, leaves[LEAVERS];
  uint32_t random = 14;
  for (int i = 0; i < LEAVERS; i++)
    leaves[i] = begin + span * (next_random(&random) % 1000) / 1000;
  do {
    peers_turn(crowd_peers, CROWD);
    now = seconds();
    for (int i = 0; i < LEAVERS; i++) {
      struct peer *peer = crowd_peers[10 * i];
      if (peer->fd == -1 || now < leaves[i])
        continue;
      leave(peer->fd, i % 2);
      peer->fd = -1;
    }
  } while (now < begin + span);
}

/* Whoever stays has a state at the end that is right to the byte. */
static void producers_at_full_speed_and_a_crowd(const char *butlers) {
  char path[TEMP_PATH];
  temp_path(path, "crowd");
  struct program_options options = {
      .args = {"--butlers", butlers, "--rate", "0", TCP, path}, .speed = "1"};
  struct server server = serve_with(17, options);
  crowd_comes(&server);
  peers_until(crowd_peers, CROWD, crowd_has(1));
  crowd_stays(crowd_seconds());
  for (int i = 0; i < CROWD; i++)
    viewer_ask(&crowd[i]);
  peers_until(crowd_peers, CROWD, crowd_has(2));
  long updates = 0, present = 0;
  for (int i = 0; i < CROWD; i++) {
    updates += crowd[i].updates;
    present += crowd[i].peer.fd != -1;
    viewer_leave(&crowd[i]);
  }
  assert_int_equal(present, CROWD - LEAVERS);
  wait_until_empty(&server);
  long delivered = end(&server, CROWD);
  if (getenv("CROWD_SECONDS"))
    print_message("%s butlers: %ld updates, %ld received\n", butlers, delivered,
                  updates);
}

/* The longer version tries it with other numbers of butlers as well. */
static void a_crowd_at_full_speed(void **state) {
  producers_at_full_speed_and_a_crowd("2");
  if (!getenv("CROWD_SECONDS"))
    return;
  producers_at_full_speed_and_a_crowd("1");
  producers_at_full_speed_and_a_crowd("4");
}

/* --------------------------------------------------------------- the end */

/* Deliver says false, or the producers would not end; whether they wait for
 * room, or for their time, or for nothing. The client reads a little and then
 * no more, so the limit is far away. */
#define FAR "--queue-limit-kb", "1048576"
static void producers_end_when_the_feed_stops(void **state) {
  static const struct program_options options[] = {
      {.args = {"--rate", "0", "--producers", "64", FAR, TCP}},
      {.args = {"--rate", "0", "--butlers", "4", FAR, TCP}},
      {.args = {"--rate", "1", TCP}, .speed = "0.01"}, /* asleep for 100 s */
      {.args = {"--rate", "1000000", FAR, TCP}},
      {.args = {"--producers", "0", TCP}},
      {.args = {"--producers", "1", TCP}}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    struct server server = serve_with(17, options[i]);
    int client = client_connect(server.endpoint);
    client_send_text(client, "sync\n");
    char bytes[1000];
    client_recv(client, bytes, sizeof bytes);
    end_with(&server, i % 2 ? SIGINT : SIGTERM, 1, "");
    client_close(client);
  }
  struct server server = serve(17, TCP);
  end_with(&server, SIGINT, 0, "");
}

/* The context drops the sessions, which leave the feed: it is still there. */
static void it_ends_in_the_middle_of_everything(void **state) {
  for (int b = 0; b < 3; b++) {
    int clients[MOST];
    char path[TEMP_PATH];
    temp_path(path, "end");
    struct server server =
        serve(17, "--butlers", butlers_of[b], "--rate", "0", "--state-kb",
              "4096", "--queue-limit-kb", "65536", TCP, path);
    for (int i = 0; i < MOST; i++) {
      clients[i] = client_connect(i % 2 ? server.endpoint : server.more[0]);
      client_send_text(clients[i], i % 4 ? "sync\nsync\n" : "syn");
    }
    char first;
    for (int i = 0; i < MOST; i++)
      client_recv(clients[i], &first, 1);
    end(&server, MOST);
    for (int i = 0; i < MOST; i++)
      client_close(clients[i]);
  }
}

/* -------------------------------------------------- usage and the demo */

static void wrong_usage_is_refused(void **state) {
  static const char *const mentions[] = {
      "--butlers",        "--state-kb", "--producers", "--rate",
      "--queue-limit-kb", "--replies",  "ENDPOINT",    NULL};
  expect_usage(17, mentions);
  expect_refusal(17, 2, "--state-kb", "--state-kb", "3");
  expect_refusal(17, 2, "--producers", "--producers", "65");
  expect_refusal(17, 2, "--rate", "--rate", "-1");
  expect_refusal(17, 2, "--queue-limit-kb", "--queue-limit-kb", "0");
  expect_refusal(17, 2, "--replies", "--replies", "0");
}

static void a_busy_port_is_refused(void **state) {
  struct server server = serve(17, TCP);
  expect_refusal(17, 1, server.endpoint, server.endpoint);
  end(&server, 0);
}

static void the_demo_prints_what_is_expected(void **state) {
  expect_demo(17, "lessons/17-feed");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sync_brings_the_whole_state),
      cmocka_unit_test(the_state_may_have_any_size),
      cmocka_unit_test(the_reply_is_one_gather_write),
      cmocka_unit_test(a_large_reply_leaves_in_pieces),
      cmocka_unit_test(replies_share_the_state),
      cmocka_unit_test(a_half_closed_client_still_listens),
      cmocka_unit_test(a_reply_may_be_larger_than_the_limit),
      cmocka_unit_test(a_command_may_be_split_anywhere),
      cmocka_unit_test(commands_may_be_joined),
      cmocka_unit_test(what_is_no_command_is_skipped),
      cmocka_unit_test(too_long_a_command_ends_its_client_alone),
      cmocka_unit_test(too_long_a_command_comes_after_its_replies),
      cmocka_unit_test(who_asks_and_does_not_read_is_not_heard),
      cmocka_unit_test(everybody_gets_every_update),
      cmocka_unit_test(every_producer_is_heard),
      cmocka_unit_test(a_reply_in_flight_does_not_change),
      cmocka_unit_test(the_heartbeat_tells_how_many_are_alive),
      cmocka_unit_test(who_leaves_in_mid_reply_harms_nobody),
      cmocka_unit_test(who_leaves_a_reply_of_64_mebibytes_harms_nobody),
      cmocka_unit_test(the_operation_ends_with_an_error),
      cmocka_unit_test(the_feed_keeps_nobody_alive),
      cmocka_unit_test(who_does_not_read_is_cut_off),
      cmocka_unit_test(nobody_waits_for_a_client_that_was_shown_out),
      cmocka_unit_test(old_states_are_bounded),
      cmocka_unit_test(a_reply_that_does_not_move_is_cut_off),
      cmocka_unit_test(a_reply_that_moves_slowly_arrives),
      cmocka_unit_test(a_reply_that_trickles_without_a_pause_is_not_given_up),
      cmocka_unit_test(a_reply_that_takes_too_long_makes_room_for_the_next),
      cmocka_unit_test(a_cut_off_session_learns_it_from_its_handler),
      cmocka_unit_test(updates_are_handed_out_by_butlers_in_one_strand),
      cmocka_unit_test(writes_of_a_client_do_not_overlap),
      cmocka_unit_test(a_crowd_at_full_speed),
      cmocka_unit_test(producers_end_when_the_feed_stops),
      cmocka_unit_test(it_ends_in_the_middle_of_everything),
      cmocka_unit_test(wrong_usage_is_refused),
      cmocka_unit_test(a_busy_port_is_refused),
      cmocka_unit_test(the_demo_prints_what_is_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
