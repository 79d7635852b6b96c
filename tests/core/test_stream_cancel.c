/* Cancelling, and what is initiated right after it: the turn of a side is free
 * at once, and nothing of the old operation happens beside the new one. */
#include "ends.h"

#include <poll.h>

enum { LARGE = 8 << 20 };

enum ending { CANCEL, CANCEL_SIDE, ENDINGS };

static void cancel(ax_stream *stream, ax_side side, enum ending ending) {
  if (ending == CANCEL)
    ax_stream_cancel(stream);
  else
    ax_stream_cancel_side(stream, side);
}

/* Where it is done: nobody runs the loop, a butler sleeps in it, or a handler
 * does it while another butler sleeps there. */
enum place { ALONE, BESIDE_BUTLERS, IN_A_HANDLER, PLACES };

struct scene {
  struct bench bench;
  struct butlers *butlers;
  struct gate done;
  ax_token act;
};

static struct scene scene_on(const struct kind *kind) {
  return (struct scene){.bench = bench_on(kind), .done = GATE};
}

static void on_act(void *arg, int err, size_t n) {
  struct scene *scene = arg;
  scene->act.fn(scene->act.arg, 0, 0);
  gate_open(&scene->done);
}

static void scene_act(struct scene *scene, enum place place, ax_token act) {
  scene->act = act;
  ax_work_begin(scene->bench.context);
  if (place != ALONE) {
    scene->butlers = butlers_start(scene->bench.context, 2);
    pause_before(deadline(), "a butler to sleep in the loop");
  }
  if (place == IN_A_HANDLER)
    ax_post(scene->bench.context, ax_call(on_act, scene));
  else
    on_act(scene, 0, 0);
  on_pass(&scene->done, 0, 0);
}

/* Runs until all is done. */
static void scene_end(struct scene *scene) {
  ax_work_end(scene->bench.context);
  if (scene->butlers)
    butlers_join(scene->butlers);
  else
    ax_run(scene->bench.context);
}

/* ------------------------------------------------------------ only one side */

static char *large_pattern(void) {
  char *bytes = malloc(LARGE);
  assert_non_null(bytes);
  pattern_fill(bytes, LARGE, 0);
  return bytes;
}

struct drain {
  struct bench *bench;
  size_t size;
};

/* Expects so many bytes of the pattern. */
static void *drain(void *arg) {
  struct drain *d = arg;
  static _Thread_local char bytes[65536];
  for (size_t got = 0, n; got < d->size; got += n) {
    n = peer_recv_some(d->bench, bytes,
                       d->size - got < sizeof bytes ? d->size - got
                                                    : sizeof bytes);
    if (n == 0 || !pattern_is(bytes, n, got))
      give_up("%s: wrong after %zu bytes", d->bench->kind, got);
  }
  return NULL;
}

static void cancel_of_the_read_leaves_the_write(void **state) {
  char *bytes = large_pattern(), byte;
  FOR_EACH_KIND(kind, reads && kind->writes) {
    struct seen read = {0}, write = {0};
    struct bench bench = bench_on(kind);
    struct drain all = {&bench, LARGE};
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                        ax_call(on_seen, &read));
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                    ax_call(on_seen, &write));
    ax_stream_cancel_side(bench.stream, AX_READ);
    struct butlers *butlers = butlers_start(bench.context, 2);
    wait_until(atomic_load(&read.calls));
    drain(&all);
    butlers_join(butlers);
    expect_seen(&read, kind->name, UV_ECANCELED);
    expect_seen(&write, kind->name, 0);
    assert_int_equal(write.n, LARGE);
    bench_free(&bench);
  }
  free(bytes);
}

static void cancel_of_the_write_leaves_the_read(void **state) {
  char *bytes = large_pattern(), word[5];
  FOR_EACH_KIND(kind, reads && kind->writes) {
    struct seen read = {0}, write = {0};
    struct bench bench = bench_on(kind);
    ax_stream_read(bench.stream, AX_SEQ(AX_BUF(word)), ax_call(on_seen, &read));
    ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                    ax_call(on_seen, &write));
    ax_stream_cancel_side(bench.stream, AX_WRITE);
    struct butlers *butlers = butlers_start(bench.context, 2);
    wait_until(atomic_load(&write.calls));
    assert_int_equal(atomic_load(&read.calls), 0);
    peer_say(&bench, "hello");
    butlers_join(butlers);
    expect_seen(&write, kind->name, UV_ECANCELED);
    assert_true(write.n < LARGE);
    expect_seen(&read, kind->name, 0);
    assert_memory_equal(word, "hello", 5);
    bench_free(&bench);
  }
  free(bytes);
}

static void cancel_of_a_side_with_nothing_pending_is_harmless(void **state) {
  for (ax_side side = AX_WRITE; side <= AX_READ; side++) {
    struct seen seen = {0};
    char byte;
    struct bench bench = bench_new();
    ax_stream_cancel_side(bench.stream, side);
    ax_stream_cancel_side(bench.stream, side);
    assert_int_equal(ax_run(bench.context), 0);
    peer_say(&bench, "x");
    ax_stream_read(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                   ax_call(on_seen, &seen));
    ax_run(bench.context);
    expect_seen(&seen, "read", 0);
    ax_stream_close(bench.stream);
    ax_stream_cancel_side(bench.stream, side);
    ax_run(bench.context);
    bench_free(&bench);
  }
}

/* --------------------------------------------------------------- read again */

struct again {
  ax_stream *stream;
  enum ending ending;
  struct seen old, new, third, late;
  char scrap[8], word[5];
};

static void on_read_again(void *arg, int err, size_t n) {
  struct again *a = arg;
  ax_stream_read(a->stream, AX_SEQ(AX_BUF(a->scrap)),
                 ax_call(on_seen, &a->old));
  cancel(a->stream, AX_READ, a->ending);
  ax_stream_read(a->stream, AX_SEQ(AX_BUF(a->word)), ax_call(on_seen, &a->new));
  ax_stream_read(a->stream, AX_SEQ(AX_BUF(a->scrap)),
                 ax_call(on_seen, &a->third));
}

static void read_again(const struct kind *kind, enum place place,
                       enum ending ending) {
  struct scene scene = scene_on(kind);
  struct again a = {.stream = scene.bench.stream, .ending = ending};
  scene_act(&scene, place, ax_call(on_read_again, &a));
  if (place == ALONE)
    ax_poll(scene.bench.context);
  wait_until(atomic_load(&a.old.calls));
  ax_stream_read(a.stream, AX_SEQ(AX_BUF(a.scrap)), ax_call(on_seen, &a.late));
  peer_say(&scene.bench, "hello");
  scene_end(&scene);
  expect_seen(&a.old, kind->name, UV_ECANCELED);
  assert_int_equal(a.old.n, 0);
  expect_seen(&a.new, kind->name, 0);
  assert_memory_equal(a.word, "hello", 5);
  expect_seen(&a.third, kind->name, UV_EBUSY);
  expect_seen(&a.late, kind->name, UV_EBUSY);
  bench_free(&scene.bench);
}

static void after_a_cancel_the_next_read_waits_for_its_turn(void **state) {
  for (int i = 0; i < 3 * PLACES * ENDINGS; i++)
    FOR_EACH_KIND(kind, reads)
  read_again(kind, (enum place)(i % PLACES), (enum ending)(i / PLACES % 2));
}

/* All but the last end, in turn. */
static void reads_and_cancels_in_a_row_end_all_but_the_last(void **state) {
  enum { ROW = 50 };
  struct seen seen[ROW] = {0};
  char byte = 0;
  struct bench bench = bench_new();
  ax_work_begin(bench.context);
  struct butlers *butlers = butlers_start(bench.context, 2);
  for (int i = 0; i < ROW; i++) {
    if (i)
      cancel(bench.stream, AX_READ, (enum ending)(i % ENDINGS));
    ax_stream_read_some(bench.stream, AX_SEQ(ax_buffer(&byte, 1)),
                        ax_call(on_seen, &seen[i]));
  }
  for (int i = 0; i < ROW - 1; i++)
    wait_until(atomic_load(&seen[i].calls));
  peer_say(&bench, "x");
  ax_work_end(bench.context);
  butlers_join(butlers);
  for (int i = 0; i < ROW; i++)
    expect_seen(&seen[i], "read_some", i < ROW - 1 ? UV_ECANCELED : 0);
  assert_int_equal(byte, 'x');
  bench_free(&bench);
}

/* -------------------------------------------------------------- write again */

enum { WORD = 5 };

struct rewrite {
  ax_stream *stream;
  enum ending ending;
  const char *bytes;
  struct seen old, new;
};

static void on_write_again(void *arg, int err, size_t n) {
  struct rewrite *r = arg;
  ax_stream_write(r->stream, AX_CSEQ(ax_cbuffer(r->bytes, LARGE)),
                  ax_call(on_seen, &r->old));
  cancel(r->stream, AX_WRITE, r->ending);
  ax_stream_write(r->stream, AX_CSEQ(ax_cstring("\377\377\377\377\377")),
                  ax_call(on_seen, &r->new));
}

static atomic_size_t drained; /* by the one that follows */

/* Reads beside it what is of the pattern, and then what is not (255 is no byte
 * of it); returns how much was. */
static size_t drain_pattern(struct bench *bench) {
  static char bytes[65536];
  size_t got = 0, word = 0;
  while (word < WORD) {
    size_t n = peer_recv_some(bench, bytes, sizeof bytes), old = 0;
    while (old < n && bytes[old] != '\377')
      old++;
    if (!n || (word && old) || !pattern_is(bytes, old, got))
      give_up("%s: wrong after %zu bytes", bench->kind, got);
    got += old;
    atomic_store(&drained, got);
    for (size_t i = old; i < n; i++, word++)
      if (bytes[i] != '\377')
        give_up("%s: bytes of both writes are mixed", bench->kind);
  }
  assert_int_equal(word, WORD);
  return got;
}

static void *drain_alone(void *arg) {
  struct drain *d = arg;
  d->size = drain_pattern(d->bench);
  return NULL;
}

static void write_again(const struct kind *kind, enum place place,
                        enum ending ending, const char *bytes) {
  struct scene scene = scene_on(kind);
  struct rewrite r = {
      .stream = scene.bench.stream, .ending = ending, .bytes = bytes};
  struct drain d = {.bench = &scene.bench};
  scene_act(&scene, place, ax_call(on_write_again, &r));
  pthread_t thread = thread_start(drain_alone, &d);
  scene_end(&scene);
  thread_join(thread);
  expect_seen(&r.new, kind->name, 0);
  assert_int_equal(r.new.n, WORD);
  expect_seen(&r.old, kind->name, UV_ECANCELED);
  assert_int_equal(r.old.n, d.size);
  bench_free(&scene.bench);
}

static void after_a_cancel_the_next_write_waits_for_its_turn(void **state) {
  char *bytes = large_pattern();
  for (int i = 0; i < 5 * PLACES * ENDINGS; i++)
    FOR_EACH_KIND(kind, writes)
  write_again(kind, (enum place)(i % PLACES), (enum ending)(i / PLACES % 2),
              bytes);
  free(bytes);
}

/* The old one is being written by a butler at that moment, as the peer reads.
 * It may just have come to its end. */
static void write_over(const struct kind *kind, enum ending ending,
                       const char *bytes) {
  struct bench bench = bench_on(kind);
  struct drain d = {.bench = &bench};
  struct seen old = {0}, new = {0};
  ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(bytes, LARGE)),
                  ax_call(on_seen, &old));
  ax_work_begin(bench.context);
  struct butlers *butlers = butlers_start(bench.context, 1);
  atomic_store(&drained, 0);
  pthread_t thread = thread_start(drain_alone, &d);
  wait_until(atomic_load(&drained) > LARGE / 8);
  cancel(bench.stream, AX_WRITE, ending);
  ax_stream_write(bench.stream, AX_CSEQ(ax_cstring("\377\377\377\377\377")),
                  ax_call(on_seen, &new));
  ax_work_end(bench.context);
  thread_join(thread);
  butlers_join(butlers);
  expect_seen(&new, kind->name, 0);
  expect_seen(&old, kind->name, old.n == LARGE ? old.err : UV_ECANCELED);
  assert_int_equal(old.n, d.size);
  bench_free(&bench);
}

static void a_write_never_comes_between_bytes_of_a_cancelled_one(void **state) {
  char *bytes = large_pattern();
  for (int i = 0; i < 8 * ENDINGS; i++)
    FOR_EACH_KIND(kind, writes)
  write_over(kind, (enum ending)(i % ENDINGS), bytes);
  free(bytes);
}

/* ------------------------------------------------------------ connect again */

static int listen_on(ax_endpoint *endpoint, int backlog) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ends_must(bind(fd, (void *)&address, size) == 0 && listen(fd, backlog) == 0 &&
                getsockname(fd, (void *)&address, &size) == 0,
            "listen");
  memcpy(&endpoint->addr, &address, size);
  endpoint->len = size;
  return fd;
}

/* Its backlog is full: who connects waits. */
static int listen_busy(ax_endpoint *endpoint, int waiting[4]) {
  int fd = listen_on(endpoint, 0);
  for (int i = 0; i < 4; i++) {
    waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(waiting[i], F_SETFL, O_NONBLOCK);
    (void)!connect(waiting[i], (void *)&endpoint->addr, endpoint->len);
  }
  struct pollfd last = {.fd = waiting[3], .events = POLLOUT};
  if (poll(&last, 1, 20))
    skip(); /* another idea of a backlog */
  return fd;
}

struct reconnect {
  ax_stream *stream;
  ax_endpoint busy, free;
  struct seen old, new;
};

static void on_connect_again(void *arg, int err, size_t n) {
  struct reconnect *r = arg;
  ax_stream_connect(r->stream, &r->busy, ax_call(on_seen, &r->old));
  ax_stream_close(r->stream);
  ax_stream_connect(r->stream, &r->free, ax_call(on_seen, &r->new));
}

static void after_a_close_the_next_connect_waits_for_its_turn(void **state) {
  for (int place = 0; place < 4 * PLACES; place++) {
    int waiting[4], others[2];
    struct scene scene = scene_on(&kinds[0]);
    struct reconnect r = {.stream = ax_stream_new(scene.bench.context)};
    int busy = listen_busy(&r.busy, waiting), open = listen_on(&r.free, 5);
    scene_act(&scene, (enum place)(place % PLACES),
              ax_call(on_connect_again, &r));
    scene_end(&scene);
    expect_seen(&r.old, "the first", UV_ECANCELED);
    expect_seen(&r.new, "the second", 0);
    others[0] = accept(open, NULL, NULL);
    assert_int_equal(write(ax_stream_fd(r.stream), "hi", 2), 2);
    client_expect_text(others[0], "hi");
    ax_unref(r.stream);
    bench_free(&scene.bench);
    int fds[] = {busy,       open,       others[0], waiting[0],
                 waiting[1], waiting[2], waiting[3]};
    for (int i = 0; i < 7; i++)
      close(fds[i]);
  }
}

/* ------------------------------------------------------------ after a close */

struct reopen {
  ax_stream *stream;
  const char *bytes;
  int fd;
  struct seen old_read, old_write, read, write;
  char byte, word[5];
};

static void on_reopen(void *arg, int err, size_t n) {
  struct reopen *r = arg;
  ax_stream_read(r->stream, AX_SEQ(ax_buffer(&r->byte, 1)),
                 ax_call(on_seen, &r->old_read));
  ax_stream_write(r->stream, AX_CSEQ(ax_cbuffer(r->bytes, LARGE)),
                  ax_call(on_seen, &r->old_write));
  ax_stream_close(r->stream);
  if (ax_stream_open_fd(r->stream, r->fd))
    give_up("cannot be opened again");
  ax_stream_read(r->stream, AX_SEQ(AX_BUF(r->word)),
                 ax_call(on_seen, &r->read));
  ax_stream_write(r->stream, AX_CSEQ(ax_cstring("hello")),
                  ax_call(on_seen, &r->write));
}

/* The new peer hears of the new operations alone. */
static void after_a_close_the_next_of_both_sides_have_their_turn(void **state) {
  char *bytes = large_pattern();
  for (int i = 0; i < 4 * PLACES; i++) {
    struct scene scene = scene_on(&kinds[i % 4]);
    struct ends ends = kinds[i / 3 % 4].open();
    struct bench next = {.kind = "the next", .peer = ends.theirs};
    struct reopen r = {
        .stream = scene.bench.stream, .bytes = bytes, .fd = ends.ours};
    scene_act(&scene, (enum place)(i % PLACES), ax_call(on_reopen, &r));
    peer_say(&next, "world");
    peer_expect(&next, "hello");
    scene_end(&scene);
    expect_seen(&r.old_read, "the old read", UV_ECANCELED);
    expect_seen(&r.old_write, "the old write", UV_ECANCELED);
    expect_seen(&r.read, "the new read", 0);
    expect_seen(&r.write, "the new write", 0);
    assert_memory_equal(r.word, "world", 5);
    assert_false(client_readable(next.peer, 1));
    bench_free(&scene.bench);
    close(ends.ours);
    close(ends.theirs);
  }
  free(bytes);
}

/* What cannot be written says so, also while a cancel is on its way. */
static void on_write_to_a_reader(void *arg, int err, size_t n) {
  struct again *a = arg;
  ax_stream_cancel(a->stream);
  ax_stream_write(a->stream, AX_CSEQ(ax_cstring("x")),
                  ax_call(on_seen, &a->new));
}

static void what_cannot_be_written_is_not_waited_for(void **state) {
  for (int place = 0; place < PLACES; place++) {
    struct scene scene = scene_on(&kinds[4]);
    struct again a = {.stream = scene.bench.stream};
    assert_string_equal(scene.bench.kind, "pipe, reading end");
    scene_act(&scene, (enum place)place, ax_call(on_write_to_a_reader, &a));
    scene_end(&scene);
    expect_seen(&a.new, "write", UV_EBADF);
    bench_free(&scene.bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(cancel_of_the_read_leaves_the_write),
      clean_test(cancel_of_the_write_leaves_the_read),
      clean_test(cancel_of_a_side_with_nothing_pending_is_harmless),
      clean_test(after_a_cancel_the_next_read_waits_for_its_turn),
      clean_test(reads_and_cancels_in_a_row_end_all_but_the_last),
      clean_test(after_a_cancel_the_next_write_waits_for_its_turn),
      clean_test(a_write_never_comes_between_bytes_of_a_cancelled_one),
      clean_test(after_a_close_the_next_connect_waits_for_its_turn),
      clean_test(after_a_close_the_next_of_both_sides_have_their_turn),
      clean_test(what_cannot_be_written_is_not_waited_for),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
