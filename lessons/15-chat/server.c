/* server.c: accepting, for ever. */
#include "server.h"
#include "lesson.h"

#include <stdio.h>

/* region: accept */
static void on_accepted(void *arg, int err, size_t n);

static void accept_next(struct listener *l) {
  l->next = ax_stream_new(l->server->context);
  ax_acceptor_accept(l->acceptor, l->next, ax_call(on_accepted, l));
}

static void on_accepted(void *arg, int err, size_t n) {
  struct listener *l = arg;
  if (err) {
    fprintf(stderr, "accept: %s\n", uv_strerror(err));
    return;
  }
  struct server *server = l->server;
  server->handler.connected(server->handler.arg, server->context, l->next);
  accept_next(l);
}
/* end: accept */

/* region: start */
void server_start(struct server *server, const ax_endpoint *endpoints,
                  size_t count, long butlers, struct handler handler) {
  server->context = ax_context_new();
  server->handler = handler;
  ax_signals *signals = lesson_stop_on_signals(server->context);
  for (size_t i = 0; i < count; i++) {
    struct listener *l = &server->listeners[i];
    l->server = server;
    l->acceptor = lesson_listen(server->context, &endpoints[i]);
    accept_next(l);
  }
  lesson_run(server->context, butlers);
  for (size_t i = 0; i < count; i++) {
    ax_unref(server->listeners[i].next);
    ax_unref(server->listeners[i].acceptor);
  }
  ax_unref(signals);
  ax_context_free(server->context);
}
/* end: start */
