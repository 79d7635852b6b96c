/* events.h: a trace as read from its file, and what happened according to it.
 *
 * This and what uses it needs a C compiler, and nothing of the core: a trace is
 * a file, whoever wrote it. Times are microseconds since the trace began. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stddef.h>

/* A member is "" or 0 where the file has none. Texts are printable ASCII:
 * everything else has become a question mark. */
struct event {
  char *ph, *cat, *name, *on, *part, *label; /* label: a thread's name */
  double tid, ts, dur, id, op, by, err, n;
};

struct events {
  struct event *at;
  size_t count;
  bool cut; /* the file ends too early */
};

/* Ends the program with 2 when there is no such file, and with 1 when it is no
 * trace; says where. */
struct events events_read(const char *path);
void events_free(struct events *events);

/* ------------------------------------------------------- what happened */

/* An operation. */
struct op {
  double id, at, tid; /* tid < 0: nobody knows where it was initiated */

  char letter; /* or 0 */
};

/* A handler, or work of ax_run_on. */
struct run {
  double op, begin, end, ready; /* ready < 0: it did not have to wait */
  double tid, err, n;
  double by; /* the operation whose handler initiated it, or 0 */
  const char *name, *on, *part;
  bool whole; /* its end is in the trace */
};

/* Time between ready and begin, in the queue of an executor. */
struct span {
  double begin, end, op, tid; /* of a poll there is tid and no op */
  const char *on;
};

struct thread {
  double tid;
  const char *name, *first; /* its last name, and the one before */
  double renamed;           /* when it got the last one */
  size_t runs;
};

#define LIST(type)                                                             \
  struct {                                                                     \
    struct type *at;                                                           \
    size_t count;                                                              \
  }

struct trace {
  LIST(op) ops;         /* by id */
  LIST(run) runs;       /* by begin */
  LIST(span) waits;     /* by begin */
  LIST(span) polls;     /* by begin */
  LIST(thread) threads; /* by tid */
  double end;
};

/* Its texts are those of the events. */
struct trace trace_of(const struct events *events);
void trace_free(struct trace *trace);

/* NULL: there is none. */
struct op *trace_op(const struct trace *trace, double id);
struct thread *trace_thread(const struct trace *trace, double tid);

/* ---------------------------------------------------------------- memory */

/* Like realloc, and ends the program with 1 when there is no memory. */
void *resized(void *memory, size_t size);

/* The memory of a list, with room for one more element, which is 0. */
void *grown(void *memory, size_t count, size_t size);

/* One more element at the end of a LIST. */
#define APPEND(list)                                                           \
  ((list).at = grown((list).at, (list).count, sizeof *(list).at),              \
   &(list).at[(list).count++])

#endif
