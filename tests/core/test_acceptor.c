/* Acceptors: listening, accepting, and running out of descriptors. */
#include "porch.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void say(ax_context *context, ax_stream *stream, const char *text) {
  struct seen seen = {0};
  ax_stream_write(stream, AX_CSEQ(ax_cstring(text)), ax_call(on_seen, &seen));
  ax_run(context);
  expect_seen(&seen, "write", 0);
}

/* --------------------------------------------------------------- accepting */

static void a_client_is_accepted_and_heard(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    struct porch porch = porch_on(address_of_family(i));
    ax_stream *peer = ax_stream_new(porch.context);
    INITIATE(ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen)));
    int client = client_connect(porch.text);
    ax_run(porch.context);
    expect_seen(&seen, porch.text, 0);
    assert_true(ax_stream_fd(peer) >= 0);
    say(porch.context, peer, "hello");
    client_expect_text(client, "hello");
    client_close(client);
    ax_unref(peer);
    porch_free(&porch);
  }
}

static void clients_that_came_before_are_accepted_in_turn(void **state) {
  enum { CLIENTS = 30 };
  int clients[CLIENTS];
  struct porch porch = porch_on("127.0.0.1:0");
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = client_connect(porch.text);
    client_send_text(clients[i], &"abcdefghijklmnopqrstuvwxyz0123456789"[i]);
  }
  for (int i = 0; i < CLIENTS; i++) {
    struct seen accepted = {0}, read = {0};
    char byte;
    ax_stream *peer = ax_stream_new(porch.context);
    INITIATE(
        ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &accepted)));
    ax_run(porch.context);
    expect_seen(&accepted, "accept", 0);
    ax_stream_read(peer, AX_SEQ(ax_buffer(&byte, 1)), ax_call(on_seen, &read));
    ax_run(porch.context);
    expect_seen(&read, "read", 0);
    assert_int_equal(byte, "abcdefghijklmnopqrstuvwxyz0123456789"[i]);
    ax_unref(peer);
    client_close(clients[i]);
  }
  porch_free(&porch);
}

static void several_accepts_may_be_pending(void **state) {
  enum { CLIENTS = 20 };
  struct seen seen[CLIENTS] = {0};
  ax_stream *peers[CLIENTS];
  int clients[CLIENTS];
  struct porch porch = porch_on("127.0.0.1:0");
  for (int i = 0; i < CLIENTS; i++) {
    peers[i] = ax_stream_new(porch.context);
    ax_acceptor_accept(porch.acceptor, peers[i], ax_call(on_seen, &seen[i]));
  }
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = client_connect(porch.text);
  assert_int_equal(ax_run(porch.context), CLIENTS);
  for (int i = 0; i < CLIENTS; i++) {
    expect_seen(&seen[i], "accept", 0);
    assert_int_equal(seen[i].turn, seen[0].turn + i);
    say(porch.context, peers[i], "x");
    client_expect_text(clients[i], "x");
    client_close(clients[i]);
    ax_unref(peers[i]);
  }
  porch_free(&porch);
}

static void a_tcp_peer_does_not_delay_small_packets(void **state) {
  struct seen seen = {0};
  struct porch porch = porch_on("127.0.0.1:0");
  ax_stream *peer = ax_stream_new(porch.context);
  ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
  int client = client_connect(porch.text), on = 0;
  ax_run(porch.context);
  expect_seen(&seen, "accept", 0);
  socklen_t size = sizeof on;
  getsockopt(ax_stream_fd(peer), IPPROTO_TCP, TCP_NODELAY, &on, &size);
  assert_true(on);
  client_close(client);
  ax_unref(peer);
  porch_free(&porch);
}

static void the_ends_of_an_accepted_stream_are_known(void **state) {
  struct seen seen = {0};
  ax_endpoint local, remote, client_end = {.len = sizeof client_end.addr};
  char one[AX_ENDPOINT_TEXT], two[AX_ENDPOINT_TEXT];
  struct porch porch = porch_on("[::1]:0");
  ax_stream *peer = ax_stream_new(porch.context);
  ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
  int client = client_connect(porch.text);
  ax_run(porch.context);
  expect_seen(&seen, "accept", 0);
  assert_int_equal(ax_stream_local(peer, &local), 0);
  assert_int_equal(ax_stream_remote(peer, &remote), 0);
  ax_endpoint_format(&local, one);
  assert_string_equal(one, porch.text);
  getsockname(client, (void *)&client_end.addr, &client_end.len);
  ax_endpoint_format(&client_end, one);
  ax_endpoint_format(&remote, two);
  assert_string_equal(one, two);
  client_close(client);
  ax_unref(peer);
  porch_free(&porch);
}

static void clients_that_reset_before_they_are_accepted_do_no_harm(void **s) {
  struct porch porch = porch_on("127.0.0.1:0");
  for (int i = 0; i < 20; i++)
    client_reset(client_connect(porch.text));
  int client = client_connect(porch.text);
  client_send_text(client, "x");
  char byte = 0;
  for (int i = 0; byte != 'x'; i++) {
    struct seen accepted = {0}, read = {0};
    ax_stream *peer = ax_stream_new(porch.context);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &accepted));
    ax_run(porch.context);
    assert_int_equal(accepted.calls, 1);
    ax_stream_read(peer, AX_SEQ(ax_buffer(&byte, 1)), ax_call(on_seen, &read));
    ax_run(porch.context);
    assert_int_equal(read.calls, 1);
    ax_unref(peer);
    assert_true(i < 21);
  }
  client_close(client);
  porch_free(&porch);
}

/* Every handler accepts the next; two butlers, and clients from threads. */
struct welcome {
  ax_strand *strand;
  ax_acceptor *acceptor;
  ax_stream *peer;
  int left;
};

static void on_welcome(void *arg, int err, size_t n) {
  struct welcome *welcome = arg;
  if (err)
    give_up("accept: %s", uv_strerror(err));
  ax_unref(welcome->peer); /* closes it */
  welcome->peer = NULL;
  if (--welcome->left == 0)
    return;
  welcome->peer = ax_stream_new(welcome->strand);
  ax_acceptor_accept(welcome->acceptor, welcome->peer,
                     ax_on(welcome->strand, ax_call(on_welcome, welcome)));
}

enum { VISITORS = 3, VISITS = 60 };

static void *visit(void *arg) {
  for (int i = 0; i < VISITS; i++) {
    int client = client_connect(arg);
    client_expect_end(client);
    client_close(client);
  }
  return NULL;
}

static void accepting_goes_on_and_on_with_two_butlers(void **state) {
  pthread_t threads[VISITORS];
  struct porch porch = porch_on("127.0.0.1:0");
  struct welcome welcome = {.strand = ax_strand_new(porch.context),
                            .acceptor = porch.acceptor,
                            .left = VISITORS * VISITS};
  welcome.peer = ax_stream_new(welcome.strand);
  ax_acceptor_accept(porch.acceptor, welcome.peer,
                     ax_on(welcome.strand, ax_call(on_welcome, &welcome)));
  struct butlers *butlers = butlers_start(porch.context, 2);
  for (int i = 0; i < VISITORS; i++)
    threads[i] = thread_start(visit, porch.text);
  for (int i = 0; i < VISITORS; i++)
    thread_join(threads[i]);
  butlers_join(butlers);
  assert_int_equal(welcome.left, 0);
  ax_unref(welcome.strand);
  porch_free(&porch);
}

/* ------------------------------------------------------------- wrong usage */

static void an_acceptor_that_does_not_listen_accepts_nobody(void **state) {
  struct seen seen = {0};
  ax_endpoint endpoint;
  ax_context *context = ax_context_new();
  ax_acceptor *acceptor = ax_acceptor_new(context);
  ax_stream *peer = ax_stream_new(context);
  INITIATE(ax_acceptor_accept(acceptor, peer, ax_call(on_seen, &seen)));
  ax_run(context);
  assert_int_equal(seen.calls, 1);
  assert_true(seen.err < 0);
  assert_true(ax_acceptor_local(acceptor, &endpoint) < 0);
  ax_acceptor_cancel(acceptor);
  ax_acceptor_close(acceptor);
  ax_run(context);
  ax_unref(peer);
  ax_unref(acceptor);
  ax_context_free(context);
}

static void an_acceptor_listens_once(void **state) {
  struct porch porch = porch_on("127.0.0.1:0");
  assert_int_equal(ax_acceptor_listen(porch.acceptor, &porch.endpoint),
                   UV_EISCONN);
  porch_free(&porch);
}

static void a_stream_that_is_open_is_not_accepted_into(void **state) {
  struct seen seen = {0};
  struct porch porch = porch_on("127.0.0.1:0");
  struct ends ends = socket_ends();
  ax_stream *open = ax_stream_new(porch.context);
  assert_int_equal(ax_stream_open_fd(open, ends.ours), 0);
  int fd = ax_stream_fd(open);
  int client = client_connect(porch.text);
  INITIATE(ax_acceptor_accept(porch.acceptor, open, ax_call(on_seen, &seen)));
  ax_run(porch.context);
  assert_int_equal(seen.calls, 1);
  assert_true(seen.err < 0);
  assert_int_equal(ax_stream_fd(open), fd);
  say(porch.context, open, "x");
  client_expect_text(ends.theirs, "x");
  client_close(client);
  close(ends.ours);
  close(ends.theirs);
  ax_unref(open);
  porch_free(&porch);
}

/* The second of them ends when its turn comes, and loses no connection. */
static void a_stream_is_not_accepted_into_twice(void **state) {
  struct seen seen[3] = {{0}};
  struct porch porch = porch_on("127.0.0.1:0");
  ax_stream *peers[2] = {ax_stream_new(porch.context),
                         ax_stream_new(porch.context)};
  int clients[2];
  for (int i = 0; i < 3; i++)
    ax_acceptor_accept(porch.acceptor, peers[i / 2],
                       ax_call(on_seen, &seen[i]));
  for (int i = 0; i < 2; i++)
    clients[i] = client_connect(porch.text);
  ax_run(porch.context);
  expect_seen(&seen[0], "first", 0);
  expect_seen(&seen[1], "second, into the same", UV_EISCONN);
  expect_seen(&seen[2], "third, into another", 0);
  for (int i = 0; i < 2; i++) {
    say(porch.context, peers[i], "hello");
    client_expect_text(clients[i], "hello");
    client_close(clients[i]);
    ax_unref(peers[i]);
  }
  porch_free(&porch);
}

/* --------------------------------------------------------------- endpoints */

static void port_zero_becomes_a_real_port(void **state) {
  struct porch one = porch_on("127.0.0.1:0"), two = porch_on("127.0.0.1:0");
  assert_memory_equal(one.text, "127.0.0.1:", 10);
  assert_true(atoi(one.text + 10) > 0);
  assert_string_not_equal(one.text, two.text);
  porch_free(&one);
  porch_free(&two);
}

static void a_port_in_use_is_refused(void **state) {
  struct porch one = porch_on("127.0.0.1:0"), two;
  assert_int_equal(porch_try(&two, one.text), UV_EADDRINUSE);
  int client = client_connect(one.text);
  client_close(client);
  porch_free(&one);
  porch_free(&two);
}

/* The server closes first: its end of the connection lingers in the kernel. */
static void a_port_can_be_used_again_at_once(void **state) {
  struct seen seen = {0};
  struct porch one = porch_on("127.0.0.1:0");
  ax_stream *peer = ax_stream_new(one.context);
  ax_acceptor_accept(one.acceptor, peer, ax_call(on_seen, &seen));
  int client = client_connect(one.text);
  ax_run(one.context);
  ax_stream_close(peer);
  ax_acceptor_close(one.acceptor);
  ax_run(one.context);
  client_expect_end(client);
  client_close(client);
  struct porch two = porch_on(one.text);
  ax_unref(peer);
  porch_free(&one);
  porch_free(&two);
}

static void an_address_of_somebody_else_is_refused(void **state) {
  struct porch porch;
  assert_true(porch_try(&porch, "192.0.2.1:0") < 0);
  assert_true(ax_acceptor_local(porch.acceptor, &porch.endpoint) < 0);
  porch_free(&porch);
  assert_true(porch_try(&porch, "/nowhere/at/all") < 0);
  porch_free(&porch);
}

/* --------------------------------------------------------- cancel and close */

static void cancel_ends_all_accepts_and_it_still_listens(void **state) {
  struct seen seen[3] = {0}, next = {0};
  ax_stream *peers[4];
  struct porch porch = porch_on("127.0.0.1:0");
  for (int i = 0; i < 4; i++)
    peers[i] = ax_stream_new(porch.context);
  for (int i = 0; i < 3; i++)
    ax_acceptor_accept(porch.acceptor, peers[i], ax_call(on_seen, &seen[i]));
  INITIATE(ax_acceptor_cancel(porch.acceptor));
  assert_int_equal(ax_run(porch.context), 3);
  for (int i = 0; i < 3; i++) {
    expect_seen(&seen[i], "accept", UV_ECANCELED);
    assert_int_equal(ax_stream_fd(peers[i]), -1);
  }
  int client = client_connect(porch.text);
  ax_acceptor_accept(porch.acceptor, peers[3], ax_call(on_seen, &next));
  ax_run(porch.context);
  expect_seen(&next, "accept", 0);
  client_close(client);
  for (int i = 0; i < 4; i++)
    ax_unref(peers[i]);
  porch_free(&porch);
}

static void close_ends_all_accepts_and_stops_listening(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0}, late = {0};
    size_t before = open_descriptors();
    struct porch porch = porch_on(address_of_family(i));
    size_t open = open_descriptors();
    ax_stream *peer = ax_stream_new(porch.context);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
    INITIATE(ax_acceptor_close(porch.acceptor));
    ax_acceptor_close(porch.acceptor);
    ax_run(porch.context);
    expect_seen(&seen, porch.text, UV_ECANCELED);
    assert_int_equal(open_descriptors(), open - 1);
    assert_int_equal(client_try_connect(porch.text), -1);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &late));
    ax_run(porch.context);
    assert_true(late.calls == 1 && late.err < 0);
    ax_unref(peer);
    porch_free(&porch);
    assert_int_equal(open_descriptors(), before);
  }
}

static void a_closed_acceptor_may_listen_again(void **state) {
  struct seen seen = {0};
  struct porch porch = porch_on("127.0.0.1:0");
  ax_acceptor_close(porch.acceptor);
  assert_int_equal(ax_acceptor_listen(porch.acceptor, &porch.endpoint), 0);
  ax_stream *peer = ax_stream_new(porch.context);
  ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
  int client = client_connect(porch.text);
  ax_run(porch.context);
  expect_seen(&seen, "accept", 0);
  client_close(client);
  ax_unref(peer);
  porch_free(&porch);
}

/* Many accepts of one acceptor, whose handlers run on another context. */
enum { MANY = 500 };

struct closing {
  ax_context *there;
  ax_endpoint endpoint;
  struct gate awake;
  int left, err;
};

/* Keeps the butler of that context from falling asleep before. */
static void stay_awake(void *arg, int err, size_t n) {
  struct closing *closing = arg;
  gate_open(&closing->awake);
  if (closing->left == MANY)
    ax_post(closing->there, ax_call(stay_awake, closing));
}

/* The first one listens where the closed acceptor did. */
static void on_closed_accept(void *arg, int err, size_t n) {
  struct closing *closing = arg;
  if (err != UV_ECANCELED)
    give_up("accept: %s", uv_strerror(err));
  if (closing->left-- != MANY)
    return;
  ax_acceptor *again = ax_acceptor_new(closing->there);
  closing->err = ax_acceptor_listen(again, &closing->endpoint);
  ax_unref(again);
}

static void the_handlers_of_a_closed_acceptor_find_it_closed(void **state) {
  for (int i = 0; i < 20; i++) {
    struct porch porch = porch_on("127.0.0.1:0");
    struct closing closing = {.there = ax_context_new(),
                              .endpoint = porch.endpoint,
                              .awake = GATE,
                              .left = MANY};
    ax_post(closing.there, ax_call(stay_awake, &closing));
    ax_stream *peer = ax_stream_new(porch.context);
    for (int k = 0; k < MANY; k++)
      ax_acceptor_accept(
          porch.acceptor, peer,
          ax_on(closing.there, ax_call(on_closed_accept, &closing)));
    struct butlers *butlers = butlers_start(closing.there, 1);
    assert_true(gate_pass(&closing.awake));
    ax_acceptor_close(porch.acceptor);
    butlers_join(butlers);
    assert_int_equal(closing.left, 0);
    assert_int_equal(closing.err, 0);
    ax_unref(peer);
    porch_free(&porch);
    ax_context_free(closing.there);
  }
}

/* A cancel is ordered while the loop is in a callback, which then accepts. */
struct ordered {
  struct porch porch;
  ax_stream *peer;
  struct seen seen;
  struct gate in_loop, done;
  int client;
};

static void on_uv_timer_accept(uv_timer_t *timer) {
  struct ordered *ordered = timer->data;
  gate_open(&ordered->in_loop);
  on_pass(&ordered->done, 0, 0);
  ax_acceptor_accept(ordered->porch.acceptor, ordered->peer,
                     ax_call(on_seen, &ordered->seen));
  uv_close((uv_handle_t *)timer, NULL);
}

static void *order_cancel(void *arg) {
  struct ordered *ordered = arg;
  on_pass(&ordered->in_loop, 0, 0);
  ax_acceptor_cancel(ordered->porch.acceptor);
  gate_open(&ordered->done);
  ordered->client = client_connect(ordered->porch.text);
  ax_work_end(ordered->porch.context);
  return NULL;
}

static void orders_of_the_loop_do_not_overtake(void **state) {
  struct ordered ordered = {.in_loop = GATE, .done = GATE};
  ordered.porch = porch_on("127.0.0.1:0");
  ordered.peer = ax_stream_new(ordered.porch.context);
  uv_timer_t timer = {.data = &ordered};
  uv_timer_init(ax_context_loop(ordered.porch.context), &timer);
  uv_timer_start(&timer, on_uv_timer_accept, 1, 0);
  ax_work_begin(ordered.porch.context);
  pthread_t thread = thread_start(order_cancel, &ordered);
  ax_run(ordered.porch.context);
  thread_join(thread);
  expect_seen(&ordered.seen, "accept", 0);
  client_close(ordered.client);
  ax_unref(ordered.peer);
  porch_free(&ordered.porch);
}

static void close_from_another_thread_ends_an_accept(void **state) {
  for (int i = 0; i < 30; i++) {
    struct seen seen = {0};
    struct porch porch = porch_on("127.0.0.1:0");
    ax_stream *peer = ax_stream_new(porch.context);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(porch.context, 2);
    if (i % 2)
      pause_before(deadline(), "the butlers to sleep");
    if (i % 3)
      ax_acceptor_close(porch.acceptor);
    else
      ax_acceptor_cancel(porch.acceptor);
    butlers_join(butlers);
    expect_seen(&seen, "accept", UV_ECANCELED);
    ax_unref(peer);
    porch_free(&porch);
  }
}

/* The accept is dropped then, and with it the last reference to its acceptor,
 * which still handles what the loop has reported. */
static void the_context_of_an_accept_may_be_freed_first(void **state) {
  struct seen seen = {0};
  struct porch porch = porch_on("127.0.0.1:0");
  ax_context *home = ax_context_new();
  ax_stream *peer = ax_stream_new(porch.context);
  int client = client_connect(porch.text);
  ax_acceptor_accept(porch.acceptor, peer,
                     ax_on(home, ax_call(on_seen, &seen)));
  ax_unref(peer);
  ax_unref(porch.acceptor);
  porch.acceptor = NULL;
  ax_context_free(home);
  ax_run(porch.context);
  client_expect_end(client);
  assert_int_equal(seen.calls, 0);
  client_close(client);
  porch_free(&porch);
}

/* A listener with clients waiting that nobody accepts must not spin. */
static void clients_that_nobody_accepts_use_no_time(void **state) {
  struct seen seen = {0};
  struct porch porch = porch_on("127.0.0.1:0");
  ax_stream *peer = ax_stream_new(porch.context);
  ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
  int one = client_connect(porch.text), two = client_connect(porch.text);
  ax_run(porch.context);
  expect_seen(&seen, "accept", 0);
  expect_sleep(porch.context, "who accepts nobody");
  client_close(one);
  client_close(two);
  ax_unref(peer);
  porch_free(&porch);
}

/* ------------------------------------------ law 11: out of descriptors */

enum { HOARD = 200 };

/* Takes all descriptors there may be; the number taken. */
static int hoard(int fds[HOARD], struct rlimit *before) {
  getrlimit(RLIMIT_NOFILE, before);
  struct rlimit low = *before;
  low.rlim_cur = open_descriptors() + 20;
  setrlimit(RLIMIT_NOFILE, &low);
  int count = 0;
  while (count < HOARD && (fds[count] = open("/dev/null", O_RDONLY)) >= 0)
    count++;
  return count;
}

static void give_back(int fds[HOARD], int count, const struct rlimit *before) {
  for (int i = 0; i < count; i++)
    close(fds[i]);
  setrlimit(RLIMIT_NOFILE, before);
}

static void nap(double span) {
  for (double end = seconds() + span; seconds() < end;)
    pause_before(deadline(), "some time");
}

static void without_descriptors_accept_waits_and_does_not_spin(void **state) {
  struct seen seen = {0}, posted = {0};
  struct rlimit before;
  int fds[HOARD];
  struct porch porch = porch_on("127.0.0.1:0");
  int client = client_connect(porch.text);
  ax_stream *peer = ax_stream_new(porch.context);
  ax_context *elsewhere = ax_context_new();
  int count = hoard(fds, &before);
  ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(porch.context, 1);
  expect_sleep(elsewhere, "who has no descriptors");
  nap(0.25);                                         /* for another try */
  ax_post(porch.context, ax_call(on_seen, &posted)); /* still at work */
  wait_until(atomic_load(&posted.calls));
  int calls = atomic_load(&seen.calls);
  give_back(fds, count, &before);
  butlers_join(butlers);
  ax_context_free(elsewhere);
  assert_int_equal(calls, 0);
  expect_seen(&seen, "accept", 0);
  say(porch.context, peer, "welcome");
  client_expect_text(client, "welcome");
  client_close(client);
  ax_unref(peer);
  porch_free(&porch);
}

static void an_accept_without_descriptors_can_be_ended(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    struct rlimit before;
    int fds[HOARD];
    struct porch porch = porch_on("127.0.0.1:0");
    int client = client_connect(porch.text);
    ax_stream *peer = ax_stream_new(porch.context);
    int count = hoard(fds, &before);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(porch.context, 1);
    nap(0.02);
    if (i == 0)
      ax_acceptor_cancel(porch.acceptor);
    else if (i == 1)
      ax_acceptor_close(porch.acceptor);
    else
      ax_stop(porch.context);
    butlers_join(butlers);
    give_back(fds, count, &before);
    if (i < 2)
      expect_seen(&seen, "accept", UV_ECANCELED);
    client_close(client);
    ax_unref(peer);
    porch_free(&porch);
    assert_true(i < 2 || seen.calls == 0);
  }
}

static void connect_without_descriptors_is_an_error(void **state) {
  struct seen seen = {0};
  struct rlimit before;
  int fds[HOARD];
  struct porch porch = porch_on("127.0.0.1:0");
  ax_stream *stream = ax_stream_new(porch.context);
  int count = hoard(fds, &before);
  ax_stream_connect(stream, &porch.endpoint, ax_call(on_seen, &seen));
  int err = ax_stream_open_fd(stream, 0);
  ax_run(porch.context);
  give_back(fds, count, &before);
  expect_seen(&seen, "connect", UV_EMFILE);
  assert_int_equal(err, UV_EMFILE);
  ax_unref(stream);
  porch_free(&porch);
}

/* ---------------------------------------------------- both families at once */

/* ":P" takes IPv4 and "[::]:P" takes IPv6, whichever comes first. */
static void any_address_of_both_families_can_share_a_port(void **state) {
  static const char *const texts[] = {":0", "[::]:0"};
  for (int i = 0; i < 2; i++) {
    char text[AX_ENDPOINT_TEXT], other[AX_ENDPOINT_TEXT];
    struct porch one = porch_on(texts[i]);
    const char *port = strrchr(one.text, ':');
    snprintf(text, sizeof text, "%s%s", i ? "" : "[::]", port);
    struct porch two = porch_on(text);
    snprintf(other, sizeof other, "127.0.0.1%s", port);
    client_close(client_connect(other));
    snprintf(other, sizeof other, "[::1]%s", port);
    client_close(client_connect(other));
    porch_free(&two);
    assert_int_equal(client_try_connect(i ? "127.0.0.1:1" : other), -1);
    porch_free(&one);
  }
}

/* --------------------------------------------------- closed, and open again */

/* In one handler, while another butler sleeps in the loop. */
struct moving {
  ax_acceptor *from, *to; /* may be the same */
  ax_endpoint endpoint;
  int err;
  struct gate moved;
};

static void on_move(void *arg, int err, size_t n) {
  struct moving *moving = arg;
  ax_acceptor_close(moving->from);
  moving->err = ax_acceptor_listen(moving->to, &moving->endpoint);
  gate_open(&moving->moved);
}

/* Until the loop has carried out what was asked of it, and long after. */
static void expect_heard(struct porch *porch, ax_acceptor *acceptor) {
  for (int i = 0; i < 2; i++) {
    struct seen seen = {0};
    ax_stream *peer = ax_stream_new(porch->context);
    ax_acceptor_accept(acceptor, peer, ax_call(on_seen, &seen));
    int client = client_connect(porch->text);
    client_send_text(client, "x");
    wait_until(atomic_load(&seen.calls));
    expect_seen(&seen, "accept", 0);
    char byte = 0;
    wait_until(read(ax_stream_fd(peer), &byte, 1) == 1);
    assert_int_equal(byte, 'x');
    client_close(client);
    ax_unref(peer);
  }
}

static void move(const char *text, bool same) {
  struct seen seen = {0};
  struct porch porch = porch_on(text);
  struct moving moving = {.endpoint = porch.endpoint, .moved = GATE};
  ax_stream *peer = ax_stream_new(porch.context);
  moving.from = porch.acceptor;
  moving.to = same ? ax_ref(porch.acceptor) : ax_acceptor_new(porch.context);
  ax_acceptor_accept(moving.from, peer, ax_call(on_seen, &seen));
  ax_work_begin(porch.context);
  struct butlers *butlers = butlers_start(porch.context, 2);
  pause_before(deadline(), "a butler to sleep in the loop");
  ax_post(porch.context, ax_call(on_move, &moving));
  on_pass(&moving.moved, 0, 0);
  assert_int_equal(moving.err, 0);
  wait_until(atomic_load(&seen.calls));
  expect_seen(&seen, text, UV_ECANCELED);
  expect_heard(&porch, moving.to);
  ax_work_end(porch.context);
  butlers_join(butlers);
  ax_unref(peer);
  ax_unref(moving.to);
  porch_free(&porch);
}

static void an_acceptor_moves_within_one_handler(void **state) {
  for (int round = 0; round < 30; round++)
    for (int i = 0; i < 3; i++)
      move(address_of_family(i), round % 2);
}

/* --------------------------------------------------------- on a descriptor */

/* A socket that listens, as it is inherited. */
static int listening(const char *text, char at[AX_ENDPOINT_TEXT]) {
  ax_endpoint endpoint;
  assert_int_equal(ax_endpoint_parse(text, &endpoint), 0);
  struct sockaddr *address = (struct sockaddr *)&endpoint.addr;
  int fd = socket(address->sa_family, SOCK_STREAM, 0);
  ends_must(bind(fd, address, endpoint.len) == 0 && listen(fd, 5) == 0, text);
  endpoint.len = sizeof endpoint.addr;
  ends_must(getsockname(fd, address, &endpoint.len) == 0, text);
  ax_endpoint_format(&endpoint, at);
  return fd;
}

/* An acceptor that does not listen yet. */
static struct porch porch_shut(void) {
  struct porch porch = {.context = ax_context_new()};
  porch.acceptor = ax_acceptor_new(porch.context);
  return porch;
}

static void an_inherited_socket_is_accepted_from(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    char text[AX_ENDPOINT_TEXT];
    ax_endpoint local;
    struct porch porch = porch_shut();
    int fd = listening(address_of_family(i), text);
    assert_int_equal(ax_acceptor_open_fd(porch.acceptor, fd), 0);
    assert_int_equal(ax_acceptor_local(porch.acceptor, &local), 0);
    ax_endpoint_format(&local, porch.text);
    assert_string_equal(porch.text, text);
    ax_stream *peer = ax_stream_new(porch.context);
    int client = client_connect(text);
    ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen));
    ax_run(porch.context);
    expect_seen(&seen, text, 0);
    say(porch.context, peer, "hello");
    client_expect_text(client, "hello");
    client_close(client);
    close(fd);
    ax_unref(peer);
    porch_free(&porch);
  }
}

/* It listens, and so does the file of a Unix socket exist. It does not block,
 * because others may accept from it. */
static void an_inherited_socket_stays_its_owners(void **state) {
  for (int i = 0; i < 6; i++) {
    char text[AX_ENDPOINT_TEXT];
    struct porch porch = porch_shut();
    int fd = listening(address_of_family(i % 3), text);
    assert_int_equal(ax_acceptor_open_fd(porch.acceptor, fd), 0);
    assert_int_not_equal(ax_acceptor_fd(porch.acceptor), fd);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    if (i >= 3)
      ax_acceptor_close(porch.acceptor);
    porch_free(&porch);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    int client = client_connect(text), peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    close(peer);
    client_close(client);
    close(fd);
  }
}

/* As in a rolling restart: the old server opened the socket while it blocked,
 * and ends. The loop then tells both new ones of the same client. */
static void an_acceptor_that_ends_makes_no_other_block(void **state) {
  for (int closes = 0; closes < 2; closes++) {
    char text[AX_ENDPOINT_TEXT];
    struct seen seen[2] = {{0}};
    ax_stream *peers[2];
    struct porch old = porch_shut(), porch = porch_shut();
    ax_acceptor *both[2] = {porch.acceptor, ax_acceptor_new(porch.context)};
    int fd = listening("127.0.0.1:0", text);
    assert_int_equal(ax_acceptor_open_fd(old.acceptor, fd), 0);
    for (int i = 0; i < 2; i++) {
      peers[i] = ax_stream_new(porch.context);
      assert_int_equal(ax_acceptor_open_fd(both[i], fd), 0);
      ax_acceptor_accept(both[i], peers[i], ax_call(on_seen, &seen[i]));
    }
    assert_int_equal(ax_poll(porch.context), 0);
    if (closes)
      ax_acceptor_close(old.acceptor);
    porch_free(&old);
    int client = client_connect(text);
    wait_until(ax_poll(porch.context));
    assert_int_equal(seen[0].calls + seen[1].calls, 1);
    for (int i = 0; i < 2; i++) {
      ax_acceptor_cancel(both[i]);
      ax_unref(peers[i]);
    }
    assert_int_equal(ax_run(porch.context), 1);
    ax_unref(both[1]);
    porch_free(&porch);
    client_close(client);
    close(fd);
  }
}

static void what_does_not_listen_cannot_be_accepted_from(void **state) {
  struct porch porch = porch_shut();
  struct ends ends = tcp_ends(), pipe = pipe_in_ends();
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  int file = open("/dev/null", O_RDWR);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, ends.ours), UV_EINVAL);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, tcp), UV_EINVAL);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, udp), UV_EINVAL);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, file), UV_ENOTSOCK);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, pipe.ours), UV_ENOTSOCK);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, -1), UV_EBADF);
  assert_int_equal(ax_acceptor_fd(porch.acceptor), -1);
  int fds[] = {ends.ours, ends.theirs, pipe.ours, pipe.theirs, tcp, udp, file};
  for (int i = 0; i < 7; i++)
    close(fds[i]);
  porch_free(&porch);
}

static void an_acceptor_is_opened_once(void **state) {
  char text[AX_ENDPOINT_TEXT];
  struct porch porch = porch_on("127.0.0.1:0");
  int fd = listening("127.0.0.1:0", text), own = ax_acceptor_fd(porch.acceptor);
  assert_true(own >= 0);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, fd), UV_EISCONN);
  assert_int_equal(ax_acceptor_fd(porch.acceptor), own);
  ax_acceptor_close(porch.acceptor);
  assert_int_equal(ax_acceptor_fd(porch.acceptor), -1);
  assert_int_equal(ax_acceptor_open_fd(porch.acceptor, fd), 0);
  assert_int_equal(ax_acceptor_listen(porch.acceptor, &porch.endpoint),
                   UV_EISCONN);
  close(fd);
  porch_free(&porch);
}

static void an_acceptor_knows_its_executor(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_acceptor *one = ax_acceptor_new(context), *two = ax_acceptor_new(strand);
  assert_ptr_equal(ax_acceptor_executor(one), context);
  assert_ptr_equal(ax_acceptor_executor(two), strand);
  ax_unref(one);
  ax_unref(two);
  ax_unref(strand);
  ax_context_free(context);
}

/* By another process, say. Linux reports it without end for a Unix socket, and
 * accept(2) does not tell. */
static void a_shared_socket_that_was_shut_down_ends_accepts(void **state) {
#ifndef __linux__
  skip();
#endif
  for (int i = 0; i < 3; i++)
    for (int before = 0; before < 2; before++) {
      struct seen seen[2] = {0};
      struct porch porch = porch_on(address_of_family(i));
      ax_stream *peer = ax_stream_new(porch.context);
      int shared = dup(ax_acceptor_fd(porch.acceptor));
      if (before)
        shutdown(shared, SHUT_RDWR);
      for (int k = 0; k < 2; k++)
        ax_acceptor_accept(porch.acceptor, peer, ax_call(on_seen, &seen[k]));
      struct butlers *butlers = butlers_start(porch.context, 1);
      pause_before(deadline(), "the butler to sleep");
      shutdown(shared, SHUT_RDWR);
      butlers_join(butlers);
      for (int k = 0; k < 2; k++)
        expect_seen(&seen[k], porch.text, UV_EINVAL);
      expect_sleep(porch.context, "who was shut down");
      close(shared);
      ax_unref(peer);
      porch_free(&porch);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_client_is_accepted_and_heard),
      clean_test(clients_that_came_before_are_accepted_in_turn),
      clean_test(several_accepts_may_be_pending),
      clean_test(a_tcp_peer_does_not_delay_small_packets),
      clean_test(the_ends_of_an_accepted_stream_are_known),
      clean_test(clients_that_reset_before_they_are_accepted_do_no_harm),
      clean_test(accepting_goes_on_and_on_with_two_butlers),
      clean_test(an_acceptor_that_does_not_listen_accepts_nobody),
      clean_test(an_acceptor_listens_once),
      clean_test(a_stream_that_is_open_is_not_accepted_into),
      clean_test(a_stream_is_not_accepted_into_twice),
      clean_test(port_zero_becomes_a_real_port),
      clean_test(a_port_in_use_is_refused),
      clean_test(a_port_can_be_used_again_at_once),
      clean_test(an_address_of_somebody_else_is_refused),
      clean_test(cancel_ends_all_accepts_and_it_still_listens),
      clean_test(close_ends_all_accepts_and_stops_listening),
      clean_test(a_closed_acceptor_may_listen_again),
      clean_test(the_handlers_of_a_closed_acceptor_find_it_closed),
      clean_test(close_from_another_thread_ends_an_accept),
      clean_test(orders_of_the_loop_do_not_overtake),
      clean_test(the_context_of_an_accept_may_be_freed_first),
      clean_test(clients_that_nobody_accepts_use_no_time),
      clean_test(without_descriptors_accept_waits_and_does_not_spin),
      clean_test(an_accept_without_descriptors_can_be_ended),
      clean_test(connect_without_descriptors_is_an_error),
      clean_test(any_address_of_both_families_can_share_a_port),
      clean_test(an_acceptor_moves_within_one_handler),
      clean_test(an_inherited_socket_is_accepted_from),
      clean_test(an_inherited_socket_stays_its_owners),
      clean_test(an_acceptor_that_ends_makes_no_other_block),
      clean_test(what_does_not_listen_cannot_be_accepted_from),
      clean_test(an_acceptor_is_opened_once),
      clean_test(an_acceptor_knows_its_executor),
      clean_test(a_shared_socket_that_was_shut_down_ends_accepts),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
