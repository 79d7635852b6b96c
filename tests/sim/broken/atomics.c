/* atomics.c: what can happen between atomic operations, and between plain ones.
 *
 * The litmus tests are the usual ones: two threads, two variables, and the pair
 * of values that is read. */
#include "broken.h"

/* ----------------------------------------------------------------- loops */

/* Volatile, or the compiler knows what they are. */
static volatile atomic_bool never;
static volatile bool ready;
static atomic_bool set;

PROGRAM(loop_forever,
        "a livelock: a loop until a flag is set, but nobody does") {
  while (!never) /* here: loop_forever */
    continue;
}

static void *set_ready(void *arg) {
  ready = true;
  set = true;
  return NULL;
}

PROGRAM(loop_plain, "a loop until another thread sets a plain variable") {
  pthread_t thread = start(set_ready, NULL);
  while (!ready)
    continue;
  join(thread);
}

PROGRAM(loop_atomic, "a loop until another thread sets an atomic variable") {
  pthread_t thread = start(set_ready, NULL);
  while (!set)
    continue;
  join(thread);
}

static atomic_flag spinlock = ATOMIC_FLAG_INIT;
static int inside;

static void *spin_and_enter(void *arg) {
  while (atomic_flag_test_and_set(&spinlock))
    continue;
  CHECK(++inside == 1);
  inside--;
  atomic_flag_clear(&spinlock);
  return NULL;
}

PROGRAM(loop_exchange, "no mistake: a lock that is a loop lets one in") {
  run_some(3, spin_and_enter);
}

/* ------------------------------------------------------------ atomicity */

static int count;
static atomic_int taken, takers;

static void *count_up(void *arg) {
  count++;
  return NULL;
}

PROGRAM(update_lost, "two threads count with count++: 2, or 1") {
  run_both(count_up, count_up);
  printf("%d\n", count);
}

static void *take_if_free(void *arg) {
  if (!taken) {
    taken = 1;
    takers++;
  }
  return NULL;
}

PROGRAM(check_then_act,
        "two threads take what is free, in two steps: 1, or 2") {
  run_both(take_if_free, take_if_free);
  printf("%d\n", takers);
}

static void *take_at_once(void *arg) {
  if (!atomic_exchange(&taken, 1))
    takers++;
  return NULL;
}

PROGRAM(check_and_act, "two threads take what is free, in one step: 1") {
  run_both(take_at_once, take_at_once);
  printf("%d\n", takers);
}

PROGRAM(exchange_weak, "a weak exchange may fail for nothing") {
  int expected = 0;
  bool done = atomic_compare_exchange_weak(&taken, &expected, 1);
  CHECK(taken == done && expected == 0);
  puts(done ? "exchanged" : "failed for nothing");
}

PROGRAM(exchange_strong, "a strong one does not") {
  int expected = 0;
  CHECK(atomic_compare_exchange_strong(&taken, &expected, 1));
  CHECK(!atomic_compare_exchange_strong(&taken, &expected, 2));
  CHECK(taken == 1 && expected == 1);
}

/* What each operation returns and leaves, in a type of so many bits. */
#define CHECK_OPERATIONS(bits)                                                 \
  do {                                                                         \
    _Atomic uint##bits##_t a = 5;                                              \
    CHECK(atomic_fetch_add(&a, 6) == 5 && a == 11);                            \
    CHECK(atomic_fetch_sub(&a, 12) == 11 && a == UINT##bits##_MAX);            \
    CHECK(atomic_fetch_and(&a, 12) == UINT##bits##_MAX && a == 12);            \
    CHECK(atomic_fetch_or(&a, 3) == 12 && a == 15);                            \
    CHECK(atomic_fetch_xor(&a, 5) == 15 && a == 10);                           \
    CHECK(atomic_exchange(&a, 7) == 10 && a == 7);                             \
    atomic_store_explicit(&a, 9, memory_order_relaxed);                        \
    CHECK(atomic_load_explicit(&a, memory_order_relaxed) == 9);                \
  } while (0)

PROGRAM(operations, "no mistake: what each operation returns and leaves") {
  CHECK_OPERATIONS(8);
  CHECK_OPERATIONS(16);
  CHECK_OPERATIONS(32);
  CHECK_OPERATIONS(64);
}

/* --------------------------------------------------------- store buffering */

static atomic_int x, y, elsewhere;
static int seen_x, seen_y;
static memory_order order;
static void (*between)(void);

static void nothing(void) {}

/* What it does elsewhere delays its end, for then all is visible. */
static int store_and_load(atomic_int *mine, atomic_int *other) {
  atomic_store_explicit(mine, 1, order);
  between();
  int seen = atomic_load_explicit(other, order);
  for (int i = 0; i < 5; i++)
    (void)atomic_load_explicit(&elsewhere, memory_order_relaxed);
  return seen;
}

static void *store_x_load_y(void *arg) {
  seen_y = store_and_load(&x, &y);
  return NULL;
}

static void *store_y_load_x(void *arg) {
  seen_x = store_and_load(&y, &x);
  return NULL;
}

static void buffer_stores(memory_order how, void (*and_then)(void)) {
  order = how;
  between = and_then;
  run_both(store_x_load_y, store_y_load_x);
  printf("%d %d\n", seen_x, seen_y);
}

PROGRAM(buffering_relaxed,
        "each stores, then loads the other's: 0 0 with TSO") {
  buffer_stores(memory_order_relaxed, nothing);
}

PROGRAM(buffering_ordered, "the same, sequentially consistent: never 0 0") {
  buffer_stores(memory_order_seq_cst, nothing);
}

static void fence(void) { atomic_thread_fence(memory_order_seq_cst); }

PROGRAM(buffering_fenced, "the same with a fence between: never 0 0") {
  buffer_stores(memory_order_relaxed, fence);
}

static void add_elsewhere(void) {
  atomic_fetch_add_explicit(&elsewhere, 1, memory_order_relaxed);
}

PROGRAM(buffering_added, "the same with another atomic operation between") {
  buffer_stores(memory_order_relaxed, add_elsewhere);
}

/* --------------------------------------------------------- message passing */

static void *send(void *arg) {
  atomic_store_explicit(&x, 1, memory_order_relaxed);
  atomic_store_explicit(&y, 1, memory_order_relaxed);
  CHECK(atomic_load_explicit(&x, memory_order_relaxed) == 1);
  return NULL;
}

static void *receive(void *arg) {
  seen_y = atomic_load_explicit(&y, memory_order_relaxed);
  seen_x = atomic_load_explicit(&x, memory_order_relaxed);
  return NULL;
}

PROGRAM(message, "what is stored first is seen first: never 0 1") {
  run_both(send, receive);
  printf("%d %d\n", seen_x, seen_y);
}

/* -------------------------------------------- what is stored under a lock */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void count_loosely(void) {
  int old = atomic_load_explicit(&x, memory_order_relaxed);
  atomic_store_explicit(&x, old + 1, memory_order_relaxed);
}

static void *count_in_mutex(void *arg) {
  pthread_mutex_lock(&mutex);
  count_loosely();
  pthread_mutex_unlock(&mutex);
  return NULL;
}

PROGRAM(locked_by_mutex,
        "no mistake: what a mutex protects is seen by the next") {
  run_some(3, count_in_mutex);
  CHECK(x == 3);
}

static void *count_in_stream(void *arg) {
  flockfile(stdout);
  count_loosely();
  funlockfile(stdout);
  return NULL;
}

PROGRAM(locked_by_stream, "no mistake: the same with a stream's lock") {
  run_some(3, count_in_stream);
  CHECK(x == 3);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *count_once(void *arg) {
  pthread_once(&once, count_loosely);
  CHECK(atomic_load_explicit(&x, memory_order_relaxed) == 1);
  return NULL;
}

PROGRAM(locked_by_once, "no mistake: pthread_once runs once, and all see it") {
  run_some(3, count_once);
}
