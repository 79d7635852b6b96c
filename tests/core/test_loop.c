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

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_timer_of_libuv_is_not_put_off_by_a_long_handler),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
