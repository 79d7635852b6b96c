/* Reading from a stream: some bytes, all bytes, up to a delimiter. */
#include "ends.h"

/* --------------------------------------------------------------- read_some */

static void read_some_gives_what_is_there(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen = {0};
    char bytes[64];
    struct bench bench = bench_on(kind);
    peer_say(&bench, "hello");
    INITIATE(ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                                 ax_call(on_seen, &seen)));
    ax_run(bench.context);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 5);
    assert_memory_equal(bytes, "hello", 5);
    bench_free(&bench);
  }
}

static void read_some_waits_for_the_first_byte(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen = {0};
    char bytes[64];
    struct bench bench = bench_on(kind);
    ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                        ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    pause_before(deadline(), "the butler to sleep");
    assert_int_equal(atomic_load(&seen.calls), 0);
    peer_say(&bench, "x");
    butlers_join(butlers);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 1);
    bench_free(&bench);
  }
}

static void what_does_not_fit_stays_for_the_next_read(void **state) {
  FOR_EACH_KIND(kind, reads) {
    char bytes[3];
    struct bench bench = bench_on(kind);
    peer_say(&bench, "hello world");
    for (size_t got = 0; got < 11;) {
      struct seen seen = {0};
      ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                          ax_call(on_seen, &seen));
      ax_run(bench.context);
      expect_seen(&seen, kind->name, 0);
      assert_in_range(seen.n, 1, 3);
      assert_memory_equal(bytes, &"hello world"[got], seen.n);
      got += seen.n;
    }
    bench_free(&bench);
  }
}

static void the_end_is_eof_however_often_it_is_asked_for(void **state) {
  FOR_EACH_KIND(kind, reads && !kind->terminal) {
    char bytes[64];
    struct bench bench = bench_on(kind);
    peer_say(&bench, "bye");
    bench_hang_up(&bench);
    for (int i = 0; i < 4; i++) {
      struct seen seen = {0};
      ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                          ax_call(on_seen, &seen));
      ax_run(bench.context);
      expect_seen(&seen, kind->name, i == 0 ? 0 : UV_EOF);
      assert_int_equal(seen.n, i == 0 ? 3 : 0);
    }
    bench_free(&bench);
  }
}

/* What a terminal gives then differs: the end, or EIO. */
static void a_terminal_that_hangs_up_ends_the_read(void **state) {
  FOR_EACH_KIND(kind, terminal) {
    struct seen seen = {0};
    char byte;
    struct bench bench = bench_on(kind);
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                        ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    bench_hang_up(&bench);
    butlers_join(butlers);
    expect_seen(&seen, kind->name, seen.err == UV_EIO ? UV_EIO : UV_EOF);
    bench_free(&bench);
  }
}

static void a_reset_is_an_error(void **state) {
  for (int pending = 0; pending < 2; pending++) {
    struct seen seen = {0};
    char byte;
    struct bench bench = bench_on(&kinds[1]);
    if (!pending)
      client_reset(bench.peer);
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                        ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    if (pending)
      client_reset(bench.peer);
    bench.peer = -1;
    butlers_join(butlers);
    expect_seen(&seen, "read", UV_ECONNRESET);
    bench_free(&bench);
  }
}

static void a_read_into_nothing_reads_nothing(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen[3] = {0};
    char byte;
    struct bench bench = bench_on(kind);
    peer_say(&bench, "x");
    INITIATE(ax_stream_read_some(bench.stream, (ax_seq){NULL, 0},
                                 ax_call(on_seen, &seen[0])));
    ax_run(bench.context);
    INITIATE(ax_stream_read(bench.stream, AX_SEQ(ax_buffer(NULL, 0)),
                            ax_call(on_seen, &seen[1])));
    ax_run(bench.context);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &seen[2]));
    ax_run(bench.context);
    for (int i = 0; i < 3; i++) {
      expect_seen(&seen[i], kind->name, 0);
      assert_int_equal(seen[i].n, i / 2);
    }
    bench_free(&bench);
  }
}

/* More empty ones than a system call takes must not look like the end. */
static void buffers_that_are_empty_do_not_count(void **state) {
  FOR_EACH_KIND(kind, reads) {
    ax_buf buffers[3000] = {{NULL, 0}};
    struct seen seen = {0};
    char bytes[2];
    struct bench bench = bench_on(kind);
    buffers[1500] = ax_buffer(&bytes[0], 1);
    buffers[2999] = ax_buffer(&bytes[1], 1);
    peer_say(&bench, "hi");
    ax_stream_read(bench.stream, (ax_seq){buffers, 3000},
                   ax_call(on_seen, &seen));
    ax_run(bench.context);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 2);
    assert_memory_equal(bytes, "hi", 2);
    bench_free(&bench);
  }
}

/* Many rounds with the peer's end closed in between or not: what came before
 * the end is not lost, though nobody was reading when it came. */
static void what_comes_between_two_reads_is_not_lost(void **state) {
  enum { BYTES = 50000 };
  static char bytes[BYTES];
  FOR_EACH_KIND(kind, reads && kind->socket) {
    struct seen first = {0}, rest = {0}, end = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes, 1)),
                   ax_call(on_seen, &first));
    pattern_fill(bytes + 1, BYTES - 1, 1);
    bytes[0] = (char)pattern_at(0);
    peer_send(&bench, bytes, BYTES);
    ax_run(bench.context); /* now the loop knows of more than one byte */
    bench_hang_up(&bench);
    memset(bytes, 0xff, BYTES);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes + 1, BYTES - 1)),
                   ax_call(on_seen, &rest));
    ax_run(bench.context);
    expect_seen(&first, kind->name, 0);
    expect_seen(&rest, kind->name, 0);
    assert_true(pattern_is(bytes + 1, BYTES - 1, 1));
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(bytes, 1)),
                        ax_call(on_seen, &end));
    ax_run(bench.context);
    expect_seen(&end, kind->name, UV_EOF);
    bench_free(&bench);
  }
}

#if defined(__linux__) && !SANITIZED /* they count on their own epoll_ctl */
#include <sys/epoll.h>
#include <sys/syscall.h>

/* What the loop calls to have a descriptor polled, or no longer. */
static atomic_int polls;

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
  atomic_fetch_add(&polls, 1);
  return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

struct chain {
  struct bench bench;
  int reads, first, last; /* calls after the first and the last read */
  char byte;
};

static void on_chain(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  chain->last = atomic_load(&polls);
  if (chain->reads++ == 0)
    chain->first = chain->last;
  if (chain->reads > 100)
    return;
  peer_say(&chain->bench, "x");
  ax_stream_read_some(chain->bench.stream, AX_SEQ(ax_buffer(&chain->byte, 1)),
                      ax_call(on_chain, chain));
}

static void to_read_again_at_once_costs_no_call_for_polling(void **state) {
  struct chain chain = {.bench = bench_new()};
  peer_say(&chain.bench, "x");
  ax_stream_read_some(chain.bench.stream, AX_SEQ(ax_buffer(&chain.byte, 1)),
                      ax_call(on_chain, &chain));
  ax_run(chain.bench.context);
  bench_free(&chain.bench);
  if (chain.first == 0)
    skip(); /* this libuv has another way */
  assert_int_equal(chain.reads, 101);
  assert_int_equal(chain.last, chain.first);
}
#else
static void to_read_again_at_once_costs_no_call_for_polling(void **state) {
  skip();
}
#endif

/* -------------------------------------------------------------------- read */

static void *say_slowly(void *arg) {
  struct bench *bench = arg;
  for (const char *at = "hello world"; *at; at++) {
    peer_send(bench, at, 1);
    if ((at - "hello world") % 3 == 0)
      pause_before(deadline(), "the reader");
  }
  return NULL;
}

static void read_fills_the_buffers_whatever_the_pieces(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen = {0};
    char bytes[11];
    struct bench bench = bench_on(kind);
    INITIATE(ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                            ax_call(on_seen, &seen)));
    pthread_t thread = thread_start(say_slowly, &bench);
    ax_run(bench.context);
    thread_join(thread);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 11);
    assert_memory_equal(bytes, "hello world", 11);
    bench_free(&bench);
  }
}

static void read_takes_no_more_than_it_was_asked_for(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen first = {0}, second = {0};
    char bytes[11] = {0};
    struct bench bench = bench_on(kind);
    peer_say(&bench, "hello world");
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes, 5)),
                   ax_call(on_seen, &first));
    ax_run(bench.context);
    assert_int_equal(bytes[5], 0);
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes + 5, 6)),
                   ax_call(on_seen, &second));
    ax_run(bench.context);
    expect_seen(&first, kind->name, 0);
    expect_seen(&second, kind->name, 0);
    assert_memory_equal(bytes, "hello world", 11);
    bench_free(&bench);
  }
}

static void read_tells_how_many_bytes_came_before_the_end(void **state) {
  FOR_EACH_KIND(kind, reads && !kind->terminal) {
    struct seen seen = {0};
    char bytes[10];
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &seen));
    peer_say(&bench, "bye");
    bench_hang_up(&bench);
    ax_run(bench.context);
    expect_seen(&seen, kind->name, UV_EOF);
    assert_int_equal(seen.n, 3);
    assert_memory_equal(bytes, "bye", 3);
    bench_free(&bench);
  }
}

/* All that came belongs to the cancelled read, and nothing of the rest. */
static void a_cancelled_read_tells_how_many_bytes_had_come(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen = {0}, rest = {0};
    char bytes[11] = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                   ax_call(on_seen, &seen));
    peer_say(&bench, "hello");
    struct butlers *butlers = butlers_start(bench.context, 1);
    pause_before(deadline(), "the butler to read");
    ax_stream_cancel(bench.stream);
    butlers_join(butlers);
    expect_seen(&seen, kind->name, UV_ECANCELED);
    assert_in_range(seen.n, 0, 5);
    peer_say(&bench, " world");
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes + seen.n, 11 - seen.n)),
                   ax_call(on_seen, &rest));
    ax_run(bench.context);
    expect_seen(&rest, kind->name, 0);
    assert_memory_equal(bytes, "hello world", 11);
    bench_free(&bench);
  }
}

/* ---------------------------------------------------------------- scattering
 */

/* Buffers of 0, 1, 2, 3, 4 bytes in turn, `count` of them, over `bytes`. */
static size_t lay_out(ax_buf *bufs, size_t count, char *bytes) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    bufs[i] = ax_buffer(bytes + size, (i + 1) % 5);
    size += bufs[i].len;
  }
  return size;
}

static const size_t buffer_counts[] = {1, 2, 3, 100, 2000};
enum { MANY_BUFFERS = 2000, MANY_BYTES = 2 * MANY_BUFFERS };

static void read_scatters_over_any_number_of_buffers(void **state) {
  static char bytes[MANY_BYTES], pattern[MANY_BYTES];
  static ax_buf bufs[MANY_BUFFERS];
  pattern_fill(pattern, sizeof pattern, 0);
  FOR_EACH_KIND(kind, reads) {
    for (size_t i = 0; i < sizeof buffer_counts / sizeof(size_t); i++) {
      struct seen seen = {0};
      struct bench bench = bench_on(kind);
      memset(bytes, 0xff, sizeof bytes);
      size_t size = lay_out(bufs, buffer_counts[i], bytes);
      ax_stream_read(bench.stream, (ax_seq){bufs, buffer_counts[i]},
                     ax_call(on_seen, &seen));
      memset(bufs, 0, sizeof bufs); /* the descriptions were copied */
      for (size_t sent = 0; sent < size; sent += size / 2 + size % 2)
        peer_send(&bench, pattern + sent,
                  sent ? size - sent : size / 2 + size % 2);
      ax_run(bench.context);
      expect_seen(&seen, kind->name, 0);
      assert_int_equal(seen.n, size);
      assert_true(pattern_is(bytes, size, 0));
      bench_free(&bench);
    }
  }
}

/* A socket of packets forgets what does not fit into one call. */
static void read_some_scatters_with_one_system_call(void **state) {
#ifndef __linux__
  skip(); /* no sockets of packets */
#endif
  struct seen seen = {0};
  char head[4], none[1], body[20];
  int fds[2];
  ends_must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0, "socketpair");
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_open_fd(stream, fds[0]), 0);
  ax_stream_read_some(stream,
                      AX_SEQ(AX_BUF(head), ax_buffer(none, 0), AX_BUF(body)),
                      ax_call(on_seen, &seen));
  assert_int_equal(write(fds[1], "HEADthe body", 12), 12);
  ax_run(context);
  expect_seen(&seen, "read_some", 0);
  assert_int_equal(seen.n, 12);
  assert_memory_equal(head, "HEAD", 4);
  assert_memory_equal(body, "the body", 8);
  ax_unref(stream);
  ax_context_free(context);
  close(fds[0]);
  close(fds[1]);
}

/* -------------------------------------------------------------- read_until */

struct until {
  struct bench bench;
  ax_dynbuf dynbuf;
};

static struct until until_new(const struct kind *kind, size_t max) {
  struct until until = {.bench = bench_on(kind)};
  ax_dynbuf_init(&until.dynbuf, max);
  return until;
}

static void until_free(struct until *until) {
  bench_free(&until->bench);
  ax_dynbuf_free(&until->dynbuf);
}

static struct seen until_read(struct until *until, int delimiter) {
  struct seen seen = {0};
  INITIATE(ax_stream_read_until(until->bench.stream, &until->dynbuf, delimiter,
                                ax_call(on_seen, &seen)));
  ax_run(until->bench.context);
  return seen;
}

/* Expects a message, delimiter included, and consumes it. */
static void until_expect(struct until *until, const char *message, size_t n) {
  struct seen seen = until_read(until, (unsigned char)message[n - 1]);
  expect_seen(&seen, until->bench.kind, 0);
  assert_int_equal(seen.n, n);
  assert_memory_equal(ax_dynbuf_data(&until->dynbuf).base, message, n);
  ax_dynbuf_consume(&until->dynbuf, n);
}

static void expect_left(const struct until *until, const char *text) {
  ax_cbuf data = ax_dynbuf_data(&until->dynbuf);
  assert_int_equal(data.len, strlen(text));
  if (data.len)
    assert_memory_equal(data.base, text, data.len);
}

static void read_until_tells_the_length_with_the_delimiter(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 100);
    peer_say(&until.bench, "hello\n");
    struct seen seen = until_read(&until, '\n');
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 6);
    expect_left(&until, "hello\n");
    until_free(&until);
  }
}

static void what_comes_after_the_delimiter_stays_in_the_buffer(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 100);
    peer_say(&until.bench, "one\ntwo\n\nrest");
    until_expect(&until, "one\n", 4);
    until_expect(&until, "two\n", 4);
    until_expect(&until, "\n", 1);
    peer_say(&until.bench, " of it\n");
    until_expect(&until, "rest of it\n", 11);
    expect_left(&until, "");
    until_free(&until);
  }
}

static void any_byte_may_be_the_delimiter(void **state) {
  for (int delimiter = 0; delimiter < 256; delimiter += 51) {
    unsigned char message[] = {1, 2, 130, 254, 0};
    struct until until = until_new(&kinds[0], 100);
    message[4] = (unsigned char)delimiter;
    peer_send(&until.bench, message, 5);
    until_expect(&until, (char *)message, 5);
    until_free(&until);
  }
}

struct late {
  struct bench *bench;
  const char *text;
  size_t n;
};

static void on_late(void *arg, int err, size_t n) {
  struct late *late = arg;
  peer_send(late->bench, late->text, late->n);
}

/* The rest is sent when the loop has had time to take the first part. */
static void split_at(const struct kind *kind, const char *text, size_t n,
                     size_t at) {
  struct until until = until_new(kind, 100);
  struct seen seen = {0};
  struct late late = {&until.bench, text + at, n - at};
  ax_timer *timer = ax_timer_new(until.bench.context);
  peer_send(&until.bench, text, at);
  ax_stream_read_until(until.bench.stream, &until.dynbuf, 0,
                       ax_call(on_seen, &seen));
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_late, &late));
  ax_run(until.bench.context);
  expect_seen(&seen, kind->name, 0);
  assert_int_equal(seen.n, 6);
  ax_dynbuf_consume(&until.dynbuf, 6);
  until_expect(&until, "world", 6);
  ax_unref(timer);
  until_free(&until);
}

static void messages_may_be_split_at_every_position(void **state) {
  static const char text[] = "hello\0world"; /* with two NULs */
  FOR_EACH_KIND(kind, reads)
  for (size_t at = 0; at < sizeof text; at++)
    split_at(kind, text, sizeof text, at);
}

struct sender {
  struct bench *bench;
  const char *text;
  size_t n;
};

static void *send_in_pieces(void *arg) {
  struct sender *sender = arg;
  uint32_t seed = 9;
  for (size_t sent = 0, n; sent < sender->n; sent += n) {
    n = 1 + next_random(&seed) % 40;
    n = n < sender->n - sent ? n : sender->n - sent;
    peer_send(sender->bench, sender->text + sent, n);
  }
  return NULL;
}

/* Message i has i % 37 bytes and a NUL. */
static void messages_are_the_same_however_they_are_cut(void **state) {
  enum { MESSAGES = 1000 };
  static char text[MESSAGES * 38];
  size_t size = 0;
  for (size_t i = 0; i < MESSAGES; i++) {
    memset(text + size, (int)('a' + i % 26), i % 37);
    size += i % 37;
    text[size++] = 0;
  }
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 64);
    struct sender sender = {&until.bench, text, size};
    pthread_t thread = thread_start(send_in_pieces, &sender);
    for (size_t i = 0, at = 0; i < MESSAGES; i++) {
      until_expect(&until, text + at, i % 37 + 1);
      at += i % 37 + 1;
    }
    thread_join(thread);
    expect_left(&until, "");
    until_free(&until);
  }
}

static void a_message_as_long_as_the_bound_fits(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 6);
    peer_say(&until.bench, "hello\nworld\n");
    until_expect(&until, "hello\n", 6);
    until_expect(&until, "world\n", 6);
    until_free(&until);
  }
}

static void a_message_beyond_the_bound_is_an_error(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 5);
    peer_say(&until.bench, "hello\n");
    for (int i = 0; i < 2; i++) { /* and it stays one */
      struct seen seen = until_read(&until, '\n');
      expect_seen(&seen, kind->name, UV_EMSGSIZE);
      assert_int_equal(seen.n, 0);
      expect_left(&until, "hello");
    }
    ax_dynbuf_consume(&until.dynbuf, 5);
    until_expect(&until, "\n", 1);
    until_free(&until);
  }
}

static void a_peer_cannot_fill_more_than_the_bound(void **state) {
  static char flood[200000];
  struct until until = until_new(&kinds[0], 1000);
  struct sender sender = {&until.bench, flood, sizeof flood};
  memset(flood, 'x', sizeof flood);
  pthread_t thread = thread_start(send_in_pieces, &sender);
  for (size_t got = 0; got < sizeof flood; got += 1000) {
    struct seen seen = until_read(&until, '\n');
    expect_seen(&seen, "flood", UV_EMSGSIZE);
    assert_int_equal(ax_dynbuf_data(&until.dynbuf).len, 1000);
    ax_dynbuf_consume(&until.dynbuf, 1000);
  }
  thread_join(thread);
  until_free(&until);
}

static void a_bound_of_nothing_is_reached_at_once(void **state) {
  struct until until = until_new(&kinds[0], 0);
  peer_say(&until.bench, "\n");
  struct seen seen = until_read(&until, '\n');
  expect_seen(&seen, "read_until", UV_EMSGSIZE);
  until_free(&until);
}

/* Larger than any buffer inside the core. */
static void a_long_message_comes_whole(void **state) {
  enum { LONG = 1000000 };
  char *text = malloc(LONG);
  assert_non_null(text);
  for (size_t i = 0; i < LONG; i++)
    text[i] = (char)('a' + i % 23);
  text[LONG - 1] = '\n';
  struct until until = until_new(&kinds[1], LONG);
  struct sender sender = {&until.bench, text, LONG};
  pthread_t thread = thread_start(send_in_pieces, &sender);
  until_expect(&until, text, LONG);
  thread_join(thread);
  until_free(&until);
  free(text);
}

static void the_end_leaves_what_had_come_in_the_buffer(void **state) {
  FOR_EACH_KIND(kind, reads && !kind->terminal) {
    struct until until = until_new(kind, 100);
    peer_say(&until.bench, "one\nhalf");
    bench_hang_up(&until.bench);
    until_expect(&until, "one\n", 4);
    for (int i = 0; i < 2; i++) {
      struct seen seen = until_read(&until, '\n');
      expect_seen(&seen, kind->name, UV_EOF);
      expect_left(&until, "half");
    }
    until_free(&until);
  }
}

static void a_cancelled_read_until_leaves_what_had_come(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct until until = until_new(kind, 100);
    struct seen seen = {0};
    peer_say(&until.bench, "hel");
    ax_stream_read_until(until.bench.stream, &until.dynbuf, '\n',
                         ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(until.bench.context, 1);
    pause_before(deadline(), "the butler to read");
    ax_stream_cancel(until.bench.stream);
    butlers_join(butlers);
    expect_seen(&seen, kind->name, UV_ECANCELED);
    peer_say(&until.bench, "lo\n");
    until_expect(&until, "hello\n", 6);
    until_free(&until);
  }
}

/* A cancel between two steps must not be lost, and a close must not come
 * within one: bytes drip in, one step for each, while that happens. */
static void a_read_until_is_cancelled_between_its_steps_too(void **state) {
  uint32_t seed = 1;
  for (int i = 0; i < 1000; i++) {
    struct until until = until_new(&kinds[i % 2], 1000);
    struct seen seen = {0};
    ax_stream_read_until(until.bench.stream, &until.dynbuf, '\n',
                         ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(until.bench.context, 2);
    for (uint32_t drops = next_random(&seed) % 40; drops > 0; drops--)
      peer_say(&until.bench, "x");
    if (i / 2 % 2)
      ax_stream_cancel(until.bench.stream);
    else
      ax_stream_close(until.bench.stream);
    butlers_join(butlers);
    expect_seen(&seen, "read_until", UV_ECANCELED);
    until_free(&until);
  }
}

/* Runs `ahead`, and behind it a read of one byte that has been read already. */
static void run_ahead(ax_token ahead, struct bench *bench, char *byte,
                      struct seen *seen) {
  char other;
  struct bench first = bench_new();
  ax_stream *stream = ax_stream_new(bench->context);
  assert_int_equal(ax_stream_open_fd(stream, first.peer), 0);
  ax_stream_read_some(stream, AX_SEQ(ax_buffer(&other, 1)), ahead);
  ax_stream_read_some(bench->stream, AX_SEQ(ax_buffer(byte, 1)),
                      ax_call(on_seen, seen));
  ax_stream_write(first.stream, AX_CSEQ(ax_cstring("x")), (ax_token){0});
  peer_say(bench, "y");
  ax_run(bench->context);
  ax_unref(stream);
  bench_free(&first);
}

typedef void end_fn(ax_stream *stream);

struct ending {
  ax_stream *stream;
  end_fn *end;
};

static void on_end(void *arg, int err, size_t n) {
  const struct ending *ending = arg;
  ending->end(ending->stream);
}

static void what_was_read_is_beyond_recall(void **state) {
  end_fn *const ends[] = {ax_stream_cancel, ax_stream_close};
  for (int i = 0; i < 2; i++) {
    char byte = 0;
    struct bench bench = bench_new();
    struct seen seen = {0};
    struct ending ending = {bench.stream, ends[i]};
    run_ahead(ax_call(on_end, &ending), &bench, &byte, &seen);
    expect_seen(&seen, "read_some", 0);
    assert_int_equal(byte, 'y');
    bench_free(&bench);
  }
}

/* It is still the only one until its handler runs. */
struct second {
  ax_stream *stream;
  char byte;
  struct seen seen;
};

static void on_read_again(void *arg, int err, size_t n) {
  struct second *second = arg;
  ax_stream_read_some(second->stream, AX_SEQ(ax_buffer(&second->byte, 1)),
                      ax_call(on_seen, &second->seen));
}

static void a_read_that_is_ready_is_still_the_only_one(void **state) {
  char byte = 0;
  struct bench bench = bench_new();
  struct seen seen = {0};
  struct second second = {.stream = bench.stream};
  run_ahead(ax_call(on_read_again, &second), &bench, &byte, &seen);
  expect_seen(&second.seen, "the second", UV_EBUSY);
  expect_seen(&seen, "the first", 0);
  assert_int_equal(byte, 'y');
  bench_free(&bench);
}

/* Reads when the first byte has been taken, and lets the other one come. */
struct partly {
  struct bench bench;
  struct second second;
};

static void on_partly(void *arg, int err, size_t n) {
  struct partly *partly = arg;
  char byte;
  if (recv(ax_stream_fd(partly->bench.stream), &byte, 1,
           MSG_PEEK | MSG_DONTWAIT) == 1) {
    ax_post(partly->bench.context, ax_call(on_partly, partly));
    return;
  }
  on_read_again(&partly->second, 0, 0);
  peer_say(&partly->bench, "y");
}

static void a_read_that_has_a_part_is_still_the_only_one(void **state) {
  char bytes[2];
  struct seen seen = {0};
  struct partly partly = {.bench = bench_new()};
  partly.second.stream = partly.bench.stream;
  ax_stream_read(partly.bench.stream, AX_SEQ(AX_BUF(bytes)),
                 ax_call(on_seen, &seen));
  peer_say(&partly.bench, "x");
  ax_post(partly.bench.context, ax_call(on_partly, &partly));
  ax_run(partly.bench.context);
  expect_seen(&partly.second.seen, "the second", UV_EBUSY);
  expect_seen(&seen, "the first", 0);
  assert_memory_equal(bytes, "xy", 2);
  bench_free(&partly.bench);
}

/* What a cancel ends is on the table at once, before what is posted next. */
struct order {
  struct bench bench;
  struct seen seen;
  bool ended; /* when the posted handler ran */
};

static void on_posted(void *arg, int err, size_t n) {
  struct order *order = arg;
  order->ended = atomic_load(&order->seen.calls) == 1;
}

static void on_cancel_and_post(void *arg, int err, size_t n) {
  struct order *order = arg;
  ax_stream_cancel(order->bench.stream);
  ax_post(order->bench.context, ax_call(on_posted, order));
}

static void a_read_that_is_cancelled_ends_at_once(void **state) {
  char byte;
  struct order order = {.bench = bench_new()};
  ax_stream_read_some(order.bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                      ax_call(on_seen, &order.seen));
  ax_post(order.bench.context, ax_call(on_cancel_and_post, &order));
  ax_run(order.bench.context);
  expect_seen(&order.seen, "read_some", UV_ECANCELED);
  assert_true(order.ended);
  bench_free(&order.bench);
}

/* A step that runs in another context may have to come back: until then the
 * stream's own context has work. */
static void
a_read_on_another_context_is_work_where_the_stream_is(void **state) {
  struct bench bench = bench_new();
  struct seen seen = {0};
  char bytes[8] = "";
  ax_context *home = ax_context_new();
  ax_stream_read(bench.stream, AX_SEQ(ax_buffer(bytes, 8)),
                 ax_on(home, ax_call(on_seen, &seen)));
  struct butlers *there = butlers_start(bench.context, 1);
  struct butlers *here = butlers_start(home, 1);
  for (int i = 0; i < 8; i++) {
    peer_say(&bench, "x");
    pause_before(deadline(), "a step");
  }
  butlers_join(here);
  butlers_join(there);
  expect_seen(&seen, "read", 0);
  assert_int_equal(seen.n, 8);
  ax_context_free(home);
  bench_free(&bench);
}

/* The read is dropped then, and with it the last reference to its stream. */
static void the_context_of_a_read_may_be_freed_first(void **state) {
  struct bench bench = bench_new();
  struct seen seen = {0};
  char byte;
  ax_context *home = ax_context_new();
  ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                      ax_on(home, ax_call(on_seen, &seen)));
  ax_unref(bench.stream);
  bench.stream = NULL;
  ax_context_free(home);
  peer_say(&bench, "x");
  ax_run(bench.context);
  assert_int_equal(atomic_load(&seen.calls), 0);
  bench_free(&bench);
}

enum { SMALL_STACK = 65536 };

/* Butlers may have little memory to stand on. */
static void *serve_on_a_small_stack(void *context) {
  ax_run(context);
  return NULL;
}

static void a_butler_with_a_small_stack_reads_lines(void **state) {
  struct until until = until_new(&kinds[0], 200000);
  struct seen seen = {0};
  pthread_attr_t small;
  pthread_t thread;
  static char line[150000];
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\n';
  ax_stream_read_until(until.bench.stream, &until.dynbuf, '\n',
                       ax_call(on_seen, &seen));
  pthread_attr_init(&small);
  assert_int_equal(pthread_attr_setstacksize(&small, SMALL_STACK), 0);
  assert_int_equal(pthread_create(&thread, &small, serve_on_a_small_stack,
                                  until.bench.context),
                   0);
  peer_send(&until.bench, line, sizeof line);
  thread_join(thread);
  pthread_attr_destroy(&small);
  expect_seen(&seen, "read_until", 0);
  assert_int_equal(seen.n, sizeof line);
  until_free(&until);
}

/* Two streams share a socket that blocks again, as another process may have
 * it. The loop tells both of one byte. */
static void a_scattered_read_never_blocks(void **state) {
  struct ends (*const makers[])(void) = {socket_ends, tcp_ends};
  for (int i = 0; i < 2; i++) {
    struct seen seen[2] = {{0}};
    char bytes[2][2];
    struct ends ends = makers[i]();
    ax_context *context = ax_context_new();
    ax_stream *streams[2];
    for (int k = 0; k < 2; k++) {
      streams[k] = ax_stream_new(context);
      assert_int_equal(ax_stream_open_fd(streams[k], ends.ours), 0);
      ax_stream_read_some(
          streams[k],
          AX_SEQ(ax_buffer(&bytes[k][0], 1), ax_buffer(&bytes[k][1], 1)),
          ax_call(on_seen, &seen[k]));
    }
    assert_int_equal(ax_poll(context), 0);
    fcntl(ends.ours, F_SETFL, fcntl(ends.ours, F_GETFL) & ~O_NONBLOCK);
    client_send(ends.theirs, "x", 1);
    wait_until(ax_poll(context));
    assert_int_equal(seen[0].calls + seen[1].calls, 1);
    for (int k = 0; k < 2; k++)
      ax_stream_cancel(streams[k]);
    assert_int_equal(ax_run(context), 1);
    for (int k = 0; k < 2; k++)
      ax_unref(streams[1 - k]);
    ax_context_free(context);
    close(ends.ours);
    close(ends.theirs);
  }
}

/* ------------------------------------------------------------------- files */

static void a_file_is_read_to_its_end(void **state) {
  char path[TEMP_PATH], bytes[100];
  temp_path(path, "file");
  write_whole_file(path, "first\nsecond\nthird");
  int fd = open(path, O_RDONLY);
  struct until until = {.bench = {.kind = "file", .peer = -1}};
  ax_dynbuf_init(&until.dynbuf, 100);
  until.bench.context = ax_context_new();
  until.bench.stream = ax_stream_new(until.bench.context);
  assert_int_equal(ax_stream_open_fd(until.bench.stream, fd), 0);
  close(fd);
  struct seen seen = {0};
  INITIATE(ax_stream_read(until.bench.stream, AX_SEQ(ax_buffer(bytes, 6)),
                          ax_call(on_seen, &seen)));
  ax_run(until.bench.context);
  expect_seen(&seen, "file", 0);
  assert_memory_equal(bytes, "first\n", 6);
  until_expect(&until, "second\n", 7);
  seen = until_read(&until, '\n');
  expect_seen(&seen, "file", UV_EOF);
  expect_left(&until, "third");
  seen = (struct seen){0};
  INITIATE(ax_stream_read_some(until.bench.stream, AX_SEQ(AX_BUF(bytes)),
                               ax_call(on_seen, &seen)));
  ax_run(until.bench.context);
  expect_seen(&seen, "file", UV_EOF);
  until_free(&until);
}

static void a_file_is_scattered_over_many_buffers(void **state) {
  static char bytes[MANY_BYTES + 1], text[MANY_BYTES + 1];
  static ax_buf bufs[MANY_BUFFERS];
  struct seen seen = {0};
  char path[TEMP_PATH];
  for (size_t i = 0; i < MANY_BYTES; i++)
    text[i] = (char)('a' + i % 23);
  temp_path(path, "file");
  write_whole_file(path, text);
  int fd = open(path, O_RDONLY);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_open_fd(stream, fd), 0);
  size_t size = lay_out(bufs, MANY_BUFFERS, bytes);
  ax_stream_read(stream, (ax_seq){bufs, MANY_BUFFERS}, ax_call(on_seen, &seen));
  ax_run(context);
  expect_seen(&seen, "file", 0);
  assert_int_equal(seen.n, size);
  assert_memory_equal(bytes, text, size);
  close(fd);
  ax_unref(stream);
  ax_context_free(context);
}

static void the_null_device_is_at_its_end(void **state) {
  struct seen read = {0}, some = {0};
  char byte;
  int fd = open("/dev/null", O_RDWR);
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(ax_stream_open_fd(stream, fd), 0);
  close(fd);
  INITIATE(ax_stream_read_some(stream, AX_SEQ(ax_buffer(&byte, 1)),
                               ax_call(on_seen, &some)));
  ax_run(context);
  INITIATE(ax_stream_read(stream, AX_SEQ(ax_buffer(&byte, 1)),
                          ax_call(on_seen, &read)));
  ax_run(context);
  expect_seen(&some, "read_some", UV_EOF);
  expect_seen(&read, "read", UV_EOF);
  ax_unref(stream);
  ax_context_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(read_some_gives_what_is_there),
      clean_test(read_some_waits_for_the_first_byte),
      clean_test(what_does_not_fit_stays_for_the_next_read),
      clean_test(the_end_is_eof_however_often_it_is_asked_for),
      clean_test(a_terminal_that_hangs_up_ends_the_read),
      clean_test(a_reset_is_an_error),
      clean_test(a_read_into_nothing_reads_nothing),
      clean_test(buffers_that_are_empty_do_not_count),
      clean_test(what_comes_between_two_reads_is_not_lost),
      clean_test(to_read_again_at_once_costs_no_call_for_polling),
      clean_test(read_fills_the_buffers_whatever_the_pieces),
      clean_test(read_takes_no_more_than_it_was_asked_for),
      clean_test(read_tells_how_many_bytes_came_before_the_end),
      clean_test(a_cancelled_read_tells_how_many_bytes_had_come),
      clean_test(read_scatters_over_any_number_of_buffers),
      clean_test(read_some_scatters_with_one_system_call),
      clean_test(read_until_tells_the_length_with_the_delimiter),
      clean_test(what_comes_after_the_delimiter_stays_in_the_buffer),
      clean_test(any_byte_may_be_the_delimiter),
      clean_test(messages_may_be_split_at_every_position),
      clean_test(messages_are_the_same_however_they_are_cut),
      clean_test(a_message_as_long_as_the_bound_fits),
      clean_test(a_message_beyond_the_bound_is_an_error),
      clean_test(a_peer_cannot_fill_more_than_the_bound),
      clean_test(a_bound_of_nothing_is_reached_at_once),
      clean_test(a_long_message_comes_whole),
      clean_test(the_end_leaves_what_had_come_in_the_buffer),
      clean_test(a_cancelled_read_until_leaves_what_had_come),
      clean_test(a_read_until_is_cancelled_between_its_steps_too),
      clean_test(what_was_read_is_beyond_recall),
      clean_test(a_read_that_is_ready_is_still_the_only_one),
      clean_test(a_read_that_has_a_part_is_still_the_only_one),
      clean_test(a_read_that_is_cancelled_ends_at_once),
      clean_test(a_read_on_another_context_is_work_where_the_stream_is),
      clean_test(the_context_of_a_read_may_be_freed_first),
      clean_test(a_scattered_read_never_blocks),
      clean_test(a_file_is_read_to_its_end),
      clean_test(a_file_is_scattered_over_many_buffers),
      clean_test(the_null_device_is_at_its_end),
      clean_test(a_butler_with_a_small_stack_reads_lines),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
