/* signals.c: signals as operations.
 *
 * libuv catches a signal and wakes the loop; what happens from then on is
 * ordinary: a wait completes, or, when nobody waits, the signal is remembered
 * until somebody does. ax_signals_add returns when the loop has taken over, so
 * no signal slips through in between. */
#include "io.h"

#include <signal.h>

struct ax_signals {
  struct ax__io io;
  /* the user's half */
  atomic_bool in_force; /* the signal added last has taken effect */
  /* the owner of the loop's half */
  uv_signal_t *handle[NSIG];
  sigset_t came; /* while nobody waited */
};

/* ---------------------------------------------- by the owner of the loop */

static void on_signal(uv_signal_t *handle, int signo) {
  ax_signals *s = handle->data;
  ax__entry *wait = ax__queue_pop(&s->io.pending[AX_READ]);
  if (wait)
    ax__op_finish(ax__op_of(wait), 0, (size_t)signo);
  else
    sigaddset(&s->came, signo);
}

/* Starting a signal needs a pipe, which the loop has had from the beginning. So
 * there is nothing that could fail. */
static void add_act(struct ax__io *io, const struct ax__request *request) {
  ax_signals *s = (ax_signals *)io;
  struct ax__loop *loop = ax__io_loop(io);
  uv_signal_t **handle = &s->handle[request->number];
  if (!*handle && !loop->closed) {
    *handle = ax__handle_new(io, sizeof **handle);
    ax__must(uv_signal_init(&loop->uv, *handle));
    ax__must(uv_signal_start(*handle, on_signal, request->number));
  }
  atomic_store(&s->in_force, true);
}

/* entry.run of what was submitted. */
static void start_wait(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  ax_signals *s = op->object;
  entry->run = ax__op_run;
  if (!live) {
    entry->run(entry, false);
    return;
  }
  for (int signo = 1; signo < NSIG; signo++)
    if (sigismember(&s->came, signo) == 1) {
      sigdelset(&s->came, signo);
      ax__op_finish(op, 0, (size_t)signo);
      return;
    }
  ax__queue_push(&s->io.pending[AX_READ], entry);
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
  ax__io_request(&s->io, (struct ax__request){.act = add_act, .number = signo});
  ax__loop_await(ax__io_loop(&s->io), &s->in_force);
  return 0;
}

void ax_signals_wait(ax_signals *s, ax_token token) {
  ax_op *op = ax__op_begin(sizeof *op, s->io.executor, s, token);
  if (!atomic_load(&s->in_force)) {
    ax__op_finish(op, UV_EINVAL, 0);
    return;
  }
  ax__op_pend(op);
  op->entry.run = start_wait;
  ax__loop_submit(ax__io_loop(&s->io), &op->entry);
}

void ax_signals_cancel(ax_signals *s) { ax__io_cancel(&s->io, 1 << AX_READ); }

ax_executor *ax_signals_executor(ax_signals *s) { return s->io.executor; }

ax_signals *ax_signals_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_signals), executor, ax__io_end, close_more);
}
