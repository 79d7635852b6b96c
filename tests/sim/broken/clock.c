/* clock.c: an hour passes at once, and waits end when they have to. */
#include "broken.h"

#include <errno.h>
#include <semaphore.h>
#include <unistd.h>

enum { HOUR = 3600 };

PROGRAM(time_hour, "a sleep of an hour takes an hour by the clock") {
  time_t begin = time(NULL);
  double before = now();
  sleep(HOUR);
  CHECK(now() - before >= HOUR && now() - before < HOUR + 1);
  CHECK(time(NULL) - begin >= HOUR);
}

PROGRAM(time_until, "a sleep until a moment ends there, on each clock") {
  double before = now();
  struct timespec real = from_now(CLOCK_REALTIME, HOUR);
  struct timespec monotonic = from_now(CLOCK_MONOTONIC, 2 * HOUR);
  clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &real, NULL);
  CHECK(now() - before >= HOUR && now() - before < HOUR + 1);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &monotonic, NULL);
  CHECK(now() - before >= 2 * HOUR && now() - before < 2 * HOUR + 1);
}

PROGRAM(time_looks, "a loop that looks at the clock sees time pass") {
  for (double before = now(); now() - before < 0.0001;)
    continue;
}

static void *sleep_long(void *arg) {
  sleep(2 * HOUR);
  puts("long");
  return NULL;
}

static void *sleep_short(void *arg) {
  sleep(HOUR);
  puts("short");
  return NULL;
}

PROGRAM(time_sleepers, "two sleepers wake in the order of their times") {
  run_both(sleep_long, sleep_short);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock_until_late(void *arg) {
  struct timespec hour = from_now(CLOCK_REALTIME, HOUR);
  CHECK(pthread_mutex_timedlock(&mutex, &hour) == ETIMEDOUT);
  return NULL;
}

PROGRAM(time_waits, "a mutex and a semaphore are waited for as long as said") {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  double before = now();
  struct timespec hours = from_now(CLOCK_REALTIME, 2 * HOUR);
  pthread_mutex_lock(&mutex);
  join(start(lock_until_late, NULL));
  CHECK(now() - before >= HOUR);
  CHECK(sem_timedwait(&semaphore, &hours) == -1 && errno == ETIMEDOUT);
  CHECK(now() - before >= 2 * HOUR && now() - before < 2 * HOUR + 1);
}
