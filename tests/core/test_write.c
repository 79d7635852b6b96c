/* Writing to a stream: all bytes, in order, whatever the peer does. */
#include "ends.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#ifdef __linux__
#include <linux/net_tstamp.h>
#endif

static struct seen write_all(struct bench *bench, ax_cseq seq) {
  struct seen seen = {0};
  INITIATE(ax_stream_write(bench->stream, seq, ax_call(on_seen, &seen)));
  ax_run(bench->context);
  return seen;
}

static void what_is_written_arrives(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    for (int i = 0; i < 3; i++) {
      struct seen seen = write_all(&bench, AX_CSEQ(ax_cstring("hello")));
      expect_seen(&seen, kind->name, 0);
      assert_int_equal(seen.n, 5);
    }
    peer_expect(&bench, "hellohellohello");
    bench_free(&bench);
  }
}

static void a_write_of_nothing_completes(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    struct seen seen = write_all(&bench, (ax_cseq){NULL, 0});
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 0);
    seen = write_all(&bench, AX_CSEQ(ax_cbuffer(NULL, 0), ax_cstring("")));
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 0);
    bench_free(&bench);
  }
}

static void buffers_that_are_empty_do_not_count(void **state) {
  FOR_EACH_KIND(kind, writes) {
    ax_cbuf buffers[3000] = {{NULL, 0}};
    struct seen seen = {0};
    char bytes[2];
    struct bench bench = bench_on(kind);
    buffers[1500] = ax_cbuffer("h", 1);
    buffers[2999] = ax_cbuffer("i", 1);
    ax_stream_write(bench.stream, (ax_cseq){buffers, 3000},
                    ax_call(on_seen, &seen));
    ax_run(bench.context);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 2);
    assert_int_equal(peer_recv_some(&bench, bytes, 2), 2);
    assert_memory_equal(bytes, "hi", 2);
    bench_free(&bench);
  }
}

/* --------------------------------------------------------------- gathering */

static const size_t buffer_counts[] = {1, 2, 3, 100, 2000};
enum { MANY_BUFFERS = 2000, MANY_BYTES = 2 * MANY_BUFFERS };

/* Buffers of 0, 1, 2, 3, 4 bytes in turn. */
static size_t lay_out(ax_cbuf *bufs, size_t count, const char *bytes) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    bufs[i] = ax_cbuffer(bytes + size, (i + 3) % 5);
    size += bufs[i].len;
  }
  return size;
}

static void expect_pattern(struct bench *bench, size_t size) {
  static char bytes[65536];
  for (size_t got = 0; got < size;) {
    size_t n = peer_recv_some(bench, bytes, sizeof bytes);
    if (n == 0 || n > size - got || !pattern_is(bytes, n, got))
      give_up("%s: wrong after %zu bytes", bench->kind, got);
    got += n;
  }
}

static void write_gathers_from_any_number_of_buffers(void **state) {
  static char pattern[MANY_BYTES];
  static ax_cbuf bufs[MANY_BUFFERS];
  pattern_fill(pattern, sizeof pattern, 0);
  FOR_EACH_KIND(kind, writes) {
    for (size_t i = 0; i < sizeof buffer_counts / sizeof(size_t); i++) {
      struct seen seen = {0};
      struct bench bench = bench_on(kind);
      size_t size = lay_out(bufs, buffer_counts[i], pattern);
      ax_stream_write(bench.stream, (ax_cseq){bufs, buffer_counts[i]},
                      ax_call(on_seen, &seen));
      memset(bufs, 0, sizeof bufs); /* the descriptions were copied */
      struct butlers *butlers = butlers_start(bench.context, 1);
      expect_pattern(&bench, size);
      butlers_join(butlers);
      expect_seen(&seen, kind->name, 0);
      assert_int_equal(seen.n, size);
      bench_free(&bench);
    }
  }
}

/* As when a stream on another descriptor of the same socket was closed. */
static void a_write_does_not_wait_where_its_socket_blocks_again(void **state) {
  static char bytes[1 << 20], got[1 << 16];
  size_t half = sizeof bytes / 2;
  for (size_t buffers = 1; buffers < 3; buffers++) {
    struct seen seen = {0};
    struct bench bench = bench_new();
    ax_cbuf bufs[] = {ax_cbuffer(bytes, half), ax_cbuffer(bytes + half, half)};
    int fd = ax_stream_fd(bench.stream);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    ax_stream_write(bench.stream, (ax_cseq){bufs, buffers},
                    ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    for (size_t n = 0; n < buffers * half;)
      n += peer_recv_some(&bench, got, sizeof got);
    butlers_join(butlers);
    expect_seen(&seen, "write", 0);
    bench_free(&bench);
  }
}

/* Each system call makes one packet. */
static void write_gathers_with_one_system_call(void **state) {
#ifndef __linux__
  skip(); /* no sockets of packets */
#endif
  char packet[64];
  int fds[2];
  ends_must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0, "socketpair");
  struct bench bench = {.kind = "packets", .peer = fds[1]};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  assert_int_equal(ax_stream_open_fd(bench.stream, fds[0]), 0);
  struct seen seen =
      write_all(&bench, AX_CSEQ(ax_cstring("HEAD"), ax_cbuffer(NULL, 0),
                                ax_cstring("the "), ax_cstring("body")));
  expect_seen(&seen, "write", 0);
  assert_int_equal(seen.n, 12);
  assert_int_equal(read(bench.peer, packet, sizeof packet), 12);
  assert_memory_equal(packet, "HEADthe body", 12);
  close(fds[0]);
  bench_free(&bench);
}

/* ------------------------------------------------------------ large writes */

enum { LARGE = 8 << 20, LESS = 1 << 20 };

/* Small enough for many steps; with a buffer below a few segments TCP crawls,
 * as the receiver delays what it has to acknowledge. */
static void make_small(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int));
}

struct reader {
  struct bench *bench;
  size_t size;
};

/* Reads in pieces of odd sizes, and rests now and then. */
static void *read_slowly(void *arg) {
  struct reader *reader = arg;
  static char bytes[65536];
  uint32_t seed = 21;
  for (size_t got = 0; got < reader->size;) {
    size_t most = 1 + next_random(&seed) % sizeof bytes;
    size_t n = peer_recv_some(reader->bench, bytes, most);
    if (n == 0 || !pattern_is(bytes, n, got))
      give_up("%s: wrong after %zu bytes", reader->bench->kind, got);
    got += n;
    if (next_random(&seed) % 64 == 0)
      pause_before(deadline(), "the writer");
  }
  return NULL;
}

static void a_large_write_to_a_slow_reader_is_whole_and_in_order(void **state) {
  char *bytes = malloc(LARGE);
  assert_non_null(bytes);
  pattern_fill(bytes, LARGE, 0);
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    struct reader reader = {&bench, kind->socket ? LARGE : LESS};
    if (kind->socket)
      make_small(ax_stream_fd(bench.stream));
    pthread_t thread = thread_start(read_slowly, &reader);
    size_t third = reader.size / 3;
    struct seen seen = write_all(
        &bench,
        AX_CSEQ(ax_cbuffer(bytes, third), ax_cbuffer(bytes, 0),
                ax_cbuffer(bytes + third, 1),
                ax_cbuffer(bytes + third + 1, reader.size - third - 1)));
    thread_join(thread);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, reader.size);
    bench_free(&bench);
  }
  free(bytes);
}

/* Law 1 also when the kernel takes it all at once, and from inside a handler:
 * each write is begun by the handler of the one before. */
struct series {
  struct bench *bench;
  size_t sent, size;
  char *bytes;
  int nested;
};

static void on_series(void *arg, int err, size_t n) {
  struct series *series = arg;
  series->nested += initiating;
  series->sent += n;
  size_t size = 1 + series->sent % 3000;
  if (err || series->sent >= series->size)
    return;
  size =
      size < series->size - series->sent ? size : series->size - series->sent;
  INITIATE(
      ax_stream_write(series->bench->stream,
                      AX_CSEQ(ax_cbuffer(series->bytes + series->sent, size)),
                      ax_call(on_series, series)));
}

static void writes_in_a_row_keep_their_order(void **state) {
  char *bytes = malloc(LESS);
  assert_non_null(bytes);
  pattern_fill(bytes, LESS, 0);
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    struct reader reader = {&bench, LESS};
    struct series series = {&bench, 0, LESS, bytes, 0};
    pthread_t thread = thread_start(read_slowly, &reader);
    ax_post(bench.context, ax_call(on_series, &series));
    ax_run(bench.context);
    thread_join(thread);
    assert_int_equal(series.sent, LESS);
    assert_int_equal(series.nested, 0);
    bench_free(&bench);
  }
  free(bytes);
}

/* ---------------------------------------------------- errors that are none */

#ifdef __linux__

/* When a packet left is told in the socket's queue of errors. So poll finds an
 * error there, and the loop does not look at the socket any more. */
static void make_error(int fd) {
  int when = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  struct pollfd polled = {.fd = fd};
  ends_must(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &when, sizeof when) ==
                0,
            "SO_TIMESTAMPING");
  ends_must(send(fd, "!", 1, 0) == 1, "send");
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &(int){0}, sizeof(int));
  wait_until(poll(&polled, 1, 0) == 1 && polled.revents & POLLERR);
}

struct sight {
  struct reader reader;
  struct gate gate; /* opened when the loop has seen the error */
};

static void on_sight(uv_check_t *check) {
  struct sight *sight = check->data;
  char room[512];
  struct msghdr message = {.msg_control = room, .msg_controllen = sizeof room};
  int fd = ax_stream_fd(sight->reader.bench->stream);
  ends_must(recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0,
            "the error");
  uv_close((uv_handle_t *)check, NULL);
  gate_open(&sight->gate);
}

static void *read_after_sight(void *arg) {
  struct sight *sight = arg;
  char byte;
  on_pass(&sight->gate, 0, 0);
  peer_recv_some(sight->reader.bench, &byte, 1); /* of make_error */
  return read_slowly(&sight->reader);
}

/* There is no room when the loop sees the error: the write waits on. */
static void a_write_goes_on_after_an_error_that_is_none(void **state) {
  struct seen seen = {0};
  struct bench bench = bench_on(&kinds[1]);
  struct sight sight = {{&bench, LARGE}, GATE};
  char *bytes = malloc(LARGE);
  uv_check_t check = {.data = &sight};
  assert_non_null(bytes);
  pattern_fill(bytes, LARGE, 0);
  make_small(ax_stream_fd(bench.stream));
  make_error(ax_stream_fd(bench.stream));
  uv_check_init(ax_context_loop(bench.context), &check);
  uv_check_start(&check, on_sight);
  ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                  ax_call(on_seen, &seen));
  pthread_t thread = thread_start(read_after_sight, &sight);
  ax_run(bench.context);
  thread_join(thread);
  expect_seen(&seen, "write", 0);
  assert_int_equal(seen.n, LARGE);
  bench_free(&bench);
  free(bytes);
}

#else

static void a_write_goes_on_after_an_error_that_is_none(void **state) {
  skip(); /* no queue of errors */
}

#endif

/* -------------------------------------------------------- cut in the middle */

/* What the peer finds is what the handler was told, byte for byte. */
static void cut_a_write(const struct kind *kind, const char *bytes,
                        void (*end)(ax_stream *)) {
  struct seen seen = {0};
  struct bench bench = bench_on(kind);
  ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                  ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(bench.context, 1);
  static char some[30000];
  client_readable(bench.peer, SUPPORT_DEADLINE * 1000);
  size_t got = peer_recv_some(&bench, some, sizeof some);
  assert_true(pattern_is(some, got, 0));
  end(bench.stream);
  butlers_join(butlers);
  expect_seen(&seen, kind->name, UV_ECANCELED);
  assert_true(seen.n >= got && seen.n < LARGE);
  size_t left = seen.n - got;
  static char rest[65536];
  ax_stream_close(bench.stream);
  ax_run(bench.context);
  for (size_t more; left > 0; left -= more, got += more) {
    more = peer_recv_some(&bench, rest, sizeof rest);
    if (more == 0 && !kind->socket && kind->reads)
      break; /* a terminal that is closed forgets what it held */
    if (more == 0 || more > left || !pattern_is(rest, more, got))
      give_up("%s: wrong after %zu bytes", kind->name, got);
  }
  assert_int_equal(peer_recv_some(&bench, rest, 1), 0);
  bench_free(&bench);
}

static void a_cut_write_tells_how_many_bytes_were_taken(void **state) {
  char *bytes = malloc(LARGE);
  assert_non_null(bytes);
  pattern_fill(bytes, LARGE, 0);
  FOR_EACH_KIND(kind, writes) {
    cut_a_write(kind, bytes, ax_stream_cancel);
    cut_a_write(kind, bytes, ax_stream_close);
  }
  free(bytes);
}

static void after_a_cancelled_write_the_next_one_is_whole(void **state) {
  char *bytes = malloc(LARGE);
  assert_non_null(bytes);
  pattern_fill(bytes, LARGE, 0);
  FOR_EACH_KIND(kind, writes) {
    struct seen cut = {0};
    struct bench bench = bench_on(kind);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                    ax_call(on_seen, &cut));
    ax_stream_cancel(bench.stream);
    ax_run(bench.context);
    expect_seen(&cut, kind->name, UV_ECANCELED);
    struct reader reader = {&bench, cut.n + 100000};
    pthread_t thread = thread_start(read_slowly, &reader);
    struct seen next =
        write_all(&bench, AX_CSEQ(ax_cbuffer(bytes + cut.n, 100000)));
    thread_join(thread);
    expect_seen(&next, kind->name, 0);
    bench_free(&bench);
  }
  free(bytes);
}

/* ------------------------------------------------- law 11: peers that leave */

static bool is_departure(int err) {
  return err == UV_EPIPE || err == UV_ECONNRESET || err == UV_EIO;
}

/* TCP may take one write more before it knows. */
static void a_peer_that_has_gone_is_an_error_and_no_signal(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    bench_hang_up(&bench);
    int err = 0;
    for (double end = deadline(); !err;) {
      struct seen seen = write_all(&bench, AX_CSEQ(ax_cstring("hello")));
      assert_int_equal(seen.calls, 1);
      err = seen.err;
      if (!err)
        pause_before(end, "the kernel to know");
    }
    if (!is_departure(err))
      give_up("%s: %s", kind->name, uv_strerror(err));
    struct seen again =
        write_all(&bench, AX_CSEQ(ax_cstring("several"), ax_cstring("buffers"),
                                  ax_cstring("this time")));
    assert_true(is_departure(again.err));
    bench_free(&bench);
  }
}

static void a_peer_that_leaves_in_the_middle_is_an_error(void **state) {
  char *bytes = calloc(1, LARGE), some[10000];
  assert_non_null(bytes);
  for (int reset = 0; reset < 2; reset++)
    FOR_EACH_KIND(kind, writes) {
      struct seen seen = {0};
      struct bench bench = bench_on(kind);
      ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                      ax_call(on_seen, &seen));
      struct butlers *butlers = butlers_start(bench.context, 1);
      peer_recv_some(&bench, some, sizeof some);
      if (reset && kind->socket) {
        client_reset(bench.peer);
        bench.peer = -1;
      }
      bench_hang_up(&bench);
      butlers_join(butlers);
      assert_int_equal(seen.calls, 1);
      if (!is_departure(seen.err))
        give_up("%s: %s", kind->name, uv_strerror(seen.err));
      assert_true(seen.n < LARGE);
      bench_free(&bench);
    }
  free(bytes);
}

/* The loop finds a master ready without end when the program's side is closed,
 * and there is never any room: before the write, or while it waits. */
static void a_terminal_that_nobody_has_open_takes_no_more(void **state) {
  char *bytes = calloc(1, LESS);
  assert_non_null(bytes);
  for (int pending = 0; pending < 2; pending++) {
    struct seen seen = {0};
    struct bench bench = bench_on(&kinds[KINDS - 1]);
    if (!pending)
      bench_hang_up(&bench);
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LESS)),
                    ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    if (pending)
      pause_before(deadline(), "the butler to sleep");
    bench_hang_up(&bench);
    butlers_join(butlers);
    expect_seen(&seen, "write", UV_EIO);
    assert_true(seen.n < LESS);
    expect_sleep(bench.context, "who has written to nobody");
    bench_free(&bench);
  }
  free(bytes);
}

/* -------------------------------------------------------------------- files */

static void a_file_takes_what_is_written(void **state) {
  static char bytes[MANY_BYTES];
  static ax_cbuf bufs[MANY_BUFFERS];
  char path[TEMP_PATH];
  temp_path(path, "file");
  for (size_t i = 0; i < MANY_BYTES; i++)
    bytes[i] = (char)('a' + i % 23);
  size_t size = lay_out(bufs, MANY_BUFFERS, bytes);
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  struct bench bench = {.kind = "file", .peer = -1};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  assert_int_equal(ax_stream_open_fd(bench.stream, fd), 0);
  close(fd);
  struct seen one = write_all(&bench, (ax_cseq){bufs, MANY_BUFFERS});
  struct seen two = write_all(&bench, AX_CSEQ(ax_cstring("the end")));
  expect_seen(&one, "file", 0);
  expect_seen(&two, "file", 0);
  assert_int_equal(one.n, size);
  char *text = read_whole_file(path);
  assert_int_equal(strlen(text), size + 7);
  assert_memory_equal(text, bytes, size);
  assert_string_equal(text + size, "the end");
  free(text);
  bench_free(&bench);
}

static void the_null_device_takes_everything(void **state) {
  char *bytes = calloc(1, LARGE);
  assert_non_null(bytes);
  int fd = open("/dev/null", O_WRONLY);
  struct bench bench = {.kind = "null", .peer = -1};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  assert_int_equal(ax_stream_open_fd(bench.stream, fd), 0);
  close(fd);
  struct seen seen = write_all(&bench, AX_CSEQ(ax_cbuffer(bytes, LARGE)));
  expect_seen(&seen, "null", 0);
  assert_int_equal(seen.n, LARGE);
  bench_free(&bench);
  free(bytes);
}

/* However many buffers there are, and whoever owns the loop. */
static void a_file_is_written_in_the_call(void **state) {
  ax_cbuf buffers[3000];
  char path[TEMP_PATH];
  struct seen seen = {0};
  struct stat status;
  for (int i = 0; i < 3000; i++)
    buffers[i] = ax_cbuffer("x", 1);
  temp_path(path, "file");
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  struct bench bench = {.kind = "file", .peer = -1};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  assert_int_equal(ax_stream_open_fd(bench.stream, fd), 0);
  ax_work_begin(bench.context);
  struct butlers *butlers = butlers_start(bench.context, 1);
  pause_before(deadline(), "the butler to sleep");
  ax_stream_write(bench.stream, (ax_cseq){buffers, 3000},
                  ax_call(on_seen, &seen));
  assert_int_equal(fstat(fd, &status), 0);
  assert_int_equal(status.st_size, 3000);
  ax_work_end(bench.context);
  butlers_join(butlers);
  expect_seen(&seen, "file", 0);
  close(fd);
  bench_free(&bench);
}

static void a_file_that_is_not_open_for_writing_is_an_error(void **state) {
  int fd = open("/dev/null", O_RDONLY);
  struct bench bench = {.kind = "null", .peer = -1};
  bench.context = ax_context_new();
  bench.stream = ax_stream_new(bench.context);
  assert_int_equal(ax_stream_open_fd(bench.stream, fd), 0);
  close(fd);
  struct seen seen = write_all(&bench, AX_CSEQ(ax_cstring("hello")));
  expect_seen(&seen, "write", UV_EBADF);
  bench_free(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(what_is_written_arrives),
      clean_test(a_write_of_nothing_completes),
      clean_test(buffers_that_are_empty_do_not_count),
      clean_test(write_gathers_from_any_number_of_buffers),
      clean_test(a_write_does_not_wait_where_its_socket_blocks_again),
      clean_test(write_gathers_with_one_system_call),
      clean_test(a_large_write_to_a_slow_reader_is_whole_and_in_order),
      clean_test(writes_in_a_row_keep_their_order),
      clean_test(a_write_goes_on_after_an_error_that_is_none),
      clean_test(a_cut_write_tells_how_many_bytes_were_taken),
      clean_test(after_a_cancelled_write_the_next_one_is_whole),
      clean_test(a_peer_that_has_gone_is_an_error_and_no_signal),
      clean_test(a_peer_that_leaves_in_the_middle_is_an_error),
      clean_test(a_file_takes_what_is_written),
      clean_test(a_file_is_written_in_the_call),
      clean_test(the_null_device_takes_everything),
      clean_test(a_file_that_is_not_open_for_writing_is_an_error),
      clean_test(a_terminal_that_nobody_has_open_takes_no_more),
  };
  signal(SIGPIPE, SIG_DFL); /* whatever started us may have ignored it */
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
