/* locks.c: mutexes, conditions, semaphores, read-write locks and barriers. */
#include "broken.h"

#include <errno.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static bool done;

/* ---------------------------------------------------------------- mutexes */

static void *lock_inner_first(void *arg) {
  pthread_mutex_lock(&inner); /* held: mutexes_crossed */
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  pthread_mutex_unlock(&inner);
  return NULL;
}

PROGRAM(mutexes_crossed, "a deadlock: two mutexes, locked in both orders") {
  pthread_t thread = start(lock_inner_first, NULL);
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&inner); /* here: mutexes_crossed */
  pthread_mutex_unlock(&inner);
  pthread_mutex_unlock(&mutex);
  join(thread);
}

static void *lock_both(void *arg) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&inner);
  pthread_mutex_unlock(&inner);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

PROGRAM(mutexes_in_order, "no mistake: two mutexes, locked in one order") {
  run_both(lock_both, lock_both);
}

PROGRAM(mutex_twice, "a thread locks what it has locked") {
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex); /* here: mutex_twice */
}

static void *find_busy(void *arg) {
  CHECK(pthread_mutex_trylock(arg) == EBUSY);
  return NULL;
}

PROGRAM(mutex_recursive,
        "no mistake: a recursive mutex, twice; one that checks "
        "refuses") {
  pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_t checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  CHECK(pthread_mutex_lock(&recursive) == 0);
  CHECK(pthread_mutex_lock(&recursive) == 0);
  CHECK(pthread_mutex_unlock(&recursive) == 0);
  join(start(find_busy, &recursive));
  CHECK(pthread_mutex_lock(&checking) == 0);
  CHECK(pthread_mutex_lock(&checking) == EDEADLK);
}

static void *unlock(void *arg) {
  pthread_mutex_unlock(&mutex); /* here: mutex_of_another */
  return NULL;
}

PROGRAM(mutex_of_another, "a thread unlocks what another one has locked") {
  pthread_mutex_lock(&mutex);
  join(start(unlock, NULL));
}

PROGRAM(mutex_destroyed_locked, "a mutex is destroyed while it is locked") {
  pthread_mutex_lock(&mutex);
  pthread_mutex_destroy(&mutex); /* here: mutex_destroyed_locked */
}

PROGRAM(mutex_destroyed, "a mutex is locked after it was destroyed") {
  pthread_mutex_destroy(&mutex);
  pthread_mutex_lock(&mutex); /* here: mutex_destroyed */
}

PROGRAM(mutex_destroyed_try, "a mutex is tried after it was destroyed") {
  pthread_mutex_destroy(&mutex);
  pthread_mutex_trylock(&mutex); /* here: mutex_destroyed_try */
}

/* ------------------------------------------------------------- conditions */

static void *signal_done(void *arg) {
  pthread_mutex_lock(&mutex);
  done = true;
  pthread_cond_signal(&condition);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

PROGRAM(condition_lost, "a thread waits without a look at what it waits for") {
  pthread_t thread = start(signal_done, NULL);
  pthread_mutex_lock(&mutex);
  pthread_cond_wait(&condition, &mutex); /* here: condition_lost */
  pthread_mutex_unlock(&mutex);
  join(thread);
}

PROGRAM(condition_kept, "no mistake: a thread waits until what it waits for") {
  pthread_t thread = start(signal_done, NULL);
  pthread_mutex_lock(&mutex);
  while (!done)
    pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  join(thread);
}

PROGRAM(condition_unlocked, "a thread waits without the mutex") {
  pthread_cond_wait(&condition, &mutex); /* here: condition_unlocked */
}

static void *wait_for_done(void *arg) {
  pthread_mutex_lock(&mutex);
  while (!done)
    pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

PROGRAM(condition_destroyed,
        "a condition is destroyed that a thread waits for") {
  pthread_t thread = start(wait_for_done, NULL);
  pthread_cond_destroy(&condition); /* here: condition_destroyed */
  signal_done(NULL);
  join(thread);
}

PROGRAM(condition_woken,
        "a wait for what nobody signals, which may end early") {
  struct timespec second = from_now(CLOCK_REALTIME, 1);
  pthread_mutex_lock(&mutex);
  bool late = pthread_cond_timedwait(&condition, &mutex, &second) == ETIMEDOUT;
  puts(late ? "too late" : "woken for nothing");
  pthread_mutex_unlock(&mutex);
}

/* ------------------------------------------------------------- semaphores */

PROGRAM(semaphore_silent, "a thread waits for a semaphore that nobody posts") {
  sem_init(&semaphore, 0, 1);
  sem_wait(&semaphore);
  sem_wait(&semaphore); /* here: semaphore_silent */
}

static void *post(void *arg) {
  sem_post(&semaphore);
  return NULL;
}

PROGRAM(semaphore_posted, "no mistake: each post lets one thread through") {
  sem_init(&semaphore, 0, 0);
  pthread_t one = start(post, NULL), other = start(post, NULL);
  sem_wait(&semaphore);
  sem_wait(&semaphore);
  CHECK(sem_trywait(&semaphore) == -1 && errno == EAGAIN);
  join(one);
  join(other);
  CHECK(sem_destroy(&semaphore) == 0);
}

static void *wait_for_post(void *arg) {
  sem_wait(&semaphore);
  return NULL;
}

PROGRAM(semaphore_destroyed,
        "a semaphore is destroyed that a thread waits for") {
  sem_init(&semaphore, 0, 0);
  pthread_t thread = start(wait_for_post, NULL);
  sem_destroy(&semaphore); /* here: semaphore_destroyed */
  sem_post(&semaphore);
  join(thread);
}

/* -------------------------------------------------------- read-write locks */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int readers, writers, most_readers;

static void *read_locked(void *arg) {
  pthread_rwlock_rdlock(&rwlock);
  int count = ++readers;
  CHECK(writers == 0);
  if (count > most_readers)
    most_readers = count;
  readers--;
  pthread_rwlock_unlock(&rwlock);
  return NULL;
}

static void *write_locked(void *arg) {
  pthread_rwlock_wrlock(&rwlock);
  CHECK(++writers == 1);
  CHECK(readers == 0);
  writers--;
  pthread_rwlock_unlock(&rwlock);
  return NULL;
}

PROGRAM(rwlock_shared, "readers come in together or not, writers alone") {
  pthread_t writing[] = {start(write_locked, NULL), start(write_locked, NULL)};
  run_both(read_locked, read_locked);
  join(writing[0]);
  join(writing[1]);
  printf("%d together\n", most_readers);
}

PROGRAM(rwlock_not_held, "a thread unlocks a read-write lock that is not its") {
  pthread_rwlock_unlock(&rwlock); /* here: rwlock_not_held */
}

PROGRAM(rwlock_destroyed, "a read-write lock is destroyed while it is locked") {
  pthread_rwlock_rdlock(&rwlock);
  pthread_rwlock_destroy(&rwlock); /* here: rwlock_destroyed */
}

/* --------------------------------------------------------------- barriers */

static pthread_barrier_t barrier;
static atomic_int arrived, last;

static void *meet(void *arg) {
  for (int round = 1; round <= 2; round++) {
    arrived++;
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
      last++;
    CHECK(arrived >= 3 * round);
  }
  return NULL;
}

PROGRAM(barrier_meets,
        "no mistake: nobody passes a barrier before all are there") {
  pthread_barrier_init(&barrier, NULL, 3);
  run_some(3, meet);
  CHECK(last == 2);
}

PROGRAM(barrier_short, "a thread waits at a barrier for one that never comes") {
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_barrier_wait(&barrier); /* here: barrier_short */
}
