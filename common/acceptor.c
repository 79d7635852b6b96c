/* acceptor.c: listening sockets.
 *
 * When the process is out of descriptors, accept fails while the connection
 * stays in the backlog and the loop keeps finding the socket ready: without
 * care that is a loop at full speed. Here the socket is not looked at for
 * BACKOFF milliseconds then, but for one try by each accept that is ordered.
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
  uv_timer_t *backoff; /* at the door */
};

/* ----------------------------------------------------------- at the door */

static void on_backoff(uv_timer_t *timer) {
  ax__io_arm(timer->data, UV_READABLE);
}

static void back_off(ax_acceptor *a) {
  if (!a->backoff) {
    a->backoff = ax__handle_new(&a->io, sizeof *a->backoff);
    uv_timer_init(a->io.poll->loop, a->backoff);
  }
  uv_timer_start(a->backoff, on_backoff, BACKOFF, 0);
  ax__io_arm(&a->io, 0);
}

static int accept_one(ax_op *op) {
  struct ax__io *io = op->object;
  if (ax_stream_fd(op->with) != -1)
    return UV_EISCONN; /* by an accept before this one */
  int fd = ax__accept(op->fd);
  switch (fd) {
  case UV_ECONNABORTED:
  case UV_EINTR:
  case UV_EPROTO:
    return UV_EAGAIN; /* that one is gone; the next may not be */
  case UV_EINVAL: /* it is being closed: the request to end this comes next */
    return atomic_load(&io->epoch) == op->epoch ? fd : UV_EAGAIN;
  case UV_EMFILE:
  case UV_ENFILE:
  case UV_ENOBUFS:
  case UV_ENOMEM:
    back_off((ax_acceptor *)io);
    return UV_EAGAIN;
  }
  if (fd >= 0)
    ax__stream_adopt(op->with, fd);
  return fd < 0 ? fd : 0;
}

static void close_more(struct ax__io *io) {
  ax__handle_close(&((ax_acceptor *)io)->backoff);
}

/* -------------------------------------------------------------- listening */

static void remove_stale(const struct sockaddr_un *file, socklen_t len) {
  struct stat status;
  if (lstat(file->sun_path, &status) || !S_ISSOCK(status.st_mode))
    return;
  int fd = ax__socket(AF_UNIX);
  if (connect(fd, (const struct sockaddr *)file, len) && errno == ECONNREFUSED)
    unlink(file->sun_path);
  close(fd);
}

static int listen_at(int fd, const ax_endpoint *endpoint) {
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  if (addr->sa_family == AF_UNIX)
    remove_stale((const struct sockaddr_un *)addr, endpoint->len);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  return bind(fd, addr, endpoint->len) || listen(fd, BACKLOG) ? -errno : 0;
}

int ax_acceptor_listen(ax_acceptor *a, const ax_endpoint *endpoint) {
  if (a->io.own.fd != -1)
    return UV_EISCONN;
  int fd = ax__socket(endpoint->addr.ss_family);
  if (fd < 0)
    return fd;
  int err = listen_at(fd, endpoint);
  if (err)
    close(fd);
  else
    a->io.own.fd = fd;
  return err;
}

int ax_acceptor_local(ax_acceptor *a, ax_endpoint *endpoint) {
  return ax__name_of(a->io.own.fd, false, endpoint);
}

/* ------------------------------------------------------------- the public */

void ax_acceptor_accept(ax_acceptor *a, ax_stream *peer, ax_token token) {
  ax_op *op = ax__io_op(&a->io, AX__READING, &token, accept_one);
  op->with = ax_ref(peer);
  if (op->fd == -1)
    ax__op_finish(op, UV_EBADF, 0);
  else if (ax_stream_fd(peer) != -1)
    ax__op_finish(op, UV_EISCONN, 0);
  else
    ax__submit(op, ax__io_context(&a->io));
}

void ax_acceptor_cancel(ax_acceptor *a) { ax__io_cancel(&a->io); }

static void remove_file(ax_acceptor *a) {
  ax_endpoint at;
  if (!ax_acceptor_local(a, &at) && at.addr.ss_family == AF_UNIX)
    unlink(((struct sockaddr_un *)&at.addr)->sun_path);
}

/* Linux stops listening by shutdown, so another acceptor may listen there at
 * once, though this descriptor is closed later. Raise the epoch first, so that
 * an accept that fails finds it changed. */
void ax_acceptor_close(ax_acceptor *a) {
  remove_file(a);
  atomic_fetch_add(&a->io.epoch, 1);
  shutdown(a->io.own.fd, SHUT_RDWR);
  ax__io_close(&a->io);
}

static void acceptor_destroy(void *object) {
  remove_file(object);
  ax__io_end(object);
}

ax_acceptor *ax_acceptor_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_acceptor), executor, acceptor_destroy,
                    close_more);
}
