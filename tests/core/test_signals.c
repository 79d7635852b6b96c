/* Signals: waiting for them instead of being interrupted. */
#include "support.h"

#include <signal.h>
#include <unistd.h>

struct post {
  ax_context *context;
  ax_signals *signals;
};

static struct post post_with(int signo) {
  struct post post = {.context = ax_context_new()};
  post.signals = ax_signals_new(post.context);
  assert_int_equal(ax_signals_add(post.signals, signo), 0);
  return post;
}

static void post_free(struct post *post) {
  ax_unref(post->signals);
  ax_context_free(post->context);
}

static struct seen wait_for_one(struct post *post) {
  struct seen seen = {0};
  INITIATE(ax_signals_wait(post->signals, ax_call(on_seen, &seen)));
  ax_run(post->context);
  return seen;
}

static void send_signal(int signo) { kill(getpid(), signo); }

static void a_signal_completes_the_wait_with_its_number(void **state) {
  struct seen seen = {0};
  struct post post = post_with(SIGUSR1);
  ax_signals_wait(post.signals, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(post.context, 1);
  pause_before(deadline(), "the butler to sleep");
  assert_int_equal(atomic_load(&seen.calls), 0);
  send_signal(SIGUSR1);
  butlers_join(butlers);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, SIGUSR1);
  post_free(&post);
}

static void a_signal_that_came_while_nobody_waited_is_not_lost(void **state) {
  struct post post = post_with(SIGUSR1);
  for (int i = 0; i < 3; i++) {
    send_signal(SIGUSR1);
    struct seen seen = wait_for_one(&post);
    expect_seen(&seen, "wait", 0);
    assert_int_equal(seen.n, SIGUSR1);
  }
  post_free(&post);
}

/* The loop has seen it, but no wait was pending then. */
static void a_signal_that_the_loop_saw_without_a_wait_is_not_lost(void **s) {
  struct post post = post_with(SIGUSR1);
  ax_timer *timer = ax_timer_new(post.context);
  send_signal(SIGUSR1);
  ax_timer_expires_after(timer, AX_MS(5));
  ax_timer_wait(timer, ax_call(on_seen, &(struct seen){0}));
  ax_run(post.context);
  struct seen seen = wait_for_one(&post);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, SIGUSR1);
  ax_unref(timer);
  post_free(&post);
}

static void signals_of_several_kinds_are_told_apart(void **state) {
  struct post post = post_with(SIGUSR1);
  assert_int_equal(ax_signals_add(post.signals, SIGUSR2), 0);
  send_signal(SIGUSR2);
  send_signal(SIGUSR1);
  struct seen one = wait_for_one(&post), two = wait_for_one(&post);
  expect_seen(&one, "wait", 0);
  expect_seen(&two, "wait", 0);
  assert_int_equal(one.n + two.n, SIGUSR1 + SIGUSR2);
  assert_int_not_equal(one.n, two.n);
  post_free(&post);
}

/* The process would be gone. */
static void a_signal_that_was_added_has_no_default_effect(void **state) {
  struct post post = post_with(SIGTERM);
  send_signal(SIGTERM);
  struct seen seen = wait_for_one(&post);
  assert_int_equal(seen.n, SIGTERM);
  post_free(&post);
}

static void what_cannot_be_caught_cannot_be_added(void **state) {
  struct post post = post_with(SIGUSR1);
  assert_int_equal(ax_signals_add(post.signals, SIGKILL), UV_EINVAL);
  assert_int_equal(ax_signals_add(post.signals, SIGSTOP), UV_EINVAL);
  assert_int_equal(ax_signals_add(post.signals, SIGPIPE), UV_EINVAL);
  assert_int_equal(ax_signals_add(post.signals, 0), UV_EINVAL);
  assert_int_equal(ax_signals_add(post.signals, -1), UV_EINVAL);
  assert_int_equal(ax_signals_add(post.signals, 100000), UV_EINVAL);
  send_signal(SIGUSR1);
  struct seen seen = wait_for_one(&post);
  expect_seen(&seen, "wait", 0);
  post_free(&post);
}

static void a_set_holds_many_signals(void **state) {
  static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGUSR1, SIGUSR2,
                                SIGTERM, SIGTSTP, SIGWINCH, SIGURG,  NSIG - 1};
  enum { COUNT = sizeof signals / sizeof *signals };
  ax_context *context = ax_context_new();
  ax_signals *set = ax_signals_new(context);
  for (int i = 0; i < COUNT; i++)
    assert_int_equal(ax_signals_add(set, signals[i]), 0);
  for (int i = 0; i < COUNT; i++) {
    struct post post = {context, set};
    send_signal(signals[i]);
    struct seen seen = wait_for_one(&post);
    expect_seen(&seen, "wait", 0);
    assert_int_equal(seen.n, signals[i]);
  }
  ax_unref(set);
  ax_context_free(context);
}

static void an_empty_set_has_nothing_to_wait_for(void **state) {
  ax_context *context = ax_context_new();
  struct post post = {context, ax_signals_new(context)};
  struct seen seen = wait_for_one(&post);
  expect_seen(&seen, "wait", UV_EINVAL);
  post_free(&post);
}

static void every_set_is_told_of_a_signal(void **state) {
  struct post one = post_with(SIGUSR1), two = post_with(SIGUSR1);
  send_signal(SIGUSR1);
  struct seen first = wait_for_one(&one), second = wait_for_one(&two);
  expect_seen(&first, "wait", 0);
  expect_seen(&second, "wait", 0);
  post_free(&one);
  post_free(&two);
}

static void sets_of_one_context_each_get_a_signal(void **state) {
  struct seen seen[2] = {0};
  struct post post = post_with(SIGUSR1);
  ax_signals *other = ax_signals_new(post.context);
  assert_int_equal(ax_signals_add(other, SIGUSR1), 0);
  ax_signals_wait(post.signals, ax_call(on_seen, &seen[0]));
  ax_signals_wait(other, ax_call(on_seen, &seen[1]));
  send_signal(SIGUSR1);
  assert_int_equal(ax_run(post.context), 2);
  for (int i = 0; i < 2; i++) {
    expect_seen(&seen[i], "wait", 0);
    assert_int_equal(seen[i].n, SIGUSR1);
  }
  ax_unref(other);
  post_free(&post);
}

/* The signal must not fall back to its default effect, which is deadly. */
static void a_set_that_is_gone_leaves_the_signal_to_the_others(void **state) {
  struct post post = post_with(SIGUSR1);
  ax_signals *gone = ax_signals_new(post.context);
  assert_int_equal(ax_signals_add(gone, SIGUSR1), 0);
  ax_unref(gone);
  assert_int_equal(ax_run(post.context), 0);
  send_signal(SIGUSR1);
  struct seen seen = wait_for_one(&post);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, SIGUSR1);
  post_free(&post);
}

static void cancel_ends_the_waits(void **state) {
  struct seen seen[3] = {0};
  struct post post = post_with(SIGUSR1);
  ax_signals_cancel(post.signals);
  for (int i = 0; i < 3; i++)
    ax_signals_wait(post.signals, ax_call(on_seen, &seen[i]));
  INITIATE(ax_signals_cancel(post.signals));
  assert_int_equal(ax_run(post.context), 3);
  for (int i = 0; i < 3; i++)
    expect_seen(&seen[i], "wait", UV_ECANCELED);
  send_signal(SIGUSR1);
  struct seen next = wait_for_one(&post);
  expect_seen(&next, "wait", 0);
  post_free(&post);
}

static void cancel_from_another_thread_ends_the_waits(void **state) {
  for (int i = 0; i < 20; i++) {
    struct seen seen = {0};
    struct post post = post_with(SIGUSR1);
    ax_signals_wait(post.signals, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(post.context, 2);
    if (i % 2)
      pause_before(deadline(), "the butlers to sleep");
    ax_signals_cancel(post.signals);
    butlers_join(butlers);
    expect_seen(&seen, "wait", UV_ECANCELED);
    post_free(&post);
  }
}

static void a_set_that_nobody_waits_for_is_no_work(void **state) {
  struct post post = post_with(SIGUSR1);
  assert_int_equal(ax_run(post.context), 0);
  post_free(&post);
}

struct again {
  struct post *post;
  int left;
};

static void on_again(void *arg, int err, size_t n) {
  struct again *again = arg;
  if (err || n != SIGUSR1)
    give_up("a wait ended with %d and signal %zu", err, n);
  if (again->left-- == 0)
    return;
  ax_signals_wait(again->post->signals, ax_call(on_again, again));
  send_signal(SIGUSR1);
}

static void a_handler_may_wait_again(void **state) {
  struct post post = post_with(SIGUSR1);
  struct again again = {&post, 50};
  ax_signals_wait(post.signals, ax_call(on_again, &again));
  send_signal(SIGUSR1);
  assert_int_equal(ax_run(post.context), 51);
  post_free(&post);
}

static void a_signal_that_was_added_twice_is_told_once(void **state) {
  struct seen second = {0};
  struct post post = post_with(SIGUSR1);
  assert_int_equal(ax_signals_add(post.signals, SIGUSR1), 0);
  send_signal(SIGUSR1);
  struct seen first = wait_for_one(&post);
  expect_seen(&first, "first", 0);
  ax_signals_wait(post.signals, ax_call(on_seen, &second));
  ax_signals_cancel(post.signals);
  ax_run(post.context);
  expect_seen(&second, "second", UV_ECANCELED);
  post_free(&post);
}

static void signals_may_be_added_while_a_butler_sleeps(void **state) {
  struct seen seen = {0};
  struct post post = post_with(SIGUSR2);
  ax_signals_wait(post.signals, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(post.context, 1);
  pause_before(deadline(), "the butler to sleep");
  assert_int_equal(ax_signals_add(post.signals, SIGUSR1), 0);
  send_signal(SIGUSR1);
  butlers_join(butlers);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, SIGUSR1);
  post_free(&post);
}

/* In a callback of the loop, while a request of another thread waits there. */
struct inquiry {
  ax_context *context;
  ax_stream *stream;
  ax_signals *signals;
  int added;
};

static void *request_something(void *arg) {
  ax_stream_cancel(arg);
  return NULL;
}

static void on_uv_timer_add(uv_timer_t *timer) {
  struct inquiry *inquiry = timer->data;
  thread_join(thread_start(request_something, inquiry->stream));
  inquiry->added = ax_signals_add(inquiry->signals, SIGUSR1);
  kill(getpid(), SIGUSR1);
  uv_close((uv_handle_t *)timer, NULL);
  ax_work_end(inquiry->context);
}

static void a_callback_of_the_loop_may_add_a_signal(void **state) {
  struct seen seen = {0};
  struct inquiry inquiry = {.context = ax_context_new(), .added = -1};
  inquiry.stream = ax_stream_new(inquiry.context);
  inquiry.signals = ax_signals_new(inquiry.context);
  uv_timer_t timer = {.data = &inquiry};
  uv_timer_init(ax_context_loop(inquiry.context), &timer);
  uv_timer_start(&timer, on_uv_timer_add, 1, 0);
  ax_work_begin(inquiry.context);
  assert_int_equal(ax_run(inquiry.context), 0);
  assert_int_equal(inquiry.added, 0);
  ax_signals_wait(inquiry.signals, ax_call(on_seen, &seen));
  ax_run(inquiry.context);
  expect_seen(&seen, "wait", 0);
  assert_int_equal(seen.n, SIGUSR1);
  ax_unref(inquiry.stream);
  ax_unref(inquiry.signals);
  ax_context_free(inquiry.context);
}

static void a_set_of_signals_tells_its_executor(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_signals *one = ax_signals_new(context), *other = ax_signals_new(strand);
  assert_ptr_equal(ax_signals_executor(one), context);
  assert_ptr_equal(ax_signals_executor(other), strand);
  ax_unref(one);
  ax_unref(other);
  ax_unref(strand);
  ax_context_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_signal_completes_the_wait_with_its_number),
      clean_test(a_signal_that_came_while_nobody_waited_is_not_lost),
      clean_test(a_signal_that_the_loop_saw_without_a_wait_is_not_lost),
      clean_test(signals_of_several_kinds_are_told_apart),
      clean_test(a_signal_that_was_added_has_no_default_effect),
      clean_test(what_cannot_be_caught_cannot_be_added),
      clean_test(a_set_holds_many_signals),
      clean_test(an_empty_set_has_nothing_to_wait_for),
      clean_test(every_set_is_told_of_a_signal),
      clean_test(sets_of_one_context_each_get_a_signal),
      clean_test(a_set_that_is_gone_leaves_the_signal_to_the_others),
      clean_test(cancel_ends_the_waits),
      clean_test(cancel_from_another_thread_ends_the_waits),
      clean_test(a_set_that_nobody_waits_for_is_no_work),
      clean_test(a_handler_may_wait_again),
      clean_test(a_signal_that_was_added_twice_is_told_once),
      clean_test(signals_may_be_added_while_a_butler_sleeps),
      clean_test(a_callback_of_the_loop_may_add_a_signal),
      clean_test(a_set_of_signals_tells_its_executor),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
