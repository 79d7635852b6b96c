/* Waiting until a stream can be read or written, for those who read and write
 * its descriptor by themselves. */
#include "ends.h"

static const char *side_name(ax_side side) {
  return side == AX_READ ? "to read" : "to write";
}

static struct seen wait_for(struct bench *bench, ax_side side) {
  struct seen seen = {0};
  INITIATE(ax_stream_wait(bench->stream, side, ax_call(on_seen, &seen)));
  ax_run(bench->context);
  assert_int_equal(seen.n, 0);
  return seen;
}

static struct seen read_word(struct bench *bench, char *word, size_t n) {
  struct seen seen = {0};
  ax_stream_read(bench->stream, AX_SEQ(ax_buffer(word, n)),
                 ax_call(on_seen, &seen));
  ax_run(bench->context);
  return seen;
}

/* A butler that has nothing else to do has looked at the loop twice. */
static void expect_pending(struct bench *bench, const struct seen *seen) {
  for (int i = 0; i < 2; i++) {
    struct seen posted = {0};
    ax_post(bench->context, ax_call(on_seen, &posted));
    wait_until(atomic_load(&posted.calls));
    pause_before(deadline(), "the butler to look");
  }
  if (atomic_load(&seen->calls))
    give_up("%s: the wait is over", bench->kind);
}

/* ------------------------------------------------------------------ to read */

static void a_wait_to_read_ends_when_bytes_come_and_takes_none(void **state) {
  FOR_EACH_KIND(kind, reads) {
    struct seen seen = {0};
    char word[5];
    struct bench bench = bench_on(kind);
    INITIATE(ax_stream_wait(bench.stream, AX_READ, ax_call(on_seen, &seen)));
    struct butlers *butlers = butlers_start(bench.context, 1);
    expect_pending(&bench, &seen);
    peer_say(&bench, "hello");
    butlers_join(butlers);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(seen.n, 0);
    struct seen again = wait_for(&bench, AX_READ); /* they are still there */
    expect_seen(&again, kind->name, 0);
    struct seen read = read_word(&bench, word, 5);
    expect_seen(&read, kind->name, 0);
    assert_memory_equal(word, "hello", 5);
    bench_free(&bench);
  }
}

static void a_wait_to_read_ends_at_the_end_of_the_stream(void **state) {
  FOR_EACH_KIND(kind, reads && !kind->terminal) {
    struct seen seen = {0};
    char byte;
    struct bench bench = bench_on(kind);
    ax_stream_wait(bench.stream, AX_READ, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    expect_pending(&bench, &seen);
    bench_hang_up(&bench);
    butlers_join(butlers);
    expect_seen(&seen, kind->name, 0);
    struct seen again = wait_for(&bench, AX_READ);
    expect_seen(&again, kind->name, 0);
    struct seen end = read_word(&bench, &byte, 1);
    expect_seen(&end, kind->name, UV_EOF);
    bench_free(&bench);
  }
}

/* The error is for who reads or writes then. */
static void a_wait_ends_when_there_is_an_error_to_report(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++) {
    char byte;
    struct bench bench = bench_on(&kinds[1]);
    client_reset(bench.peer);
    bench.peer = -1;
    struct seen seen = wait_for(&bench, side);
    expect_seen(&seen, side_name(side), 0);
    struct seen read = read_word(&bench, &byte, 1);
    expect_seen(&read, "read", UV_ECONNRESET);
    bench_free(&bench);
  }
}

/* ----------------------------------------------------------------- to write */

static void a_wait_to_write_ends_where_there_is_room(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    for (int i = 0; i < 3; i++) {
      struct seen seen = wait_for(&bench, AX_WRITE);
      expect_seen(&seen, kind->name, 0);
    }
    assert_false(client_readable(bench.peer, 1)); /* nothing was written */
    bench_free(&bench);
  }
}

/* Writes to the descriptor until it takes no more. */
static void fill(struct bench *bench) {
  static const char bytes[4096];
  int fd = ax_stream_fd(bench->stream);
  while (write(fd, bytes, sizeof bytes) > 0)
    continue;
  assert_int_equal(errno, EAGAIN);
}

static void a_wait_to_write_lasts_until_there_is_room(void **state) {
  static char bytes[65536];
  FOR_EACH_KIND(kind, writes) {
    struct seen seen = {0};
    struct bench bench = bench_on(kind);
    fill(&bench);
    ax_stream_wait(bench.stream, AX_WRITE, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(bench.context, 1);
    if (kind->name[0] !=
        't') /* TCP and terminals pass bytes on by themselves */
      expect_pending(&bench, &seen);
    while (!atomic_load(&seen.calls))
      if (client_readable(bench.peer, 1))
        peer_recv_some(&bench, bytes, sizeof bytes);
    butlers_join(butlers);
    expect_seen(&seen, kind->name, 0);
    assert_int_equal(write(ax_stream_fd(bench.stream), "x", 1), 1);
    bench_free(&bench);
  }
}

/* The peer will not read any more: to write is an error, and does not wait. */
static void a_wait_to_write_ends_when_the_peer_has_gone(void **state) {
  FOR_EACH_KIND(kind, writes) {
    struct bench bench = bench_on(kind);
    fill(&bench);
    bench_hang_up(&bench);
    struct seen seen = wait_for(&bench, AX_WRITE);
    expect_seen(&seen, kind->name, 0);
    bench_free(&bench);
  }
}

/* ------------------------------------------------------------------- files */

static void a_file_is_never_waited_for(void **state) {
  for (int null = 0; null < 2; null++) {
    char path[TEMP_PATH];
    temp_path(path, "file");
    if (!null)
      write_whole_file(path, "");
    int fd = open(null ? "/dev/null" : path, O_RDWR);
    struct bench bench = {.kind = "file", .peer = -1};
    bench.context = ax_context_new();
    bench.stream = ax_stream_new(bench.context);
    assert_int_equal(ax_stream_open_fd(bench.stream, fd), 0);
    close(fd);
    for (int i = 0; i < 4; i++) {
      struct seen seen = wait_for(&bench, i % 2 ? AX_READ : AX_WRITE);
      expect_seen(&seen, "file", 0);
    }
    bench_free(&bench);
  }
}

/* -------------------------------------------------------------- wrong usage */

static void a_wait_for_what_is_not_open_ends_with_ebadf(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++) {
    struct bench bench = bench_new();
    ax_stream_close(bench.stream);
    struct seen seen = wait_for(&bench, side);
    expect_seen(&seen, side_name(side), UV_EBADF);
    bench_free(&bench);
  }
}

/* The loop would never report it. */
static void what_is_for_the_other_side_is_not_waited_for(void **state) {
  FOR_EACH_KIND(kind, reads != kind->writes && !kind->terminal) {
    struct bench bench = bench_on(kind);
    struct seen seen = wait_for(&bench, kind->reads ? AX_WRITE : AX_READ);
    expect_seen(&seen, kind->name, UV_EBADF);
    bench_free(&bench);
  }
}

static void initiate(ax_stream *stream, ax_side side, struct seen *seen) {
  static char byte;
  ax_seq seq = AX_SEQ(ax_buffer(&byte, 1));
  if (side == AX_READ)
    ax_stream_read_some(stream, seq, ax_call(on_seen, seen));
  else
    ax_stream_write(stream, ax_seq_const(seq), ax_call(on_seen, seen));
}

/* A wait and an operation of its side, in both orders, and two waits. */
static void a_wait_is_the_operation_of_its_side(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++)
    for (int order = 0; order < 3; order++) {
      struct seen first = {0}, second = {0}, other = {0};
      struct bench bench = bench_new();
      if (order == 0)
        initiate(bench.stream, side, &first);
      else
        ax_stream_wait(bench.stream, side, ax_call(on_seen, &first));
      if (order == 1)
        INITIATE(initiate(bench.stream, side, &second));
      else
        INITIATE(ax_stream_wait(bench.stream, side, ax_call(on_seen, &second)));
      ax_stream_wait(bench.stream, !side, ax_call(on_seen, &other));
      peer_say(&bench, "hello");
      ax_run(bench.context);
      expect_seen(&second, side_name(side), UV_EBUSY);
      expect_seen(&first, side_name(side), 0);
      expect_seen(&other, "the other side", 0);
      struct seen next = wait_for(&bench, side);
      expect_seen(&next, side_name(side), 0);
      bench_free(&bench);
    }
}

/* ---------------------------------------------------------- how it is ended */

enum ending { CANCEL, CANCEL_SIDE, CLOSE, ENDINGS };

static void end_it(ax_stream *stream, ax_side side, enum ending ending) {
  if (ending == CANCEL)
    ax_stream_cancel(stream);
  else if (ending == CANCEL_SIDE)
    ax_stream_cancel_side(stream, side);
  else
    ax_stream_close(stream);
}

static void a_wait_can_be_ended(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++)
    for (int i = 0; i < 4 * ENDINGS; i++) {
      struct seen seen = {0};
      struct bench bench = bench_on(&kinds[i % 4]);
      if (side == AX_WRITE)
        fill(&bench);
      ax_stream_wait(bench.stream, side, ax_call(on_seen, &seen));
      ax_work_begin(bench.context);
      struct butlers *butlers = butlers_start(bench.context, 2);
      ax_stream_cancel_side(bench.stream, !side);
      if (i % 4 != 1 && i % 4 != 2) /* TCP passes on what fills it */
        expect_pending(&bench, &seen);
      end_it(bench.stream, side, (enum ending)(i / 4));
      ax_work_end(bench.context);
      butlers_join(butlers);
      expect_seen(&seen, side_name(side),
                  side == AX_WRITE && seen.err == 0 ? 0 : UV_ECANCELED);
      bench_free(&bench);
    }
}

/* ------------------------------------------------------------ what it costs */

/* The bytes are left, or the end is, and there is room all the time. */
static void what_a_wait_leaves_uses_no_time(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++)
    FOR_EACH_KIND(kind, reads && (side == AX_READ || kind->writes)) {
      struct bench bench = bench_on(kind);
      peer_say(&bench, "hello");
      struct seen seen = wait_for(&bench, side);
      expect_seen(&seen, kind->name, 0);
      expect_sleep(bench.context, kind->name);
      if (kind->socket)
        bench_hang_up(&bench);
      struct seen again = wait_for(&bench, side);
      expect_seen(&again, kind->name, 0);
      expect_sleep(bench.context, kind->name);
      bench_free(&bench);
    }
}

/* ---------------------------------------------------------- as libraries do */

enum { MUCH = 1 << 20 };

struct library {
  struct bench bench;
  ax_strand *strand;
  size_t got, sent;
  int err;
};

/* Reads until it would wait. */
static void on_readable(void *arg, int err, size_t n) {
  struct library *library = arg;
  char bytes[3000];
  ssize_t more = 0;
  while (!err && (more = recv(ax_stream_fd(library->bench.stream), bytes,
                              sizeof bytes, 0)) > 0) {
    if (!pattern_is(bytes, (size_t)more, library->got))
      err = UV_EIO;
    library->got += (size_t)more;
  }
  library->err = err ? err : library->err;
  if (more < 0 && errno == EAGAIN)
    ax_stream_wait(library->bench.stream, AX_READ,
                   ax_on(library->strand, ax_call(on_readable, library)));
}

/* Writes until it would wait, and says so at the end. */
static void on_writable(void *arg, int err, size_t n) {
  struct library *library = arg;
  char bytes[3000];
  int fd = ax_stream_fd(library->bench.stream);
  ssize_t more = 0;
  while (!err && more >= 0 && library->sent < MUCH) {
    size_t left = MUCH - library->sent;
    pattern_fill(bytes, sizeof bytes, library->sent);
    more = send(fd, bytes, left < sizeof bytes ? left : sizeof bytes, 0);
    library->sent += more > 0 ? (size_t)more : 0;
  }
  library->err = err ? err : library->err;
  if (more < 0)
    ax_stream_wait(library->bench.stream, AX_WRITE,
                   ax_on(library->strand, ax_call(on_writable, library)));
  else
    ax_stream_shutdown(library->bench.stream);
}

/* Sends all that comes back. */
static void *send_back(void *arg) {
  struct library *library = arg;
  static char bytes[10000];
  for (size_t n;
       (n = peer_recv_some(&library->bench, bytes, sizeof bytes)) > 0;)
    peer_send(&library->bench, bytes, n);
  shutdown(library->bench.peer, SHUT_WR);
  return NULL;
}

static void who_waits_on_both_sides_reads_and_writes_it_all(void **state) {
  FOR_EACH_KIND(kind, socket) {
    struct library library = {.bench = bench_on(kind)};
    library.strand = ax_strand_new(library.bench.context);
    ax_stream_wait(library.bench.stream, AX_READ,
                   ax_on(library.strand, ax_call(on_readable, &library)));
    ax_stream_wait(library.bench.stream, AX_WRITE,
                   ax_on(library.strand, ax_call(on_writable, &library)));
    struct butlers *butlers = butlers_start(library.bench.context, 2);
    pthread_t thread = thread_start(send_back, &library);
    butlers_join(butlers);
    thread_join(thread);
    assert_int_equal(library.err, 0);
    assert_int_equal(library.sent, MUCH);
    assert_int_equal(library.got, MUCH);
    ax_unref(library.strand);
    bench_free(&library.bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_wait_to_read_ends_when_bytes_come_and_takes_none),
      clean_test(a_wait_to_read_ends_at_the_end_of_the_stream),
      clean_test(a_wait_ends_when_there_is_an_error_to_report),
      clean_test(a_wait_to_write_ends_where_there_is_room),
      clean_test(a_wait_to_write_lasts_until_there_is_room),
      clean_test(a_wait_to_write_ends_when_the_peer_has_gone),
      clean_test(a_file_is_never_waited_for),
      clean_test(a_wait_for_what_is_not_open_ends_with_ebadf),
      clean_test(what_is_for_the_other_side_is_not_waited_for),
      clean_test(a_wait_is_the_operation_of_its_side),
      clean_test(a_wait_can_be_ended),
      clean_test(what_a_wait_leaves_uses_no_time),
      clean_test(who_waits_on_both_sides_reads_and_writes_it_all),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
