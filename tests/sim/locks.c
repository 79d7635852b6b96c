/* locks.c: mutexes, conditions, semaphores, read-write locks and barriers.
 *
 * Each lies in the memory of the system's own, which is never used. A mutex
 * that was initialised statically is all zero but for its kind, which stands
 * where glibc has it. Waiting is sim_wait on the object's address; a
 * condition also wakes somebody for nothing now and then, as it may. */
#include "sim.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

/* Before anything that others may wait for. */
static void arrive(const char *what, const void *at, const void *pc) {
  sim_check(at, 1, what, pc);
  sim_drain();
  sim_point(what, at, pc);
}

static int self_id(void) { return sim.current->id + 1; }

/* ---------------------------------------------------------------- mutexes */

struct mutex {
  int owner; /* its id plus one; 0: nobody */
  int depth;
  int gone, unused;
  int kind;
  const void *locked_at;
};
_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "it fits");

int pthread_mutex_init(pthread_mutex_t *mutex,
                       const pthread_mutexattr_t *attributes) {
  struct mutex *m = (struct mutex *)mutex;
  *m = (struct mutex){0};
  if (attributes)
    pthread_mutexattr_gettype(attributes, &m->kind);
  return 0;
}

static bool somebody_waits(const void *on) {
  for (int i = 0; i < sim.count; i++)
    if (sim.threads[i].state == SIM_WAITING && sim.threads[i].on == on)
      return true;
  return false;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) {
  struct mutex *m = (struct mutex *)mutex;
  if (sim_mine()) {
    arrive("destroys a mutex", m, SIM_PC);
    if (m->owner || somebody_waits(m))
      sim_fail("a mutex is destroyed while it is in use");
  }
  m->gone = 1;
  return 0;
}

static const char waits[] = "waits for a mutex";

void sim_tell_owner(const struct sim_thread *waiting) {
  const struct mutex *m = waiting->on;
  struct sim_place place;
  if (waiting->why != waits || !m->owner)
    return;
  sim_find_places(&m->locked_at, &place, 1);
  sim_say(" that thread %d locked in %s", m->owner - 1, place.text);
}

static void own(struct mutex *m, const void *pc) {
  m->owner = self_id();
  m->depth = 1;
  m->locked_at = pc;
}

/* Locked already by the caller: an error, or one deeper. */
static int lock_again(struct mutex *m) {
  if (m->kind == PTHREAD_MUTEX_ERRORCHECK)
    return EDEADLK;
  if (m->kind != PTHREAD_MUTEX_RECURSIVE)
    sim_fail("a mutex is locked twice by one thread");
  m->depth++;
  return 0;
}

static int lock(struct mutex *m, sim_time deadline, const void *pc) {
  if (m->gone)
    sim_fail("a mutex is locked that was destroyed");
  if (m->owner == self_id())
    return lock_again(m);
  while (m->owner)
    if (sim_wait(m, waits, deadline))
      return ETIMEDOUT;
  own(m, pc);
  return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
  if (!sim_mine())
    return 0;
  arrive("locks a mutex", mutex, SIM_PC);
  return lock((struct mutex *)mutex, SIM_NEVER, SIM_PC);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict until) {
  if (!sim_mine())
    return 0;
  arrive("locks a mutex", mutex, SIM_PC);
  return lock((struct mutex *)mutex, sim_moment(CLOCK_REALTIME, until), SIM_PC);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex) {
  struct mutex *m = (struct mutex *)mutex;
  if (!sim_mine())
    return 0;
  arrive("tries a mutex", m, SIM_PC);
  if (m->gone)
    sim_fail("a mutex is locked that was destroyed");
  if (m->owner == self_id() && m->kind == PTHREAD_MUTEX_RECURSIVE)
    return lock_again(m);
  if (m->owner)
    return EBUSY;
  own(m, SIM_PC);
  return 0;
}

static void expect_owned(const struct mutex *m, const char *what) {
  if (m->owner != self_id())
    sim_fail("%s a mutex that it does not hold", what);
}

static void release(struct mutex *m) {
  m->owner = 0;
  sim_wake_all(m);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  struct mutex *m = (struct mutex *)mutex;
  if (!sim_mine())
    return 0;
  sim_check(m, 1, "unlocks a mutex", SIM_PC);
  expect_owned(m, "a thread unlocks");
  sim_drain();
  if (--m->depth == 0)
    release(m);
  sim_point("has unlocked a mutex", m, SIM_PC);
  return 0;
}

/* ------------------------------------------------------------- conditions */

struct condition {
  int clock;
};

int pthread_cond_init(pthread_cond_t *restrict condition,
                      const pthread_condattr_t *restrict attributes) {
  struct condition *c = (struct condition *)condition;
  *c = (struct condition){0};
  if (attributes)
    pthread_condattr_getclock(attributes, &c->clock);
  return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition) {
  if (sim_mine() && somebody_waits(condition))
    sim_fail("a condition is destroyed that somebody waits for");
  return 0;
}

/* Once in a while nobody has signalled. */
static int wait_for(void *condition, pthread_mutex_t *mutex, sim_time deadline,
                    const void *pc) {
  struct mutex *m = (struct mutex *)mutex;
  if (!sim_mine())
    return 0;
  arrive("comes to a condition", condition, pc);
  expect_owned(m, "a thread waits for a condition with");
  int depth = m->depth;
  release(m);
  bool late = false;
  if (sim_random(64))
    late = sim_wait(condition, "waits for a condition", deadline);
  else
    sim_point("is woken for nothing", condition, pc);
  lock(m, SIM_NEVER, pc);
  m->depth = depth;
  return late ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *restrict condition,
                      pthread_mutex_t *restrict mutex) {
  return wait_for(condition, mutex, SIM_NEVER, SIM_PC);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition,
                           pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  int clock = ((struct condition *)condition)->clock;
  return wait_for(condition, mutex, sim_moment(clock, until), SIM_PC);
}

int pthread_cond_clockwait(pthread_cond_t *restrict condition,
                           pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until) {
  return wait_for(condition, mutex, sim_moment(clock, until), SIM_PC);
}

int pthread_cond_signal(pthread_cond_t *condition) {
  if (!sim_mine())
    return 0;
  arrive("signals a condition", condition, SIM_PC);
  sim_wake_one(condition);
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition) {
  if (!sim_mine())
    return 0;
  arrive("signals a condition to all", condition, SIM_PC);
  sim_wake_all(condition);
  return 0;
}

/* ------------------------------------------------------------- semaphores */

struct semaphore {
  unsigned value;
};

int sem_init(sem_t *semaphore, int shared, unsigned value) {
  *(struct semaphore *)semaphore = (struct semaphore){value};
  return 0;
}

int sem_destroy(sem_t *semaphore) {
  if (sim_mine() && somebody_waits(semaphore))
    sim_fail("a semaphore is destroyed that somebody waits for");
  return 0;
}

int sem_post(sem_t *semaphore) {
  if (sim_mine())
    arrive("posts a semaphore", semaphore, SIM_PC);
  ((struct semaphore *)semaphore)->value++;
  if (sim_mine())
    sim_wake_all(semaphore);
  return 0;
}

static int take(sem_t *semaphore, sim_time deadline, const void *pc) {
  struct semaphore *s = (struct semaphore *)semaphore;
  if (!sim_mine())
    return 0;
  arrive("takes from a semaphore", s, pc);
  while (s->value == 0)
    if (sim_wait(s, "waits for a semaphore", deadline)) {
      errno = ETIMEDOUT;
      return -1;
    }
  s->value--;
  return 0;
}

int sem_wait(sem_t *semaphore) { return take(semaphore, SIM_NEVER, SIM_PC); }

int sem_timedwait(sem_t *restrict semaphore,
                  const struct timespec *restrict until) {
  return take(semaphore, sim_moment(CLOCK_REALTIME, until), SIM_PC);
}

int sem_trywait(sem_t *semaphore) {
  struct semaphore *s = (struct semaphore *)semaphore;
  if (sim_mine())
    arrive("tries a semaphore", s, SIM_PC);
  if (s->value == 0) {
    errno = EAGAIN;
    return -1;
  }
  s->value--;
  return 0;
}

int sem_getvalue(sem_t *restrict semaphore, int *restrict value) {
  *value = (int)((struct semaphore *)semaphore)->value;
  return 0;
}

/* -------------------------------------------------------- read-write locks */

struct rwlock {
  int writer, readers;
};

int pthread_rwlock_init(pthread_rwlock_t *restrict lock,
                        const pthread_rwlockattr_t *restrict attributes) {
  *(struct rwlock *)lock = (struct rwlock){0};
  return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock) {
  const struct rwlock *l = (struct rwlock *)lock;
  if (sim_mine() && (l->writer || l->readers || somebody_waits(l)))
    sim_fail("a read-write lock is destroyed while it is in use");
  return 0;
}

/* For reading, or for writing as well. */
static bool is_free(const struct rwlock *l, bool write) {
  return !l->writer && !(write && l->readers);
}

static void share(struct rwlock *l, bool write) {
  if (write)
    l->writer = self_id();
  else
    l->readers++;
}

static int share_when_free(void *lock, bool write, const char *what,
                           const void *pc) {
  struct rwlock *l = lock;
  if (!sim_mine())
    return 0;
  arrive(what, l, pc);
  if (l->writer == self_id())
    return EDEADLK;
  while (!is_free(l, write))
    sim_wait(l, "waits for a read-write lock", SIM_NEVER);
  share(l, write);
  return 0;
}

static int share_if_free(void *lock, bool write, const char *what,
                         const void *pc) {
  struct rwlock *l = lock;
  if (!sim_mine())
    return 0;
  arrive(what, l, pc);
  if (!is_free(l, write))
    return EBUSY;
  share(l, write);
  return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
  return share_when_free(lock, false, "locks to read", SIM_PC);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock) {
  return share_when_free(lock, true, "locks to write", SIM_PC);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock) {
  return share_if_free(lock, false, "tries to read", SIM_PC);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock) {
  return share_if_free(lock, true, "tries to write", SIM_PC);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock) {
  struct rwlock *l = (struct rwlock *)lock;
  if (!sim_mine())
    return 0;
  sim_check(l, 1, "unlocks a read-write lock", SIM_PC);
  sim_drain();
  if (l->writer ? l->writer != self_id() : !l->readers)
    sim_fail("a thread unlocks a read-write lock that it does not hold");
  if (l->writer)
    l->writer = 0;
  else
    l->readers--;
  sim_wake_all(l);
  sim_point("has unlocked a read-write lock", l, SIM_PC);
  return 0;
}

/* --------------------------------------------------------------- barriers */

struct barrier {
  unsigned count, inside, round;
};

int pthread_barrier_init(pthread_barrier_t *restrict barrier,
                         const pthread_barrierattr_t *restrict attributes,
                         unsigned count) {
  *(struct barrier *)barrier = (struct barrier){.count = count};
  return count ? 0 : EINVAL;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier) { return 0; }

int pthread_barrier_wait(pthread_barrier_t *barrier) {
  struct barrier *b = (struct barrier *)barrier;
  if (!sim_mine())
    return 0;
  arrive("comes to a barrier", b, SIM_PC);
  if (++b->inside == b->count) {
    b->inside = 0;
    b->round++;
    sim_wake_all(b);
    return PTHREAD_BARRIER_SERIAL_THREAD;
  }
  for (unsigned round = b->round; b->round == round;)
    sim_wait(b, "waits at a barrier", SIM_NEVER);
  return 0;
}
