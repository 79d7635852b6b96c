/* acceptor.c: listening sockets.
 *
 * When the process is out of descriptors, accept fails while the connection
 * stays in the backlog and the loop keeps finding the socket ready: without
 * care that is a loop at full speed. Here the socket is not looked at for
 * BACKOFF milliseconds then.
 *
 * A Unix socket leaves a file behind when its server dies. Whether somebody
 * still listens is found out by connecting: refused means stale. */
#include "core.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKOFF = 100, BACKLOG = 4096 };

struct ax_acceptor {
  struct ax__io io;
  /* the user's half */
  int fd;
  struct sockaddr_un file; /* to be removed; its path is empty for TCP */
  /* at the door */
  uv_poll_t *poll;
  uv_timer_t *backoff;
  bool armed;
  ax__queue accepts;
};

/* ----------------------------------------------------------- at the door */

static void arm(ax_acceptor *a);

static void on_backoff(uv_timer_t *timer) { arm(timer->data); }

static void back_off(ax_acceptor *a) {
  if (!a->backoff) {
    a->backoff = ax__handle_new(&a->io, sizeof *a->backoff);
    uv_timer_init(a->poll->loop, a->backoff);
  }
  uv_poll_stop(a->poll);
  a->armed = false;
  uv_timer_start(a->backoff, on_backoff, BACKOFF, 0);
}

static bool out_of_something(int err) {
  return err == UV_EMFILE || err == UV_ENFILE || err == UV_ENOBUFS ||
         err == UV_ENOMEM;
}

/* Accepts for one operation; false when there is no use in trying again. */
static bool accept_one(ax_acceptor *a) {
  ax_op *op = ax__op_of(a->accepts.head);
  int fd = ax__accept(op->fd);
  if (fd == UV_EAGAIN)
    return false;
  if (fd == UV_ECONNABORTED || fd == UV_EINTR || fd == UV_EPROTO)
    return true; /* that one is gone; the next may not be */
  if (out_of_something(fd)) {
    back_off(a);
    return false;
  }
  (void)ax__queue_pop(&a->accepts);
  if (fd >= 0)
    ax__stream_adopt(op->with, fd);
  ax__op_finish(op, fd < 0 ? fd : 0, 0);
  return true;
}

static void on_connection(uv_poll_t *poll, int status, int events) {
  ax_acceptor *a = poll->data;
  ax_acceptor *held = a->accepts.head ? ax_ref(a) : NULL;
  if (status < 0)
    a->armed = false;
  while (a->accepts.head && accept_one(a))
    continue;
  if (!a->accepts.head && a->armed) {
    uv_poll_stop(poll);
    a->armed = false;
  }
  ax_unref(held);
}

static void arm(ax_acceptor *a) {
  if (!a->armed && a->poll && a->accepts.head) {
    uv_poll_start(a->poll, UV_READABLE, on_connection);
    a->armed = true;
  }
}

static void start_accept(ax_op *op) {
  ax_acceptor *a = op->object;
  if (!a->poll) {
    a->poll = ax__handle_new(&a->io, sizeof *a->poll);
    uv_poll_init(&op->at->loop, a->poll, op->fd);
  }
  ax__queue_push(&a->accepts, &op->entry);
  if (!a->backoff || !uv_is_active((uv_handle_t *)a->backoff))
    arm(a);
}

static void close_handles(ax_acceptor *a) {
  ax__handle_close(&a->poll);
  ax__handle_close(&a->backoff);
  a->armed = false;
}

static void cancel_act(struct ax__io *io, ax__fd fd) {
  ax_acceptor *a = (ax_acceptor *)io;
  ax__finish_all(&a->accepts, UV_ECANCELED);
}

static void close_act(struct ax__io *io, ax__fd fd) {
  cancel_act(io, AX__NO_FD);
  close_handles((ax_acceptor *)io);
  ax__fd_close(fd);
}

/* Dropping the last operation may be the end of the acceptor. */
static void shut(struct ax__io *io) {
  ax_acceptor *a = (ax_acceptor *)io;
  ax__queue accepts = ax__queue_take(&a->accepts);
  close_handles(a);
  ax__drop_all(&accepts);
}

/* -------------------------------------------------------------- listening */

static bool is_stale(const struct sockaddr_un *file, socklen_t len) {
  struct stat status;
  if (lstat(file->sun_path, &status) || !S_ISSOCK(status.st_mode))
    return false;
  int fd = ax__socket(AF_UNIX);
  if (fd < 0)
    return false;
  bool refused =
      connect(fd, (const struct sockaddr *)file, len) && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

static int bind_to(int fd, const ax_endpoint *endpoint) {
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  if (bind(fd, addr, endpoint->len) == 0)
    return 0;
  if (errno != EADDRINUSE || addr->sa_family != AF_UNIX)
    return -errno;
  const struct sockaddr_un *file = (const struct sockaddr_un *)addr;
  if (!is_stale(file, endpoint->len))
    return UV_EADDRINUSE;
  unlink(file->sun_path);
  return bind(fd, addr, endpoint->len) ? -errno : 0;
}

int ax_acceptor_listen(ax_acceptor *a, const ax_endpoint *endpoint) {
  if (a->fd != -1)
    return UV_EISCONN;
  int fd = ax__socket(endpoint->addr.ss_family);
  if (fd < 0)
    return fd;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  int err = bind_to(fd, endpoint);
  if (!err && listen(fd, BACKLOG))
    err = -errno;
  if (err) {
    close(fd);
    return err;
  }
  a->fd = fd;
  if (endpoint->addr.ss_family == AF_UNIX)
    memcpy(&a->file, &endpoint->addr, sizeof a->file);
  return 0;
}

int ax_acceptor_local(ax_acceptor *a, ax_endpoint *endpoint) {
  endpoint->len = sizeof endpoint->addr;
  return getsockname(a->fd, (struct sockaddr *)&endpoint->addr, &endpoint->len)
             ? -errno
             : 0;
}

/* ------------------------------------------------------------- the public */

void ax_acceptor_accept(ax_acceptor *a, ax_stream *peer, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, a->io.executor, a, token);
  op->with = ax_ref(peer);
  op->fd = a->fd;
  op->start = start_accept;
  if (a->fd == -1)
    ax__op_finish(op, UV_EBADF, 0);
  else if (ax_stream_fd(peer) != -1)
    ax__op_finish(op, UV_EISCONN, 0);
  else
    ax__submit(op, ax__io_context(&a->io));
}

void ax_acceptor_cancel(ax_acceptor *a) {
  ax__io_request(&a->io, cancel_act, AX__NO_FD, false);
}

static ax__fd give_up_fd(ax_acceptor *a) {
  ax__fd fd = {a->fd, -1};
  a->fd = -1;
  if (fd.fd != -1 && a->file.sun_path[0])
    unlink(a->file.sun_path);
  a->file.sun_path[0] = '\0';
  return fd;
}

void ax_acceptor_close(ax_acceptor *a) {
  ax__fd fd = give_up_fd(a);
  if (fd.fd != -1)
    ax__io_request(&a->io, close_act, fd, false);
}

static void acceptor_destroy(void *object) {
  ax_acceptor *a = object;
  ax__io_end(&a->io, give_up_fd(a));
}

ax_acceptor *ax_acceptor_new(ax_executor *executor) {
  ax_acceptor *a = ax__alloc(sizeof *a);
  *a = (ax_acceptor){.fd = -1};
  ax__io_init(&a->io, executor, acceptor_destroy, shut);
  return a;
}
