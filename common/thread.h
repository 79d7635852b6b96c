/* thread.h: what threads share data with, all in one place: mutexes,
 * conditions, spinlocks and counts; and what a thread knows of itself. (The
 * simulator in tests/sim replaces what these functions call.)
 *
 * An error of theirs is a mistake of ours and aborts. Builds with sanitizers
 * use mutexes that notice when one thread locks them twice. Conditions are
 * libuv's: their wait takes a time limit on every system. */
#ifndef AX_THREAD_H
#define AX_THREAD_H

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#if defined(AX__CHECKED) /* a build may say, as that for seeds does */
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AX__CHECKED 1
#elif defined(__has_feature)
#define AX__CHECKED                                                            \
  (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define AX__CHECKED 0
#endif

static inline void ax__must(int err) {
  if (err)
    abort();
}

/* ---------------------------------------------------- mutexes, conditions */

typedef pthread_mutex_t ax__mutex;
typedef uv_cond_t ax__cond;

static inline void ax__mutex_init(ax__mutex *mutex) {
  pthread_mutexattr_t attributes;
  ax__must(pthread_mutexattr_init(&attributes));
#if AX__CHECKED
  ax__must(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
#endif
  ax__must(pthread_mutex_init(mutex, &attributes));
  pthread_mutexattr_destroy(&attributes);
}

static inline void ax__mutex_destroy(ax__mutex *mutex) {
  ax__must(pthread_mutex_destroy(mutex));
}

static inline void ax__lock(ax__mutex *mutex) {
  ax__must(pthread_mutex_lock(mutex));
}

static inline void ax__unlock(ax__mutex *mutex) {
  ax__must(pthread_mutex_unlock(mutex));
}

static inline void ax__cond_init(ax__cond *cond) {
  ax__must(uv_cond_init(cond));
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

/* ------------------------------------------------------ counts, spinlocks */

/* True while the process has one thread: then an exchange may be a load and a
 * store, which costs half. The C library knows, because its own locks do the
 * same; other libraries do not tell. */
#if defined(__GLIBC__) && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
static inline bool ax__alone(void) { return __libc_single_threaded; }
#else
static inline bool ax__alone(void) { return false; }
#endif

/* Adds to a count that threads share and returns what it was. */
static inline size_t ax__add(atomic_size_t *count, size_t change) {
  if (!ax__alone())
    return atomic_fetch_add_explicit(count, change, memory_order_acq_rel);
  size_t before = atomic_load_explicit(count, memory_order_relaxed);
  atomic_store_explicit(count, before + change, memory_order_relaxed);
  return before;
}

/* Changes it, if it still is what it was before. */
static inline bool ax__change(atomic_size_t *count, size_t before,
                              size_t after) {
  if (!ax__alone())
    return atomic_compare_exchange_weak(count, &before, after);
  atomic_store_explicit(count, after, memory_order_relaxed);
  return true;
}

/* A lock for a few instructions: one exchange locks it, one store unlocks it,
 * and whoever finds it locked tries again. */
typedef atomic_bool ax__spinlock;

/* False if it is locked. */
static inline bool ax__spin_try(ax__spinlock *lock) {
  if (!ax__alone())
    return !atomic_exchange_explicit(lock, true, memory_order_acquire);
  bool locked = atomic_load_explicit(lock, memory_order_relaxed);
  atomic_store_explicit(lock, true, memory_order_relaxed);
  return !locked;
}

static inline void ax__spin_lock(ax__spinlock *lock) {
  if (ax__alone()) {
    ax__must(AX__CHECKED && atomic_load(lock)); /* nobody else unlocks it */
    atomic_store_explicit(lock, true, memory_order_relaxed);
    return;
  }
  for (int tries = 1; !ax__spin_try(lock); tries++)
    if (tries % 64 == 0)
      sched_yield(); /* the owner may want this processor */
}

static inline void ax__spin_unlock(ax__spinlock *lock) {
  atomic_store_explicit(lock, false, memory_order_release);
}

/* ----------------------------------------------------------- thread state */

/* What a thread knows of itself. */
struct ax__thread {
  struct ax__frame *inside; /* what it runs in, innermost first: executor.h */
  size_t handlers;          /* run so far */
  uint64_t op;  /* the operation whose handler runs, for the trace */
  int butler;   /* its number; 0: it is none */
  int trace_id; /* 0: not yet in the trace */
  int named;    /* the number of the butler that the trace calls it */
};
extern _Thread_local struct ax__thread ax__self;

#endif
