/* echo_uv.c: the echo server of lesson 10 on raw libuv.
 *
 *     echo_uv ENDPOINT
 *
 * All clients are read into one buffer, of the size that a session of the
 * lesson has. What the kernel takes back at once is written at once; the rest
 * is copied into a request, and the client is not read until it is gone. */
#include "uv_server.h"

#include <stdio.h>
#include <string.h>

struct client {
  union uv_client handle; /* first: the client is found by it */
  bool last;              /* a NUL came: close when all is written */
};

struct rest {
  uv_write_t request;
  char bytes[];
};

static char buffer[1024];

static void on_closed(uv_handle_t *handle) { free(handle); }

static void end(uv_stream_t *stream) {
  if (!uv_is_closing((uv_handle_t *)stream))
    uv_close((uv_handle_t *)stream, on_closed);
}

static void on_buffer(uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  *buf = uv_buf_init(buffer, sizeof buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *request, int err) {
  uv_stream_t *stream = request->handle;
  free(request->data);
  if (err || ((struct client *)stream)->last)
    end(stream);
  else
    uv_read_start(stream, on_buffer, on_read);
}

static void write_rest(uv_stream_t *stream, const char *bytes, size_t n) {
  struct rest *rest = net_alloc(sizeof *rest + n);
  uv_buf_t buf = uv_buf_init(memcpy(rest->bytes, bytes, n), (unsigned)n);
  rest->request.data = rest;
  uv_read_stop(stream);
  if (uv_write(&rest->request, stream, &buf, 1, on_written)) {
    free(rest);
    end(stream);
  }
}

/* Tries at once; the bytes that the kernel took, or an error. */
static int try_echo(uv_stream_t *stream, char *bytes, ssize_t n) {
  uv_buf_t echo = uv_buf_init(bytes, (unsigned)n);
  int sent = uv_try_write(stream, &echo, 1);
  return sent == UV_EAGAIN ? 0 : sent;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *c = (struct client *)stream;
  if (n == 0)
    return;
  int sent = n > 0 ? try_echo(stream, buf->base, n) : -1;
  c->last = n > 0 && buf->base[n - 1] == '\0';
  if (sent >= 0 && sent < n)
    write_rest(stream, buf->base + sent, (size_t)(n - sent));
  else if (sent < 0 || c->last)
    end(stream);
}

static void on_connected(uv_stream_t *stream) {
  uv_read_start(stream, on_buffer, on_read);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: echo_uv ENDPOINT\n");
    return 2;
  }
  uv_serve(argv[1], sizeof(struct client), on_connected);
  return 0;
}
