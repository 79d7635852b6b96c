/* signals.c: signals as operations.
 *
 * libuv catches a signal and wakes the loop; what happens from then on is
 * ordinary: a wait completes, or, when nobody waits, the signal is remembered
 * until somebody does. ax_signals_add returns when the loop has taken over, so
 * that no signal slips through in between. */
#include "core.h"

#include <signal.h>

struct ax_signals {
  struct ax__io io;
  /* the user's half */
  atomic_bool in_force; /* what was added last; false: nothing was */
  /* at the door */
  uv_signal_t *handle[NSIG];
  sigset_t came; /* while nobody waited */
};

/* ----------------------------------------------------------- at the door */

static void on_signal(uv_signal_t *handle, int signo) {
  ax_signals *s = handle->data;
  ax__entry *wait = ax__queue_pop(&s->io.pending[AX__READING]);
  if (wait)
    ax__op_finish(ax__op_of(wait), 0, (size_t)signo);
  else
    sigaddset(&s->came, signo);
}

/* The signal's number travels where others have a descriptor. The loop has the
 * pipe it needs since it was made, so there is nothing that could fail. */
static void add_act(struct ax__io *io, ax__fd signo) {
  ax_signals *s = (ax_signals *)io;
  uv_signal_t **handle = &s->handle[signo.fd];
  if (!*handle && !ax__io_context(io)->dead) {
    *handle = ax__handle_new(io, sizeof **handle);
    ax__must(uv_signal_init(&ax__io_context(io)->loop, *handle));
    ax__must(uv_signal_start(*handle, on_signal, signo.fd));
  }
  atomic_store(&s->in_force, true);
}

static void start_wait(ax_op *op) {
  ax_signals *s = op->object;
  for (int signo = 1; signo < NSIG; signo++)
    if (sigismember(&s->came, signo) == 1) {
      sigdelset(&s->came, signo);
      ax__op_finish(op, 0, (size_t)signo);
      return;
    }
  ax__queue_push(&s->io.pending[AX__READING], &op->entry);
}

static void close_more(struct ax__io *io) {
  for (int i = 0; i < NSIG; i++)
    ax__handle_close(&((ax_signals *)io)->handle[i]);
}

/* ------------------------------------------------------------- the public */

int ax_signals_add(ax_signals *s, int signo) {
  struct sigaction now;
  if (signo == SIGKILL || signo == SIGSTOP || signo == SIGPIPE ||
      sigaction(signo, NULL, &now))
    return UV_EINVAL;
  atomic_store(&s->in_force, false);
  ax__io_request(&s->io, add_act, (ax__fd){signo, -1}, false);
  ax__settle(ax__io_context(&s->io), &s->in_force);
  return 0;
}

void ax_signals_wait(ax_signals *s, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, s->io.executor, s, token);
  op->start = start_wait;
  if (atomic_load(&s->in_force))
    ax__submit(op, ax__io_context(&s->io));
  else
    ax__op_finish(op, UV_EINVAL, 0);
}

void ax_signals_cancel(ax_signals *s) { ax__io_cancel(&s->io); }

ax_signals *ax_signals_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_signals), executor, ax__io_end, close_more);
}
