/* uv_server.c: a listener for the libuv servers of the bench. */
#include "uv_server.h"

#include <signal.h>

static uv_loop_t *loop;
static union uv_client listener;
static size_t client_size;
static void (*on_client)(uv_stream_t *stream);

static void init(union uv_client *client) {
  if (listener.stream.type == UV_TCP)
    uv_tcp_init(loop, &client->tcp);
  else
    uv_pipe_init(loop, &client->pipe, 0);
}

static void on_closed(uv_handle_t *handle) { free(handle); }

static void on_connection(uv_stream_t *from, int err) {
  union uv_client *client = net_alloc(client_size);
  init(client);
  if (err || uv_accept(from, &client->stream)) {
    uv_close((uv_handle_t *)client, on_closed);
    return;
  }
  if (from->type == UV_TCP)
    uv_tcp_nodelay(&client->tcp, 1);
  on_client(&client->stream);
}

static void on_signal(uv_signal_t *signal, int number) { uv_stop(loop); }

/* The socket is made like that of the epoll servers. */
static void listen_at(const char *text) {
  ax_endpoint endpoint = net_endpoint(text);
  int fd = net_listen(text);
  bool tcp = endpoint.addr.ss_family != AF_UNIX;
  if (tcp)
    uv_tcp_init(loop, &listener.tcp);
  else
    uv_pipe_init(loop, &listener.pipe, 0);
  if (tcp ? uv_tcp_open(&listener.tcp, fd) : uv_pipe_open(&listener.pipe, fd))
    net_fail(text);
  if (uv_listen(&listener.stream, 4096, on_connection))
    net_fail(text);
}

void uv_serve(const char *endpoint, size_t size,
              void (*connected)(uv_stream_t *stream)) {
  uv_signal_t ends[2];
  const int numbers[] = {SIGTERM, SIGINT};
  signal(SIGPIPE, SIG_IGN);
  loop = uv_default_loop();
  client_size = size;
  on_client = connected;
  for (int i = 0; i < 2; i++) {
    uv_signal_init(loop, &ends[i]);
    uv_signal_start(&ends[i], on_signal, numbers[i]);
  }
  listen_at(endpoint);
  uv_run(loop, UV_RUN_DEFAULT);
}
