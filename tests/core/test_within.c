/* ax_within: an operation that is still pending when its time is over ends with
 * UV_ETIMEDOUT, that one and no other; what completed before keeps its own
 * result; and nothing is left of the limit. */
#include "ends.h"
#include "world.h"

static const ax_time HOUR = AX_SECONDS(3600), SOON = AX_MS(2);

static int destroyed;

static void count_destroyed(void *object) { destroyed++; }

/* Elsewhere there may be no connection that waits. */
static bool can_time_out(const struct initiation *initiation) {
  static const char *const others[] = {"wait_for_ever", "signal_for_ever",
                                       "own_for_ever"};
  for (size_t i = 0; i < COUNT(others); i++)
    if (strcmp(initiation->what, others[i]) == 0)
      return false;
#ifndef __linux__
  if (strcmp(initiation->what, "connect_for_ever") == 0)
    return false;
#endif
  return true;
}

#define FOR_EACH_THAT_STAYS(it)                                                \
  for (const struct initiation *it = that_stay;                                \
       it < that_stay + COUNT(that_stay); it++)                                \
    if (can_time_out(it))

/* -------------------------------------------------------- the time is over */

static void what_takes_too_long_ends_with_etimedout(void **state) {
  FOR_EACH_THAT_STAYS(it) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    ax_time begin = ax_now();
    INITIATE(it->initiate(world, ax_within(SOON, ax_call(on_seen, &seen))));
    ax_run(world->context);
    expect_seen(&seen, it->what, UV_ETIMEDOUT);
    assert_true(seen.at - begin >= SOON);
    world_free(world);
  }
}

static void an_empty_span_is_over_at_once_and_one_without_end_never(void **s) {
  FOR_EACH_THAT_STAYS(it) {
    struct seen none = {0}, endless = {0};
    struct world *world = world_new(false), *other = world_new(false);
    INITIATE(it->initiate(world, ax_within(0, ax_call(on_seen, &none))));
    it->initiate(other, ax_within(UINT64_MAX, ax_call(on_seen, &endless)));
    ax_run(world->context);
    ax_poll(other->context);
    expect_seen(&none, it->what, UV_ETIMEDOUT);
    assert_int_equal(endless.calls, 0);
    world_free(world);
    world_free(other);
  }
}

static void what_was_transferred_is_told_and_the_stream_goes_on(void **state) {
  struct bench bench = bench_new();
  struct seen first = {0}, second = {0};
  char bytes[8];
  peer_say(&bench, "eat");
  ax_stream_read(bench.stream, AX_SEQ(AX_BUF(bytes)),
                 ax_within(SOON, ax_call(on_seen, &first)));
  ax_run(bench.context);
  expect_seen(&first, "the first read", UV_ETIMEDOUT);
  assert_int_equal(first.n, 3);
  peer_say(&bench, "drink");
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(bytes)),
                      ax_within(HOUR, ax_call(on_seen, &second)));
  ax_run(bench.context);
  expect_seen(&second, "the second read", 0);
  assert_int_equal(second.n, 5);
  bench_free(&bench);
}

static void a_side_is_taken_until_the_handler_runs(void **state) {
  struct bench bench = bench_new();
  struct seen read = {0}, busy = {0};
  char byte[1];
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                      ax_within(SOON, ax_call(on_seen, &read)));
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                      ax_within(SOON, ax_call(on_seen, &busy)));
  ax_run(bench.context);
  expect_seen(&busy, "the second", UV_EBUSY);
  expect_seen(&read, "the first", UV_ETIMEDOUT);
  bench_free(&bench);
}

/* --------------------------------------------------- that one and no other */

static void the_other_side_of_a_stream_goes_on(void **state) {
  struct bench bench = bench_new();
  struct seen read = {0}, wait = {0};
  char byte[1];
  ax_stream_wait(bench.stream, AX_READ, ax_call(on_seen, &wait));
  size_t size = WORLD_MANY_BYTES;
  char *many = calloc(1, size);
  assert_non_null(many);
  ax_stream_write(bench.stream, AX_CSEQ(ax_cbuffer(many, size)),
                  ax_within(SOON, ax_call(on_seen, &read)));
  while (!read.calls)
    ax_poll(bench.context);
  expect_seen(&read, "the write", UV_ETIMEDOUT);
  assert_int_equal(wait.calls, 0);
  peer_say(&bench, "x");
  ax_run(bench.context);
  expect_seen(&wait, "the wait", 0);
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)), (ax_token){0});
  ax_run(bench.context);
  free(many);
  bench_free(&bench);
}

static void of_several_accepts_one_times_out(void **state) {
  struct world *world = world_new(false);
  ax_stream *peers[3];
  struct seen seen[3] = {0};
  for (int i = 0; i < 3; i++) {
    peers[i] = ax_stream_new(world->home);
    ax_acceptor_accept(
        world->acceptor, peers[i],
        ax_within(i == 1 ? SOON : HOUR, ax_call(on_seen, &seen[i])));
  }
  while (!seen[1].calls)
    ax_poll(world->context);
  expect_seen(&seen[1], "the second", UV_ETIMEDOUT);
  char text[AX_ENDPOINT_TEXT];
  ax_endpoint_format(&world->listening, text);
  int clients[2] = {client_connect(text), client_connect(text)};
  ax_run(world->context);
  for (int i = 0; i < 3; i += 2)
    expect_seen(&seen[i], "the others", 0);
  assert_int_equal(ax_stream_fd(peers[1]), -1);
  for (int i = 0; i < 2; i++)
    close(clients[i]);
  for (int i = 0; i < 3; i++)
    ax_unref(peers[i]);
  world_free(world);
}

static void the_next_read_does_not_inherit_a_limit(void **state) {
  struct bench bench = bench_new();
  char byte[1];
  for (int i = 0; i < 100; i++) {
    struct seen limited = {0}, free_of_it = {0};
    peer_say(&bench, "x");
    ax_stream_read_some(
        bench.stream, AX_SEQ(AX_BUF(byte)),
        ax_within(AX_MS(0.05 * (i % 5)), ax_call(on_seen, &limited)));
    ax_run(bench.context);
    assert_int_equal(limited.calls, 1);
    assert_true(limited.err == 0 || limited.err == UV_ETIMEDOUT);
    ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                        ax_call(on_seen, &free_of_it));
    ax_timer *later = ax_timer_new(bench.context);
    ax_timer_expires_after(later, AX_MS(0.3));
    struct seen passed = {0};
    ax_timer_wait(later, ax_call(on_seen, &passed));
    while (!passed.calls)
      ax_poll(bench.context);
    ax_unref(later);
    if (limited.err == 0) {
      assert_int_equal(free_of_it.calls, 0);
      peer_say(&bench, "x");
    }
    ax_run(bench.context);
    expect_seen(&free_of_it, "the next", 0);
  }
  bench_free(&bench);
}

/* ------------------------------------------- what completes before that */

/* And ax_run returns, though the hour is not over. */
static void what_completes_in_time_has_its_own_result(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++)
    for (int strand = 0; strand < 2; strand++) {
      struct seen seen = {0};
      struct world *world = world_new(strand);
      INITIATE(that_end[i].initiate(world,
                                    ax_within(HOUR, ax_call(on_seen, &seen))));
      ax_run(world->context);
      assert_int_equal(seen.calls, 1);
      assert_false(seen.nested);
      if (seen.err != that_end[i].err && seen.err != that_end[i].or_err)
        give_up("%s: %d", that_end[i].what, seen.err);
      world_free(world);
    }
}

/* Both are ready when the butler comes back. */
static void what_completes_late_keeps_its_result(void **state) {
  struct bench bench = bench_new();
  struct seen seen = {0};
  char byte[1];
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                      ax_within(SOON, ax_call(on_seen, &seen)));
  ax_time begin = ax_now();
  peer_say(&bench, "x");
  wait_until(ax_now() - begin > 2 * SOON);
  ax_run(bench.context);
  expect_seen(&seen, "read", 0);
  bench_free(&bench);
}

/* The read is done; its handler waits for the strand until the time is over. */
static void what_waits_for_its_handler_keeps_its_result(void **state) {
  struct bench bench = bench_new();
  struct seen seen = {0}, passed = {0};
  struct gate door = GATE;
  char byte[1];
  ax_strand *strand = ax_strand_new(bench.context);
  ax_timer *later = ax_timer_new(bench.context);
  ax_post(strand, ax_call(on_pass, &door));
  ax_stream_read_some(
      bench.stream, AX_SEQ(AX_BUF(byte)),
      ax_on(strand, ax_within(AX_MS(50), ax_call(on_seen, &seen))));
  ax_timer_expires_after(later, AX_MS(60));
  ax_timer_wait(later, ax_call(on_seen, &passed));
  peer_say(&bench, "x");
  struct butlers *butlers = butlers_start(bench.context, 2);
  wait_until(atomic_load(&passed.calls));
  assert_int_equal(seen.calls, 0);
  gate_open(&door);
  butlers_join(butlers);
  assert_int_equal(seen.calls, 1);
  assert_true(seen.err == 0 || seen.err == UV_ETIMEDOUT);
  ax_unref(later);
  ax_unref(strand);
  bench_free(&bench);
}

static void what_is_cancelled_or_closed_is_that(void **state) {
  for (int close_it = 0; close_it < 2; close_it++) {
    struct bench bench = bench_new();
    struct seen seen = {0};
    char byte[1];
    ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                        ax_within(HOUR, ax_call(on_seen, &seen)));
    if (close_it)
      ax_stream_close(bench.stream);
    else
      ax_stream_cancel(bench.stream);
    ax_run(bench.context);
    expect_seen(&seen, "read", UV_ECANCELED);
    bench_free(&bench);
  }
}

/* ------------------------------------------------- contexts and executors */

static void it_completes_on_the_executor_of_its_token(void **state) {
  ax_context *other = ax_context_new();
  ax_work_begin(other);
  struct butlers *butlers = butlers_start(other, 1);
  FOR_EACH_THAT_STAYS(it) {
    struct world *world = world_new(true);
    struct seen seen = {.where = other};
    it->initiate(world, ax_on(other, ax_within(SOON, ax_call(on_seen, &seen))));
    ax_run(world->context);
    wait_until(atomic_load(&seen.calls));
    expect_seen(&seen, it->what, UV_ETIMEDOUT);
    assert_true(seen.inside);
    world_free(world);
  }
  ax_work_end(other);
  butlers_join(butlers);
  ax_context_free(other);
}

/* The limit is no work: the context of the stream has none after the read. */
static void a_handler_elsewhere_does_not_keep_run_from_returning(void **s) {
  ax_context *home = ax_context_new();
  struct bench bench = bench_new();
  struct seen seen = {0};
  char byte[1];
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                      ax_on(home, ax_within(HOUR, ax_call(on_seen, &seen))));
  peer_say(&bench, "x");
  ax_run(bench.context);
  assert_int_equal(seen.calls, 0);
  ax_run(home);
  expect_seen(&seen, "read", 0);
  bench_free(&bench);
  ax_context_free(home);
}

static void the_context_of_the_stream_may_be_freed_first(void **state) {
  for (int late = 0; late < 2; late++) {
    ax_context *home = ax_context_new();
    struct bench bench = bench_new();
    struct seen seen = {0};
    char byte[1];
    ax_stream_read_some(
        bench.stream, AX_SEQ(AX_BUF(byte)),
        ax_on(home, ax_within(late ? SOON : HOUR, ax_call(on_seen, &seen))));
    if (!late)
      peer_say(&bench, "x");
    ax_run(bench.context);
    bench_free(&bench);
    ax_run(home);
    expect_seen(&seen, "read", late ? UV_ETIMEDOUT : 0);
    ax_context_free(home);
  }
}

/* What the token keeps is released then, and not when the hour is over. */
static void what_is_dropped_releases_all(void **state) {
  for (int with_home = 0; with_home < 2; with_home++)
    FOR_EACH_THAT_STAYS(it) {
      struct seen seen = {0};
      ax_obj kept;
      ax_context *home = with_home ? ax_context_new() : NULL;
      struct world *world = world_new(false);
      ax_obj_init(&kept, count_destroyed);
      destroyed = 0;
      ax_token token = ax_keep(&kept, ax_call(on_seen, &seen));
      it->initiate(world, ax_on(home, ax_within(HOUR, token)));
      ax_unref(&kept);
      ax_poll(world->context);
      assert_int_equal(destroyed, 0);
      world_free(world);
      assert_int_equal(destroyed, 1);
      assert_int_equal(seen.calls, 0);
      ax_context_free(home);
    }
}

static void a_keep_is_released_after_the_handler(void **state) {
  struct world *world = world_new(false);
  struct seen seen = {0};
  ax_obj kept;
  ax_obj_init(&kept, count_destroyed);
  destroyed = 0;
  do_read_for_ever(world,
                   ax_within(SOON, ax_keep(&kept, ax_call(on_seen, &seen))));
  ax_unref(&kept);
  ax_run(world->context);
  expect_seen(&seen, "read", UV_ETIMEDOUT);
  assert_int_equal(destroyed, 1);
  world_free(world);
}

static void a_limit_holds_no_stream_after_its_operation(void **state) {
  struct bench bench = bench_new();
  char byte[1];
  ax_stream_read_some(bench.stream, AX_SEQ(AX_BUF(byte)),
                      ax_within(SOON, (ax_token){0}));
  ax_unref(bench.stream);
  bench.stream = NULL;
  ax_run(bench.context);
  assert_int_equal(peer_recv_some(&bench, byte, 1), 0); /* it is closed */
  bench_free(&bench);
}

/* ------------------------------------------------------- many at one time */

enum { PAIRS = 40 };

static atomic_int in_time, too_late;

static void on_either(void *arg, int err, size_t n) {
  assert_true(err == 0 || err == UV_ETIMEDOUT);
  err ? too_late++ : in_time++;
}

static void each_of_many_ends_once_with_many_butlers(void **state) {
  ax_context *context = ax_context_new();
  ax_stream *streams[PAIRS][2];
  static char bytes[PAIRS];
  in_time = too_late = 0;
  for (int i = 0; i < PAIRS; i++) {
    for (int k = 0; k < 2; k++)
      streams[i][k] = ax_stream_new(context);
    assert_int_equal(ax_stream_pair(streams[i][0], streams[i][1]), 0);
  }
  struct butlers *butlers = NULL;
  for (int i = 0; i < PAIRS; i++) {
    ax_stream_read_some(streams[i][0], AX_SEQ(ax_buffer(&bytes[i], 1)),
                        ax_within(AX_MS(1 + i % 7), ax_call(on_either, NULL)));
    if (!butlers)
      butlers = butlers_start(context, 3);
    if (i % 2)
      ax_stream_write(streams[i][1], AX_CSEQ(ax_cstring("x")), (ax_token){0});
  }
  butlers_join(butlers);
  ax_run(context);
  assert_int_equal(in_time + too_late, PAIRS);
  assert_true(too_late >= PAIRS / 2);
  for (int i = 0; i < PAIRS; i++) {
    ax_unref(streams[i][0]);
    ax_unref(streams[i][1]);
  }
  ax_context_free(context);
}

static void what_else_takes_a_token_takes_no_notice(void **state) {
  static const char *const others[] = {"wait_for_ever", "signal_for_ever",
                                       "own_for_ever"};
  for (size_t i = 0; i < COUNT(that_stay); i++)
    for (size_t k = 0; k < COUNT(others); k++)
      if (strcmp(that_stay[i].what, others[k]) == 0) {
        struct seen seen = {0}, passed = {0};
        struct world *world = world_new(false);
        that_stay[i].initiate(world, ax_within(1, ax_call(on_seen, &seen)));
        ax_timer *later = ax_timer_new(world->context);
        ax_timer_expires_after(later, SOON);
        ax_timer_wait(later, ax_call(on_seen, &passed));
        while (!passed.calls)
          ax_poll(world->context);
        assert_int_equal(seen.calls, 0);
        ax_unref(later);
        world_free(world);
      }
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      clean_test(what_takes_too_long_ends_with_etimedout),
      clean_test(an_empty_span_is_over_at_once_and_one_without_end_never),
      clean_test(what_was_transferred_is_told_and_the_stream_goes_on),
      clean_test(a_side_is_taken_until_the_handler_runs),
      clean_test(the_other_side_of_a_stream_goes_on),
      clean_test(of_several_accepts_one_times_out),
      clean_test(the_next_read_does_not_inherit_a_limit),
      clean_test(what_completes_in_time_has_its_own_result),
      clean_test(what_completes_late_keeps_its_result),
      clean_test(what_waits_for_its_handler_keeps_its_result),
      clean_test(what_is_cancelled_or_closed_is_that),
      clean_test(it_completes_on_the_executor_of_its_token),
      clean_test(a_handler_elsewhere_does_not_keep_run_from_returning),
      clean_test(the_context_of_the_stream_may_be_freed_first),
      clean_test(what_is_dropped_releases_all),
      clean_test(a_keep_is_released_after_the_handler),
      clean_test(a_limit_holds_no_stream_after_its_operation),
      clean_test(each_of_many_ends_once_with_many_butlers),
      clean_test(what_else_takes_a_token_takes_no_notice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
