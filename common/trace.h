/* trace.h: what the core tells of itself while AX_TRACE is set. Off, all that
 * remains is one test of ax__trace_on. */
#ifndef AX_TRACE_H
#define AX_TRACE_H

#include "executor.h"

/* Where an operation comes from. */
struct ax__origin {
  const char *name;
  uint64_t id, by; /* the operation, and the one whose handler initiated it */
};

extern atomic_bool ax__trace_on;

static inline bool ax__tracing(void) {
  return atomic_load_explicit(&ax__trace_on, memory_order_relaxed);
}

void ax__trace_open(void); /* once */
struct ax__origin ax__trace_initiated(ax_fn *fn, const char *name);
void ax__trace_ready(const struct ax__origin *origin, const ax_executor *on,
                     const char *part);
void ax__trace_butler(void);
void ax__trace_polled(ax_time begin);

/* What is traced of one handler. */
struct ax__slice {
  ax_time begin;
  struct ax__origin origin;
  uint64_t outer;
  const ax_executor *on; /* NULL: not traced */
  const char *part;
};
void ax__trace_begin(struct ax__slice *slice, const struct ax__origin *origin,
                     const char *part);
void ax__trace_end(const struct ax__slice *slice, int err, size_t n);

/* Of an operation that runs in two places: its work, and then its handler. NULL
 * is the part of all others. */
#define AX__WORK "work"
#define AX__HOME "home"

static inline void ax__slice_begin(struct ax__slice *slice, bool runs,
                                   const struct ax__origin *origin,
                                   const char *part) {
  slice->on = NULL;
  if (runs && ax__tracing())
    ax__trace_begin(slice, origin, part);
}

/* Before an operation is pushed, because it may be gone after. */
static inline void ax__ready(bool runs, const struct ax__origin *origin,
                             const ax_executor *on, const char *part) {
  if (ax__tracing() && runs)
    ax__trace_ready(origin, on, part);
}

#endif
