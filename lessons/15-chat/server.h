/* server.h: the generic listener. It accepts connections and knows nothing of
 * what is spoken on them; that is the business of the handler plugged in. */
#ifndef SERVER_H
#define SERVER_H

#include "ax.h"

/* What is plugged in: connected() is called with every new connection, an open
 * stream of which the handler gets the reference, and with the executor for
 * what it makes. On a butler. */
struct handler {
  void (*connected)(void *arg, ax_executor *executor, ax_stream *stream);
  void *arg;
};

enum { MAX_ENDPOINTS = 8 };

struct server {
  ax_context *context;
  struct handler handler;
  struct listener {
    struct server *server;
    ax_acceptor *acceptor;
    ax_stream *next; /* the stream that the next connection will be */
  } listeners[MAX_ENDPOINTS];
};

/* Listens on `count` endpoints (MAX_ENDPOINTS at most) and serves with so many
 * butlers. Says "listening on ENDPOINT" for each, ends the program when one is
 * refused, and returns when SIGINT or SIGTERM has come and everything is
 * closed. */
void server_start(struct server *server, const ax_endpoint *endpoints,
                  size_t count, long butlers, struct handler handler);

#endif
