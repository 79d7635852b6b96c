/* listener.c: accepting, one connection after the other. */
#include "listener.h"
#include "lesson.h"

static void say_why(const struct listener *l, int err) {
  if (!l->stopped)
    lesson_log("accept: %s", uv_strerror(err));
}

/* region: accept */
static void on_accepted(void *arg, int err, size_t n);

static void accept_next(struct listener *l) {
  l->next = ax_stream_new(l->executor);
  ax_acceptor_accept(l->acceptor, l->next, ax_call(on_accepted, l));
}

static void on_accepted(void *arg, int err, size_t n) {
  struct listener *l = arg;
  if (err || l->stopped) {
    say_why(l, err);
    return;
  }
  l->connected(l->arg, l->next); /* which is its own from here on */
  accept_next(l);
}
/* end: accept */

void listener_start(struct listener *l, ax_executor *executor,
                    const ax_endpoint *endpoint, connected_fn *connected,
                    void *arg) {
  *l = (struct listener){.executor = executor,
                         .acceptor = lesson_listen(executor, endpoint),
                         .connected = connected,
                         .arg = arg};
  accept_next(l);
}

void listener_stop(struct listener *l) {
  l->stopped = true;
  ax_acceptor_close(l->acceptor);
}

void listener_free(struct listener *l) {
  ax_unref(l->next);
  ax_unref(l->acceptor);
}
