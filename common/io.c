/* io.c: what streams, acceptors and signal sets have in common.
 *
 * An I/O object has two halves. Its own functions run on the user's threads,
 * which law 9 keeps from overlapping; its handles in the loop belong to
 * whoever has the door. What the first half wants of the second travels as
 * a request, in order, so "read, cancel, read" means the same everywhere.
 *
 * When the last reference is gone the loop may still hold handles of the
 * object. So its end is a request as well, and its memory goes with it. */
#include "core.h"

#include <fcntl.h>
#include <unistd.h>

void ax__io_init(struct ax__io *io, ax_executor *executor,
                 void (*destroy)(void *), void (*close_more)(struct ax__io *)) {
  ax_obj_init(&io->obj, destroy);
  io->executor = ax_ref(executor);
  io->own = AX__NO_FD;
  io->close_more = close_more;
}

/* -------------------------------------------------------------- requests */

/* At the door, or after the end of the context, which dropped it. */
static void request_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  struct ax__context *at = op->at;
  bool at_door = ax__at_door(at);
  if (!at_door)
    ax__door_close(at);
  op->act(op->io, op->given);
  if (!at_door)
    ax__door_open(at);
  ax__op_run(entry, live);
}

/* Work until it was carried out. */
static void request_start(ax_op *op) {
  struct ax__context *at = op->at;
  request_run(&op->entry, false);
  ax__work_add(at, -1);
}

void ax__io_request(struct ax__io *io, void (*act)(struct ax__io *, ax__fd),
                    ax__fd fd, bool last) {
  ax_op *op = ax__op_new(AX__OP, io->executor, last ? NULL : io, (ax_token){0});
  op->entry.run = request_run;
  op->act = act;
  op->io = io;
  op->given = fd;
  op->start = request_start;
  ax__submit(op, ax__io_context(io));
}

void ax__fd_close(ax__fd fd) {
  if (fd.flags != -1)
    fcntl(fd.fd, F_SETFL, fd.flags);
  if (fd.fd != -1)
    close(fd.fd);
}

static void cancel_act(struct ax__io *io, ax__fd fd) {
  ax__finish_all(&io->pending[AX__WRITING], UV_ECANCELED);
  ax__finish_all(&io->pending[AX__READING], UV_ECANCELED);
}

void ax__io_cancel(struct ax__io *io) {
  ax__io_request(io, cancel_act, AX__NO_FD, false);
}

static void close_handles(struct ax__io *io) {
  ax__handle_close(&io->poll);
  io->armed = 0;
  if (io->close_more)
    io->close_more(io);
}

static void close_act(struct ax__io *io, ax__fd fd) {
  cancel_act(io, AX__NO_FD);
  close_handles(io);
  ax__latch_close(&io->latch);
  ax__fd_close(fd);
  ax__latch_open(&io->latch);
}

void ax__io_close(struct ax__io *io) {
  ax__fd fd = io->own;
  io->own = AX__NO_FD;
  if (fd.fd != -1)
    ax__io_request(io, close_act, fd, false);
}

static void end_act(struct ax__io *io, ax__fd fd) {
  close_handles(io);
  ax__fd_close(fd);
  ax_unref(io->executor); /* the request holds it, too */
  free(io);
}

void ax__io_end(void *object) {
  struct ax__io *io = object;
  ax__io_request(io, end_act, io->own, true);
}

/* Dropping the last operation may be the end of the object. */
void ax__io_shut(struct ax__io *io) {
  ax__queue writes = ax__queue_take(&io->pending[AX__WRITING]);
  ax__queue reads = ax__queue_take(&io->pending[AX__READING]);
  close_handles(io);
  ax__drop_all(&writes);
  ax__drop_all(&reads);
}

/* --------------------------------------------------------------- handles */

void *ax__handle_new(struct ax__io *io, size_t size) {
  uv_handle_t *handle = ax__alloc(size);
  handle->data = io;
  return handle;
}

static void on_closed(uv_handle_t *handle) { free(handle); }

void ax__handle_close(void *handle_pointer) {
  uv_handle_t **handle = handle_pointer;
  if (*handle) {
    (*handle)->data = NULL;
    uv_close(*handle, on_closed);
  }
  *handle = NULL;
}

int ax__io_watch(struct ax__io *io, int fd) {
  if (io->poll)
    return 0;
  io->poll = ax__handle_new(io, sizeof *io->poll);
  int err = uv_poll_init(&ax__io_context(io)->loop, io->poll, fd);
  if (err) {
    free(io->poll); /* it never was in the loop */
    io->poll = NULL;
  }
  return err;
}

void ax__io_arm(struct ax__io *io, int events, uv_poll_cb on_events) {
  if (events == io->armed)
    return;
  io->armed = events;
  if (events)
    uv_poll_start(io->poll, events, on_events);
  else
    uv_poll_stop(io->poll);
}

/* ----------------------------------------------------------- descriptors */

int ax__name_of(int fd, bool peer, ax_endpoint *endpoint) {
  struct sockaddr *addr = (struct sockaddr *)&endpoint->addr;
  endpoint->len = sizeof endpoint->addr;
  int err = peer ? getpeername(fd, addr, &endpoint->len)
                 : getsockname(fd, addr, &endpoint->len);
  return err ? -errno : 0;
}

void ax__nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

#ifdef SOCK_NONBLOCK
int ax__socket(int family) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

int ax__accept(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? -errno : fd;
}
#else
static int prepared(int fd) {
  if (fd < 0)
    return -errno;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  ax__nonblocking(fd);
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
  return fd;
}

int ax__socket(int family) { return prepared(socket(family, SOCK_STREAM, 0)); }

int ax__accept(int listener) { return prepared(accept(listener, NULL, NULL)); }
#endif
