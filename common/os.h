/* os.h: the locks, conditions and clock of the core, all in one place. (The
 * simulator in tests/sim takes the place of what they call.)
 *
 * An error of theirs is a mistake of ours and aborts. Builds with
 * sanitizers use mutexes that notice being locked twice by one thread.
 * Conditions are libuv's, for their wait with a time limit on any clock. */
#ifndef AX_OS_H
#define AX_OS_H

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

typedef pthread_mutex_t ax__mutex;
typedef uv_cond_t ax__cond;

static inline void ax__must(int err) {
  if (err)
    abort();
}

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

/* True while the process has one thread: then an exchange may be a load and a
 * store. The C library knows, for its own locks do the same; others do not
 * tell. A chain of posts takes 14 ns a handler so, and 32 with exchanges
 * (micro-ping1). */
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

/* A lock for a few instructions, which is what others may have to wait for:
 * closing it is one exchange, opening it one store. */
typedef atomic_bool ax__latch;

/* False if it is closed. */
static inline bool ax__latch_try(ax__latch *latch) {
  if (!ax__alone())
    return !atomic_exchange_explicit(latch, true, memory_order_acquire);
  bool closed = atomic_load_explicit(latch, memory_order_relaxed);
  atomic_store_explicit(latch, true, memory_order_relaxed);
  return !closed;
}

static inline void ax__latch_close(ax__latch *latch) {
  if (ax__alone()) {
    ax__must(AX__CHECKED && atomic_load(latch)); /* nobody else opens it */
    atomic_store_explicit(latch, true, memory_order_relaxed);
    return;
  }
  for (int tries = 1; !ax__latch_try(latch); tries++)
    if (tries % 64 == 0)
      sched_yield(); /* who has it may want this processor */
}

static inline void ax__latch_open(ax__latch *latch) {
  atomic_store_explicit(latch, false, memory_order_release);
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

#endif
