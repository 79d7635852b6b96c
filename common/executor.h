/* executor.h: where handlers run. A context and a strand are one type and
 * differ in how they take an entry. */
#ifndef AX_EXECUTOR_H
#define AX_EXECUTOR_H

#include "ax.h"
#include "queue.h"
#include "thread.h"

struct ax_executor {
  ax_obj obj;
  struct ax__context *context;     /* the one at the bottom */
  struct ax__scheduler *scheduler; /* that of this context */
  /* Takes the entry, from any thread. False: the context is gone, and the
   * entry is left as it was. */
  bool (*push)(ax_executor *executor, ax__entry *entry);
  const char *kind; /* "context" or "strand", and a number, for the trace */
  unsigned number;
};

/* Puts an entry where `executor` will run it, or drops it when the context is
 * gone. */
static inline void ax__push(ax_executor *executor, ax__entry *entry) {
  if (!executor->push(executor, entry))
    entry->run(entry, false);
}

/* What the thread runs in. A frame without an executor ends the list: that is
 * what the loop enters for its callbacks, so ax_inside is false there. */
struct ax__frame {
  ax_executor *executor;
  struct ax__frame *up;
};

static inline void ax__enter(struct ax__frame *frame, ax_executor *executor) {
  *frame = (struct ax__frame){executor, ax__self.inside};
  ax__self.inside = frame;
}

static inline void ax__leave(struct ax__frame *frame) {
  ax__self.inside = frame->up;
}

/* The innermost executor that the thread runs in, or NULL. */
static inline ax_executor *ax__here(void) {
  return ax__self.inside ? ax__self.inside->executor : NULL;
}

#endif
