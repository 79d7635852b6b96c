/* Accepting where accept(2) reports errors: some are the end, most are not. */
#include "porch.h"

#ifdef __linux__
#include <dlfcn.h>

/* --------------------------------------------------------- what is injected */

static atomic_int error, failures, calls; /* of accept4; `failures` to come */
static atomic_uint_fast64_t later;        /* the clock is ahead by that */

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags) {
  int (*real)(int, void *, void *, int);
  atomic_fetch_add(&calls, 1);
  if (atomic_load(&failures) > 0) {
    atomic_fetch_sub(&failures, 1);
    errno = atomic_load(&error);
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "accept4");
  return real(fd, NULL, NULL, flags);
}

/* The clock of the core: the loop has one of its own. */
uint64_t uv_hrtime(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec +
         atomic_load(&later);
}

static void fail_with(int times, int err) {
  atomic_store(&error, -err);
  atomic_store(&failures, times);
  atomic_store(&calls, 0);
}

/* --------------------------------------------------------- what is printed */

struct caught {
  int before;
  char path[TEMP_PATH];
};

static struct caught catch_errors(void) {
  struct caught caught = {.before = dup(STDERR_FILENO)};
  temp_path(caught.path, "errors");
  int fd = open(caught.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ends_must(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0, "standard error");
  close(fd);
  return caught;
}

/* How often the text was printed; and no other line was. */
static int caught_lines(struct caught *caught, const char *text) {
  int lines = 0, found = 0;
  dup2(caught->before, STDERR_FILENO);
  close(caught->before);
  char *all = read_whole_file(caught->path);
  for (char *at = all; (at = strchr(at, '\n')); at++)
    lines++;
  for (char *at = all; (at = strstr(at, text)); at++)
    found++;
  if (lines != found)
    give_up("\"%s\" %d times in \"%s\"", text, found, all);
  free(all);
  return found;
}

/* --------------------------------------------------------- one that accepts */

struct host {
  struct porch porch;
  ax_stream *peer;
  struct seen seen;
  int client;
};

static void host_accept(struct host *host) {
  host->seen = (struct seen){0};
  ax_acceptor_accept(host->porch.acceptor, host->peer,
                     ax_call(on_seen, &host->seen));
}

/* With an accept pending and a client at the door. */
static void host_init(struct host *host) {
  *host = (struct host){.porch = porch_on("127.0.0.1:0")};
  host->peer = ax_stream_new(host->porch.context);
  host_accept(host);
  host->client = client_connect(host->porch.text);
}

static void host_free(struct host *host) {
  client_close(host->client);
  ax_unref(host->peer);
  porch_free(&host->porch);
}

/* Closes the accepted one and accepts the next. */
static void host_again(struct host *host) {
  client_close(host->client);
  ax_stream_close(host->peer);
  host_accept(host);
  host->client = client_connect(host->porch.text);
}

static void expect_accepted(struct host *host, const char *what) {
  ax_run(host->porch.context);
  expect_seen(&host->seen, what, 0);
  assert_int_equal(write(ax_stream_fd(host->peer), "hi", 2), 2);
  client_expect_text(host->client, "hi");
}

/* ---------------------------------------------------------------- the tests */

/* What accept(2) lists for TCP, what a system may be out of, and what a filter
 * of packets says. */
static const int of_the_network[] = {
    UV_EPERM,   UV_ENETDOWN, -EHOSTUNREACH, UV_ENOPROTOOPT,     UV_EHOSTDOWN,
    -ENONET,    -EOPNOTSUPP, -ENETUNREACH,  UV_ENFILE,          UV_EMFILE,
    UV_ENOBUFS, UV_ENOMEM,   UV_ETIMEDOUT,  UV_EPROTONOSUPPORT, -ENOSR,
    UV_EIO,     -EPROTOTYPE,
};

static void an_error_of_the_network_does_not_end_accepting(void **state) {
  for (size_t i = 0; i < sizeof of_the_network / sizeof(int); i++) {
    struct host host;
    char words[80];
    uv_strerror_r(of_the_network[i], words, sizeof words);
    host_init(&host);
    struct caught caught = catch_errors();
    fail_with(1, of_the_network[i]);
    double begin = seconds();
    ax_run(host.porch.context);
    double passed = seconds() - begin;
    assert_int_equal(caught_lines(&caught, words), 1);
    expect_accepted(&host, words);
    assert_int_equal(atomic_load(&calls), 2);
    assert_true(passed > 0.08); /* the loop counts from when it woke up */
    host_free(&host);
  }
}

static void a_connection_that_is_gone_is_passed_over_at_once(void **state) {
  static const int gone[] = {UV_ECONNABORTED, UV_EINTR, UV_EPROTO};
  for (int i = 0; i < 3; i++) {
    struct host host;
    host_init(&host);
    struct caught caught = catch_errors();
    fail_with(100, gone[i]);
    double begin = seconds();
    ax_run(host.porch.context);
    double passed = seconds() - begin;
    assert_int_equal(caught_lines(&caught, "accept"), 0);
    expect_accepted(&host, uv_strerror(gone[i]));
    assert_int_equal(atomic_load(&calls), 101);
    assert_true(passed < 5); /* a tenth of a second for each would be ten */
    host_free(&host);
  }
}

static void a_descriptor_that_does_not_listen_ends_accepting(void **state) {
  static const int ends[] = {UV_EBADF, UV_EINVAL, UV_ENOTSOCK};
  for (int i = 0; i < 3; i++) {
    struct host host;
    host_init(&host);
    struct caught caught = catch_errors();
    fail_with(1, ends[i]);
    ax_run(host.porch.context);
    assert_int_equal(caught_lines(&caught, "accept"), 0);
    expect_seen(&host.seen, "accept", ends[i]);
    host_free(&host);
  }
}

static void a_bout_of_errors_is_told_once(void **state) {
  struct host host;
  host_init(&host);
  struct caught caught = catch_errors();
  fail_with(4, UV_ENETDOWN);
  ax_run(host.porch.context);
  host_again(&host);
  fail_with(1, UV_ENETDOWN);
  ax_run(host.porch.context);
  assert_int_equal(caught_lines(&caught, uv_strerror(UV_ENETDOWN)), 1);
  expect_accepted(&host, "accept");
  host_free(&host);
}

/* After a minute that went well, and not after one that did not. */
static void the_next_bout_of_errors_is_told_again(void **state) {
  static const uint64_t pauses[] = {30, 40, 50, 61, 59, 62};
  struct host host;
  host_init(&host);
  struct caught caught = catch_errors();
  for (int i = 0; i < 6; i++) {
    atomic_fetch_add(&later, pauses[i] * 1000000000);
    fail_with(1, UV_ENOBUFS);
    ax_run(host.porch.context);
    host_again(&host);
  }
  assert_int_equal(caught_lines(&caught, uv_strerror(UV_ENOBUFS)), 3);
  expect_accepted(&host, "accept");
  atomic_store(&later, 0);
  host_free(&host);
}

/* The client is at the door all the time. */
static void errors_of_the_network_do_not_spin(void **state) {
  struct host host;
  struct seen posted = {0};
  host_init(&host);
  struct caught caught = catch_errors();
  fail_with(1000000, UV_ENOMEM);
  ax_context *elsewhere = ax_context_new();
  double begin = seconds();
  struct butlers *butlers = butlers_start(host.porch.context, 2);
  expect_sleep(elsewhere, "who cannot accept");
  wait_until(atomic_load(&calls) >= 3); /* and still tries */
  int tried = atomic_load(&calls);
  double passed = seconds() - begin;
  ax_post(host.porch.context, ax_call(on_seen, &posted));
  wait_until(atomic_load(&posted.calls));
  fail_with(0, 0);
  butlers_join(butlers);
  assert_int_equal(caught_lines(&caught, uv_strerror(UV_ENOMEM)), 1);
  assert_in_range(tried, 3, 2 + (int)(passed / 0.08));
  expect_accepted(&host, "accept");
  ax_context_free(elsewhere);
  host_free(&host);
}

/* Each of those that are initiated meanwhile tries once, too; in the end every
 * one has its client, in turn. */
static void accepts_that_come_in_a_pause_are_served_after_it(void **state) {
  enum { MORE = 5 };
  struct host host;
  struct seen seen[MORE] = {0};
  ax_stream *peers[MORE];
  int clients[MORE];
  host_init(&host);
  struct caught caught = catch_errors();
  fail_with(2, UV_ENFILE);
  struct butlers *butlers = butlers_start(host.porch.context, 2);
  wait_until(atomic_load(&calls) == 1);
  for (int i = 0; i < MORE; i++) {
    peers[i] = ax_stream_new(host.porch.context);
    clients[i] = client_connect(host.porch.text);
    ax_acceptor_accept(host.porch.acceptor, peers[i],
                       ax_call(on_seen, &seen[i]));
  }
  butlers_join(butlers);
  assert_int_equal(caught_lines(&caught, uv_strerror(UV_ENFILE)), 1);
  expect_accepted(&host, "the first");
  for (int i = 0; i < MORE; i++) {
    expect_seen(&seen[i], "one more", 0);
    client_close(clients[i]);
    ax_unref(peers[i]);
  }
  host_free(&host);
}

typedef void end_fn(ax_acceptor *acceptor);

static void an_accept_in_a_pause_can_be_ended(void **state) {
  end_fn *const ends[] = {ax_acceptor_cancel, ax_acceptor_close};
  for (int i = 0; i < 2; i++) {
    struct host host;
    host_init(&host);
    struct caught caught = catch_errors();
    fail_with(1000000, UV_ENETDOWN);
    struct butlers *butlers = butlers_start(host.porch.context, 1);
    wait_until(atomic_load(&calls));
    ends[i](host.porch.acceptor);
    butlers_join(butlers);
    fail_with(0, 0);
    assert_int_equal(caught_lines(&caught, "accept"), 1);
    expect_seen(&host.seen, "accept", UV_ECANCELED);
    host_free(&host);
  }
}

/* The pause ends, and there is nobody to accept for. */
static void a_pause_may_outlive_its_accept(void **state) {
  struct host host;
  host_init(&host);
  struct caught caught = catch_errors();
  fail_with(1, UV_ENETDOWN);
  struct butlers *butlers = butlers_start(host.porch.context, 1);
  wait_until(atomic_load(&calls));
  ax_acceptor_cancel(host.porch.acceptor);
  butlers_join(butlers);
  for (int i = 0; i < 2; i++)
    expect_sleep(host.porch.context, "who accepts nobody after a pause");
  assert_int_equal(caught_lines(&caught, "accept"), 1);
  expect_seen(&host.seen, "accept", UV_ECANCELED);
  host_accept(&host);
  expect_accepted(&host, "the next");
  host_free(&host);
}

static void a_context_may_be_freed_in_a_pause(void **state) {
  struct host host;
  host_init(&host);
  struct caught caught = catch_errors();
  fail_with(1000000, UV_ENETDOWN);
  struct butlers *butlers = butlers_start(host.porch.context, 1);
  wait_until(atomic_load(&calls));
  ax_stop(host.porch.context);
  butlers_join(butlers);
  host_free(&host);
  fail_with(0, 0);
  assert_int_equal(caught_lines(&caught, "accept"), 1);
  assert_int_equal(host.seen.calls, 0);
}

/* Of a client that has gone, of the network, of a client again: one acceptor
 * goes through all of it. */
static void an_acceptor_survives_all_errors_in_a_row(void **state) {
  static const int errors[] = {UV_ECONNABORTED, UV_ENFILE, UV_EPROTO, UV_EPERM,
                               UV_EINTR};
  struct host host;
  host_init(&host);
  struct caught caught = catch_errors();
  for (int i = 0; i < 5; i++) {
    fail_with(1, errors[i]);
    ax_run(host.porch.context);
    host_again(&host);
  }
  assert_int_equal(caught_lines(&caught, "trying again"), 1);
  expect_accepted(&host, "the last");
  host_free(&host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(an_error_of_the_network_does_not_end_accepting),
      clean_test(a_connection_that_is_gone_is_passed_over_at_once),
      clean_test(a_descriptor_that_does_not_listen_ends_accepting),
      clean_test(a_bout_of_errors_is_told_once),
      clean_test(the_next_bout_of_errors_is_told_again),
      clean_test(errors_of_the_network_do_not_spin),
      clean_test(accepts_that_come_in_a_pause_are_served_after_it),
      clean_test(an_accept_in_a_pause_can_be_ended),
      clean_test(a_pause_may_outlive_its_accept),
      clean_test(a_context_may_be_freed_in_a_pause),
      clean_test(an_acceptor_survives_all_errors_in_a_row),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; } /* no accept4, and no function in its place */

#endif
