/* uv_server.h: what the libuv servers of the bench share: a listener for TCP
 * and Unix sockets, and an end. */
#ifndef UV_SERVER_H
#define UV_SERVER_H

#include "net.h"

#include <stdlib.h>

/* A connection of either kind, the first member of a client. */
union uv_client {
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

/* Accepts until SIGTERM or SIGINT. A client is `size` bytes of zeros that
 * begin with a union uv_client and are malloc's; `connected` gets it. */
void uv_serve(const char *endpoint, size_t size,
              void (*connected)(uv_stream_t *stream));

#endif
