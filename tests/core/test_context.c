/* Contexts: the completion queue, running and stopping, work, dispatch. */
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void on_count(void *arg, int err, size_t n) { ++*(int *)arg; }

/* ---------------------------------------------------- laws 1 and 6: running */

static void run_returns_at_once_without_work(void **state) {
  ax_context *context = ax_context_new();
  assert_int_equal(ax_run(context), 0);
  assert_int_equal(ax_run(context), 0);
  ax_context_free(context);
}

static void run_counts_the_handlers_it_ran(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  for (int i = 0; i < 10; i++)
    ax_post(context, ax_call(on_count, &count));
  assert_int_equal(count, 0);
  assert_int_equal(ax_run(context), 10);
  assert_int_equal(count, 10);
  ax_context_free(context);
}

static void all_butlers_together_run_each_handler_once(void **state) {
  enum { HANDLERS = 2000 };
  static struct seen seen[HANDLERS];
  ax_context *context = ax_context_new();
  for (int i = 0; i < HANDLERS; i++) {
    seen[i] = (struct seen){0};
    ax_post(context, ax_call(on_seen, &seen[i]));
  }
  assert_int_equal(butlers_join(butlers_start(context, 4)), HANDLERS);
  for (int i = 0; i < HANDLERS; i++)
    expect_seen(&seen[i], "post", 0);
  ax_context_free(context);
}

static void one_butler_runs_handlers_in_the_order_posted(void **state) {
  struct seen seen[100] = {0};
  ax_context *context = ax_context_new();
  for (int i = 0; i < 100; i++)
    ax_post(context, ax_call(on_seen, &seen[i]));
  ax_run(context);
  for (int i = 1; i < 100; i++)
    assert_int_equal(seen[i].turn, seen[0].turn + i);
  ax_context_free(context);
}

static void a_posted_handler_gets_no_error_and_no_bytes(void **state) {
  struct seen seen = {.err = 1, .n = 1};
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_seen, &seen));
  ax_run(context);
  expect_seen(&seen, "post", 0);
  assert_int_equal(seen.n, 0);
  ax_context_free(context);
}

static void a_context_can_be_run_again_when_work_comes(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  for (int i = 1; i <= 3; i++) {
    ax_post(context, ax_call(on_count, &count));
    assert_int_equal(ax_run(context), 1);
    assert_int_equal(count, i);
    assert_false(ax_stopped(context));
  }
  ax_context_free(context);
}

/* ---------------------------------------------------------------- counting */

/* Posts three handlers to another context and runs them. */
struct visit {
  ax_context *other;
  size_t (*run)(ax_executor *);
  int count;
  size_t ran;
};

static void on_visit(void *arg, int err, size_t n) {
  struct visit *visit = arg;
  for (int i = 0; i < 3; i++)
    ax_post(visit->other, ax_call(on_count, &visit->count));
  visit->ran = visit->run(visit->other);
}

static void handlers_run_inside_a_handler_are_counted_there(void **state) {
  for (int polled = 0; polled < 2; polled++) {
    int count = 0;
    struct visit visit = {ax_context_new(), polled ? ax_poll : ax_run, 0, 0};
    ax_context *context = ax_context_new();
    ax_post(context, ax_call(on_count, &count));
    ax_post(context, ax_call(on_visit, &visit));
    ax_post(context, ax_call(on_count, &count));
    assert_int_equal(visit.run(context), 3);
    assert_int_equal(count, 2);
    assert_int_equal(visit.ran, 3);
    assert_int_equal(visit.count, 3);
    ax_context_free(visit.other);
    ax_context_free(context);
  }
}

static int do_nothing(void *arg) { return 0; }

static void work_elsewhere_is_counted_there(void **state) {
  ax_context *home = ax_context_new(), *there = ax_context_new();
  struct seen seen = {0};
  ax_run_on(there, do_nothing, NULL, ax_on(home, ax_call(on_seen, &seen)));
  assert_int_equal(ax_run(there), 1);
  assert_int_equal(ax_run(home), 1);
  ax_run_on(there, do_nothing, NULL, ax_call(on_seen, &seen));
  assert_int_equal(ax_run(there), 2);
  ax_context_free(home);
  ax_context_free(there);
}

static void poll_counts_the_handlers_it_ran(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  for (int i = 0; i < 10; i++)
    ax_post(i % 2 ? strand : context, ax_call(on_count, &count));
  assert_int_equal(ax_poll(context), 10);
  assert_int_equal(ax_poll(context), 0);
  assert_int_equal(count, 10);
  ax_unref(strand);
  ax_context_free(context);
}

static void on_dispatch_count(void *arg, int err, size_t n) {
  ax_dispatch(((void **)arg)[0], ax_call(on_count, ((void **)arg)[1]));
  ax_dispatch(((void **)arg)[0], (ax_token){0});
}

static void a_dispatched_handler_is_counted_as_well(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  void *args[] = {context, &count};
  ax_post(context, ax_call(on_dispatch_count, args));
  assert_int_equal(ax_run(context), 2);
  assert_int_equal(count, 1);
  ax_context_free(context);
}

static void a_token_without_a_function_is_not_counted(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_timer *timer = ax_timer_new(context);
  ax_post(context, (ax_token){0});
  ax_post(strand, (ax_token){0});
  ax_dispatch(context, (ax_token){0});
  ax_timer_wait(timer, (ax_token){0});
  ax_complete(ax_initiate(strand, (ax_token){0}), 0, 0);
  assert_int_equal(ax_run(context), 0);
  ax_run_on(context, do_nothing, NULL, (ax_token){0});
  assert_int_equal(ax_run(context), 1); /* the work */
  ax_unref(timer);
  ax_unref(strand);
  ax_context_free(context);
}

/* ----------------------------------------------------------------- polling */

struct chain {
  ax_executor *executor;
  int left;
};

static void on_chain(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  if (chain->left-- > 0)
    ax_post(chain->executor, ax_call(on_chain, chain));
}

static void poll_runs_what_is_ready_and_what_that_makes_ready(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct chain one = {context, 20}, two = {strand, 30};
  ax_post(context, ax_call(on_chain, &one));
  ax_post(strand, ax_call(on_chain, &two));
  assert_int_equal(ax_poll(context), 21 + 31);
  assert_int_equal(ax_poll(strand), 0);
  ax_unref(strand);
  ax_context_free(context);
}

/* Not even for what is nearly there. */
static void poll_never_waits(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_work_begin(context);
  assert_int_equal(ax_poll(context), 0);
  ax_timer_expires_after(timer, AX_SECONDS(3600));
  ax_timer_wait(timer, ax_call(on_seen, &seen));
  for (int i = 0; i < 100; i++)
    assert_int_equal(ax_poll(context), 0);
  ax_work_end(context);
  ax_timer_cancel(timer);
  assert_int_equal(ax_poll(context), 1);
  expect_seen(&seen, "wait", UV_ECANCELED);
  ax_unref(timer);
  ax_context_free(context);
}

static void poll_sees_to_sockets_and_timers(void **state) {
  struct seen expired = {0}, read = {0};
  char byte;
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_stream *one = ax_stream_new(context), *other = ax_stream_new(context);
  assert_int_equal(ax_stream_pair(one, other), 0);
  ax_stream_read_some(one, AX_SEQ(ax_buffer(&byte, 1)),
                      ax_call(on_seen, &read));
  ax_timer_expires_after(timer, AX_MS(3));
  ax_timer_wait(timer, ax_call(on_seen, &expired));
  assert_int_equal(write(ax_stream_fd(other), "x", 1), 1);
  assert_int_equal(ax_poll(context) + ax_poll(context), 1);
  expect_seen(&read, "read", 0);
  wait_until(ax_now() >= ax_timer_expiry(timer));
  assert_int_equal(ax_poll(context), 1);
  expect_seen(&expired, "wait", 0);
  ax_unref(timer);
  ax_unref(one);
  ax_unref(other);
  ax_context_free(context);
}

static void poll_makes_a_main_loop_of_ones_own(void **state) {
  struct seen seen[5] = {0};
  size_t ran = 0;
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  for (int i = 0; i < 5; i++) {
    ax_timer_expires_after(timer, AX_MS(i));
    ax_timer_wait(timer, ax_call(on_seen, &seen[i]));
    for (double end = deadline(); !seen[i].calls; pause_before(end, "a wait"))
      ran += ax_poll(context);
    expect_seen(&seen[i], "wait", 0);
    assert_int_equal(seen[i].butler, 1);
  }
  assert_int_equal(ran, 5);
  ax_unref(timer);
  ax_context_free(context);
}

static void on_add(void *arg, int err, size_t n) {
  atomic_fetch_add((atomic_int *)arg, 1);
}

static void poll_works_beside_butlers(void **state) {
  enum { HANDLERS = 3000 };
  atomic_int count = 0;
  size_t polled = 0;
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 0; i < HANDLERS; i++) {
    ax_post(context, ax_call(on_add, &count));
    polled += i % 3 ? 0 : ax_poll(context);
  }
  ax_work_end(context);
  assert_int_equal(polled + butlers_join(butlers), HANDLERS);
  assert_int_equal(count, HANDLERS);
  ax_context_free(context);
}

static void poll_runs_nothing_on_a_stopped_context(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_count, &count));
  ax_stop(context);
  assert_int_equal(ax_poll(context), 0);
  assert_int_equal(count, 0);
  ax_restart(context);
  assert_int_equal(ax_poll(context), 1);
  ax_context_free(context);
}

/* ------------------------------------------------------------- work guards */

static void on_work_end(void *arg, int err, size_t n) { ax_work_end(arg); }

static void a_work_guard_keeps_run_from_returning(void **state) {
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 0; i < 3; i++) { /* without it they would be gone after one */
    struct seen seen = {0};
    ax_post(context, ax_call(on_seen, &seen));
    wait_until(atomic_load(&seen.calls));
  }
  ax_work_end(context);
  assert_int_equal(butlers_join(butlers), 3);
  ax_context_free(context);
}

static void the_last_work_may_end_in_a_handler(void **state) {
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  ax_work_begin(context);
  ax_post(context, ax_call(on_work_end, context));
  ax_post(context, ax_call(on_work_end, context));
  assert_int_equal(ax_run(context), 2);
  ax_context_free(context);
}

static void every_butler_returns_when_work_ends(void **state) {
  for (int i = 0; i < 50; i++) {
    ax_context *context = ax_context_new();
    ax_work_begin(context);
    struct butlers *butlers = butlers_start(context, 4);
    if (i % 2)
      ax_post(context, ax_call(on_work_end, context));
    else
      ax_work_end(context);
    butlers_join(butlers);
    ax_context_free(context);
  }
}

static void a_timer_that_nobody_waits_for_is_no_work(void **state) {
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_SECONDS(3600));
  assert_int_equal(ax_run(context), 0);
  ax_unref(timer);
  ax_context_free(context);
}

/* --------------------------------------------------------- stop and restart */

static void on_stop(void *arg, int err, size_t n) { ax_stop(arg); }

static void stop_leaves_the_handlers_behind_it_for_later(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_count, &count));
  ax_post(context, ax_call(on_stop, context));
  ax_post(context, ax_call(on_count, &count));
  assert_int_equal(ax_run(context), 2);
  assert_int_equal(count, 1);
  assert_true(ax_stopped(context));
  assert_int_equal(ax_run(context), 0);
  ax_restart(context);
  assert_false(ax_stopped(context));
  assert_int_equal(ax_run(context), 1);
  assert_int_equal(count, 2);
  ax_context_free(context);
}

struct post {
  ax_executor *executor;
  struct seen *seen;
};

static void on_post(void *arg, int err, size_t n) {
  struct post *post = arg;
  ax_post(post->executor, ax_call(on_seen, post->seen));
}

static void stop_leaves_the_handlers_of_a_strand_in_order(void **state) {
  struct seen seen[6] = {0};
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct post late = {strand, &seen[5]};
  for (int i = 0; i < 3; i++)
    ax_post(strand, ax_call(on_seen, &seen[i]));
  ax_post(strand, ax_call(on_post, &late));
  ax_post(strand, ax_call(on_stop, context));
  for (int i = 3; i < 5; i++)
    ax_post(strand, ax_call(on_seen, &seen[i]));
  assert_int_equal(ax_run(context), 5);
  ax_restart(context);
  assert_int_equal(ax_run(context), 3);
  for (int i = 0; i < 6; i++)
    expect_seen(&seen[i], "post", 0);
  for (int i = 1; i < 6; i++)
    assert_true(seen[i].turn > seen[i - 1].turn);
  ax_unref(strand);
  ax_context_free(context);
}

static void stop_before_run_lets_no_handler_run(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_count, &count));
  ax_stop(context);
  ax_stop(context);
  assert_int_equal(ax_run(context), 0);
  assert_int_equal(count, 0);
  ax_restart(context);
  ax_restart(context);
  assert_int_equal(ax_run(context), 1);
  ax_context_free(context);
}

static void what_was_pending_when_it_stopped_still_completes(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(5));
  ax_timer_wait(timer, ax_call(on_seen, &seen));
  ax_post(context, ax_call(on_stop, context));
  ax_run(context);
  assert_int_equal(seen.calls, 0);
  ax_restart(context);
  assert_int_equal(ax_run(context), 1);
  expect_seen(&seen, "wait", 0);
  ax_unref(timer);
  ax_context_free(context);
}

/* One butler sleeps in the loop, the others on the bench. Whether they are
 * asleep yet cannot be seen from here, so the pause varies. */
static void stop_from_another_thread_wakes_every_butler(void **state) {
  for (int i = 0; i < 30; i++) {
    struct seen seen = {0};
    ax_context *context = ax_context_new();
    ax_timer *timer = ax_timer_new(context);
    ax_timer_expires_after(timer, AX_SECONDS(3600));
    ax_timer_wait(timer, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(context, 1 + i % 4);
    for (double end = seconds() + 0.002 * (i % 8); seconds() < end;)
      pause_before(deadline(), "a moment");
    ax_stop(context);
    assert_int_equal(butlers_join(butlers), 0);
    assert_true(ax_stopped(context));
    assert_int_equal(seen.calls, 0);
    ax_unref(timer);
    ax_context_free(context);
  }
}

static void on_repost(void *arg, int err, size_t n) {
  ax_post(arg, ax_call(on_repost, arg));
}

static void stop_ends_butlers_that_are_never_idle(void **state) {
  ax_context *context = ax_context_new();
  for (int i = 0; i < 10; i++)
    ax_post(context, ax_call(on_repost, context));
  struct butlers *butlers = butlers_start(context, 3);
  pause_before(deadline(), "a moment");
  ax_stop(context);
  butlers_join(butlers);
  ax_context_free(context);
}

static void *stop_later(void *arg) {
  pause_before(deadline(), "a moment");
  ax_stop(arg);
  return NULL;
}

static void a_stopped_context_runs_again_with_all_butlers(void **state) {
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  for (int i = 0; i < 20; i++) {
    struct seen seen = {0};
    ax_post(context, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(context, 3);
    wait_until(atomic_load(&seen.calls));
    pthread_t thread = thread_start(stop_later, context);
    butlers_join(butlers);
    thread_join(thread);
    ax_restart(context);
  }
  ax_work_end(context);
  ax_context_free(context);
}

/* As the loop of a program that has other things to do in between: rounds until
 * it is seen, or too many. */
static int rounds_until(const struct seen *seen, ax_executor *executor,
                        size_t (*run)(ax_executor *)) {
  int rounds = 0;
  for (; !atomic_load(&seen->calls) && rounds < 100; rounds++) {
    ax_post(executor, ax_call(on_stop, executor));
    run(executor);
    ax_restart(executor);
  }
  return rounds;
}

/* On a context and on a strand, with ax_run and with ax_poll. */
static void for_each_way_to_stop(void (*try)(ax_executor *executor,
                                             size_t (*run)(ax_executor *))) {
  for (int way = 0; way < 4; way++) {
    ax_context *context = ax_context_new();
    ax_executor *executor = way & 1 ? ax_strand_new(context) : ax_ref(context);
    try(executor, way & 2 ? ax_poll : ax_run);
    ax_unref(executor);
    ax_context_free(context);
  }
}

enum { FEW_ROUNDS = 6 };

static void stop_beside_a_timer(ax_executor *executor,
                                size_t (*run)(ax_executor *)) {
  struct seen seen = {0};
  ax_timer *timer = ax_timer_new(executor);
  ax_timer_expires_after(timer, AX_MS(3));
  ax_timer_wait(timer, ax_call(on_seen, &seen));
  while (ax_now() < ax_timer_expiry(timer))
    rounds_until(&(struct seen){.calls = 0}, executor, run);
  assert_in_range(rounds_until(&seen, executor, run), 0, FEW_ROUNDS);
  expect_seen(&seen, "wait", 0);
  ax_unref(timer);
}

static void a_posted_stop_starves_no_timer(void **state) {
  for_each_way_to_stop(stop_beside_a_timer);
}

static void stop_beside_a_read(ax_executor *executor,
                               size_t (*run)(ax_executor *)) {
  struct seen seen = {0};
  char byte;
  ax_stream *one = ax_stream_new(executor), *other = ax_stream_new(executor);
  assert_int_equal(ax_stream_pair(one, other), 0);
  ax_stream_read_some(one, AX_SEQ(ax_buffer(&byte, 1)),
                      ax_call(on_seen, &seen));
  assert_int_equal(rounds_until(&seen, executor, run), 100);
  assert_int_equal(write(ax_stream_fd(other), "x", 1), 1);
  assert_in_range(rounds_until(&seen, executor, run), 1, FEW_ROUNDS);
  expect_seen(&seen, "read", 0);
  ax_unref(one);
  ax_unref(other);
}

static void a_posted_stop_starves_no_socket(void **state) {
  for_each_way_to_stop(stop_beside_a_read);
}

/* Nor what others have in the loop. */
static void on_uv_timer_count(uv_timer_t *timer) { ++*(int *)timer->data; }

static void a_posted_stop_starves_no_callback_of_the_loop(void **state) {
  int fired = 0;
  ax_context *context = ax_context_new();
  uv_timer_t timer = {.data = &fired};
  uv_timer_init(ax_context_loop(context), &timer);
  uv_timer_start(&timer, on_uv_timer_count, 1, 0);
  double end = deadline();
  while (!fired) {
    rounds_until(&(struct seen){.calls = 0}, context, ax_run);
    pause_before(end, "the timer");
  }
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(context);
}

/* ---------------------------------------------------------------- dispatch */

struct call {
  ax_executor *executor;
  struct seen seen;
  bool done_inside;
};

static void on_dispatch(void *arg, int err, size_t n) {
  struct call *call = arg;
  INITIATE(ax_dispatch(call->executor, ax_call(on_seen, &call->seen)));
  call->done_inside = atomic_load(&call->seen.calls) == 1;
}

static void dispatch_on_the_executor_runs_the_handler_at_once(void **state) {
  ax_context *context = ax_context_new();
  struct call call = {.executor = context};
  ax_post(context, ax_call(on_dispatch, &call));
  ax_run(context);
  assert_true(call.done_inside);
  assert_true(call.seen.nested);
  assert_int_equal(call.seen.calls, 1);
  ax_context_free(context);
}

static void dispatch_from_outside_is_a_post(void **state) {
  ax_context *context = ax_context_new();
  struct call call = {.executor = context};
  on_dispatch(&call, 0, 0);
  assert_false(call.done_inside);
  ax_run(context);
  expect_seen(&call.seen, "dispatch", 0);
  ax_context_free(context);
}

static void dispatch_to_another_context_is_a_post(void **state) {
  ax_context *here = ax_context_new(), *there = ax_context_new();
  struct call call = {.executor = there};
  ax_post(here, ax_call(on_dispatch, &call));
  ax_run(here);
  assert_false(call.done_inside);
  ax_run(there);
  expect_seen(&call.seen, "dispatch", 0);
  ax_context_free(here);
  ax_context_free(there);
}

/* The token's executor counts, not the one that is named beside it. */
static void dispatch_goes_by_the_executor_of_the_token(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct seen seen = {.where = strand};
  ax_dispatch(context, ax_on(strand, ax_call(on_seen, &seen)));
  ax_run(context);
  expect_seen(&seen, "dispatch", 0);
  assert_true(seen.inside);
  ax_unref(strand);
  ax_context_free(context);
}

/* A handler run within a handler of another context is on both. */
struct nested {
  ax_context *outer, *inner;
  struct call call;
};

static void on_inner(void *arg, int err, size_t n) {
  struct nested *nested = arg;
  if (!ax_inside(nested->outer) || !ax_inside(nested->inner))
    give_up("a nested handler is not on both contexts");
  on_dispatch(&nested->call, 0, 0);
}

static void on_outer(void *arg, int err, size_t n) {
  struct nested *nested = arg;
  ax_post(nested->inner, ax_call(on_inner, nested));
  ax_run(nested->inner);
}

static void dispatch_to_the_context_around_runs_at_once(void **state) {
  struct nested nested = {.outer = ax_context_new(), .inner = ax_context_new()};
  nested.call.executor = nested.outer;
  ax_post(nested.outer, ax_call(on_outer, &nested));
  assert_int_equal(ax_run(nested.outer), 1);
  assert_true(nested.call.done_inside);
  ax_context_free(nested.outer);
  ax_context_free(nested.inner);
}

/* ------------------------------------------------------ inside, and butlers */

static void on_inside(void *arg, int err, size_t n) {
  ax_context **contexts = arg;
  bool right = ax_inside(contexts[0]) && !ax_inside(contexts[1]);
  contexts[0] = right ? contexts[0] : NULL;
}

static void a_butler_is_inside_its_context_only(void **state) {
  ax_context *here = ax_context_new(), *other = ax_context_new();
  ax_context *contexts[] = {here, other};
  assert_false(ax_inside(here));
  ax_post(here, ax_call(on_inside, contexts));
  ax_run(here);
  assert_non_null(contexts[0]);
  assert_false(ax_inside(here));
  ax_context_free(here);
  ax_context_free(other);
}

static void on_meet(void *arg, int err, size_t n) {
  struct seen *seen = ((void **)arg)[0];
  atomic_int *arrived = ((void **)arg)[1];
  on_seen(seen, err, n);
  atomic_fetch_add(arrived, 1);
  wait_until(atomic_load(arrived) == 3);
}

static void butlers_are_numbered_from_one(void **state) {
  struct seen seen[3] = {0};
  atomic_int arrived = 0;
  void *args[3][2];
  ax_context *context = ax_context_new();
  for (int i = 0; i < 3; i++) {
    args[i][0] = &seen[i];
    args[i][1] = &arrived;
    ax_post(context, ax_call(on_meet, args[i]));
  }
  assert_int_equal(butlers_join(butlers_start(context, 3)), 3);
  int numbers = 0;
  for (int i = 0; i < 3; i++)
    numbers |= 1 << seen[i].butler;
  assert_int_equal(numbers, 1 << 1 | 1 << 2 | 1 << 3);
  ax_context_free(context);
}

/* A butler that blocks, so the next handler runs on the other one. */
struct hired {
  ax_context *context;
  struct butlers *butlers;
  atomic_int number;
  struct gate gate;
};

static void on_block(void *arg, int err, size_t n) {
  struct hired *hired = arg;
  atomic_store(&hired->number, ax_butler());
  gate_pass(&hired->gate);
}

static void on_hire(void *arg, int err, size_t n) {
  struct hired *hired = arg;
  hired->butlers = butlers_start(hired->context, 1);
  ax_post(hired->context, ax_call(on_block, hired));
  wait_until(atomic_load(&hired->number));
}

/* The first leaves and comes again while the second stays. */
static void no_two_butlers_inside_have_one_number(void **state) {
  struct seen seen = {0};
  struct hired hired = {.context = ax_context_new(), .gate = GATE};
  ax_work_begin(hired.context);
  ax_post(hired.context, ax_call(on_hire, &hired));
  assert_int_equal(ax_poll(hired.context), 1);
  assert_int_equal(hired.number, 2);
  ax_post(hired.context, ax_call(on_seen, &seen));
  assert_int_equal(ax_poll(hired.context), 1);
  assert_int_equal(seen.butler, 1);
  gate_open(&hired.gate);
  ax_work_end(hired.context);
  butlers_join(hired.butlers);
  ax_context_free(hired.context);
}

static void who_is_no_butler_has_no_number(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  assert_int_equal(ax_butler(), 0);
  ax_post(context, ax_call(on_seen, &seen));
  ax_run(context);
  assert_int_equal(seen.butler, 1);
  assert_int_equal(ax_butler(), 0);
  ax_context_free(context);
}

/* ----------------------------------------------- law 9: from many threads */

enum { THREADS = 4, POSTS = 2000 };

struct crowd {
  ax_context *context;
  atomic_int ran;
};

static void on_ran(void *arg, int err, size_t n) {
  atomic_fetch_add((atomic_int *)arg, 1);
}

static void *post_many(void *arg) {
  struct crowd *crowd = arg;
  for (int i = 0; i < POSTS; i++)
    if (i % 2)
      ax_post(crowd->context, ax_call(on_ran, &crowd->ran));
    else
      ax_dispatch(crowd->context, ax_call(on_ran, &crowd->ran));
  return NULL;
}

static void many_threads_may_post_while_butlers_run(void **state) {
  struct crowd crowd = {.context = ax_context_new()};
  pthread_t threads[THREADS];
  ax_work_begin(crowd.context);
  struct butlers *butlers = butlers_start(crowd.context, 2);
  for (int i = 0; i < THREADS; i++)
    threads[i] = thread_start(post_many, &crowd);
  for (int i = 0; i < THREADS; i++)
    thread_join(threads[i]);
  ax_work_end(crowd.context);
  assert_int_equal(butlers_join(butlers), THREADS * POSTS);
  assert_int_equal(crowd.ran, THREADS * POSTS);
  ax_context_free(crowd.context);
}

/* A handler that was posted before is run, though one more joins the table at
 * the moment when the butler looks whether it is empty. */
struct latecomer {
  ax_executor *executor;
  atomic_int round, posted, ran;
};

/* Rounds, if there is time for so many: the two threads wait for each other
 * without sleeping, which takes long when there are more threads than cores. */
enum { ROUNDS = SANITIZED ? 2000 : 20000, NO_MORE = ROUNDS + 1 };
static const double ROUNDS_TIME = 0.5;

static void *come_late(void *arg) {
  struct latecomer *latecomer = arg;
  for (int round = 1;; round++) {
    while (atomic_load(&latecomer->round) < round)
      continue;
    if (atomic_load(&latecomer->round) == NO_MORE)
      return NULL;
    ax_post(latecomer->executor, ax_call(on_ran, &latecomer->ran));
    atomic_store(&latecomer->posted, round);
  }
}

static void hesitate(int round) {
  for (volatile int i = 0; i < round % 120; i = i + 1)
    continue;
}

/* How often run returned though the handler posted before was ready. */
static int count_missed(ax_executor *executor, bool after) {
  struct latecomer latecomer = {.executor = executor};
  int missed = 0, round;
  double end = seconds() + ROUNDS_TIME;
  pthread_t thread = thread_start(come_late, &latecomer);
  for (round = 1; round <= ROUNDS && seconds() < end; round++) {
    int count = 0;
    if (!after)
      ax_post(executor, ax_call(on_count, &count));
    atomic_store(&latecomer.round, round);
    hesitate(round);
    if (after)
      ax_post(executor, ax_call(on_count, &count));
    ax_run(executor);
    missed += count != 1;
    while (atomic_load(&latecomer.posted) < round)
      continue;
    ax_run(executor);
  }
  atomic_store(&latecomer.round, NO_MORE);
  thread_join(thread);
  assert_int_equal(latecomer.ran, round - 1);
  return missed;
}

static void run_does_not_return_with_a_handler_on_the_table(void **state) {
  ax_context *context = ax_context_new();
  int missed = count_missed(context, false) + count_missed(context, true);
  ax_context_free(context);
  assert_int_equal(missed, 0);
}

static void run_does_not_return_with_a_handler_on_a_strand(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  int missed = count_missed(strand, false) + count_missed(strand, true);
  ax_unref(strand);
  ax_context_free(context);
  assert_int_equal(missed, 0);
}

static void *meddle(void *arg) {
  struct crowd *crowd = arg;
  for (int i = 0; i < 200; i++) {
    ax_work_begin(crowd->context);
    ax_post(crowd->context, ax_call(on_ran, &crowd->ran));
    ax_stop(crowd->context);
    ax_stopped(crowd->context);
    ax_inside(crowd->context);
    ax_restart(crowd->context);
    ax_work_end(crowd->context);
  }
  return NULL;
}

/* Nothing is lost, though everybody stops and restarts everybody. */
static void stop_and_restart_may_come_from_many_threads(void **state) {
  struct crowd crowd = {.context = ax_context_new()};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    threads[i] = thread_start(meddle, &crowd);
  for (int i = 0; i < 20; i++)
    butlers_join(butlers_start(crowd.context, 2));
  for (int i = 0; i < THREADS; i++)
    thread_join(threads[i]);
  ax_restart(crowd.context);
  ax_run(crowd.context);
  assert_int_equal(crowd.ran, THREADS * 200);
  ax_context_free(crowd.context);
}

/* -------------------------------------------------- law 10: no lock is held */

struct player {
  ax_context *here;
  struct player *other;
  int left;
  atomic_int *balls;
};

/* In player->here, which has one butler. */
static void on_ball(void *arg, int err, size_t n) {
  struct player *player = arg;
  if (player->left-- > 0)
    ax_post(player->other->here, ax_call(on_ball, player->other));
  else
    atomic_fetch_sub(player->balls, 1);
}

static void two_contexts_may_post_to_each_other(void **state) {
  atomic_int balls = 4;
  struct player a = {ax_context_new(), NULL, 3000, &balls};
  struct player b = {ax_context_new(), &a, 3000, &balls};
  a.other = &b;
  ax_work_begin(a.here);
  ax_work_begin(b.here);
  struct butlers *one = butlers_start(a.here, 1);
  struct butlers *two = butlers_start(b.here, 1);
  for (int i = 0; i < 4; i++)
    ax_post(i % 2 ? a.here : b.here, ax_call(on_ball, i % 2 ? &a : &b));
  wait_until(atomic_load(&balls) == 0);
  ax_work_end(a.here);
  ax_work_end(b.here);
  butlers_join(one);
  butlers_join(two);
  ax_context_free(a.here);
  ax_context_free(b.here);
}

/* Everything about a context, called from a handler of that context. */
static void on_anything(void *arg, int err, size_t n) {
  ax_context *context = arg;
  struct seen seen = {0};
  ax_context *other = ax_context_new();
  ax_strand *strand = ax_strand_new(other);
  ax_post(strand, ax_call(on_seen, &seen));
  ax_run(other);
  ax_unref(strand);
  ax_context_free(other);
  if (seen.calls != 1 || !ax_inside(context))
    give_up("a context cannot be run in a handler of another");
  ax_work_begin(context);
  ax_stop(context);
  ax_restart(context);
  ax_work_end(context);
  ax_unref(ax_timer_new(context));
  ax_unref(ax_stream_new(context));
  ax_unref(ax_acceptor_new(context));
  ax_unref(ax_signals_new(context));
  if (!ax_context_loop(context))
    give_up("a context has no loop");
}

static void a_handler_may_call_any_function(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_post(context, ax_call(on_anything, context));
  ax_post(strand, ax_call(on_anything, context));
  ax_run(context);
  ax_restart(context);
  ax_run(context);
  ax_unref(strand);
  ax_context_free(context);
}

struct caller {
  ax_obj obj;
  ax_context *context;
  ax_timer *timer;
  struct seen *seen;
};

/* Code of the user as well, and called by the core. */
static void destroy_caller(void *object) {
  struct caller *caller = object;
  ax_post(caller->context, ax_call(on_seen, caller->seen));
  ax_timer_expires_after(caller->timer, 0);
  ax_unref(caller->timer);
  free(caller);
}

static void what_is_destroyed_may_call_any_function(void **state) {
  struct seen seen = {0};
  int count = 0;
  ax_context *context = ax_context_new();
  struct caller *caller = calloc(1, sizeof *caller);
  assert_non_null(caller);
  ax_obj_init(&caller->obj, destroy_caller);
  caller->context = context;
  caller->seen = &seen;
  caller->timer = ax_timer_new(context);
  ax_post(context, ax_keep(caller, ax_call(on_count, &count)));
  ax_unref(caller);
  assert_int_equal(ax_run(context), 2);
  expect_seen(&seen, "post", 0);
  ax_context_free(context);
}

/* ---------------------------------------------------------- the executors */

/* Every function that takes an executor takes either kind. */
static void a_strand_does_for_its_context(void **state) {
  int count = 0;
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  assert_ptr_equal(ax_context_loop(strand), ax_context_loop(context));
  ax_work_begin(strand);
  ax_post(strand, ax_call(on_work_end, strand));
  assert_int_equal(ax_run(strand), 1);
  ax_stop(strand);
  assert_true(ax_stopped(context));
  assert_true(ax_stopped(strand));
  ax_restart(strand);
  assert_false(ax_stopped(context));
  ax_post(context, ax_call(on_count, &count));
  assert_int_equal(ax_run(strand), 1);
  ax_unref(strand);
  ax_context_free(context);
}

static void a_token_may_name_the_executor(void **state) {
  ax_context *one = ax_context_new(), *two = ax_context_new();
  struct seen seen = {.where = two};
  ax_post(one, ax_on(two, ax_call(on_seen, &seen)));
  ax_run(one);
  assert_int_equal(seen.calls, 0);
  ax_run(two);
  expect_seen(&seen, "post", 0);
  assert_true(seen.inside);
  ax_context_free(one);
  ax_context_free(two);
}

/* ------------------------------------------------------------ fair shares */

struct endless {
  ax_executor *executor;
  atomic_bool over;
  double work; /* seconds a handler takes */
  int handlers;
};

static void on_endless(void *arg, int err, size_t n) {
  struct endless *endless = arg;
  endless->handlers++;
  for (double end = seconds() + endless->work; seconds() < end;)
    continue;
  if (!atomic_load(&endless->over))
    ax_post(endless->executor, ax_call(on_endless, endless));
}

static void on_over(void *arg, int err, size_t n) {
  atomic_store(&((struct endless *)arg)->over, true);
}

static void a_full_table_does_not_starve_the_loop(void **state) {
  for (int slow = 0; slow < 2; slow++) {
    ax_context *context = ax_context_new();
    struct endless endless = {.executor = context, .work = slow * 0.002};
    ax_timer *timer = ax_timer_new(context);
    ax_timer_expires_after(timer, AX_MS(3));
    ax_timer_wait(timer, ax_call(on_over, &endless));
    ax_post(context, ax_call(on_endless, &endless));
    ax_run(context);
    /* A slow handler does not wait for 61 of its kind. */
    assert_true(!slow || endless.handlers < 30);
    ax_unref(timer);
    ax_context_free(context);
  }
}

/* Many short handlers on the table, and behind them slow ones. */
struct shift {
  int slow;    /* those that ran before ... */
  bool looked; /* ... somebody looked at the loop */
};

enum { SHORT = 5000, SLOW = 200 };

static void on_slow(void *arg, int err, size_t n) {
  struct shift *shift = arg;
  if (shift->looked)
    return;
  shift->slow++;
  for (ax_time begin = ax_now(); ax_now() - begin < AX_MS(1);)
    continue;
}

static void on_uv_timer_of_shift(uv_timer_t *timer) {
  struct shift *shift = timer->data;
  shift->looked = shift->slow > 0;
  if (shift->looked)
    uv_close((uv_handle_t *)timer, NULL);
}

/* The plain scheduler, which has no clock, polls when it has passed by all that
 * was ready. */
#ifdef AX_SCHEDULER_PLAIN
#define ASKS_THE_CLOCK false
#else
#define ASKS_THE_CLOCK true
#endif

/* The clock, which is not asked after each, has to be asked soon. */
static void slow_handlers_behind_short_ones_do_not_hold_up_the_loop(void **s) {
  if (!ASKS_THE_CLOCK)
    skip();
  int count = 0;
  struct shift shift = {0};
  ax_context *context = ax_context_new();
  uv_timer_t timer = {.data = &shift};
  uv_timer_init(ax_context_loop(context), &timer);
  uv_timer_start(&timer, on_uv_timer_of_shift, 1, 1);
  for (int i = 0; i < SHORT; i++)
    ax_post(context, ax_call(on_count, &count));
  for (int i = 0; i < SLOW; i++)
    ax_post(context, ax_call(on_slow, &shift));
  ax_post(context, ax_call(on_work_end, context));
  ax_work_begin(context);
  assert_int_equal(ax_run(context), SHORT + SLOW + 1);
  if (!shift.looked || shift.slow > 64)
    give_up("%d slow handlers came first", shift.slow);
  ax_context_free(context);
}

static void on_expired_again(void *arg, int err, size_t n) {
  void **args = arg;
  if (!atomic_load((atomic_bool *)args[1]))
    ax_timer_wait(args[0], ax_call(on_expired_again, args));
}

static void on_true(void *arg, int err, size_t n) {
  atomic_store((atomic_bool *)arg, true);
}

/* A wait for the past is ready at once, again and again. */
static void an_expired_timer_does_not_starve_others(void **state) {
  ax_context *context = ax_context_new();
  ax_timer *past = ax_timer_new(context), *timer = ax_timer_new(context);
  atomic_bool over = false;
  void *args[] = {past, &over};
  ax_timer_expires_after(timer, AX_MS(3));
  ax_timer_wait(timer, ax_call(on_true, &over));
  ax_timer_wait(past, ax_call(on_expired_again, args));
  ax_run(context);
  assert_true(over);
  ax_unref(past);
  ax_unref(timer);
  ax_context_free(context);
}

/* --------------------------------------------------------- the loop below */

static void on_uv_timer(uv_timer_t *timer) {
  ++*(int *)timer->data;
  uv_close((uv_handle_t *)timer, NULL);
}

static void on_loop_work(void *arg, int err, size_t n) {
  int *fired = ((void **)arg)[0];
  ax_context *context = ((void **)arg)[1];
  if (*fired)
    ax_work_end(context);
  else
    ax_post(context, ax_call(on_loop_work, arg));
}

static void other_users_of_the_loop_are_served(void **state) {
  int fired = 0;
  ax_context *context = ax_context_new();
  uv_timer_t timer;
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = &fired;
  uv_timer_start(&timer, on_uv_timer, 1, 0);
  void *args[] = {&fired, context};
  ax_work_begin(context);
  ax_post(context, ax_call(on_loop_work, args));
  ax_run(context);
  assert_int_equal(fired, 1);
  ax_context_free(context);
}

/* What a callback of the loop finds: it is no handler. */
struct callback {
  ax_context *context, *other;
  bool inside;
  struct seen dispatched, home;
};

static void called_back(struct callback *callback) {
  callback->inside = ax_inside(callback->context) || ax_inside(callback->other);
  INITIATE(
      ax_dispatch(callback->context, ax_call(on_seen, &callback->dispatched)));
  ax_run_on(callback->other, do_nothing, NULL,
            ax_call(on_seen, &callback->home));
  ax_work_end(callback->context);
}

static void on_uv_timer_call(uv_timer_t *timer) {
  called_back(timer->data);
  uv_close((uv_handle_t *)timer, NULL);
}

static void on_uv_idle_call(uv_idle_t *idle) {
  called_back(idle->data);
  uv_close((uv_handle_t *)idle, NULL);
}

static void callback_init(struct callback *callback) {
  *callback = (struct callback){
      ax_context_new(), ax_context_new(), false, {.calls = 0}, {.calls = 0}};
  callback->dispatched.where = callback->context;
  callback->home.where = callback->other;
  ax_work_begin(callback->context);
}

/* The dispatched handler was not run in the callback, but is run on the
 * context; what comes home does so where the work was. */
static void callback_expect(struct callback *callback) {
  assert_false(callback->inside);
  expect_seen(&callback->dispatched, "dispatch", 0);
  assert_true(callback->dispatched.inside);
  assert_int_equal(ax_run(callback->other), 2);
  expect_seen(&callback->home, "run_on", 0);
  assert_true(callback->home.inside);
  ax_context_free(callback->context);
  ax_context_free(callback->other);
}

static void a_callback_of_the_loop_is_on_no_executor(void **state) {
  struct callback callback;
  callback_init(&callback);
  uv_timer_t timer = {.data = &callback};
  uv_timer_init(ax_context_loop(callback.context), &timer);
  uv_timer_start(&timer, on_uv_timer_call, 1, 0);
  assert_int_equal(ax_run(callback.context), 1);
  callback_expect(&callback);
  callback_init(&callback);
  uv_idle_t idle = {.data = &callback};
  uv_idle_init(ax_context_loop(callback.context), &idle);
  uv_idle_start(&idle, on_uv_idle_call);
  assert_int_equal(ax_run(callback.context), 1);
  callback_expect(&callback);
}

/* Nor is it on that whose handler runs the context of the loop. */
static void on_run_other(void *arg, int err, size_t n) {
  struct callback *callback = arg;
  ax_run(callback->context);
  callback->inside = callback->inside || !ax_inside(callback->other) ||
                     ax_inside(callback->context);
}

static void a_callback_in_a_handler_is_on_no_executor(void **state) {
  struct callback callback;
  callback_init(&callback);
  uv_timer_t timer = {.data = &callback};
  uv_timer_init(ax_context_loop(callback.context), &timer);
  uv_timer_start(&timer, on_uv_timer_call, 1, 0);
  ax_context *outer = callback.other;
  ax_post(outer, ax_call(on_run_other, &callback));
  assert_int_equal(ax_run(outer), 3);
  assert_false(callback.inside);
  expect_seen(&callback.dispatched, "dispatch", 0);
  expect_seen(&callback.home, "run_on", 0);
  ax_context_free(callback.context);
  ax_context_free(outer);
}

static void on_uv_timer_post(uv_timer_t *timer) {
  void **args = timer->data;
  ax_post(args[0], ax_call(on_seen, args[1]));
  ax_work_end(args[0]);
  uv_close((uv_handle_t *)timer, NULL);
}

static void a_callback_of_the_loop_may_post(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  void *args[] = {context, &seen};
  uv_timer_t timer;
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = args;
  uv_timer_start(&timer, on_uv_timer_post, 1, 0);
  ax_work_begin(context);
  assert_int_equal(ax_run(context), 1);
  expect_seen(&seen, "post", 0);
  ax_context_free(context);
}

/* Due while a handler ran, and so called before the loop looks for events. */
static void on_uv_timer_complete(uv_timer_t *timer) {
  ax_complete(timer->data, 0, 0);
}

static void on_wait_until_due(void *arg, int err, size_t n) {
  for (double end = seconds() + 0.005; seconds() < end;)
    pause_before(deadline(), "the timer of libuv to be due");
}

static void a_callback_before_the_loop_sleeps_may_complete(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  uv_timer_t timer;
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = ax_initiate(context, ax_call(on_seen, &seen));
  uv_timer_start(&timer, on_uv_timer_complete, 2, 0);
  ax_post(context, ax_call(on_wait_until_due, NULL));
  assert_int_equal(ax_run(context), 2);
  expect_seen(&seen, "operation", 0);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(context);
}

/* What is ordered while another one owns the loop, and ends at once when it is
 * started, tells the loop not to sleep: just when a timer is due, and it would
 * not have been run at all. */
struct hurry {
  ax_context *context;
  ax_stream *null;
  ax_timer *timer;
  char byte;
  struct seen read, due;
};

static void *order_read(void *arg) {
  struct hurry *hurry = arg;
  ax_stream_read_some(hurry->null, AX_SEQ(ax_buffer(&hurry->byte, 1)),
                      ax_call(on_seen, &hurry->read));
  return NULL;
}

static void on_arm(void *arg, int err, size_t n) {
  struct hurry *hurry = arg;
  ax_timer_expires_after(hurry->timer, 0);
  ax_timer_wait(hurry->timer, ax_call(on_seen, &hurry->due));
}

static void on_uv_timer_hurry(uv_timer_t *timer) {
  struct hurry *hurry = timer->data;
  thread_join(thread_start(order_read, hurry));
  ax_post(hurry->context, ax_call(on_arm, hurry));
  ax_work_end(hurry->context);
}

static void a_loop_that_was_told_to_stop_is_closed(void **state) {
  struct hurry hurry = {.context = ax_context_new()};
  int null = open("/dev/null", O_RDONLY);
  hurry.null = ax_stream_new(hurry.context);
  hurry.timer = ax_timer_new(hurry.context);
  assert_int_equal(ax_stream_open_fd(hurry.null, null), 0);
  close(null);
  uv_timer_t timer = {.data = &hurry};
  uv_timer_init(ax_context_loop(hurry.context), &timer);
  uv_timer_start(&timer, on_uv_timer_hurry, 1, 0);
  ax_work_begin(hurry.context);
  ax_run(hurry.context);
  expect_seen(&hurry.read, "read", UV_EOF);
  expect_seen(&hurry.due, "timer", 0);
  ax_unref(hurry.null);
  ax_unref(hurry.timer);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(hurry.context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(run_returns_at_once_without_work),
      clean_test(run_counts_the_handlers_it_ran),
      clean_test(all_butlers_together_run_each_handler_once),
      clean_test(one_butler_runs_handlers_in_the_order_posted),
      clean_test(a_posted_handler_gets_no_error_and_no_bytes),
      clean_test(a_context_can_be_run_again_when_work_comes),
      clean_test(a_work_guard_keeps_run_from_returning),
      clean_test(the_last_work_may_end_in_a_handler),
      clean_test(every_butler_returns_when_work_ends),
      clean_test(a_timer_that_nobody_waits_for_is_no_work),
      clean_test(stop_leaves_the_handlers_behind_it_for_later),
      clean_test(stop_leaves_the_handlers_of_a_strand_in_order),
      clean_test(stop_before_run_lets_no_handler_run),
      clean_test(what_was_pending_when_it_stopped_still_completes),
      clean_test(stop_from_another_thread_wakes_every_butler),
      clean_test(stop_ends_butlers_that_are_never_idle),
      clean_test(a_stopped_context_runs_again_with_all_butlers),
      clean_test(dispatch_on_the_executor_runs_the_handler_at_once),
      clean_test(dispatch_from_outside_is_a_post),
      clean_test(dispatch_to_another_context_is_a_post),
      clean_test(dispatch_goes_by_the_executor_of_the_token),
      clean_test(a_butler_is_inside_its_context_only),
      clean_test(butlers_are_numbered_from_one),
      clean_test(no_two_butlers_inside_have_one_number),
      clean_test(who_is_no_butler_has_no_number),
      clean_test(many_threads_may_post_while_butlers_run),
      clean_test(run_does_not_return_with_a_handler_on_the_table),
      clean_test(run_does_not_return_with_a_handler_on_a_strand),
      clean_test(stop_and_restart_may_come_from_many_threads),
      clean_test(two_contexts_may_post_to_each_other),
      clean_test(a_handler_may_call_any_function),
      clean_test(what_is_destroyed_may_call_any_function),
      clean_test(a_strand_does_for_its_context),
      clean_test(a_token_may_name_the_executor),
      clean_test(a_full_table_does_not_starve_the_loop),
      clean_test(slow_handlers_behind_short_ones_do_not_hold_up_the_loop),
      clean_test(an_expired_timer_does_not_starve_others),
      clean_test(other_users_of_the_loop_are_served),
      clean_test(a_callback_of_the_loop_may_post),
      clean_test(a_callback_before_the_loop_sleeps_may_complete),
      clean_test(a_loop_that_was_told_to_stop_is_closed),
      clean_test(a_posted_stop_starves_no_timer),
      clean_test(a_posted_stop_starves_no_socket),
      clean_test(a_posted_stop_starves_no_callback_of_the_loop),
      clean_test(handlers_run_inside_a_handler_are_counted_there),
      clean_test(work_elsewhere_is_counted_there),
      clean_test(poll_counts_the_handlers_it_ran),
      clean_test(a_dispatched_handler_is_counted_as_well),
      clean_test(a_token_without_a_function_is_not_counted),
      clean_test(poll_runs_what_is_ready_and_what_that_makes_ready),
      clean_test(poll_never_waits),
      clean_test(poll_sees_to_sockets_and_timers),
      clean_test(poll_makes_a_main_loop_of_ones_own),
      clean_test(poll_works_beside_butlers),
      clean_test(poll_runs_nothing_on_a_stopped_context),
      clean_test(a_callback_of_the_loop_is_on_no_executor),
      clean_test(a_callback_in_a_handler_is_on_no_executor),
      clean_test(dispatch_to_the_context_around_runs_at_once),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
