/* Resolving names. Nothing here asks the network: "127.1" is no endpoint to
 * ax_endpoint_parse, but a number to getaddrinfo, so it is looked up. */
#include "support.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static struct seen resolve(const char *text, ax_endpoint *found, size_t max) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  INITIATE(ax_resolve(context, text, found, max, ax_call(on_seen, &seen)));
  ax_run(context);
  ax_context_free(context);
  return seen;
}

static void expect_found(const char *text, const char *endpoint) {
  ax_endpoint found[4];
  char actual[AX_ENDPOINT_TEXT];
  struct seen seen = resolve(text, found, 4);
  expect_seen(&seen, text, 0);
  assert_in_range(seen.n, 1, 4);
  ax_endpoint_format(&found[0], actual);
  assert_string_equal(actual, endpoint);
}

static void a_name_is_looked_up(void **state) {
  expect_found("127.1:80", "127.0.0.1:80");
  expect_found("127.1:0", "127.0.0.1:0");
}

static void an_endpoint_is_not_looked_up(void **state) {
  expect_found("127.0.0.1:80", "127.0.0.1:80");
  expect_found("[::1]:80", "[::1]:80");
  expect_found(":80", "0.0.0.0:80");
  expect_found("localhost:80", "127.0.0.1:80");
  expect_found("unix:a/path", "unix:a/path");
}

static void what_has_no_port_is_an_error(void **state) {
  static const char *const texts[] = {"", "nonsense", "127.1:", "127.1:x",
                                      "127.1:99999999"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ax_endpoint found[1];
    struct seen seen = resolve(texts[i], found, 1);
    if (seen.calls != 1 || seen.err >= 0 || seen.n != 0 || seen.nested)
      give_up("\"%s\": %d calls, error %d, %zu found", texts[i], seen.calls,
              seen.err, seen.n);
  }
}

static void a_name_that_nobody_can_have_is_an_error(void **state) {
  char name[300];
  ax_endpoint found[1];
  memset(name, 'x', sizeof name);
  strcpy(name + 280, ":80");
  struct seen seen = resolve(name, found, 1);
  assert_int_equal(seen.calls, 1);
  assert_true(seen.err < 0);
}

static void no_more_is_found_than_there_is_room_for(void **state) {
  ax_endpoint found[2];
  memset(found, 0xee, sizeof found);
  ax_endpoint untouched = found[1];
  struct seen seen = resolve("127.1:80", found, 1);
  expect_seen(&seen, "127.1:80", 0);
  assert_int_equal(seen.n, 1);
  assert_memory_equal(&found[1], &untouched, sizeof untouched);
  seen = resolve("127.1:80", NULL, 0);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.n, 0);
  seen = resolve("127.0.0.1:80", NULL, 0);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.n, 0);
}

/* The text is copied. */
static void the_name_need_not_outlive_the_call(void **state) {
  struct seen seen = {0};
  ax_endpoint found[1];
  char name[] = "127.1:80";
  ax_context *context = ax_context_new();
  ax_resolve(context, name, found, 1, ax_call(on_seen, &seen));
  memset(name, 'x', sizeof name - 1);
  ax_run(context);
  expect_seen(&seen, "127.1:80", 0);
  ax_context_free(context);
}

static void many_names_are_looked_up_at_once(void **state) {
  enum { NAMES = 50 };
  struct seen seen[NAMES] = {0};
  ax_endpoint found[NAMES];
  ax_context *context = ax_context_new();
  for (int i = 0; i < NAMES; i++)
    ax_resolve(context, "127.1:80", &found[i], 1, ax_call(on_seen, &seen[i]));
  assert_int_equal(butlers_join(butlers_start(context, 2)), NAMES);
  for (int i = 0; i < NAMES; i++)
    expect_seen(&seen[i], "127.1:80", 0);
  ax_context_free(context);
}

static void a_context_may_be_freed_while_it_looks_up(void **state) {
  for (int i = 0; i < 20; i++) {
    struct seen seen = {0};
    ax_endpoint found[1];
    ax_context *context = ax_context_new();
    ax_resolve(context, "127.1:80", found, 1, ax_call(on_seen, &seen));
    ax_context_free(context);
    assert_int_equal(seen.calls, 0);
  }
}

/* A look-up can no longer be cancelled when it has begun. Here none can. */
static bool has_begun;

int uv_cancel(uv_req_t *request) {
  int (*real)(uv_req_t *);
  *(void **)&real = dlsym(RTLD_NEXT, "uv_cancel");
  return has_begun ? UV_EBUSY : real(request);
}

/* What it finds is nobody's by then: the memory may be gone. */
static void a_look_up_that_is_dropped_writes_nothing(void **state) {
  struct seen seen = {0};
  ax_endpoint found[1], untouched;
  memset(found, 0xee, sizeof found);
  untouched = found[0];
  ax_context *context = ax_context_new();
  ax_resolve(context, "127.1:80", found, 1, ax_call(on_seen, &seen));
  has_begun = true;
  ax_context_free(context);
  has_begun = false;
  assert_int_equal(seen.calls, 0);
  assert_memory_equal(&found[0], &untouched, sizeof untouched);
}

/* --------------------------------------------- look-ups that have not begun */

/* Work for each thread of libuv's pool, on a loop of its own, which ends when
 * the gate opens. */
enum { POOL = 4 };

struct flood {
  uv_loop_t loop;
  uv_work_t works[POOL];
  struct gate gate;
  atomic_int begun;
};

static void do_wait_at_gate(uv_work_t *work) {
  struct flood *flood = work->data;
  atomic_fetch_add(&flood->begun, 1);
  gate_pass(&flood->gate);
}

static void flood_begin(struct flood *flood) {
  *flood = (struct flood){.gate = GATE};
  assert_int_equal(uv_loop_init(&flood->loop), 0);
  for (int i = 0; i < POOL; i++) {
    flood->works[i].data = flood;
    uv_queue_work(&flood->loop, &flood->works[i], do_wait_at_gate, NULL);
  }
  wait_until(atomic_load(&flood->begun) == POOL);
}

static void flood_end(struct flood *flood) {
  gate_open(&flood->gate);
  uv_run(&flood->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&flood->loop), 0);
}

enum { LOOKUPS = 30 };

static void look_up_all(ax_context *context, ax_endpoint *found,
                        ax_token token) {
  for (int i = 0; i < LOOKUPS; i++)
    ax_resolve(context, "127.1:80", &found[i], 1, token);
}

struct freed {
  ax_context *context;
  atomic_bool done;
};

static void *free_it(void *arg) {
  struct freed *freed = arg;
  ax_context_free(freed->context);
  atomic_store(&freed->done, true);
  return NULL;
}

/* The pool is full, and stays so until the context is gone. */
static void a_context_does_not_wait_for_what_has_not_begun(void **state) {
  static struct flood flood;
  static ax_endpoint found[LOOKUPS];
  struct seen seen = {0};
  struct freed freed = {.context = ax_context_new()};
  flood_begin(&flood);
  look_up_all(freed.context, found, ax_call(on_seen, &seen));
  pthread_t thread = thread_start(free_it, &freed);
  wait_until(atomic_load(&freed.done));
  thread_join(thread);
  flood_end(&flood);
  assert_int_equal(seen.calls, 0);
  for (int i = 0; i < LOOKUPS; i++)
    assert_int_equal(found[i].len, 0);
}

/* Also when a butler has been there meanwhile, and with objects held. */
static void a_look_up_that_has_not_begun_is_dropped(void **state) {
  static struct flood flood;
  static ax_endpoint found[LOOKUPS];
  struct seen seen = {0}, posted = {0};
  struct freed freed = {.context = ax_context_new()};
  ax_strand *strand = ax_strand_new(freed.context);
  size_t objects = ax_live().objects;
  ax_obj *held = malloc(sizeof *held);
  ax_obj_init(held, free);
  flood_begin(&flood);
  look_up_all(freed.context, found,
              ax_on(strand, ax_keep(held, ax_call(on_seen, &seen))));
  ax_unref(held);
  struct butlers *butlers = butlers_start(freed.context, 2);
  ax_post(freed.context, ax_call(on_seen, &posted));
  wait_until(atomic_load(&posted.calls));
  ax_stop(freed.context);
  butlers_join(butlers);
  thread_join(thread_start(free_it, &freed));
  assert_int_equal(ax_live().objects, objects);
  ax_unref(strand);
  flood_end(&flood);
  assert_int_equal(seen.calls, 0);
}

/* One that is dropped does not end with an error elsewhere, either: neither
 * before it has begun nor when it has. */
static void a_dropped_look_up_has_no_handler_elsewhere(void **state) {
  static struct flood flood;
  static ax_endpoint found[LOOKUPS];
  for (int full = 0; full < 2; full++) {
    struct seen seen = {0};
    struct freed freed = {.context = ax_context_new()};
    ax_context *other = ax_context_new();
    if (full)
      flood_begin(&flood);
    look_up_all(freed.context, found, ax_on(other, ax_call(on_seen, &seen)));
    thread_join(thread_start(free_it, &freed));
    if (full)
      flood_end(&flood);
    assert_int_equal(ax_run(other), 0);
    assert_int_equal(seen.calls, 0);
    ax_context_free(other);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_name_is_looked_up),
      clean_test(an_endpoint_is_not_looked_up),
      clean_test(what_has_no_port_is_an_error),
      clean_test(a_name_that_nobody_can_have_is_an_error),
      clean_test(no_more_is_found_than_there_is_room_for),
      clean_test(the_name_need_not_outlive_the_call),
      clean_test(many_names_are_looked_up_at_once),
      clean_test(a_context_may_be_freed_while_it_looks_up),
      clean_test(a_look_up_that_is_dropped_writes_nothing),
      clean_test(a_context_does_not_wait_for_what_has_not_begun),
      clean_test(a_look_up_that_has_not_begun_is_dropped),
      clean_test(a_dropped_look_up_has_no_handler_elsewhere),
  };
  setenv("UV_THREADPOOL_SIZE", "4", 1); /* POOL */
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
