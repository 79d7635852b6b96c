/* server.h: a generic listener. It accepts connections, makes a handler for
 * each and brings the threads; what is spoken is the handler's business. */
#ifndef SERVER_H
#define SERVER_H

#include "ax.h"

/* A connection: the first member of the struct that handles it. */
struct connection {
  ax_obj obj;
  ax_stream *stream; /* open when the handler is started */
};

/* What is plugged in: how connections get a handler. (It is the talk's word for
 * a part that has many handlers of operations.) When there is no memory `make`
 * returns NULL, and the client that comes is sent away. */
struct handler {
  struct connection *(*make)(void *arg, ax_context *context);
  void (*start)(struct connection *connection); /* on a butler */
  void *arg;                                    /* for make */
};

/* One endpoint. */
struct listener {
  struct server *server;
  ax_acceptor *acceptor;
  struct connection *next; /* made before its client comes, ... */
  ax_stream *away;         /* ... or NULL, and this is for the client */
};

/* region: server */
struct server {
  ax_context *context;
  long butlers;
  struct handler handler;
  struct listener listeners[8];
  size_t count; /* of listeners */
};
/* end: server */

/* A server without endpoints, which will have so many threads. */
void server_init(struct server *server, long butlers);

/* Listens on `count` endpoints, 8 at most, says so, and serves until a signal
 * comes; all threads have ended when it returns. The handlers that are left
 * then live until server_free. Ends the program when an endpoint is refused.
 *
 * A connection is held by the server until `start` has returned, and then by
 * its own operations. Source: the talk's asio_generic_server. */
void server_start(struct server *server, const ax_endpoint *endpoints,
                  size_t count, struct handler handler);

/* Frees the context, and with it the connections. */
void server_free(struct server *server);

#endif
