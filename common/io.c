/* io.c: what streams, acceptors and signal sets have in common.
 *
 * An I/O object has two halves. Its own functions run on the user's threads,
 * which law 9 keeps from overlapping; its handles in the loop belong to
 * whoever has the door. What the first half wants of the second travels as
 * a request, in order, so "read, cancel, read" means the same everywhere.
 * `epoch` counts the cancels and closes of the first half, `ended` says which
 * of them the second half has carried out. A read that finds the epoch changed
 * moves nothing more. What is pending ends when the cancel or close is carried
 * out.
 *
 * Descriptors of every kind are polled by the loop (uv_poll). Files cannot be
 * polled; they are always ready. An operation that waits for its descriptor is
 * moved on at the door when that is ready; a read takes this step just before
 * its handler instead (stream.c).
 *
 * A descriptor stays armed for reading between operations: a session that reads
 * again at once costs no system call for polling, and an echo 2.3 instead of
 * 3.7 us (echo-unix-50). It is disarmed when the loop has reported `patience`
 * times what nobody waited for, for a report costs little, and to disarm and to
 * arm again are two system calls: an echo with two butlers costs 2.44 us so,
 * and 2.50 when once is enough (echo-unix-50).
 *
 * When the last reference is gone the loop may still hold handles of the
 * object. So its end is a request as well, and its memory goes with it. */
#include "core.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

void *ax__io_new(size_t size, ax_executor *executor, void (*destroy)(void *),
                 void (*close_more)(struct ax__io *)) {
  struct ax__io *io = ax__alloc(size);
  memset(io, 0, size);
  ax_obj_init(&io->obj, destroy);
  io->executor = ax_ref(executor);
  io->own = AX__NO_FD;
  io->close_more = close_more;
  return io;
}

/* -------------------------------------------------------------- requests */

/* To be dropped is how a request ends: at the door, or with the context. */
static void request_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  struct ax__context *at = op->at;
  bool at_door = ax__at_door(at);
  if (!at_door)
    ax__door_close(at);
  op->io->ended = op->epoch;
  op->act(op->io, op->given);
  if (!at_door)
    ax__door_open(at);
  ax__op_run(entry, live);
}

void ax__io_request(struct ax__io *io, void (*act)(struct ax__io *, ax__fd),
                    ax__fd fd, bool last) {
  ax_op *op = ax__op_new(AX__OP, io->executor, last ? NULL : io, (ax_token){0});
  op->entry.run = request_run;
  op->act = act;
  op->io = io;
  op->given = fd;
  op->epoch = atomic_load(&io->epoch);
  op->start = ax__op_drop;
  ax__submit(op, ax__io_context(io));
}

void ax__fd_close(ax__fd fd) {
  if (fd.flags != -1)
    fcntl(fd.fd, F_SETFL, fd.flags);
  if (fd.fd != -1)
    close(fd.fd);
}

static ax__queue take_pending(struct ax__io *io) {
  ax__queue pending = ax__queue_take(&io->pending[AX__WRITING]);
  ax__queue_splice(&pending, &io->pending[AX__READING]);
  return pending;
}

/* All are taken before one ends, for its end may begin another. */
static void cancel_act(struct ax__io *io, ax__fd fd) {
  ax__queue pending = take_pending(io);
  ax__finish_all(&pending, UV_ECANCELED);
}

void ax__io_cancel(struct ax__io *io) {
  atomic_fetch_add(&io->epoch, 1);
  ax__io_request(io, cancel_act, AX__NO_FD, false);
}

static void close_handles(struct ax__io *io) {
  ax__handle_close(&io->poll);
  io->armed = 0;
  if (io->close_more)
    io->close_more(io);
}

static void close_act(struct ax__io *io, ax__fd fd) {
  close_handles(io);
  ax__latch_close(&io->latch);
  ax__fd_close(fd);
  ax__latch_open(&io->latch);
  cancel_act(io, AX__NO_FD); /* whose handlers find it closed */
}

void ax__io_close(struct ax__io *io) {
  ax__fd fd = io->own;
  io->own = AX__NO_FD;
  atomic_fetch_add(&io->epoch, 1);
  if (fd.fd != -1)
    ax__io_request(io, close_act, fd, false);
}

static void end_act(struct ax__io *io, ax__fd fd) {
  close_act(io, fd);
  ax_unref(io->executor); /* the request holds it, too */
  free(io);
}

void ax__io_end(void *object) {
  struct ax__io *io = object;
  ax__io_request(io, end_act, io->own, true);
}

/* Dropping the last operation may be the end of the object. */
void ax__io_shut(struct ax__io *io) {
  ax__queue pending = take_pending(io);
  close_handles(io);
  ax__drop_all(&pending);
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

/* ------------------------------------------------- waiting for a descriptor */

static const int event_of[] = {UV_WRITABLE, UV_READABLE};
static const unsigned char patience[] = {0, 8}; /* of writing, of reading */

static void on_poll(uv_poll_t *poll, int status, int events);

/* 0 or an error: UV_EPERM for a file, which is always ready. */
static int watch(struct ax__io *io, int fd) {
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

void ax__io_arm(struct ax__io *io, int events) {
  if (events == io->armed)
    return;
  io->armed = events;
  if (events)
    uv_poll_start(io->poll, events, on_poll);
  else
    uv_poll_stop(io->poll);
}

static void start(ax_op *op) {
  struct ax__io *io = op->object;
  bool over = (int)(op->epoch - io->ended) < 0;
  int err = over ? UV_ECANCELED : watch(io, op->fd);
  if (!err) {
    ax__queue_push(&io->pending[op->side], &op->entry);
    ax__io_arm(io, io->armed | event_of[op->side]);
    return;
  }
  if (err == UV_EPERM)
    while ((err = op->move(op)) == UV_EAGAIN)
      continue;
  ax__op_finish(op, err, op->n);
}

ax_op *ax__io_op(struct ax__io *io, enum ax__side side, const ax_token *token,
                 int (*move)(ax_op *)) {
  ax_op *op = ax__op_new(AX__OP, io->executor, io, *token);
  op->start = start;
  op->fd = io->own.fd;
  op->epoch = atomic_load(&io->epoch);
  op->side = (unsigned char)side;
  op->move = move;
  return op;
}

/* The other side of a terminal is gone: there is no room, and the loop would
 * report that for ever. */
static bool hung_up(const ax_op *op) {
  struct pollfd fd = {.fd = op->fd, .events = POLLOUT};
  return op->side == AX__WRITING && !op->socket && poll(&fd, 1, 0) > 0 &&
         (fd.revents & POLLHUP) && !(fd.revents & POLLOUT);
}

/* Whether it has to wait for more. */
static bool waits_on(ax_op *op) {
  size_t before = op->n;
  op->err = op->move(op);
  if (op->err == UV_EAGAIN && op->n == before && hung_up(op))
    op->err = UV_EIO;
  return op->err == UV_EAGAIN;
}

/* The first that waits for this side, if it waits no longer. */
static ax_op *ready(struct ax__io *io, enum ax__side side) {
  ax__queue *pending = &io->pending[side];
  ax_op *op = pending->head ? ax__op_of(pending->head) : NULL;
  if (op && waits_on(op))
    return NULL;
  (void)ax__queue_pop(pending);
  io->in_vain[side] = op ? 0 : io->in_vain[side] + 1;
  if (!pending->head && io->in_vain[side] >= patience[side])
    ax__io_arm(io, io->armed & ~event_of[side]);
  return op;
}

/* An error, for which the loop has disarmed, is learnt from the system call.
 * What completes to a context that is gone may hold the last reference to the
 * object, so that is the last thing to happen. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct ax__io *io = poll->data;
  if (status < 0) {
    uv_poll_start(poll, io->armed, on_poll);
    events = UV_READABLE | UV_WRITABLE;
  }
  ax_op *write = events & UV_WRITABLE ? ready(io, AX__WRITING) : NULL;
  ax_op *read = events & UV_READABLE ? ready(io, AX__READING) : NULL;
  if (write)
    ax__op_finish(write, write->err, write->n);
  if (read)
    ax__op_finish(read, read->err, read->n);
}

/* ----------------------------------------------------------- descriptors */

int ax__name_of(int fd, bool peer, ax_endpoint *endpoint) {
  struct sockaddr *addr = (struct sockaddr *)&endpoint->addr;
  *endpoint = (ax_endpoint){.len = sizeof endpoint->addr};
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
