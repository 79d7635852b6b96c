/* context.h: a context is an executor, its scheduler, its loop and its timers.
 */
#ifndef AX_CONTEXT_H
#define AX_CONTEXT_H

#include "loop.h"
#include "timer_heap.h"

/* A thread inside ax_run: on its own stack, in a list sorted by number. */
struct ax__butler {
  struct ax__butler *next;
  int number;
};

struct ax__context {
  ax_executor base;
  struct ax__loop loop;
  ax__mutex timers_lock; /* guards the timers, and setting loop.poller.due */
  struct ax__heap timers;
  bool timers_closed;
  ax__spinlock butlers_lock; /* guards ... */
  struct ax__butler *butlers;
  bool ended;
};

/* With timers_lock held, after the heap was changed. */
static inline void ax__timers_changed(struct ax__context *context) {
  context->loop.poller.due = ax__heap_next(&context->timers);
}

#endif
