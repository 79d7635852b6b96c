/* The loop, shared with handles of the user's own. */
#include "support.h"

#include <dlfcn.h>

static uint64_t slept_at; /* by the loop's clock, when it last was to sleep */

int uv_run(uv_loop_t *loop, uv_run_mode mode) {
  int (*real)(uv_loop_t *, uv_run_mode);
  *(void **)&real = dlsym(RTLD_NEXT, "uv_run");
  if (mode == UV_RUN_ONCE)
    slept_at = uv_now(loop);
  return real(loop, mode);
}

static void on_uv_timer(uv_timer_t *timer) { ++*(int *)timer->data; }

/* Milliseconds by the clock of loops, which may be coarse. */
enum { COARSE = 5 };

static void on_long(void *arg, int err, size_t n) {
  for (ax_time begin = ax_now(); ax_now() - begin < AX_MS(30);)
    pause_before(deadline(), "some time");
  *(ax_time *)arg = ax_now();
}

static void on_uv_timer_end(uv_timer_t *timer) { ax_work_end(timer->data); }

/* The loop reckons from its clock how long to sleep, and since libuv 1.45 does
 * not set it before. */
static void a_timer_of_libuv_is_not_put_off_by_a_long_handler(void **state) {
  ax_time ended = 0;
  uv_timer_t timer;
  ax_context *context = ax_context_new();
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = context;
  ax_work_begin(context);
  ax_post(context, ax_call(on_long, &ended));
  uv_timer_start(&timer, on_uv_timer_end, 60, 0);
  assert_int_equal(ax_run(context), 1);
  assert_true(slept_at + COARSE >= ended / 1000000);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(context);
}

/* A handle that was unref'd does not keep a loop going. */
static void a_handle_that_was_unrefd_is_served_by_a_poll(void **state) {
  int fired = 0;
  uv_timer_t timer;
  ax_context *context = ax_context_new();
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = &fired;
  uv_timer_start(&timer, on_uv_timer, 1, 1);
  uv_unref((uv_handle_t *)&timer);
  ax_work_begin(context);
  for (double end = deadline(); fired < 3; pause_before(end, "the timer"))
    assert_int_equal(ax_poll(context), 0);
  ax_work_end(context);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(context);
}

struct busy {
  ax_context *context;
  int fired;
};

static void on_busy(void *arg, int err, size_t n) {
  struct busy *busy = arg;
  if (busy->fired < 3)
    ax_post(busy->context, ax_call(on_busy, busy));
}

static void a_handle_that_was_unrefd_is_served_beside_handlers(void **state) {
  struct busy busy = {.context = ax_context_new()};
  uv_timer_t timer = {.data = &busy.fired};
  uv_timer_init(ax_context_loop(busy.context), &timer);
  uv_timer_start(&timer, on_uv_timer, 1, 1);
  uv_unref((uv_handle_t *)&timer);
  ax_post(busy.context, ax_call(on_busy, &busy));
  ax_run(busy.context);
  assert_int_equal(busy.fired, 3);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(busy.context);
}

/* Handles are no work, and without work nobody looks at the loop. */
static void without_work_the_loop_is_not_looked_at(void **state) {
  int fired = 0;
  uv_timer_t timer;
  ax_context *context = ax_context_new();
  uv_timer_init(ax_context_loop(context), &timer);
  timer.data = &fired;
  uv_timer_start(&timer, on_uv_timer, 0, 1);
  for (int i = 0; i < 5; i++)
    assert_int_equal(ax_run(context) + ax_poll(context), 0);
  assert_int_equal(fired, 0);
  uv_close((uv_handle_t *)&timer, NULL);
  ax_context_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_timer_of_libuv_is_not_put_off_by_a_long_handler),
      clean_test(a_handle_that_was_unrefd_is_served_by_a_poll),
      clean_test(a_handle_that_was_unrefd_is_served_beside_handlers),
      clean_test(without_work_the_loop_is_not_looked_at),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
