/* os.h: the locks, conditions and clock of the core, all in one place, so that
 * a test could put a scheduler of its own in their stead.
 *
 * libuv's are used: they are the same on every platform, and they abort on an
 * error instead of going on. Builds with assertions use mutexes that notice
 * being locked twice by one thread. */
#ifndef AX_OS_H
#define AX_OS_H

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

typedef uv_mutex_t ax__mutex;
typedef uv_cond_t ax__cond;

static inline void ax__mutex_init(ax__mutex *mutex) {
#ifdef NDEBUG
  if (uv_mutex_init(mutex))
    abort();
#else
  pthread_mutexattr_t checked;
  if (pthread_mutexattr_init(&checked) ||
      pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK) ||
      pthread_mutex_init(mutex, &checked) ||
      pthread_mutexattr_destroy(&checked))
    abort();
#endif
}

static inline void ax__mutex_destroy(ax__mutex *mutex) {
  uv_mutex_destroy(mutex);
}

static inline void ax__lock(ax__mutex *mutex) { uv_mutex_lock(mutex); }
static inline void ax__unlock(ax__mutex *mutex) { uv_mutex_unlock(mutex); }

static inline bool ax__trylock(ax__mutex *mutex) {
  return uv_mutex_trylock(mutex) == 0;
}

static inline void ax__cond_init(ax__cond *cond) {
  if (uv_cond_init(cond))
    abort();
}

static inline void ax__cond_destroy(ax__cond *cond) { uv_cond_destroy(cond); }

static inline void ax__wait(ax__cond *cond, ax__mutex *mutex) {
  uv_cond_wait(cond, mutex);
}

/* Waits at most `span` nanoseconds; false when they passed. */
static inline bool ax__wait_for(ax__cond *cond, ax__mutex *mutex,
                                uint64_t span) {
  return uv_cond_timedwait(cond, mutex, span) == 0;
}

static inline void ax__wake_one(ax__cond *cond) { uv_cond_signal(cond); }
static inline void ax__wake_all(ax__cond *cond) { uv_cond_broadcast(cond); }

#endif
