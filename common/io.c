/* io.c: waiting for descriptors of every kind, which the loop polls (uv_poll).
 * Files cannot be polled; they are always ready. The loop is not asked about a
 * regular file, because kqueue takes some and then reports nothing.
 *
 * A descriptor stays armed for reading between operations: a session that reads
 * again at once costs no system call for polling. It is disarmed when the loop
 * has reported `patience` times what nobody waited for: a report costs little,
 * and to disarm and arm again are two system calls.
 *
 * When the last reference is gone the loop may still hold handles of the
 * object. So its end is a request as well, and its memory goes with it. */
#include "io.h"

#include <poll.h>
#include <string.h>

enum { BOTH_SIDES = 1 << AX_READ | 1 << AX_WRITE };

/* -------------------------------------------------------------- requests */

/* Acts also when it is not live: descriptors are closed in any case, and the
 * loop may still have handles of the object. It is work until it has acted, so
 * what was closed is closed when ax_run returns. */
static void request_run(ax__entry *entry, bool live) {
  struct ax__request request = *AX__OF(struct ax__request, entry, entry);
  ax_executor *held = ax_ref(request.io->executor);
  struct ax__loop *loop = &held->context->loop;
  bool owned = ax__loop_owned(loop);
  ax__give(ax__block_for(sizeof request), entry);
  if (!owned)
    ax__loop_lock(loop);
  request.act(request.io, &request);
  if (!owned)
    ax__loop_unlock(loop);
  ax__scheduler_work(held->scheduler, -1);
  if (!request.last)
    ax_unref(request.io);
  ax_unref(held);
}

void ax__io_request(struct ax__io *io, struct ax__request request) {
  struct ax__request *own = ax__take(ax__block_for(sizeof *own));
  *own = request;
  own->entry.run = request_run;
  own->io = request.last ? io : ax_ref(io);
  ax__scheduler_work(io->executor->scheduler, 1);
  ax__loop_submit(ax__io_loop(io), &own->entry);
}

static ax__queue take_pending(struct ax__io *io, int sides) {
  ax__queue pending = {0};
  for (int side = 0; side < 2; side++)
    if (sides & 1 << side)
      ax__queue_splice(&pending, &io->pending[side]);
  return pending;
}

/* All are taken before one ends, because its end may begin another. */
static void cancel_act(struct ax__io *io, const struct ax__request *request) {
  ax__queue pending = take_pending(io, request->number);
  atomic_fetch_add(&io->ended, 1);
  ax__op_finish_all(&pending, UV_ECANCELED);
}

void ax__io_cancel(struct ax__io *io, int sides) {
  atomic_fetch_add(&io->asked, 1);
  ax__io_request(io, (struct ax__request){.act = cancel_act, .number = sides});
}

static void close_handles(struct ax__io *io) {
  ax__handle_close(&io->poll);
  io->armed = 0;
  if (io->close_more)
    io->close_more(io);
}

/* The handlers of what was pending find it closed. */
static void close_act(struct ax__io *io, const struct ax__request *request) {
  close_handles(io);
  ax__fd_close(request->fd);
  cancel_act(io, request);
}

ax__fd ax__io_begin_close(struct ax__io *io) {
  ax__fd fd = io->own;
  io->own = AX__NO_FD;
  atomic_fetch_add(&io->asked, fd.fd != -1);
  return fd;
}

void ax__io_end_close(struct ax__io *io, ax__fd fd) {
  if (fd.fd != -1)
    ax__io_request(io, (struct ax__request){
                           .act = close_act, .fd = fd, .number = BOTH_SIDES});
}

void ax__io_close(struct ax__io *io) {
  ax__io_end_close(io, ax__io_begin_close(io));
}

/* ------------------------------------------------------ beginning and end */

/* With its context. Dropping the last operation may be the end of the object.
 */
static void shut(struct ax__member *member) {
  struct ax__io *io = AX__OF(struct ax__io, member, member);
  ax__queue pending = take_pending(io, BOTH_SIDES);
  close_handles(io);
  ax__fd_close(io->own);
  io->own = AX__NO_FD;
  ax__queue_drop(&pending);
}

void *ax__io_new(size_t size, ax_executor *executor, void (*destroy)(void *),
                 void (*close_more)(struct ax__io *)) {
  struct ax__io *io = ax__alloc(size);
  memset(io, 0, size);
  ax_obj_init(&io->obj, destroy);
  io->executor = ax_ref(executor);
  io->own = AX__NO_FD;
  io->close_more = close_more;
  io->member.shut = shut;
  ax__loop_join(ax__io_loop(io), &io->member);
  return io;
}

static void end_act(struct ax__io *io, const struct ax__request *request) {
  ax__loop_leave(ax__io_loop(io), &io->member);
  close_handles(io);
  ax__fd_close(io->own); /* not the request's: its context may have shut it */
  ax_unref(io->executor);
  free(io);
}

void ax__io_end(void *object) {
  struct ax__io *io = object;
  ax__io_request(io, (struct ax__request){.act = end_act, .last = true});
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
  if (*handle)
    uv_close(*handle, on_closed);
  *handle = NULL;
}

/* ------------------------------------------------- waiting for a descriptor */

static const int event_of[] = {
    [AX_WRITE] = UV_WRITABLE, [AX_READ] = UV_READABLE};
static const unsigned char patience[] = {[AX_WRITE] = 0, [AX_READ] = 8};

static void on_poll(uv_poll_t *poll, int status, int events);

/* 0 or an error: UV_EPERM of epoll for what is always ready, as /dev/null. */
static int watch(struct ax__io *io, int fd) {
  if (io->poll)
    return 0;
  io->poll = ax__handle_new(io, sizeof *io->poll);
  int err = uv_poll_init(&ax__io_loop(io)->uv, io->poll, fd);
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

/* entry.run of what was submitted. */
static void start(ax__entry *entry, bool live) {
  struct ax__io_op *op = ax__io_op_of(entry);
  struct ax__io *io = op->op.object;
  entry->run = op->done;
  if (!live) {
    entry->run(entry, false);
    return;
  }
  int err = op->kind == AX__FILE ? UV_EPERM : watch(io, op->fd);
  if (!err) {
    ax__queue_push(&io->pending[op->side], entry);
    ax__io_arm(io, io->armed | event_of[op->side]);
    return;
  }
  if (err == UV_EPERM)
    while ((err = op->perform(op)) == UV_EAGAIN)
      continue;
  ax__op_finish(&op->op, err, op->op.n);
}

void *ax__io_begin(size_t size, struct ax__io *io, ax_side side,
                   const ax_token *token, int (*perform)(struct ax__io_op *),
                   void (*done)(ax__entry *, bool)) {
  struct ax__io_op *op = ax__op_begin(size, io->executor, io, *token);
  op->op.entry.run = op->done = done;
  op->perform = perform;
  op->limit.span = token->within;
  op->fd = io->own.fd;
  op->side = (unsigned char)side;
  op->kind = AX__SOCKET;
  return op;
}

void ax__io_start(struct ax__io_op *op) {
  struct ax__within *within = op->limit.span ? ax__within_new(op) : NULL;
  ax__op_pend(&op->op);
  op->op.entry.run = start;
  ax__loop_submit(ax__io_loop(op->op.object), &op->op.entry);
  if (within)
    ax__within_arm(within);
}

/* The other side of a terminal is gone: there is no room, and the loop would
 * report that for ever. */
static bool hung_up(const struct ax__io_op *op) {
  struct pollfd fd = {.fd = op->fd, .events = POLLOUT};
  return op->side == AX_WRITE && op->kind != AX__SOCKET &&
         poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP) &&
         !(fd.revents & POLLOUT);
}

/* True if it has to wait for more. */
static bool goes_on(struct ax__io_op *op) {
  size_t before = op->op.n;
  op->op.err = op->perform(op);
  if (op->op.err == UV_EAGAIN && op->op.n == before && hung_up(op))
    op->op.err = UV_EIO;
  return op->op.err == UV_EAGAIN;
}

/* Performs the first that waits for this side; returns it if it is done. */
static ax_op *perform_first(struct ax__io *io, ax_side side) {
  ax__queue *pending = &io->pending[side];
  ax__entry *first = pending->head;
  if (first && goes_on(ax__io_op_of(first)))
    return NULL;
  (void)ax__queue_pop(pending);
  io->in_vain[side] = first ? 0 : io->in_vain[side] + 1;
  if (!pending->head && io->in_vain[side] >= patience[side])
    ax__io_arm(io, io->armed & ~event_of[side]);
  return first ? ax__op_of(first) : NULL;
}

/* After an error libuv has disarmed; the system call tells what it is. To
 * finish is the last thing to happen, because what completes to a context that
 * is gone may hold the last reference to the object. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct ax__io *io = poll->data;
  if (status < 0) {
    uv_poll_start(poll, io->armed, on_poll);
    events = UV_READABLE | UV_WRITABLE;
  }
  ax_op *write = events & UV_WRITABLE ? perform_first(io, AX_WRITE) : NULL;
  ax_op *read = events & UV_READABLE ? perform_first(io, AX_READ) : NULL;
  if (write)
    ax__op_finish(write, write->err, write->n);
  if (read)
    ax__op_finish(read, read->err, read->n);
}
