/* server.h: a server in one call, whatever it serves. */
#ifndef SERVER_H
#define SERVER_H

#include "../10-echo/listener.h"

/* What is plugged in: connected(arg, stream) is called for every client. */
struct handler {
  connected_fn *connected;
  void *arg;
};

/* Listens on `count` endpoints, 8 at most, and serves with so many butlers;
 * returns when SIGINT or SIGTERM has come. Ends the program when an endpoint
 * is refused. Source: the talk's asio_generic_server. */
void server_start(ax_context *context, const ax_endpoint *endpoints,
                  size_t count, long butlers, struct handler app);

#endif
