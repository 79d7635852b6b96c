/* Looking up names, in libuv's thread pool: each handler runs once.
 *
 * "localhost:80" and numbers are known without a look-up. "localhost:http" is
 * looked up, in files of the system. What these say does not matter here: an
 * error is an answer as well. */
#include "scenario.h"

static ax_context *context;
static ax_endpoint found[3][2];
static atomic_int ran;

static void on_known(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1);
  CHECK(((ax_endpoint *)arg)->len > 0);
  ran++;
}

static void on_looked_up(void *arg, int err, size_t n) {
  CHECK(err ? n == 0 : n >= 1 && n <= 2);
  ran++;
}

static void *resolve_all(void *arg) {
  ax_resolve(context, "localhost:80", found[0], 2, ax_call(on_known, found[0]));
  ax_resolve(context, "127.0.0.1:7", found[1], 2, ax_call(on_known, found[1]));
  ax_resolve(context, "localhost:http", found[2], 2,
             ax_call(on_looked_up, found[2]));
  return NULL;
}

static void resolve_with(int butlers) {
  context = ax_context_new();
  resolve_all(NULL);
  serve(context, butlers);
  CHECK(ran == 3);
  end(context);
}

SCENARIO(resolve_some, "each look-up ends once") { resolve_with(some(1, 2)); }

static void *resolve_and_end(void *arg) {
  resolve_all(arg);
  ax_work_end(context);
  return NULL;
}

SCENARIO(resolve_outside, "a look-up from outside ends while the one butler "
                          "sleeps") {
  context = ax_context_new();
  ax_work_begin(context);
  pthread_t thread = start_thread(resolve_and_end, NULL);
  serve(context, 1);
  join_thread(thread);
  CHECK(ran == 3);
  end(context);
}

SCENARIO(resolve_freed, "a look-up is dropped when its context is freed") {
  context = ax_context_new();
  ax_resolve(context, "localhost:http", found[2], 2,
             ax_call(on_looked_up, found[2]));
  ax_context_free(context);
  CHECK(ran == 0);
  end(NULL);
}
