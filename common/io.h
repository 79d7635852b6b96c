/* io.h: what streams, acceptors and signal sets have in common: a descriptor,
 * and operations that wait for it.
 *
 * An I/O object has two halves. Its own functions run on the user's threads,
 * and law 9 keeps them from overlapping. Its handles in the loop belong to the
 * owner of the loop. What the first half wants of the second travels as a
 * request, in order, so "read, cancel, read" means the same everywhere. */
#ifndef AX_IO_H
#define AX_IO_H

#include "context.h"
#include "op.h"
#include "socket.h"

struct ax__io {
  ax_obj obj;
  ax_executor *executor;
  /* the user's half */
  ax__fd own;               /* none: not open */
  atomic_uint asked, ended; /* cancels and closes: wanted, carried out */
  struct ax__member member;
  void (*close_more)(struct ax__io *io); /* its other handles, or NULL */
  /* the owner of the loop's half */
  uv_poll_t *poll;
  int armed;                /* the events that the loop looks for */
  unsigned char in_vain[2]; /* reports that nobody waited for */
  ax__queue pending[2];     /* by ax_side */
};

/* An operation on one side of a descriptor. */
struct ax__io_op {
  ax_op op;
  void (*done)(ax__entry *entry, bool live); /* entry.run after `start` */
  /* By the owner of the loop, when the descriptor is ready: 0 or an error;
   * UV_EAGAIN: not done yet. Counts in op.n. */
  int (*perform)(struct ax__io_op *op);
  union {
    ax_time span;              /* how long it may take; 0: as long as it does */
    struct ax__within *within; /* from the start on, if there was a span */
  } limit;
  int fd;
  unsigned number;          /* of a stream's operation */
  unsigned char side, kind; /* an ax_side, an ax__kind */
};

/* A request that concerns an I/O object. */
struct ax__request {
  ax__entry entry;
  struct ax__io *io;
  void (*act)(struct ax__io *io, const struct ax__request *request);
  ax__fd fd;
  int number; /* sides, or a signal: for `act` */
  bool last;  /* the object ends: the request does not hold it */
};

static inline struct ax__loop *ax__io_loop(const struct ax__io *io) {
  return &io->executor->context->loop;
}

static inline struct ax__io_op *ax__io_op_of(ax__entry *entry) {
  return AX__OF(struct ax__io_op, op, ax__op_of(entry));
}

/* True when all cancels and closes have been carried out. */
static inline bool ax__io_up_to_date(const struct ax__io *io) {
  return atomic_load(&io->asked) == atomic_load(&io->ended);
}

/* A new object, all else zero; holds its executor; `destroy` is for the last
 * reference, and ends with ax__io_end. */
void *ax__io_new(size_t size, ax_executor *executor, void (*destroy)(void *),
                 void (*close_more)(struct ax__io *));

/* Closes the handles and the descriptor, frees the memory. */
void ax__io_end(void *io);

/* A new operation of this size; `done` may be ax__op_run. */
void *ax__io_begin(size_t size, struct ax__io *io, ax_side side,
                   const ax_token *token, int (*perform)(struct ax__io_op *),
                   void (*done)(ax__entry *, bool));

/* Has it wait for its descriptor. */
void ax__io_start(struct ax__io_op *op);

/* Around the start of an operation with a span: the first makes its limit, the
 * second has the time run, unless the operation is done already. */
struct ax__within *ax__within_new(struct ax__io_op *op);
void ax__within_arm(struct ax__within *within);

/* Has request.act run by the owner of the loop; entry and io are filled in. */
void ax__io_request(struct ax__io *io, struct ax__request request);

/* Ends what is pending on these sides (1 << side) with UV_ECANCELED. */
void ax__io_cancel(struct ax__io *io, int sides);

/* The same for both sides; also closes the handles and the descriptor. Does
 * nothing where there is no descriptor. In two parts, ax__io_begin_close marks
 * it closed and returns the descriptor that ax__io_end_close takes. */
void ax__io_close(struct ax__io *io);
ax__fd ax__io_begin_close(struct ax__io *io);
void ax__io_end_close(struct ax__io *io, ax__fd fd);

/* The rest is for the owner of the loop. */

/* Has the loop look at the descriptor for these events. */
void ax__io_arm(struct ax__io *io, int events);

/* A handle of the object, freed when it is closed. */
void *ax__handle_new(struct ax__io *io, size_t size);
void ax__handle_close(void *handle_pointer); /* of type handle **; sets NULL */

#endif
