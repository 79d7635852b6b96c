/* chat_uv.c: the chat of lesson 15 on raw libuv.
 *
 *     chat_uv ENDPOINT
 *
 * The same way as on bare epoll: the whole packets of one read become one
 * chunk that all receivers share, and a receiver is written to once for each
 * turn of the loop, right after it has polled. The kernel is tried first; what
 * it does not take is left to uv_write, one at a time. */
#include "chunks.h"
#include "uv_server.h"

#include <stdio.h>
#include <string.h>

enum { PACKET_LIMIT = 64 << 10, QUEUE_LIMIT = 1 << 20, GATHER = 256 };

struct client {
  union uv_client handle; /* first: the client is found by it */
  bool due;               /* to be flushed at the end of the turn */
  size_t writing;         /* bytes that uv_write has; the queue's first */
  uv_write_t request;
  char *rest; /* a packet's beginning, or NULL */
  size_t rest_size;
  struct chunk_queue queue;
  struct client **link, *next; /* in the room */
  struct client *next_due;
};

static struct client *clients, *due;
static char buffer[2 * PACKET_LIMIT]; /* the rest, and what is read behind it */

/* -------------------------------------------------------------- clients */

static void on_closed(uv_handle_t *handle) {
  struct client *c = (struct client *)handle;
  queue_free(&c->queue);
  free(c->rest);
  free(c);
}

static bool gone(struct client *c) { return uv_is_closing((uv_handle_t *)c); }

static void leave(struct client *c) {
  if (gone(c))
    return;
  *c->link = c->next;
  if (c->next)
    c->next->link = c->link;
  uv_close((uv_handle_t *)c, on_closed);
}

/* -------------------------------------------------------------- writing */

static void flush(struct client *c);

static void on_written(uv_write_t *request, int err) {
  struct client *c = (struct client *)request->handle;
  queue_skip(&c->queue, c->writing);
  c->writing = 0;
  if (err)
    leave(c);
  else
    flush(c);
}

static size_t size_of(const struct iovec *iov, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += iov[i].iov_len;
  return size;
}

/* The kernel has no room: libuv writes on when it has. */
static void write_later(struct client *c) {
  struct iovec iov[GATHER];
  size_t count = queue_gather(&c->queue, iov, GATHER);
  c->writing = size_of(iov, count);
  if (uv_write(&c->request, &c->handle.stream, (uv_buf_t *)iov, (unsigned)count,
               on_written))
    leave(c);
}

/* A uv_buf_t is a struct iovec. */
static void flush(struct client *c) {
  while (c->queue.bytes > 0 && !c->writing && !gone(c)) {
    struct iovec iov[GATHER];
    size_t count = queue_gather(&c->queue, iov, GATHER);
    int n = uv_try_write(&c->handle.stream, (uv_buf_t *)iov, (unsigned)count);
    if (n > 0)
      queue_skip(&c->queue, (size_t)n);
    else if (n == 0 || n == UV_EAGAIN)
      write_later(c);
    else
      leave(c);
  }
}

/* A client that is gone is freed later in this turn, when this has run. */
static void on_polled(uv_check_t *check) {
  for (struct client *c; (c = due);) {
    due = c->next_due;
    c->due = false;
    flush(c);
  }
}

static void give(struct client *c, struct chunk *chunk) {
  if (c->queue.bytes + chunk->size > QUEUE_LIMIT) {
    leave(c);
    return;
  }
  queue_push(&c->queue, chunk);
  if (c->due || c->writing)
    return;
  c->due = true;
  c->next_due = due;
  due = c;
}

/* -------------------------------------------------------------- reading */

static void broadcast(const struct client *from, struct chunk *chunk) {
  for (struct client *c = clients, *next; c; c = next) {
    next = c->next;
    if (c != from)
      give(c, chunk);
  }
  chunk_unref(chunk);
}

static void keep_rest(struct client *c, const char *bytes, size_t size) {
  if (size > PACKET_LIMIT) {
    leave(c);
    return;
  }
  free(c->rest);
  c->rest = NULL;
  c->rest_size = size;
  if (size)
    c->rest = memcpy(net_alloc(size), bytes, size);
}

static void on_buffer(uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  struct client *c = (struct client *)handle;
  if (c->rest_size)
    memcpy(buffer, c->rest, c->rest_size);
  *buf = uv_buf_init(buffer + c->rest_size, PACKET_LIMIT);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *c = (struct client *)stream;
  if (n == 0)
    return;
  if (n < 0) {
    leave(c);
    return;
  }
  size_t size = c->rest_size + (size_t)n;
  const char *last = memrchr(buf->base, '\0', (size_t)n);
  size_t whole = last ? (size_t)(last - buffer) + 1 : 0;
  if (whole)
    broadcast(c, chunk_new(buffer, whole));
  keep_rest(c, buffer + whole, size - whole);
}

static void on_connected(uv_stream_t *stream) {
  struct client *c = (struct client *)stream;
  c->next = clients;
  c->link = &clients;
  if (c->next)
    c->next->link = &c->next;
  clients = c;
  uv_read_start(stream, on_buffer, on_read);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: chat_uv ENDPOINT\n");
    return 2;
  }
  uv_check_t polled;
  uv_check_init(uv_default_loop(), &polled);
  uv_check_start(&polled, on_polled);
  uv_serve(argv[1], sizeof(struct client), on_connected);
  return 0;
}
