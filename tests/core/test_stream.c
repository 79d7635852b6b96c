/* Streams: opening, closing, connecting, cancelling, what they share. Reading
 * is in test_read.c, writing in test_write.c. */
#include "ends.h"

#include <dlfcn.h>
#include <signal.h>

/* --------------------------------------------------------------- not open */

static void operations_on_a_stream_that_is_not_open_end_with_ebadf(void **s) {
  struct seen seen[4] = {0};
  char byte;
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 10);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  ax_seq seq = AX_SEQ(ax_buffer(&byte, 1));
  ax_stream_read_some(stream, seq, ax_call(on_seen, &seen[0]));
  ax_run(context);
  ax_stream_read(stream, seq, ax_call(on_seen, &seen[1]));
  ax_run(context);
  ax_stream_read_until(stream, &dynbuf, 0, ax_call(on_seen, &seen[2]));
  ax_stream_write(stream, ax_seq_const(seq), ax_call(on_seen, &seen[3]));
  ax_run(context);
  for (int i = 0; i < 4; i++)
    expect_seen(&seen[i], "not open", UV_EBADF);
  ax_unref(stream);
  ax_context_free(context);
}

static void what_cannot_be_read_is_not_waited_for(void **state) {
  struct seen seen[3] = {0};
  char byte;
  int fds[2];
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 10);
  assert_int_equal(pipe(fds), 0);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_open_fd(stream, fds[1]), 0);
  ax_seq seq = AX_SEQ(ax_buffer(&byte, 1));
  ax_stream_read_some(stream, seq, ax_call(on_seen, &seen[0]));
  ax_stream_read(stream, seq, ax_call(on_seen, &seen[1]));
  ax_stream_read_until(stream, &dynbuf, 0, ax_call(on_seen, &seen[2]));
  ax_run(context);
  for (int i = 0; i < 3; i++)
    expect_seen(&seen[i], "the end for writing", UV_EBADF);
  ax_unref(stream);
  ax_context_free(context);
  close(fds[0]);
  close(fds[1]);
}

static void a_stream_that_is_not_open_has_no_ends(void **state) {
  ax_endpoint endpoint;
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_fd(stream), -1);
  assert_true(ax_stream_local(stream, &endpoint) < 0);
  assert_true(ax_stream_remote(stream, &endpoint) < 0);
  assert_true(ax_stream_shutdown(stream) < 0);
  ax_stream_cancel(stream);
  ax_stream_close(stream);
  ax_stream_close(stream);
  assert_int_equal(ax_run(context), 0);
  ax_unref(stream);
  ax_context_free(context);
}

/* ------------------------------------------------------- on a descriptor */

static void a_stream_is_opened_once(void **state) {
  struct bench bench = bench_new();
  assert_int_equal(ax_stream_open_fd(bench.stream, bench.peer), UV_EISCONN);
  bench_free(&bench);
}

static void a_bad_descriptor_cannot_be_opened(void **state) {
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  int fd = dup(0);
  close(fd);
  assert_int_equal(ax_stream_open_fd(stream, -1), UV_EBADF);
  assert_int_equal(ax_stream_open_fd(stream, fd), UV_EBADF);
  assert_int_equal(ax_stream_fd(stream), -1);
  ax_unref(stream);
  ax_context_free(context);
}

static void the_descriptor_stays_with_its_owner(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct ends ends = kind->open();
    char byte = 0;
    ax_context *context = ax_context_new();
    ax_stream *stream = ax_stream_new(context);
    assert_int_equal(ax_stream_open_fd(stream, ends.ours), 0);
    assert_int_not_equal(ax_stream_fd(stream), ends.ours);
    ax_stream_close(stream);
    ax_unref(stream);
    ax_run(context);
    ax_context_free(context);
    assert_int_equal(write(ends.ours, "x", 1), 1);
    assert_int_equal(read(ends.theirs, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(ends.ours);
    close(ends.theirs);
  }
}

static bool blocks(int fd) { return !(fcntl(fd, F_GETFL) & O_NONBLOCK); }

enum ending { CLOSE, UNREF, FREE, ENDINGS };

/* A shell that shares its terminal would be surprised. */
static void the_descriptor_blocks_again_when_the_stream_is_gone(void **state) {
  for (int i = 0; i < KINDS; i++)
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
      struct ends ends = kinds[i].open();
      ax_context *context = ax_context_new();
      ax_stream *stream = ax_stream_new(context);
      assert_int_equal(ax_stream_open_fd(stream, ends.ours), 0);
      if (ending == CLOSE)
        ax_stream_close(stream);
      if (ending != FREE)
        ax_unref(stream);
      if (ending != FREE)
        ax_run(context);
      ax_context_free(context);
      if (ending == FREE)
        ax_unref(stream);
      if (!blocks(ends.ours))
        give_up("%s does not block any more", kinds[i].name);
      close(ends.ours);
      close(ends.theirs);
    }
}

static void a_descriptor_that_did_not_block_does_not_afterwards(void **state) {
  struct ends ends = pipe_in_ends();
  fcntl(ends.ours, F_SETFL, fcntl(ends.ours, F_GETFL) | O_NONBLOCK);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_open_fd(stream, ends.ours), 0);
  ax_unref(stream);
  ax_context_free(context);
  assert_false(blocks(ends.ours));
  close(ends.ours);
  close(ends.theirs);
}

static void a_closed_stream_lets_go_of_its_descriptor(void **state) {
  FOR_EACH_KIND(kind, name) {
    struct seen seen = {0};
    char byte;
    size_t before = open_descriptors();
    struct bench bench = bench_on(kind);
    size_t open = open_descriptors();
    if (kind->reads)
      ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                     ax_call(on_seen, &seen));
    ax_post(bench.context, ax_call(on_seen, &(struct seen){0}));
    ax_stream_close(bench.stream);
    assert_int_equal(ax_stream_fd(bench.stream), -1);
    ax_run(bench.context);
    if (open_descriptors() != open - 1)
      give_up("%s: the descriptor is still open", kind->name);
    if (kind->reads)
      expect_seen(&seen, kind->name, UV_ECANCELED);
    bench_free(&bench);
    assert_int_equal(open_descriptors(), before);
  }
}

static void the_peer_sees_that_a_stream_was_closed(void **state) {
  for (int unref = 0; unref < 2; unref++)
    FOR_EACH_KIND(kind, socket) {
      struct bench bench = bench_on(kind);
      ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("hello")),
                      ax_call(on_seen, &(struct seen){0}));
      ax_run(bench.context);
      if (unref) {
        ax_unref(bench.stream);
        bench.stream = NULL;
      } else {
        ax_stream_close(bench.stream);
      }
      ax_run(bench.context);
      char byte;
      peer_expect(&bench, "hello");
      assert_int_equal(peer_recv_some(&bench, &byte, 1), 0);
      bench_free(&bench);
    }
}

static void a_closed_stream_may_be_opened_again(void **state) {
  char bytes[5];
  struct bench bench = bench_new();
  for (int i = 0; i < KINDS; i++) {
    struct seen seen = {0};
    ax_stream_close(bench.stream);
    bench_hang_up(&bench);
    struct ends ends = kinds[i].open();
    assert_int_equal(ax_stream_open_fd(bench.stream, ends.ours), 0);
    close(ends.ours);
    bench.kind = kinds[i].name;
    bench.peer = ends.theirs;
    if (kinds[i].reads) {
      ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                     ax_call(on_seen, &seen));
      peer_say(&bench, "hello");
    } else {
      ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("hello")),
                      ax_call(on_seen, &seen));
    }
    ax_run(bench.context);
    expect_seen(&seen, kinds[i].name, 0);
  }
  bench_free(&bench);
}

/* Without waiting for the first to be closed, and with a read pending: each
 * handler belongs to its own descriptor. */
static void a_stream_may_be_closed_and_opened_in_one_breath(void **state) {
  struct seen old = {0}, new = {0};
  char byte, bytes[5];
  struct bench bench = bench_new();
  ax_post(bench.context, ax_call(on_seen, &(struct seen){0}));
  ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                 ax_call(on_seen, &old));
  ax_stream_close(bench.stream);
  struct ends ends = tcp_ends();
  assert_int_equal(ax_stream_open_fd(bench.stream, ends.ours), 0);
  close(ends.ours);
  bench_hang_up(&bench);
  bench.peer = ends.theirs;
  ax_run(bench.context);
  expect_seen(&old, "read of the closed one", UV_ECANCELED);
  ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)), ax_call(on_seen, &new));
  peer_say(&bench, "hello");
  ax_run(bench.context);
  expect_seen(&new, "read of the new one", 0);
  assert_memory_equal(bytes, "hello", 5);
  bench_free(&bench);
}

static void a_stream_that_nobody_waits_for_is_no_work(void **state) {
  struct bench bench = bench_new();
  peer_say(&bench, "hello");
  assert_int_equal(ax_run(bench.context), 0);
  bench_free(&bench);
}

/* Data that nobody reads, and an end that nobody wants to know of: the loop
 * must not find them again and again. */
static void what_nobody_reads_uses_no_time(void **state) {
  FOR_EACH_KIND(kind, reads) {
    char byte;
    struct seen seen = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                        ax_call(on_seen, &seen));
    peer_say(&bench, "hello");
    ax_run(bench.context);
    if (kind->socket)
      bench_hang_up(&bench);
    expect_sleep(bench.context, kind->name);
    bench_free(&bench);
  }
}

/* --------------------------------------------------------------- connecting */

/* Somebody who listens, with plain system calls. */
struct listener {
  int fd;
  ax_endpoint endpoint;
};

static struct listener listener_on(const char *text, int backlog) {
  struct listener listener;
  int err = ax_endpoint_parse(text, &listener.endpoint);
  if (err)
    give_up("%s: %s", text, uv_strerror(err));
  struct sockaddr *address = (struct sockaddr *)&listener.endpoint.addr;
  listener.fd = socket(address->sa_family, SOCK_STREAM, 0);
  ends_must(bind(listener.fd, address, listener.endpoint.len) == 0, "bind");
  if (backlog)
    listen(listener.fd, backlog);
  listener.endpoint.len = sizeof listener.endpoint.addr;
  getsockname(listener.fd, address, &listener.endpoint.len);
  return listener;
}

/* "127.0.0.1:0", "[::1]:0" and a path. */
static const char *address_of_family(int i) {
  static char path[TEMP_PATH];
  if (i == 2)
    temp_path(path, "listener");
  return i == 0 ? "127.0.0.1:0" : i == 1 ? "[::1]:0" : path;
}

static void connect_reaches_who_listens(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0}, written = {0};
    struct listener listener = listener_on(address_of_family(i), 5);
    ax_context *context = ax_context_new();
    ax_stream *stream = ax_stream_new(context);
    INITIATE(
        ax_stream_connect(stream, &listener.endpoint, ax_call(on_seen, &seen)));
    ax_run(context);
    expect_seen(&seen, "connect", 0);
    int peer = accept(listener.fd, NULL, NULL);
    ax_stream_write(stream, AX_CSEQ(ax_cstring("hello")),
                    ax_call(on_seen, &written));
    ax_run(context);
    expect_seen(&written, "write", 0);
    client_expect_text(peer, "hello");
    close(peer);
    close(listener.fd);
    ax_unref(stream);
    ax_context_free(context);
  }
}

static void connect_to_nobody_is_refused(void **state) {
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    struct listener nobody = listener_on(address_of_family(i), 0);
    ax_context *context = ax_context_new();
    ax_stream *stream = ax_stream_new(context);
    INITIATE(
        ax_stream_connect(stream, &nobody.endpoint, ax_call(on_seen, &seen)));
    ax_run(context);
    expect_seen(&seen, "connect", UV_ECONNREFUSED);
    close(nobody.fd);
    ax_unref(stream);
    ax_context_free(context);
  }
}

static void connect_to_a_path_that_does_not_exist_fails(void **state) {
  struct seen seen = {0};
  ax_endpoint endpoint;
  char path[TEMP_PATH];
  temp_path(path, "nobody");
  assert_int_equal(ax_endpoint_parse(path, &endpoint), 0);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  INITIATE(ax_stream_connect(stream, &endpoint, ax_call(on_seen, &seen)));
  ax_run(context);
  expect_seen(&seen, "connect", UV_ENOENT);
  ax_unref(stream);
  ax_context_free(context);
}

static void a_refused_stream_may_connect_again(void **state) {
  struct listener nobody = listener_on("127.0.0.1:0", 0);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  for (int i = 0; i < 3; i++) {
    struct seen seen = {0};
    if (i == 2)
      listen(nobody.fd, 5);
    ax_stream_connect(stream, &nobody.endpoint, ax_call(on_seen, &seen));
    ax_run(context);
    expect_seen(&seen, "connect", i == 2 ? 0 : UV_ECONNREFUSED);
    if (i < 2)
      ax_stream_close(stream);
  }
  close(nobody.fd);
  ax_unref(stream);
  ax_context_free(context);
}

static void an_open_stream_does_not_connect(void **state) {
  struct seen seen = {0}, read = {0};
  char byte;
  struct listener listener = listener_on("127.0.0.1:0", 5);
  struct bench bench = bench_new();
  INITIATE(ax_stream_connect(bench.stream, &listener.endpoint,
                             ax_call(on_seen, &seen)));
  ax_run(bench.context);
  expect_seen(&seen, "connect", UV_EISCONN);
  ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                 ax_call(on_seen, &read));
  peer_say(&bench, "x");
  ax_run(bench.context);
  expect_seen(&read, "read", 0);
  close(listener.fd);
  bench_free(&bench);
}

/* With a backlog that is full a connection is neither made nor refused. */
static struct listener busy_listener(int waiting[8]) {
  struct listener busy = listener_on("127.0.0.1:0", 0);
  listen(busy.fd, 0);
  for (int i = 0; i < 8; i++) {
    waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(waiting[i], F_SETFL, O_NONBLOCK);
    (void)!connect(waiting[i], (struct sockaddr *)&busy.endpoint.addr,
                   busy.endpoint.len);
  }
  return busy;
}

/* A Unix socket has no connection in progress: it says "again". */
static void a_full_backlog_of_a_unix_socket_is_an_error(void **state) {
#ifndef __linux__
  skip();
#endif
  int waiting[8], count = 0;
  struct seen seen = {0};
  struct listener full = listener_on(address_of_family(2), 1);
  do {
    assert_in_range(count, 0, 7);
    waiting[count] = socket(AF_UNIX, SOCK_STREAM, 0);
    fcntl(waiting[count], F_SETFL, O_NONBLOCK);
  } while (connect(waiting[count++], (struct sockaddr *)&full.endpoint.addr,
                   full.endpoint.len) == 0);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  ax_stream_connect(stream, &full.endpoint, ax_call(on_seen, &seen));
  ax_run(context);
  expect_seen(&seen, "connect", UV_EAGAIN);
  while (count > 0)
    close(waiting[--count]);
  close(full.fd);
  ax_unref(stream);
  ax_context_free(context);
}

static void a_connection_that_is_not_made_can_be_cancelled(void **state) {
#ifndef __linux__
  skip(); /* others have another idea of a backlog */
#endif
  for (int close_it = 0; close_it < 2; close_it++) {
    struct seen seen = {0}, again = {0};
    int waiting[8];
    struct listener busy = busy_listener(waiting);
    struct listener other = listener_on("127.0.0.1:0", 5);
    ax_context *context = ax_context_new();
    ax_stream *stream = ax_stream_new(context);
    ax_stream_connect(stream, &busy.endpoint, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(context, 1);
    pause_before(deadline(), "the butler to sleep");
    assert_int_equal(atomic_load(&seen.calls), 0);
    if (close_it)
      ax_stream_close(stream);
    else
      ax_stream_cancel(stream);
    butlers_join(butlers);
    expect_seen(&seen, "connect", UV_ECANCELED);
    ax_stream_close(stream);
    ax_stream_connect(stream, &other.endpoint, ax_call(on_seen, &again));
    ax_run(context);
    expect_seen(&again, "connect again", 0);
    for (int i = 0; i < 8; i++)
      close(waiting[i]);
    close(busy.fd);
    close(other.fd);
    ax_unref(stream);
    ax_context_free(context);
  }
}

static void a_connection_given_up_leaves_the_next_one_open(void **state) {
  struct seen seen = {0};
  struct ends ends = socket_ends();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
  ax_endpoint nowhere = {.len = sizeof address};
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memcpy(&nowhere.addr, &address, sizeof address);
  ax_stream_connect(stream, &nowhere, ax_call(on_seen, &seen));
  ax_stream_close(stream);
  assert_int_equal(ax_stream_open_fd(stream, ends.ours), 0);
  ax_run(context);
  assert_int_equal(atomic_load(&seen.calls), 1);
  assert_int_not_equal(ax_stream_fd(stream), -1);
  ax_unref(stream);
  ax_context_free(context);
  close(ends.ours);
  close(ends.theirs);
}

static void the_ends_of_a_stream_are_those_of_its_socket(void **state) {
  struct seen seen = {0};
  char ours[AX_ENDPOINT_TEXT], theirs[AX_ENDPOINT_TEXT];
  ax_endpoint local, remote, accepted = {.len = sizeof accepted.addr};
  struct listener listener = listener_on("127.0.0.1:0", 5);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  ax_stream_connect(stream, &listener.endpoint, ax_call(on_seen, &seen));
  ax_run(context);
  int peer = accept(listener.fd, (void *)&accepted.addr, &accepted.len);
  assert_int_equal(ax_stream_local(stream, &local), 0);
  assert_int_equal(ax_stream_remote(stream, &remote), 0);
  ax_endpoint_format(&local, ours);
  ax_endpoint_format(&accepted, theirs);
  assert_string_equal(ours, theirs);
  ax_endpoint_format(&remote, ours);
  ax_endpoint_format(&listener.endpoint, theirs);
  assert_string_equal(ours, theirs);
  assert_true(ax_stream_fd(stream) >= 0);
  close(peer);
  close(listener.fd);
  ax_unref(stream);
  ax_context_free(context);
}

#ifdef __linux__
/* As when the kernel has no memory to answer. */
static atomic_int getsockopt_fails;

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
  int (*real)(int, int, int, void *, socklen_t *);
  if (option == SO_ERROR && atomic_load(&getsockopt_fails)) {
    errno = ENOBUFS;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
  return real(fd, level, option, value, size);
}

static void a_connection_that_cannot_be_asked_for_is_an_error(void **state) {
  struct seen seen = {0};
  struct listener listener = listener_on("127.0.0.1:0", 5);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  ax_stream_connect(stream, &listener.endpoint, ax_call(on_seen, &seen));
  atomic_store(&getsockopt_fails, 1);
  ax_run(context);
  atomic_store(&getsockopt_fails, 0);
  expect_seen(&seen, "connect", UV_ENOBUFS);
  close(listener.fd);
  ax_unref(stream);
  ax_context_free(context);
}
#else
static void a_connection_that_cannot_be_asked_for_is_an_error(void **state) {
  skip(); /* no function in place of that of the C library */
}
#endif

/* ----------------------------------------------------------------- pairs */

static struct seen read_word(ax_context *context, ax_stream *stream,
                             char word[5]) {
  struct seen seen = {0};
  ax_stream_read(stream, AX_SEQ(ax_buffer(word, 5)), ax_call(on_seen, &seen));
  ax_run(context);
  return seen;
}

static void bytes_go_both_ways_in_a_pair(void **state) {
  ax_context *context = ax_context_new();
  ax_stream *ends[] = {ax_stream_new(context), ax_stream_new(context)};
  assert_int_equal(ax_stream_pair(ends[0], ends[1]), 0);
  for (int i = 0; i < 2; i++) {
    struct seen written = {0};
    char word[5];
    ax_stream_write(ends[i], AX_CSEQ(ax_cstring(i ? "world" : "hello")),
                    ax_call(on_seen, &written));
    struct seen read = read_word(context, ends[!i], word);
    expect_seen(&written, "write", 0);
    expect_seen(&read, "read", 0);
    assert_memory_equal(word, i ? "world" : "hello", 5);
    assert_true(fcntl(ax_stream_fd(ends[i]), F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(ax_stream_fd(ends[i]), F_GETFL) & O_NONBLOCK);
  }
  ax_unref(ends[0]);
  char word[5];
  struct seen end = read_word(context, ends[1], word);
  expect_seen(&end, "the end", UV_EOF);
  ax_unref(ends[1]);
  ax_context_free(context);
}

/* Of one context each, with a butler each. */
static void a_pair_may_be_of_two_contexts(void **state) {
  struct seen seen = {0}, written = {0};
  char word[5];
  ax_context *contexts[] = {ax_context_new(), ax_context_new()};
  ax_stream *one = ax_stream_new(contexts[0]), *other;
  other = ax_stream_new(contexts[1]);
  assert_int_equal(ax_stream_pair(one, other), 0);
  ax_stream_read(one, AX_SEQ(AX_BUF(word)), ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(contexts[0], 1);
  ax_stream_write(other, AX_CSEQ(ax_cstring("hello")),
                  ax_call(on_seen, &written));
  ax_run(contexts[1]);
  butlers_join(butlers);
  expect_seen(&seen, "read", 0);
  expect_seen(&written, "write", 0);
  ax_unref(one);
  ax_unref(other);
  ax_context_free(contexts[0]);
  ax_context_free(contexts[1]);
}

static void only_streams_that_are_not_open_become_a_pair(void **state) {
  struct bench bench = bench_new();
  ax_stream *other = ax_stream_new(bench.context);
  int fd = ax_stream_fd(bench.stream);
  assert_int_equal(ax_stream_pair(bench.stream, other), UV_EISCONN);
  assert_int_equal(ax_stream_pair(other, bench.stream), UV_EISCONN);
  assert_int_equal(ax_stream_pair(bench.stream, bench.stream), UV_EISCONN);
  assert_int_equal(ax_stream_pair(other, other), UV_EISCONN);
  assert_int_equal(ax_stream_fd(other), -1);
  assert_int_equal(ax_stream_fd(bench.stream), fd);
  ax_stream_close(bench.stream);
  assert_int_equal(ax_stream_pair(bench.stream, other), 0);
  ax_unref(other);
  bench_free(&bench);
}

static void a_stream_knows_its_executor(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_stream *one = ax_stream_new(context), *two = ax_stream_new(strand);
  assert_ptr_equal(ax_stream_executor(one), context);
  assert_ptr_equal(ax_stream_executor(two), strand);
  ax_unref(one);
  ax_unref(two);
  ax_unref(strand);
  ax_context_free(context);
}

/* ---------------------------------------------------------------- law 5 */

static void a_second_read_ends_with_ebusy_and_harms_nothing(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen first = {0}, more[3] = {0}, next = {0};
    char bytes[5], other[5] = "....";
    ax_dynbuf dynbuf;
    ax_dynbuf_init(&dynbuf, 10);
    struct bench bench = bench_on(kind);
    ax_seq scrap = AX_SEQ(AX_BUF(other));
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &first));
    INITIATE(
        ax_stream_read_some(bench.stream, scrap, ax_call(on_seen, &more[0])));
    INITIATE(ax_stream_read(bench.stream, scrap, ax_call(on_seen, &more[1])));
    INITIATE(ax_stream_read_until(bench.stream, &dynbuf, 'o',
                                  ax_call(on_seen, &more[2])));
    peer_say(&bench, "hello");
    ax_run(bench.context);
    for (int i = 0; i < 3; i++) {
      expect_seen(&more[i], kind->name, UV_EBUSY);
      assert_int_equal(more[i].n, 0);
    }
    expect_seen(&first, kind->name, 0);
    assert_memory_equal(bytes, "hello", 5);
    assert_string_equal(other, "....");
    assert_int_equal(ax_dynbuf_data(&dynbuf).len, 0);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &next));
    peer_say(&bench, "world");
    ax_run(bench.context);
    expect_seen(&next, kind->name, 0);
    assert_memory_equal(bytes, "world", 5);
    bench_free(&bench);
  }
}

enum { MUCH = 4 << 20 };

static void *drain(void *arg) {
  struct bench *bench = arg;
  static char bytes[65536];
  for (size_t got = 0; got < MUCH;) {
    size_t n = peer_recv_some(bench, bytes, sizeof bytes);
    if (n == 0 || !pattern_is(bytes, n, got))
      give_up("%s: the bytes from %zu on are wrong", bench->kind, got);
    got += n;
  }
  return NULL;
}

static void a_second_write_ends_with_ebusy_and_harms_nothing(void **state) {
  char *much = malloc(MUCH);
  assert_non_null(much);
  pattern_fill(much, MUCH, 0);
  FOR_EACH_KIND(kind, writes) {
    struct seen first = {0}, second = {0}, next = {0};
    struct bench bench = bench_on(kind);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(much, MUCH)),
                    ax_call(on_seen, &first));
    INITIATE(ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("harm")),
                             ax_call(on_seen, &second)));
    pthread_t thread = thread_start(drain, &bench);
    ax_run(bench.context);
    thread_join(thread);
    expect_seen(&second, kind->name, UV_EBUSY);
    expect_seen(&first, kind->name, 0);
    assert_int_equal(first.n, MUCH);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("next")),
                    ax_call(on_seen, &next));
    ax_run(bench.context);
    expect_seen(&next, kind->name, 0);
    peer_expect(&bench, "next");
    bench_free(&bench);
  }
  free(much);
}

static void one_read_and_one_write_may_be_pending_together(void **state) {
  char *much = malloc(MUCH), bytes[5];
  assert_non_null(much);
  pattern_fill(much, MUCH, 0);
  FOR_EACH_KIND(kind, writes && kind->reads) {
    struct seen read = {0}, write = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &read));
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(much, MUCH)),
                    ax_call(on_seen, &write));
    peer_say(&bench, "hello");
    pthread_t thread = thread_start(drain, &bench);
    ax_run(bench.context);
    thread_join(thread);
    expect_seen(&read, kind->name, 0);
    expect_seen(&write, kind->name, 0);
    bench_free(&bench);
  }
  free(much);
}

/* -------------------------------------------------------- cancel and close */

static void cancel_ends_what_is_pending_and_the_stream_stays_open(void **s) {
  FOR_EACH_KIND(kind, reads) {
    struct seen cancelled = {0}, next = {0};
    char bytes[5];
    struct bench bench = bench_on(kind);
    ax_stream_cancel(bench.stream);
    ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                        ax_call(on_seen, &cancelled));
    INITIATE(ax_stream_cancel(bench.stream));
    ax_stream_cancel(bench.stream);
    ax_run(bench.context);
    expect_seen(&cancelled, kind->name, UV_ECANCELED);
    assert_int_equal(cancelled.n, 0);
    peer_say(&bench, "hello");
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &next));
    ax_run(bench.context);
    expect_seen(&next, kind->name, 0);
    assert_memory_equal(bytes, "hello", 5);
    bench_free(&bench);
  }
}

static void cancel_from_another_thread_ends_what_is_pending(void **state) {
  for (int i = 0; i < 40; i++) {
    struct seen seen = {0};
    char byte;
    struct bench bench = bench_on(&kinds[i % 4]);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 2);
    if (i % 2)
      pause_before(deadline(), "the butlers to sleep");
    if (i % 3)
      ax_stream_cancel(bench.stream);
    else
      ax_stream_close(bench.stream);
    butlers_join(butlers);
    expect_seen(&seen, "read", UV_ECANCELED);
    bench_free(&bench);
  }
}

struct impatient {
  ax_stream *stream;
  struct seen cancelled, next;
  char byte, bytes[2];
};

/* Cancel and the next read in one handler: the cancel is for the first. */
static void on_impatience(void *arg, int err, size_t n) {
  struct impatient *i = arg;
  ax_stream_cancel(i->stream);
}

static void on_cancelled_read_again(void *arg, int err, size_t n) {
  struct impatient *i = arg;
  on_seen(&i->cancelled, err, n);
  ax_stream_read(i->stream, AX_SEQ(AX_BUF(i->bytes)),
                 ax_call(on_seen, &i->next));
}

static void a_cancel_is_for_what_was_pending_before_it(void **state) {
  struct bench bench = bench_new();
  struct impatient i = {.stream = bench.stream};
  ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&i.byte, 1)),
                 ax_call(on_cancelled_read_again, &i));
  ax_post(bench.context, ax_call(on_impatience, &i));
  struct butlers *butlers = butlers_start(bench.context, 1);
  wait_until(atomic_load(&i.cancelled.calls));
  peer_say(&bench, "ok");
  butlers_join(butlers);
  expect_seen(&i.cancelled, "first read", UV_ECANCELED);
  expect_seen(&i.next, "second read", 0);
  bench_free(&bench);
}

static void close_ends_a_read_and_a_write(void **state) {
  char *much = calloc(1, MUCH), byte;
  assert_non_null(much);
  FOR_EACH_KIND(kind, writes && kind->reads) {
    struct seen read = {0}, write = {0}, next = {0}, late = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &read));
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(much, MUCH)),
                    ax_call(on_seen, &write));
    INITIATE(ax_stream_close(bench.stream));
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &next));
    ax_run(bench.context);
    expect_seen(&read, kind->name, UV_ECANCELED);
    expect_seen(&write, kind->name, UV_ECANCELED);
    assert_true(write.n < MUCH);
    expect_seen(&next, kind->name, UV_EBADF);
    ax_stream_close(bench.stream);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &late));
    ax_run(bench.context);
    expect_seen(&late, kind->name, UV_EBADF);
    bench_free(&bench);
  }
  free(much);
}

/* ------------------------------------------------------------------ shutdown
 */

static void
after_a_shutdown_the_peer_sees_the_end_and_is_still_heard(void **state) {
  FOR_EACH_KIND(kind, socket) {
    struct seen write = {0}, read = {0}, late = {0}, end = {0};
    char bytes[5], byte;
    struct bench bench = bench_on(kind);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("bye")),
                    ax_call(on_seen, &write));
    ax_run(bench.context);
    assert_int_equal(ax_stream_shutdown(bench.stream), 0);
    peer_expect(&bench, "bye");
    assert_int_equal(peer_recv_some(&bench, &byte, 1), 0);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &read));
    peer_say(&bench, "hello");
    ax_run(bench.context);
    expect_seen(&read, kind->name, 0);
    assert_memory_equal(bytes, "hello", 5);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("late")),
                    ax_call(on_seen, &late));
    ax_run(bench.context);
    expect_seen(&late, kind->name, UV_EPIPE);
    bench_hang_up(&bench);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)), ax_call(on_seen, &end));
    ax_run(bench.context);
    expect_seen(&end, kind->name, UV_EOF);
    bench_free(&bench);
  }
}

/* ------------------------------------------------------------ many threads */

struct echo {
  ax_strand *strand;
  ax_stream *stream;
  char bytes[1000];
  size_t left;
};

static void on_echo_read(void *arg, int err, size_t n);

static void on_echo_written(void *arg, int err, size_t n) {
  struct echo *echo = arg;
  if (err || (echo->left -= n) == 0)
    ax_stream_close(echo->stream);
  else
    ax_stream_read_some(echo->stream, AX_SEQ(AX_BUF(echo->bytes)),
                        ax_on(echo->strand, ax_call(on_echo_read, echo)));
}

static void on_echo_read(void *arg, int err, size_t n) {
  struct echo *echo = arg;
  if (err)
    ax_stream_close(echo->stream);
  else
    ax_stream_write(echo->stream, AX_CSEQ(ax_cbuffer(echo->bytes, n)),
                    ax_on(echo->strand, ax_call(on_echo_written, echo)));
}

enum { ECHOES = 6, ECHOED = 200000 };

static void *talk(void *arg) {
  int peer = *(int *)arg;
  char out[777], in[777];
  for (size_t sent = 0, n; sent < ECHOED; sent += n) {
    n = ECHOED - sent < sizeof out ? ECHOED - sent : sizeof out;
    pattern_fill(out, n, sent);
    client_send(peer, out, n);
    client_recv(peer, in, n);
    if (memcmp(in, out, n) != 0)
      give_up("the echo is wrong");
  }
  return NULL;
}

static void streams_on_strands_are_served_by_several_butlers(void **state) {
  struct echo echoes[ECHOES];
  int peers[ECHOES];
  pthread_t threads[ECHOES];
  ax_context *context = ax_context_new();
  for (int i = 0; i < ECHOES; i++) {
    struct ends ends = kinds[i % 4].open();
    peers[i] = ends.theirs;
    echoes[i] = (struct echo){.strand = ax_strand_new(context),
                              .stream = ax_stream_new(context),
                              .left = ECHOED};
    assert_int_equal(ax_stream_open_fd(echoes[i].stream, ends.ours), 0);
    close(ends.ours);
    ax_stream_read_some(
        echoes[i].stream, AX_SEQ(AX_BUF(echoes[i].bytes)),
        ax_on(echoes[i].strand, ax_call(on_echo_read, &echoes[i])));
  }
  struct butlers *butlers = butlers_start(context, 3);
  for (int i = 0; i < ECHOES; i++)
    threads[i] = thread_start(talk, &peers[i]);
  for (int i = 0; i < ECHOES; i++)
    thread_join(threads[i]);
  butlers_join(butlers);
  for (int i = 0; i < ECHOES; i++) {
    assert_int_equal(echoes[i].left, 0);
    close(peers[i]);
    ax_unref(echoes[i].stream);
    ax_unref(echoes[i].strand);
  }
  ax_context_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(operations_on_a_stream_that_is_not_open_end_with_ebadf),
      clean_test(a_stream_that_is_not_open_has_no_ends),
      clean_test(what_cannot_be_read_is_not_waited_for),
      clean_test(a_stream_is_opened_once),
      clean_test(a_bad_descriptor_cannot_be_opened),
      clean_test(the_descriptor_stays_with_its_owner),
      clean_test(the_descriptor_blocks_again_when_the_stream_is_gone),
      clean_test(a_descriptor_that_did_not_block_does_not_afterwards),
      clean_test(a_closed_stream_lets_go_of_its_descriptor),
      clean_test(the_peer_sees_that_a_stream_was_closed),
      clean_test(a_closed_stream_may_be_opened_again),
      clean_test(a_stream_may_be_closed_and_opened_in_one_breath),
      clean_test(a_stream_that_nobody_waits_for_is_no_work),
      clean_test(what_nobody_reads_uses_no_time),
      clean_test(connect_reaches_who_listens),
      clean_test(connect_to_nobody_is_refused),
      clean_test(connect_to_a_path_that_does_not_exist_fails),
      clean_test(a_refused_stream_may_connect_again),
      clean_test(an_open_stream_does_not_connect),
      clean_test(a_full_backlog_of_a_unix_socket_is_an_error),
      clean_test(a_connection_that_is_not_made_can_be_cancelled),
      clean_test(a_connection_given_up_leaves_the_next_one_open),
      clean_test(the_ends_of_a_stream_are_those_of_its_socket),
      clean_test(a_second_read_ends_with_ebusy_and_harms_nothing),
      clean_test(a_second_write_ends_with_ebusy_and_harms_nothing),
      clean_test(one_read_and_one_write_may_be_pending_together),
      clean_test(cancel_ends_what_is_pending_and_the_stream_stays_open),
      clean_test(cancel_from_another_thread_ends_what_is_pending),
      clean_test(a_cancel_is_for_what_was_pending_before_it),
      clean_test(close_ends_a_read_and_a_write),
      clean_test(after_a_shutdown_the_peer_sees_the_end_and_is_still_heard),
      clean_test(streams_on_strands_are_served_by_several_butlers),
      clean_test(a_connection_that_cannot_be_asked_for_is_an_error),
      clean_test(bytes_go_both_ways_in_a_pair),
      clean_test(a_pair_may_be_of_two_contexts),
      clean_test(only_streams_that_are_not_open_become_a_pair),
      clean_test(a_stream_knows_its_executor),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
