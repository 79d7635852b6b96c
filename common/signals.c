/* signals.c: signals as operations.
 *
 * libuv catches a signal and wakes the loop; what happens from then on is
 * ordinary: a wait completes, or, when nobody waits, the signal is remembered
 * until somebody does. ax_signals_add returns when the loop has taken over, so
 * that no signal slips through in between. */
#include "core.h"

#include <signal.h>

enum { MAX_SIGNALS = 8 };

struct ax_signals {
  struct ax__io io;
  /* the user's half */
  int added[MAX_SIGNALS];
  int count;
  atomic_bool in_force; /* the last one added */
  /* at the door */
  uv_signal_t *handle[MAX_SIGNALS];
  bool came[MAX_SIGNALS]; /* while nobody waited */
};

/* ----------------------------------------------------------- at the door */

static void on_signal(uv_signal_t *handle, int signo) {
  ax_signals *s = handle->data;
  ax__entry *wait = ax__queue_pop(&s->io.pending[AX__READING]);
  if (wait) {
    ax__op_finish(ax__op_of(wait), 0, (size_t)signo);
    return;
  }
  for (int i = 0; i < MAX_SIGNALS; i++)
    if (s->handle[i] == handle)
      s->came[i] = true;
}

static void open_handle(ax_signals *s, int i) {
  if (s->handle[i])
    return;
  s->handle[i] = ax__handle_new(&s->io, sizeof(uv_signal_t));
  uv_signal_init(&ax__io_context(&s->io)->loop, s->handle[i]);
}

static void add(ax_signals *s, int signo) {
  int i = 0;
  while (s->handle[i] && uv_is_active((uv_handle_t *)s->handle[i]))
    i++;
  open_handle(s, i);
  uv_signal_start(s->handle[i], on_signal, signo);
}

/* The signal's number travels where others have a descriptor. */
static void add_act(struct ax__io *io, ax__fd signo) {
  ax_signals *s = (ax_signals *)io;
  if (!ax__io_context(io)->dead)
    add(s, signo.fd);
  atomic_store(&s->in_force, true);
}

static void start_wait(ax_op *op) {
  ax_signals *s = op->object;
  open_handle(s, 0); /* so that the end of the context finds an empty set */
  for (int i = 0; i < MAX_SIGNALS; i++)
    if (s->came[i]) {
      s->came[i] = false;
      ax__op_finish(op, 0, (size_t)s->handle[i]->signum);
      return;
    }
  ax__queue_push(&s->io.pending[AX__READING], &op->entry);
}

static void close_more(struct ax__io *io) {
  for (int i = 0; i < MAX_SIGNALS; i++)
    ax__handle_close(&((ax_signals *)io)->handle[i]);
}

/* ------------------------------------------------------------- the public */

static bool has(const ax_signals *s, int signo) {
  for (int i = 0; i < s->count; i++)
    if (s->added[i] == signo)
      return true;
  return false;
}

int ax_signals_add(ax_signals *s, int signo) {
  struct sigaction now;
  if (signo == SIGKILL || signo == SIGSTOP || sigaction(signo, NULL, &now))
    return UV_EINVAL;
  if (has(s, signo))
    return 0;
  if (s->count == MAX_SIGNALS)
    return UV_ENOBUFS;
  s->added[s->count++] = signo;
  atomic_store(&s->in_force, false);
  ax__io_request(&s->io, add_act, (ax__fd){signo, -1}, false);
  ax__settle(ax__io_context(&s->io), &s->in_force);
  return 0;
}

void ax_signals_wait(ax_signals *s, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, s->io.executor, s, token);
  op->start = start_wait;
  ax__submit(op, ax__io_context(&s->io));
}

void ax_signals_cancel(ax_signals *s) { ax__io_cancel(&s->io); }

ax_signals *ax_signals_new(ax_executor *executor) {
  ax_signals *s = ax__alloc(sizeof *s);
  *s = (ax_signals){0};
  ax__io_init(&s->io, executor, ax__io_end, close_more);
  return s;
}
