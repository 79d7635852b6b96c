/* server.c: endpoints, threads, and an end. */
#include "server.h"
#include "lesson.h"

void server_init(struct server *server, long butlers) {
  *server = (struct server){.context = ax_context_new(), .butlers = butlers};
}

/* region: make */
static void make_next(struct listener *l) {
  const struct handler *handler = &l->server->handler;
  l->next = handler->make(handler->arg, l->server->context);
}
/* end: make */

/* region: accept */
static void handle_new_connection(void *arg, int err, size_t n);

static void accept_next(struct listener *l) {
  ax_acceptor_accept(l->acceptor, l->next ? l->next->stream : l->away,
                     ax_call(handle_new_connection, l));
}
/* end: accept */

static void send_away(ax_stream *client) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(client, peer);
  lesson_log("closed %s: there is no memory for it", peer);
  ax_stream_close(client);
}

/* region: connection */
/* On a butler, and for one listener on one at a time. */
static void handle_new_connection(void *arg, int err, size_t n) {
  struct listener *l = arg;
  if (err)
    return;
  if (l->next)
    l->server->handler.start(l->next);
  else
    send_away(l->away);
  ax_unref(l->next); /* its own operations keep it now */
  make_next(l);
  accept_next(l);
}
/* end: connection */

/* region: start */
void server_start(struct server *server, const ax_endpoint *endpoints,
                  size_t count, struct handler handler) {
  server->handler = handler;
  for (size_t i = 0; i < count; i++) {
    struct listener *l = &server->listeners[server->count++];
    l->server = server;
    l->away = ax_stream_new(server->context);
    make_next(l);
    /* region: listen */
    l->acceptor = lesson_listen(server->context, &endpoints[i]);
    /* end: listen */
    accept_next(l);
  }
  /* region: threads */
  lesson_serve(server->context, server->butlers);
  /* end: threads */
}
/* end: start */

void server_free(struct server *server) {
  for (size_t i = 0; i < server->count; i++) {
    ax_unref(server->listeners[i].next);
    ax_unref(server->listeners[i].away);
    ax_unref(server->listeners[i].acceptor);
  }
  ax_context_free(server->context);
}
