/* core.h: what the files of the core share with each other, and nobody else.
 *
 * Read in this order: object.c, op.c, context.c, strand.c, timer.c; then
 * buffer.c, endpoint.c, poll.c, stream.c, acceptor.c, signals.c, resolve.c;
 * trace.c at any time. */
#ifndef AX_CORE_H
#define AX_CORE_H

#include "ax.h"
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#define AX__OF(type, member, pointer)                                          \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct ax__context;
struct ax__io;

/* ------------------------------------------------------- entries, queues */

/* Something that can stand in a queue: an operation, the turn of a strand,
 * the marker "mind the door". */
typedef struct ax__entry ax__entry;
struct ax__entry {
  ax__entry *next;
  /* live: do it, on a butler. Not live: the context is gone, let go of it. */
  void (*run)(ax__entry *entry, bool live);
};

/* First in, first out; intrusive. All zero is an empty one. */
typedef struct ax__queue {
  ax__entry *head, *last;
} ax__queue;

static inline void ax__queue_push(ax__queue *queue, ax__entry *entry) {
  entry->next = NULL;
  if (queue->head)
    queue->last->next = entry;
  else
    queue->head = entry;
  queue->last = entry;
}

static inline ax__entry *ax__queue_pop(ax__queue *queue) {
  ax__entry *entry = queue->head;
  if (entry)
    queue->head = entry->next;
  return entry;
}

/* Moves all of `from` to the end of `to`. */
static inline void ax__queue_splice(ax__queue *to, ax__queue *from) {
  if (!from->head)
    return;
  if (to->head)
    to->last->next = from->head;
  else
    to->head = from->head;
  to->last = from->last;
  from->head = NULL;
}

static inline ax__queue ax__queue_take(ax__queue *queue) {
  ax__queue taken = *queue;
  queue->head = NULL;
  return taken;
}

/* ------------------------------------------------------------- executors */

struct ax_executor {
  ax_obj obj;
  struct ax__context *context; /* the one at the bottom */
  void (*push)(ax_executor *executor, ax__entry *entry);
  const char *kind; /* "context" or "strand", and a number, for the trace */
  unsigned number;
};

/* What the thread is inside of, innermost first. */
struct ax__frame {
  ax_executor *executor;
  struct ax__frame *up;
};

/* All that a thread knows of itself. */
struct ax__self {
  struct ax__frame *inside;
  struct ax__context *door; /* the context whose door it minds now */
  ax__queue spare;          /* memory of operations, for reuse */
  size_t spares;
  size_t handlers; /* run so far */
  uint64_t op;     /* the operation whose handler runs, for the trace */
  int butler;      /* its number; 0 is none */
  int trace_id;
};
extern _Thread_local struct ax__self ax__self;

static inline void ax__enter(struct ax__frame *frame, ax_executor *executor) {
  *frame = (struct ax__frame){executor, ax__self.inside};
  ax__self.inside = frame;
}

static inline void ax__leave(struct ax__frame *frame) {
  ax__self.inside = frame->up;
}

/* ------------------------------------------------------------ operations */

struct ax_op {
  ax__entry entry;
  ax_token token;           /* its executor is always set */
  void *object;             /* the I/O object, held; may be NULL */
  void *with;               /* another object, held; may be NULL */
  struct ax__context *at;   /* where it is pending */
  void (*start)(ax_op *op); /* at the door of `at` */
  int err;
  bool pending;   /* counted as work, and holding its executor */
  bool reading;   /* which side of the stream */
  unsigned epoch; /* of the stream, at initiation */
  int fd;
  size_t n;
  size_t want;                /* complete when n reaches this */
  ssize_t (*move)(ax_op *op); /* moves bytes, at the door */
  void *extra;                /* memory to be freed with it, or NULL */
  uint64_t id, by;            /* for the trace */
  union {
    struct { /* bytes still to be moved */
      struct iovec *iov;
      size_t iov_count;
      struct iovec few[2];
    };
    struct { /* read_until */
      ax_dynbuf *dynbuf;
      size_t scanned;
      int delimiter;
    };
    struct { /* ax_initiate */
      ax_op *before, *after;
    };
    struct { /* ax_run_on */
      ax_work_fn *work;
      void *work_arg;
    };
    struct { /* ax_resolve */
      ax_endpoint *found;
      size_t max;
      struct ax__lookup *lookup;
    };
    struct { /* ax__io_request */
      void (*act)(struct ax__io *io, int fd);
      struct ax__io *io;
    };
  };
};

/* A new operation; holds object and keep. `executor` is where it completes
 * when the token does not say. */
ax_op *ax__op_new(ax_executor *executor, void *object, ax_token token);

/* Makes it pending: it counts as work at `at` and in its executor's context
 * and holds its executor. ax__op_pend_locked leaves counting at `at` to a
 * caller who has that lock. */
void ax__op_pend(ax_op *op, struct ax__context *at);
void ax__op_pend_locked(ax_op *op, struct ax__context *at);

/* Completes: its handler becomes ready. The operation may be gone after. */
void ax__op_finish(ax_op *op, int err, size_t n);

/* Lets go of an operation without running its handler. */
void ax__op_drop(ax_op *op);

/* The same for all of a queue; the number completed. */
size_t ax__finish_all(ax__queue *queue, int err);
void ax__drop_all(ax__queue *queue);

/* Runs the handler; the entry's function of most operations. */
void ax__op_run(ax__entry *entry, bool live);

extern atomic_size_t ax__live_operations; /* for ax_live */

/* Frees the memory that this thread keeps for reuse. */
void ax__op_forget_spares(void);

/* malloc that says what failed and aborts. */
void *ax__alloc(size_t size);

static inline ax_op *ax__op_of(ax__entry *entry) {
  return AX__OF(ax_op, entry, entry);
}

/* --------------------------------------------------------------- context */

struct ax__heap {
  ax_timer **at;
  size_t count, room;
};

/* See context.c. */
struct ax__context {
  ax_executor base;

  ax__mutex lock; /* guards from here ... */
  ax__queue ready;
  ax__queue requests; /* operations to be started at the door */
  ax__entry marker;
  ax_op *initiated; /* by ax_initiate, to be dropped with the context */
  struct ax__heap timers;
  long work;
  unsigned long turns; /* counts the times the table was found empty */
  unsigned since_door; /* handlers run since the door was minded */
  ax_time door_time;
  int butlers;
  bool polling; /* a butler sleeps in the loop; ring to wake it */
  bool rung;
  bool watched; /* an idle butler keeps watch ... */
  bool dozing;  /* ... but sleeps until it is woken; ... to here */
  bool dead;    /* written once, by ax_context_free, alone */
  ax__cond bench;
  ax__cond watch;
  atomic_bool stopped;

  ax__mutex door; /* held by who minds the door; guards from here ... */
  uv_loop_t loop;
  uv_async_t bell;
  uv_timer_t alarm;
  ax__queue completed;
  long work_change;
  char scratch[65536]; /* ... to here */
};

/* Adds to the work of a context, from anywhere. */
void ax__work_add(struct ax__context *context, long change);

/* Has op->start run at the door of `at`; the operation is pending from then
 * on. When that context is gone the operation is dropped. */
void ax__submit(ax_op *op, struct ax__context *at);

/* Unlocks, and wakes the butler who sleeps in the loop, if one does. */
void ax__unlock_and_ring(struct ax__context *context);

/* ---------------------------------------------------------------- timers */

/* With the lock held: the next expiry (UINT64_MAX: none); takes the waits
 * that have expired. */
ax_time ax__timers_next(struct ax__context *context);
void ax__timers_expired(struct ax__context *context, ax_time now,
                        ax__queue *expired);
/* With the lock held: takes all of them. */
void ax__timers_all(struct ax__context *context, ax__queue *waits);

/* ----------------------------------------------------------- I/O objects */

/* The first member of everything that has handles in the loop; a handle's
 * data points to it. */
struct ax__io {
  ax_obj obj;
  ax_executor *executor;
  /* At the door: drops what is pending and closes all handles. */
  void (*shut)(struct ax__io *io);
};

/* Starts the object: holds its executor; destroy as in ax_obj_init. */
void ax__io_init(struct ax__io *io, ax_executor *executor,
                 void (*destroy)(void *), void (*shut)(struct ax__io *));

static inline struct ax__context *ax__io_context(const struct ax__io *io) {
  return io->executor->context;
}

/* Has act(io, fd) run at the door: cancel, close and the like. The object is
 * held until then, unless this is its end (`last`). */
void ax__io_request(struct ax__io *io, void (*act)(struct ax__io *, int fd),
                    int fd, bool last);

/* What is left to do when the last reference is gone: closes the handles and
 * fd (if it is not -1), frees the memory. */
void ax__io_end(struct ax__io *io, int fd);

/* The rest at the door. A handle of the object, freed when it is closed: */
void *ax__handle_new(struct ax__io *io, size_t size);
void ax__handle_close(void *handle_pointer); /* of type handle **; sets NULL */

/* Sockets that do not block and are closed on exec, or an error: a new one, an
 * accepted one. */
int ax__socket(int family);
int ax__accept(int fd);
void ax__nonblocking(int fd);

/* ---------------------------------------------------------------- stream */

/* Opens the stream on a connected socket, which is its own from then on. */
void ax__stream_adopt(ax_stream *stream, int fd);

/* --------------------------------------------------------------- buffers */

/* For the butler at the door, who has bytes for a dynamic buffer: how many
 * still fit. */
size_t ax__dynbuf_room(const ax_dynbuf *dynbuf);

/* ----------------------------------------------------------------- trace */

extern atomic_bool ax__trace_on;

static inline bool ax__tracing(void) {
  return atomic_load_explicit(&ax__trace_on, memory_order_relaxed);
}

void ax__trace_open(void);
void ax__trace_initiated(ax_op *op);
void ax__trace_butler(void);
void ax__trace_polled(ax_time begin);

/* What is traced of one handler. */
struct ax__slice {
  ax_time begin;
  uint64_t op, by, outer;
  const char *name;
  const ax_executor *on;
};
void ax__trace_begin(struct ax__slice *slice, const ax_op *op);
void ax__trace_end(const struct ax__slice *slice, int err, size_t n);

#endif
