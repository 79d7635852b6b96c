/* chat_uv.c: the chat of lesson 18 on raw libuv.
 *
 *     chat_uv ENDPOINT
 *
 * The same way as on bare epoll: a receiver is written to once for each turn
 * of the loop, right after it has polled. The kernel is tried first; what it
 * does not take is left to uv_write, one at a time. */
#include "room.h"
#include "uv_server.h"

#include <stdio.h>

struct client {
  union uv_client handle; /* first: the client is found by it, ... */
  struct member member;   /* ... or by this, with client_of */
  size_t writing;         /* bytes that uv_write has; the queue's first */
  uv_write_t request;
};

static struct client *client_of(struct member *member) {
  return (void *)((char *)member - offsetof(struct client, member));
}

/* -------------------------------------------------------------- clients */

static void on_closed(uv_handle_t *handle) {
  struct client *c = (struct client *)handle;
  member_empty(&c->member);
  free(c);
}

static bool gone(struct client *c) { return uv_is_closing((uv_handle_t *)c); }

void leave(struct member *member) {
  struct client *c = client_of(member);
  if (gone(c))
    return;
  room_leave(member);
  uv_close((uv_handle_t *)c, on_closed);
}

/* -------------------------------------------------------------- writing */

static void flush(struct client *c);

static void on_written(uv_write_t *request, int err) {
  struct client *c = (struct client *)request->handle;
  queue_skip(&c->member.queue, c->writing);
  c->member.blocked = false;
  if (err)
    leave(&c->member);
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
static void write_later(struct client *c, const struct iovec *iov,
                        size_t count) {
  c->writing = size_of(iov, count);
  c->member.blocked = true;
  if (uv_write(&c->request, &c->handle.stream, (const uv_buf_t *)iov,
               (unsigned)count, on_written))
    leave(&c->member);
}

/* A uv_buf_t is a struct iovec. */
static void flush(struct client *c) {
  struct queue *queue = &c->member.queue;
  while (queue->bytes > 0 && !c->member.blocked && !gone(c)) {
    struct iovec iov[GATHER];
    size_t count = queue_gather(queue, iov);
    int n = uv_try_write(&c->handle.stream, (uv_buf_t *)iov, (unsigned)count);
    if (n > 0)
      queue_skip(queue, (size_t)n);
    else if (n == 0 || n == UV_EAGAIN)
      write_later(c, iov, count);
    else
      leave(&c->member);
  }
}

/* A client that is gone is freed later in this turn, when this has run. */
static void on_polled(uv_check_t *check) {
  for (struct member *m; (m = room_next_due());)
    flush(client_of(m));
}

/* -------------------------------------------------------------- reading */

static void on_buffer(uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  struct client *c = (struct client *)handle;
  *buf = uv_buf_init(room_buffer(&c->member), READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *c = (struct client *)stream;
  if (n > 0)
    room_got(&c->member, (size_t)n);
  else if (n < 0)
    leave(&c->member);
}

static void on_connected(uv_stream_t *stream) {
  struct client *c = (struct client *)stream;
  room_enter(&c->member);
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
