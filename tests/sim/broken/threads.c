/* threads.c: how threads begin and end, and how a process does. */
#include "broken.h"

#include <unistd.h>

/* ----------------------------------------------------- keys, ends, results */

static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *value) {
  double before = now();
  usleep(1000);
  CHECK(now() - before >= 0.001); /* else it is not simulated any more */
  destroyed += *(int *)value;
}

static void *use_key(void *arg) {
  pthread_setspecific(key, arg);
  return NULL;
}

PROGRAM(thread_key, "no mistake: a key's destructor runs before join returns") {
  int value = 5;
  CHECK(pthread_key_create(&key, destroy) == 0);
  join(start(use_key, &value));
  CHECK(destroyed == 5);
}

static void *leave(void *arg) {
  if (arg)
    pthread_exit(arg);
  return "returned";
}

PROGRAM(thread_result,
        "no mistake: join gets what a thread returns or exits with") {
  void *returned, *left;
  CHECK(pthread_join(start(leave, NULL), &returned) == 0);
  CHECK(pthread_join(start(leave, "left"), &left) == 0);
  CHECK(strcmp(returned, "returned") == 0 && strcmp(left, "left") == 0);
}

static void *print_late(void *arg) {
  sleep(1);
  puts("late");
  return NULL;
}

PROGRAM(thread_detached, "a thread that nobody joins ends with the process") {
  CHECK(pthread_detach(start(print_late, NULL)) == 0);
  puts("early");
}

static pthread_t first;

static void *print_last(void *arg) {
  CHECK(pthread_join(first, NULL) == 0);
  puts("last");
  return NULL;
}

PROGRAM(thread_main_leaves, "the main thread exits, the last one ends it all") {
  first = pthread_self();
  start(print_last, NULL);
  pthread_exit(NULL);
}

static void *end_process(void *arg) { exit(3); }

PROGRAM(thread_exits, "a thread ends the process with status 3") {
  join(start(end_process, NULL));
}

static void *join_first(void *arg) {
  pthread_join(first, NULL); /* here: threads_join */
  return NULL;
}

PROGRAM(threads_join, "a deadlock: two threads join each other") {
  first = pthread_self();
  join(start(join_first, NULL));
}

/* ---------------------------------------------------------------- crashes */

static int *volatile null;

PROGRAM(crash_null, "a NULL pointer is written through") {
  *null = 1; /* here: crash_null */
}

PROGRAM(crash_abort, "abort() is called") { abort(); /* here: crash_abort */ }
