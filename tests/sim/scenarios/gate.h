/* gate.h: where one thread waits until another has done its part.
 *
 * A gate is for handlers that block and for threads that take turns. It has a
 * lock and a condition, so a thread that waits in vain is a deadlock, which
 * the simulator reports at once. */
#ifndef GATE_H
#define GATE_H

#include "scenario.h"

struct gate {
  pthread_mutex_t lock;
  pthread_cond_t opened;
  int passes; /* so many may go through */
};

#define GATE                                                                   \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

/* Lets one more through. */
static inline void gate_open(struct gate *gate) {
  CHECK(pthread_mutex_lock(&gate->lock) == 0);
  gate->passes++;
  CHECK(pthread_cond_signal(&gate->opened) == 0);
  CHECK(pthread_mutex_unlock(&gate->lock) == 0);
}

/* Waits until it may go through. */
static inline void gate_pass(struct gate *gate) {
  CHECK(pthread_mutex_lock(&gate->lock) == 0);
  while (!gate->passes)
    CHECK(pthread_cond_wait(&gate->opened, &gate->lock) == 0);
  gate->passes--;
  CHECK(pthread_mutex_unlock(&gate->lock) == 0);
}

#endif
