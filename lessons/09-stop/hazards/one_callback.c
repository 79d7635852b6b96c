/* With libuv alone: one cup is taken for each callback of a uv_async_t.
 *
 * uv_async_send only says that there is something. Three of them before the
 * loop looks are one callback, so two cups stay on the table. The twin takes
 * all that is there. (ax_post runs a handler for each.)
 *
 * Prints: cups that stay on the table: 2
 * Fixed: cups that stay on the table: 0
 */
#include "ax.h"

#include <pthread.h>
#include <stdio.h>

static atomic_int cups; /* on the table */
static uv_async_t bell;

static void on_bell(uv_async_t *async) { cups--; }

static void *kitchen(void *arg) {
  for (int i = 0; i < 3; i++) {
    cups++;
    uv_async_send(&bell);
  }
  return NULL;
}

static void close_bell(uv_timer_t *evening) {
  uv_close((uv_handle_t *)&bell, NULL);
  uv_close((uv_handle_t *)evening, NULL);
}

int main(void) {
  uv_loop_t *loop = uv_default_loop();
  uv_timer_t evening;
  pthread_t thread;
  uv_async_init(loop, &bell, on_bell);
  uv_timer_init(loop, &evening);
  uv_timer_start(&evening, close_bell, 100, 0);
  if (pthread_create(&thread, NULL, kitchen, NULL))
    return 1;
  pthread_join(thread, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  printf("cups that stay on the table: %d\n", cups);
  return uv_loop_close(loop) != 0;
}
