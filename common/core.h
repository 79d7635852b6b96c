/* core.h: what the files of the core share with each other, and nobody else.
 *
 * Read in this order: object.c, op.c, context.c, butler.c, door.c, strand.c,
 * timer.c; then buffer.c, endpoint.c, io.c, stream.c, acceptor.c, signals.c,
 * resolve.c; pool.c and trace.c at any time. */
#ifndef AX_CORE_H
#define AX_CORE_H

#include "ax.h"
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/uio.h>

#define AX__OF(type, member, pointer)                                          \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct ax__context;
struct ax__io;

/* ------------------------------------------------------- entries, queues */

/* Something that can stand in a queue: an operation, a posted handler, the
 * turn of a strand. */
typedef struct ax__entry ax__entry;
struct ax__entry {
  ax__entry *next;
  /* live: do it, on a butler. Not live: let go of it. */
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

/* What comes and goes by the million: posted handlers, waits for timers and
 * all other operations. A wait ends where an ax_op says so: half the memory,
 * and 76 instead of 86 ns to arm and cancel a timer (micro-timer_cancel). */
enum ax__kind { AX__POST, AX__WAIT, AX__OP, AX__KINDS };

/* A piece of memory that nobody uses. */
struct ax__spare {
  struct ax__spare *next, *below;
  size_t length;
};

/* What the thread is inside of, innermost first. */
struct ax__frame {
  ax_executor *executor;
  struct ax__frame *up;
};

/* All that a thread knows of itself. */
struct ax__self {
  struct ax__frame *inside;
  struct ax__chain {
    struct ax__spare *top;
    size_t room;       /* for so many more */
  } spares[AX__KINDS]; /* see pool.c */
  size_t handlers;     /* run so far */
  uint64_t op;         /* the operation whose handler runs, for the trace */
  int butler;          /* its number; 0 is none */
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

/* A descriptor, and the flags that are to be restored when it is closed, or
 * -1. */
typedef struct ax__fd {
  int fd, flags;
} ax__fd;
#define AX__NO_FD ((ax__fd){-1, -1})

/* Where it comes from, for the trace. */
struct ax__origin {
  const char *name;
  uint64_t id, by; /* the operation, and the one whose handler initiated it */
};

struct ax_op {
  ax__entry entry;
  ax_fn *fn;
  void *arg;
  void *keep;
  ax_executor *executor;  /* where it completes */
  void *object;           /* the I/O object, held; may be NULL */
  struct ax__context *at; /* where it is pending, if it is */
  struct ax__origin origin;
  size_t n;
  int err;
  bool pending;       /* counted as work */
  bool holding;       /* the executor, which the object does not hold for it */
  unsigned char kind; /* an AX__WAIT ends here, an AX__OP goes on */
  void *with;         /* another object, held; may be NULL */
  void *extra;        /* memory to be freed with it, or NULL */
  void (*start)(ax_op *op); /* at the door of `at` */
  /* ax__io_op: its descriptor, side and epoch at initiation, and what to do at
   * the door when that is ready: 0 or an error, UV_EAGAIN when it is to be
   * continued, AX__AT_HOME when that is for its executor */
  int fd;
  unsigned epoch;
  unsigned char side;
  bool socket; /* of a stream */
  int (*move)(ax_op *op);
  int (*move_at_home)(ax_op *op); /* of a stream: the same, in its executor */
  size_t want;                    /* complete when n reaches this */
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
    LIST_ENTRY(ax_op) initiated; /* ax_initiate */
    struct {                     /* ax_run_on */
      ax_work_fn *work;
      void *work_arg;
    };
    struct { /* ax_resolve */
      ax_endpoint *found;
      size_t max;
    };
    struct { /* ax__io_request */
      void (*act)(struct ax__io *io, ax__fd fd);
      struct ax__io *io;
      ax__fd given;
    };
  };
};

/* A handler that was posted: no operation is behind it, and it takes little
 * memory, since there may be a great many. */
struct ax__post {
  ax__entry entry;
  ax_fn *fn;
  void *arg;
  void *keep;
  struct ax__origin origin; /* only there while tracing */
};

/* ------------------------------------------------------------------ pool */

/* Memory for an ax_op or an ax__post, and back. */
void *ax__take_slowly(enum ax__kind kind);
void ax__give_slowly(enum ax__kind kind, void *memory);

static inline void *ax__take(enum ax__kind kind) {
  struct ax__chain *chain = &ax__self.spares[kind];
  struct ax__spare *piece = chain->top;
  if (!piece)
    return ax__take_slowly(kind);
  chain->top = piece->next;
  chain->room++;
  return piece;
}

static inline void ax__give(enum ax__kind kind, void *memory) {
  struct ax__chain *chain = &ax__self.spares[kind];
  struct ax__spare *piece = memory;
  if (AX__CHECKED || !chain->room) {
    ax__give_slowly(kind, memory);
    return;
  }
  piece->next = chain->top;
  chain->top = piece;
  chain->room--;
}

void ax__pool_open(void);     /* before the first of all, once */
size_t ax__pool_in_use(void); /* what other threads have spare counts */

/* malloc and realloc that say what failed and abort. */
void *ax__alloc(size_t size);
void *ax__resize(void *memory, size_t size);

/* Makes it pending: it counts as work at `at` and in its executor's context. */
void ax__op_pend(ax_op *op, struct ax__context *at);

/* Completes: its handler becomes ready; or sends it home, as pending as it is.
 * The operation may be gone after. For who has the door of the context where it
 * is pending, or is in a call of the user to one of its objects. */
enum { AX__AT_HOME = 1 }; /* no error, and not the end either */
void ax__op_finish(ax_op *op, int err, size_t n);

/* Lets go of an operation without running its handler. */
void ax__op_drop(ax_op *op);

/* The same for all of a queue; the number completed. */
size_t ax__finish_all(ax__queue *queue, int err);
void ax__drop_all(ax__queue *queue);

/* Runs the handler; the entry's function of most operations. */
void ax__op_run(ax__entry *entry, bool live);

static inline ax_op *ax__op_of(ax__entry *entry) {
  return AX__OF(ax_op, entry, entry);
}

/* --------------------------------------------------------------- context */

struct ax__heap {
  struct ax__due {
    ax_time key;
    ax_timer *timer;
  } * at;
  size_t count, room;
};

/* See context.c, butler.c and door.c. */
struct ax__context {
  ax_executor base;
  atomic_bool dead; /* set by ax_context_free, with lock and desk */
  atomic_bool stopped;
  atomic_bool polling; /* a butler is to sleep in the loop, nobody has rung */
  ax__latch desk;      /* guards ... */
  ax__queue requests;  /* operations to be started at the door */
  atomic_size_t work;  /* pending operations and work guards */
  /* The door, which guards the loop and what is in it: who has closed it. */
  _Atomic(struct ax__self *) keeper;

  /* Two queues in two cache lines, so that who puts and who takes seldom meet:
   * a post from outside costs 20 ns so and 130 in one (micro-outside1). */
  char before[63];
  ax__latch tray;     /* guards ... */
  ax__queue incoming; /* what becomes the table when that is empty */
  char between[63];
  ax__latch hand;       /* guards ... */
  ax__queue table;      /* what butlers take from */
  atomic_ulong refills; /* how often it was filled */

  ax__mutex lock;       /* guards from here ... */
  _Atomic(ax_time) due; /* no later than the first timer; read without lock */
  bool minded;          /* a butler minds the door */
  LIST_HEAD(ax__ops, ax_op) initiated; /* to be dropped with the context */
  struct ax__heap timers;
  long serving;         /* butlers who run handlers */
  unsigned long served; /* handlers run, but for what a butler runs now */
  unsigned long turns;  /* counts the times the table was found empty */
  int butlers;
  int idle;     /* of these */
  bool watched; /* an idle butler keeps watch; ... to here */
  ax__cond watch;

  uv_loop_t loop;
  uv_async_t bell;
  uv_timer_t alarm;
};

static inline bool ax__at_door(struct ax__context *context) {
  return atomic_load_explicit(&context->keeper, memory_order_relaxed) ==
         &ax__self;
}

/* Adds to the work of a context, from anywhere, without its lock. */
void ax__work_add(struct ax__context *context, long change);

/* With the lock held: the butlers go home. */
bool ax__over(struct ax__context *context);

/* With the lock held: everybody looks up, for it is over. Unlocks, and does
 * nothing after that: the context may be freed then. */
void ax__unlock_and_wake_all(struct ax__context *context);

/* Puts an entry where `executor` will run it, or lets go of it when its context
 * is gone. */
static inline void ax__push(ax_executor *executor, ax__entry *entry) {
  if (executor->context->dead)
    entry->run(entry, false);
  else
    executor->push(executor, entry);
}

/* The table: puts an entry there, from anywhere; whether there is none. */
void ax__table_push(ax_executor *executor, ax__entry *entry);
bool ax__table_is_empty(struct ax__context *context);

/* Closes the door behind the caller: if it is open; when it is. */
bool ax__door_try(struct ax__context *context);
void ax__door_close(struct ax__context *context);
void ax__door_open(struct ax__context *context);

/* Enters and leaves with the lock held. */
void ax__mind_the_door(struct ax__context *context);

/* At the door: starts what was submitted; opens the door then, if wanted. */
void ax__start_all(struct ax__context *context, bool then_open);

/* Before all, and at the door after all. */
void ax__loop_open(struct ax__context *context);
void ax__loop_close(struct ax__context *context);

/* Has op->start run at the door of `at`; the operation is pending from then on,
 * if it was not. When that context is gone the operation is dropped. */
void ax__submit(ax_op *op, struct ax__context *at);

/* Returns when a submitted request has set *done, which takes as long as the
 * one who minds the door needs to look up. */
void ax__settle(struct ax__context *context, atomic_bool *done);

/* Wakes the butler who sleeps in the loop, if one does. */
void ax__ring(struct ax__context *context);

/* ---------------------------------------------------------------- timers */

/* With the lock held: when to look at them next, at the latest at the next
 * expiry (UINT64_MAX: there is none); takes the waits that have expired. */
ax_time ax__timers_next(struct ax__context *context);
ax__queue ax__timers_expired(struct ax__context *context, ax_time now);

/* ----------------------------------------------------------- I/O objects */

enum ax__side { AX__WRITING, AX__READING };

/* The first member of everything that has handles in the loop; a handle's
 * data points to it. */
struct ax__io {
  ax_obj obj;
  ax_executor *executor;
  ax__fd own;        /* the user's half; none: not open */
  ax__latch latch;   /* closed within a read(2), and while `own` is closed */
  atomic_uint epoch; /* counts cancels and closes */
  /* at the door */
  unsigned ended; /* that epoch has been carried out */
  uv_poll_t *poll;
  int armed;                /* the events that the loop looks for */
  unsigned char in_vain[2]; /* reports that nobody waited for */
  ax__queue pending[2];
  void (*close_more)(struct ax__io *io); /* its other handles, or NULL */
};

/* A new one, all zero else; holds its executor; destroy as in ax_obj_init. */
void *ax__io_new(size_t size, ax_executor *executor, void (*destroy)(void *),
                 void (*close_more)(struct ax__io *));

static inline struct ax__context *ax__io_context(const struct ax__io *io) {
  return io->executor->context;
}

/* A new operation on one side of its descriptor, to be submitted: when that is
 * ready, move(op) is called at the door. */
ax_op *ax__io_op(struct ax__io *io, enum ax__side side, const ax_token *token,
                 int (*move)(ax_op *));

/* Has act(io, fd) run at the door. The object is held until then, unless this
 * is its end (`last`). */
void ax__io_request(struct ax__io *io, void (*act)(struct ax__io *, ax__fd),
                    ax__fd fd, bool last);

/* Ends what is pending with UV_ECANCELED; to close also closes the handles and
 * the descriptor, if it is open. */
void ax__io_cancel(struct ax__io *io);
void ax__io_close(struct ax__io *io);

/* What is left to do when the last reference is gone: closes the handles and
 * the descriptor, frees the memory. Fits ax_obj_init. */
void ax__io_end(void *io);

/* The rest at the door. Drops what is pending and closes all handles: */
void ax__io_shut(struct ax__io *io);

/* Has the loop look at its descriptor for these events. */
void ax__io_arm(struct ax__io *io, int events);

/* Restores the flags and closes, unless it is none. */
void ax__fd_close(ax__fd fd);

/* A handle of the object, freed when it is closed. */
void *ax__handle_new(struct ax__io *io, size_t size);
void ax__handle_close(void *handle_pointer); /* of type handle **; sets NULL */

/* The address of a socket, or of its peer: 0 or an error. */
int ax__name_of(int fd, bool peer, ax_endpoint *endpoint);

/* Sockets that do not block and are closed on exec, or an error: a new one, an
 * accepted one. */
int ax__socket(int family);
int ax__accept(int fd);
void ax__nonblocking(int fd);

/* ---------------------------------------------------------------- stream */

/* Opens the stream on a connected socket, which is its own from then on. */
void ax__stream_adopt(ax_stream *stream, int fd);

/* --------------------------------------------------------------- buffers */

/* How many bytes still fit. */
size_t ax__dynbuf_room(const ax_dynbuf *dynbuf);

/* ----------------------------------------------------------------- trace */

extern atomic_bool ax__trace_on;

static inline bool ax__tracing(void) {
  return atomic_load_explicit(&ax__trace_on, memory_order_relaxed);
}

void ax__trace_open(void); /* once */
struct ax__origin ax__trace_initiated(ax_fn *fn, const char *name);
void ax__trace_butler(void);
void ax__trace_polled(ax_time begin);

/* What is traced of one handler. */
struct ax__slice {
  ax_time begin;
  struct ax__origin origin;
  uint64_t outer;
  const ax_executor *on; /* NULL: not traced */
};
void ax__trace_begin(struct ax__slice *slice, const struct ax__origin *origin,
                     const char *arrow);

/* `arrow` is "f" where the operation's arrow ends, "t" where it goes on; NULL:
 * nothing is to run. */
static inline void ax__slice_begin(struct ax__slice *slice,
                                   const struct ax__origin *origin,
                                   const char *arrow) {
  slice->on = NULL;
  if (arrow && ax__tracing())
    ax__trace_begin(slice, origin, arrow);
}
void ax__trace_end(const struct ax__slice *slice, int err, size_t n);

/* ------------------------------------------------------- a new operation */

/* Holds object, executor and keep. `executor` is where it completes when the
 * token does not say. Inline, so that the token stays in registers: 76 instead
 * of 88 ns to arm and cancel a timer (micro-timer_cancel). */
static inline ax_op *ax__op_new(enum ax__kind kind, ax_executor *executor,
                                void *object, ax_token token) {
  ax_op *op = ax__take(kind);
  op->kind = (unsigned char)kind;
  op->entry.run = ax__op_run;
  op->fn = token.fn;
  op->arg = token.arg;
  op->keep = ax_ref(token.keep);
  op->executor = token.executor ? token.executor : executor;
  op->object = ax_ref(object);
  op->holding = !object || op->executor != executor;
  if (op->holding)
    ax_ref(op->executor);
  op->at = executor->context;
  op->pending = false;
  op->err = 0;
  op->n = 0;
  if (ax__tracing())
    op->origin = ax__trace_initiated(token.fn, token.name);
  if (kind == AX__OP)
    op->with = op->extra = NULL;
  return op;
}

#endif
