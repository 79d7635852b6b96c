/* acceptor.c: listening sockets.
 *
 * accept(2) reports errors of connections and of the network as well as its
 * own, and when the process is out of descriptors it fails while the connection
 * stays, so the loop keeps finding the socket ready. None of that is the end of
 * the acceptor: it says so once, until it has gone well for a minute; it does
 * not look at the socket for PAUSE milliseconds, and tries again. (Each accept
 * that is initiated meanwhile tries once, too.)
 *
 * A Unix socket leaves a file behind when its server dies. A datagram socket
 * finds out whether somebody still has it: the kernel refuses to connect the
 * two kinds when it is alive, and says that nobody is there when it is stale,
 * and the live server sees nothing of it. Whoever removes a stale file holds a
 * lock on its directory, so two servers that start at once do not remove each
 * other's. At its end an acceptor removes its own file, and no other. */
#include "io.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAUSE = 100, BACKLOG = 4096, LOCK_TRIES = 1000 };

struct ax_acceptor {
  struct ax__io io;
  bool lent;  /* it is somebody else's socket, too */
  char *path; /* of the socket file, absolute; NULL: none */
  dev_t device;
  ino_t inode;
  /* the owner of the loop's */
  uv_timer_t *pause;
  ax_time reported; /* the last error; 0: none was */
};

struct accept {
  struct ax__io_op io;
  ax_stream *peer; /* held */
};

/* ------------------------------------------------------------- accepting */

static void on_pause_over(uv_timer_t *timer) {
  ax__io_arm(timer->data, UV_READABLE);
}

static void pause_after(ax_acceptor *a, int err) {
  ax_time now = ax_now();
  char words[80]; /* uv_strerror leaks those of an error unknown to it */
  struct pollfd log = {.fd = STDERR_FILENO, .events = POLLOUT};
  bool due = !a->reported || now - a->reported > AX_SECONDS(60);
  if (due && poll(&log, 1, 0) == 1) /* a full pipe holds up nobody */
    fprintf(stderr, "ax: accept: %s; trying again every %d ms\n",
            uv_strerror_r(err, words, sizeof words), PAUSE);
  a->reported = now;
  if (!a->pause) {
    a->pause = ax__handle_new(&a->io, sizeof *a->pause);
    uv_timer_init(&ax__io_loop(&a->io)->uv, a->pause);
  }
  uv_timer_start(a->pause, on_pause_over, PAUSE, 0);
  ax__io_arm(&a->io, 0);
}

/* Linux says UV_EAGAIN for ever of a Unix socket that was shut down, maybe by
 * another process that shares it, while the loop finds it ready. */
static int accept_now(int listener) {
  int fd = ax__accept(listener);
  struct pollfd hung_up = {.fd = listener, .events = POLLIN};
  if (fd != UV_EAGAIN || poll(&hung_up, 1, 0) <= 0)
    return fd;
  return hung_up.revents & POLLHUP ? UV_EINVAL : UV_EAGAIN;
}

/* While a cancel or a close is on its way that request ends this accept, and
 * there is nothing to look for until then. A connection that is gone is passed
 * over; a socket that does not listen any more is the end. */
static int perform_accept(struct ax__io_op *op) {
  ax_acceptor *a = op->op.object;
  ax_stream *peer = ((struct accept *)op)->peer;
  if (ax_stream_fd(peer) != -1)
    return UV_EISCONN; /* by an accept before this one */
  int fd = accept_now(op->fd);
  if (fd >= 0) {
    ax__stream_adopt(peer, fd);
    return 0;
  }
  if (!ax__io_up_to_date(&a->io)) {
    ax__io_arm(&a->io, 0);
    return UV_EAGAIN;
  }
  switch (fd) {
  case UV_EBADF:
  case UV_EINVAL:
  case UV_ENOTSOCK:
    return fd;
  case UV_EAGAIN:
  case UV_EINTR:
  case UV_ECONNABORTED:
  case UV_EPROTO:
    return UV_EAGAIN;
  }
  pause_after(a, fd);
  return UV_EAGAIN;
}

static void accept_done(ax__entry *entry, bool live) {
  ax_stream *peer = ((struct accept *)ax__io_op_of(entry))->peer;
  ax__op_run(entry, live);
  ax_unref(peer);
}

void ax_acceptor_accept(ax_acceptor *a, ax_stream *peer, ax_token token) {
  struct accept *op = ax__io_begin(sizeof *op, &a->io, AX_READ, &token,
                                   perform_accept, accept_done);
  op->peer = ax_ref(peer);
  if (op->io.fd == -1)
    ax__op_finish(&op->io.op, UV_EBADF, 0);
  else if (ax_stream_fd(peer) != -1)
    ax__op_finish(&op->io.op, UV_EISCONN, 0);
  else
    ax__io_start(&op->io);
}

/* ------------------------------------------------------ the socket's file */

/* Locks the directory of `path`: a descriptor to be closed; -1 where that
 * cannot be locked; UV_EBUSY when somebody keeps it locked. */
static int lock_directory(const char *path) {
  char name[sizeof((struct sockaddr_un *)0)->sun_path] = ".";
  const char *slash = strrchr(path, '/');
  if (slash)
    snprintf(name, sizeof name, "%.*s", (int)(slash - path) + 1, path);
  int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int tries = 0; fd != -1 && flock(fd, LOCK_EX | LOCK_NB) &&
                      (errno == EWOULDBLOCK || errno == EINTR);
       tries++) {
    if (tries == LOCK_TRIES) {
      close(fd);
      return UV_EBUSY;
    }
    poll(NULL, 0, 1);
  }
  return fd;
}

static bool is_stale(const struct sockaddr_un *file, socklen_t len) {
  struct stat status;
  if (lstat(file->sun_path, &status) || !S_ISSOCK(status.st_mode))
    return false;
  int fd = ax__socket(AF_UNIX, SOCK_DGRAM);
  bool refused = connect(fd, (const struct sockaddr *)file, len) == -1 &&
                 errno == ECONNREFUSED;
  close(fd);
  return refused;
}

static int bind_now(int fd, const void *addr, socklen_t len) {
  return bind(fd, addr, len) ? -errno : 0;
}

/* Replaces a stale file. */
static int bind_again(int fd, const struct sockaddr_un *file, socklen_t len) {
  int directory = lock_directory(file->sun_path), err = UV_EADDRINUSE;
  if (directory == UV_EBUSY)
    return err;
  if (is_stale(file, len) && unlink(file->sun_path) == 0)
    err = bind_now(fd, file, len);
  if (directory != -1)
    close(directory);
  return err;
}

/* So that it finds its file again, and knows it. */
static void remember(ax_acceptor *a, const char *path) {
  struct stat status;
  char whole[PATH_MAX];
  if (lstat(path, &status) || !realpath(path, whole))
    return;
  size_t size = strlen(whole) + 1;
  a->path = memcpy(ax__alloc(size), whole, size);
  a->device = status.st_dev;
  a->inode = status.st_ino;
}

/* While the socket is open, because the inode is its own until then. */
static void remove_file(ax_acceptor *a) {
  struct stat status;
  if (a->path && !lstat(a->path, &status) && S_ISSOCK(status.st_mode) &&
      status.st_dev == a->device && status.st_ino == a->inode)
    unlink(a->path);
  free(a->path);
  a->path = NULL;
}

/* ------------------------------------------------------------- listening */

static int bind_to(ax_acceptor *a, int fd, const ax_endpoint *endpoint) {
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  /* region: reuse */
  if (addr->sa_family == AF_INET6)
    ax__set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (addr->sa_family != AF_UNIX) {
    ax__set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return bind_now(fd, addr, endpoint->len);
  }
  /* end: reuse */
  const struct sockaddr_un *file = (const struct sockaddr_un *)addr;
  int err = bind_now(fd, file, endpoint->len);
  if (err == UV_EADDRINUSE)
    err = bind_again(fd, file, endpoint->len);
  if (!err)
    remember(a, file->sun_path);
  return err;
}

int ax_acceptor_listen(ax_acceptor *a, const ax_endpoint *endpoint) {
  if (a->io.own.fd != -1)
    return UV_EISCONN;
  /* region: open */
  int fd = ax__socket(endpoint->addr.ss_family, SOCK_STREAM);
  if (fd < 0)
    return fd;
  int err = bind_to(a, fd, endpoint);
  if (!err && listen(fd, BACKLOG)) {
    err = -errno;
    remove_file(a);
  }
  /* end: open */
  if (err)
    close(fd);
  else
    a->io.own.fd = fd;
  a->lent = false;
  return err;
}

/* The socket does not block from then on, and its flags are not restored:
 * another process may accept from it, and would sleep in accept(2) when
 * somebody else was faster. */
int ax_acceptor_open_fd(ax_acceptor *a, int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (a->io.own.fd != -1)
    return UV_EISCONN;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size))
    return -errno;
  if (!listens)
    return UV_EINVAL;
  int own = ax__duplicate(fd);
  if (own < 0)
    return own;
  a->io.own.fd = own;
  a->lent = true;
  ax__nonblocking(own);
  return 0;
}

/* ------------------------------------------------------------- the public */

int ax_acceptor_local(ax_acceptor *a, ax_endpoint *endpoint) {
  return ax__name_of(a->io.own.fd, false, endpoint);
}

int ax_acceptor_fd(ax_acceptor *a) { return a->io.own.fd; }

ax_executor *ax_acceptor_executor(ax_acceptor *a) { return a->io.executor; }

void ax_acceptor_cancel(ax_acceptor *a) { ax__io_cancel(&a->io, 1 << AX_READ); }

/* Linux stops listening by shutdown, so another acceptor may listen there at
 * once, though this descriptor is closed later. An accept that fails because of
 * that finds that a close was asked for. */
void ax_acceptor_close(ax_acceptor *a) {
  remove_file(a);
  ax__fd fd = ax__io_begin_close(&a->io);
  if (!a->lent)
    shutdown(fd.fd, SHUT_RDWR);
  ax__io_end_close(&a->io, fd);
}

static void close_more(struct ax__io *io) {
  ax_acceptor *a = (ax_acceptor *)io;
  ax__handle_close(&a->pause);
  if (ax__io_loop(io)->closed)
    remove_file(a); /* it ends with its context */
}

static void acceptor_destroy(void *object) {
  remove_file(object);
  ax__io_end(object);
}

ax_acceptor *ax_acceptor_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_acceptor), executor, acceptor_destroy,
                    close_more);
}
