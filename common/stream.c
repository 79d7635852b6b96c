/* stream.c: bytes in both directions over one descriptor.
 *
 * A write first tries the kernel on the calling thread, and mostly is done
 * with that: an echo costs 2.3 instead of 4.8 us (echo-unix-50). What the
 * kernel has no room for is written at the door.
 *
 * A read goes to the door at once, for mostly there is nothing yet. When the
 * loop reports data the operation is put on the table, unfinished, and
 * stream_run reads just before it calls the handler: what the kernel and the
 * session keep of this stream is in the cache then, for the reading and for the
 * answer: an echo costs 2.2 instead of 2.5 us (echo-unix-1000).
 * A scattered read is one readv. A read_until reads into the memory of the
 * butler and appends what came, so that ten thousand sessions waiting for a
 * line hold no buffer at all: 0.8 kB each, all told (idle-chat).
 *
 * `busy` is claimed by the initiating call and given back just before the
 * handler: that is law 5, also while a read is between two steps. Law 9 lets
 * only one thread claim at a time, so it need not be exchanged. The latch keeps
 * the descriptor from being closed, and becoming another's, within a read. */
#include "core.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

/* Who shares the description may have made it blocking again. */
enum { SEND = MSG_NOSIGNAL | MSG_DONTWAIT };

struct ax_stream {
  struct ax__io io;
  bool socket;
  atomic_bool busy[2];
};

/* ----------------------------------------------------- system calls, moved */

/* What was interrupted is tried again, like what would have to wait. */
static ssize_t result(ssize_t n) {
  return n >= 0 ? n : errno == EINTR ? UV_EAGAIN : -errno;
}

static ssize_t put(int fd, bool socket, struct iovec *iov, size_t count) {
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
  if (!socket)
    return result(writev(fd, iov, (int)count));
  if (count > 1)
    return result(sendmsg(fd, &message, SEND));
  return result(send(fd, iov->iov_base, iov->iov_len, SEND));
}

static ssize_t get(int fd, bool socket, const struct iovec *iov, size_t count) {
  if (socket && count == 1)
    return result(recv(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT));
  return result(readv(fd, iov, (int)count));
}

static size_t at_most_iov_max(size_t count) {
  return count < IOV_MAX ? count : IOV_MAX;
}

/* The stream was neither cancelled nor closed since. */
static bool is_current(const ax_op *op) {
  const ax_stream *s = op->object;
  return atomic_load(&s->io.epoch) == op->epoch;
}

/* Reads, unless the stream was cancelled or closed meanwhile. */
static ssize_t get_now(ax_op *op, const struct iovec *iov, size_t count) {
  ax_stream *s = op->object;
  ssize_t n = UV_ECANCELED;
  ax__latch_close(&s->io.latch);
  if (is_current(op))
    n = get(op->fd, op->socket, iov, at_most_iov_max(count));
  ax__latch_open(&s->io.latch);
  return n == 0 ? UV_EOF : n;
}

/* ----------------- the ways of moving on, called in io.c and in stream_run */

/* Skips `n` bytes that were moved. */
static void skip(ax_op *op, size_t n) {
  while (op->iov_count && n >= op->iov->iov_len) {
    n -= op->iov->iov_len;
    op->iov++;
    op->iov_count--;
  }
  if (n) {
    op->iov->iov_base = (char *)op->iov->iov_base + n;
    op->iov->iov_len -= n;
  }
}

/* After n bytes were moved, or an error. */
static int so_far(ax_op *op, ssize_t n) {
  if (n < 0)
    return (int)n;
  op->n += (size_t)n;
  if (op->n >= op->want)
    return 0;
  skip(op, (size_t)n);
  return UV_EAGAIN;
}

/* Until the kernel takes no more. */
static int move_out(ax_op *op) {
  size_t left;
  int err;
  do {
    size_t count = at_most_iov_max(op->iov_count);
    left = op->iov_count - count;
    err = so_far(op, put(op->fd, op->socket, op->iov, count));
  } while (err == UV_EAGAIN && op->iov_count == left);
  return err;
}

static int move_in(ax_op *op) {
  return so_far(op, get_now(op, op->iov, op->iov_count));
}

/* Looks for the delimiter, at no byte twice. */
static int found_so_far(ax_op *op) {
  ax_cbuf data = ax_dynbuf_data(op->dynbuf);
  const char *from = (const char *)data.base + op->scanned;
  const char *hit = memchr(from, op->delimiter, data.len - op->scanned);
  op->scanned = data.len;
  if (hit)
    op->n = (size_t)(hit - (const char *)data.base) + 1;
  return hit ? 0 : ax__dynbuf_room(op->dynbuf) == 0 ? UV_EMSGSIZE : UV_EAGAIN;
}

static int move_in_until(ax_op *op) {
  char bytes[65536];
  size_t room = ax__dynbuf_room(op->dynbuf);
  struct iovec iov = {bytes, room < sizeof bytes ? room : sizeof bytes};
  ssize_t n = get_now(op, &iov, 1);
  if (n < 0)
    return (int)n;
  int err = ax_dynbuf_append(op->dynbuf, ax_cbuffer(bytes, (size_t)n));
  return err ? err : found_so_far(op);
}

static int move_connection(ax_op *op) {
  int err = 0;
  socklen_t size = sizeof err;
  getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &err, &size);
  return -err;
}

/* What is ready at the door, and moves at home. */
static int go_home(ax_op *op) { return AX__AT_HOME; }

/* --------------------------------------------------- in the op's executor */

/* A read that was sent home reads: there is data, or an error. True if it goes
 * to the door again: it has to wait for more, or until a cancel or close that
 * came meanwhile is carried out there. */
static bool goes_back(ax_op *op) {
  if (op->err != AX__AT_HOME)
    return false;
  op->err = op->move_at_home(op);
  return op->err == UV_EAGAIN || (op->err == UV_ECANCELED && !is_current(op));
}

/* A read may go on. Otherwise the operation ends: free the side first, then run
 * the handler. */
static void stream_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  ax_stream *s = op->object;
  if (live && goes_back(op)) {
    ax__submit(op, ax__io_context(&s->io));
    return;
  }
  atomic_store_explicit(&s->busy[op->side], false, memory_order_release);
  ax__op_run(entry, live);
}

/* ------------------------------------------------------ initiating, public */

/* A new operation on one side, or NULL when it has failed already. */
static ax_op *claim(ax_stream *s, enum ax__side side, const ax_token *token,
                    int (*move)(ax_op *)) {
  ax_op *op = ax__io_op(&s->io, side, token, move);
  bool open = op->fd != -1, connects = move == move_connection;
  int err = open == connects ? open ? UV_EISCONN : UV_EBADF : 0;
  if (side == AX__READING && (s->io.own.flags & O_ACCMODE) == O_WRONLY)
    err = UV_EBADF; /* the loop would wait for ever */
  if (err != UV_EBADF && atomic_load(&s->busy[side]))
    err = UV_EBUSY;
  if (err) {
    ax__op_finish(op, err, 0);
    return NULL;
  }
  atomic_store_explicit(&s->busy[side], true, memory_order_relaxed);
  op->entry.run = stream_run;
  op->move_at_home = move;
  if (side == AX__READING)
    op->move = go_home;
  op->socket = s->socket;
  return op;
}

/* To be continued if it is UV_EAGAIN. */
static void go_on(ax_op *op, int err) {
  if (err == UV_EAGAIN)
    ax__submit(op, ax__io_context(op->object));
  else
    ax__op_finish(op, err, op->n);
}

/* Describes the bytes to be moved, without buffers that are empty: to read into
 * one looks like the end. */
static void describe(ax_op *op, ax_cseq seq, size_t least) {
  size_t size = 0, count = 0;
  struct iovec *iov = op->few;
  if (seq.count > sizeof op->few / sizeof *op->few)
    iov = op->extra = ax__alloc(seq.count * sizeof *iov);
  for (size_t i = 0; i < seq.count; size += seq.at[i++].len)
    if (seq.at[i].len)
      iov[count++] = (struct iovec){(void *)seq.at[i].base, seq.at[i].len};
  op->iov = iov;
  op->iov_count = count;
  op->want = size < least ? size : least;
}

/* Until `least` bytes were moved, or all if there are fewer. */
static void read_into(ax_stream *s, ax_cseq seq, size_t least,
                      const ax_token *token) {
  ax_op *op = claim(s, AX__READING, token, move_in);
  if (!op)
    return;
  describe(op, seq, least);
  go_on(op, op->want ? UV_EAGAIN : 0);
}

void ax_stream_read_some(ax_stream *s, ax_seq seq, ax_token token) {
  read_into(s, ax_seq_const(seq), 1, &token);
}

void ax_stream_read(ax_stream *s, ax_seq seq, ax_token token) {
  read_into(s, ax_seq_const(seq), SIZE_MAX, &token);
}

void ax_stream_read_until(ax_stream *s, ax_dynbuf *dynbuf, int delimiter,
                          ax_token token) {
  ax_op *op = claim(s, AX__READING, &token, move_in_until);
  if (!op)
    return;
  op->dynbuf = dynbuf;
  op->scanned = 0;
  op->delimiter = delimiter;
  go_on(op, found_so_far(op));
}

void ax_stream_write(ax_stream *s, ax_cseq seq, ax_token token) {
  ax_op *op = claim(s, AX__WRITING, &token, move_out);
  if (!op)
    return;
  describe(op, seq, SIZE_MAX);
  go_on(op, op->want ? move_out(op) : 0);
}

/* Starts connecting: 0 or an error, -EINPROGRESS or UV_EINTR when it goes on.
 */
static int connect_now(ax_stream *s, const ax_endpoint *endpoint) {
  int fd = ax__socket(endpoint->addr.ss_family);
  if (fd < 0)
    return fd;
  ax__stream_adopt(s, fd);
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  return connect(fd, addr, endpoint->len) ? -errno : 0;
}

void ax_stream_connect(ax_stream *s, const ax_endpoint *endpoint,
                       ax_token token) {
  ax_op *op = claim(s, AX__WRITING, &token, move_connection);
  if (!op)
    return;
  int err = connect_now(s, endpoint);
  op->fd = s->io.own.fd;
  if (err == -EINPROGRESS || err == UV_EINTR)
    ax__submit(op, ax__io_context(&s->io));
  else
    ax__op_finish(op, err, 0);
}

int ax_stream_shutdown(ax_stream *s) {
  return shutdown(s->io.own.fd, SHUT_WR) ? -errno : 0;
}

void ax_stream_cancel(ax_stream *s) { ax__io_cancel(&s->io); }

void ax_stream_close(ax_stream *s) { ax__io_close(&s->io); }

/* ----------------------------------------------------------------- opening */

ax_stream *ax_stream_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_stream), executor, ax__io_end, NULL);
}

void ax__stream_adopt(ax_stream *s, int fd) {
  s->io.own = (ax__fd){fd, -1};
  s->socket = true;
  /* Fails on a Unix socket, which does not wait for more anyway. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* A terminal is opened anew, so that it does not become non-blocking for the
 * shell that shares it; where that is refused it is duplicated like others. So
 * is a master, which would be another terminal's when opened anew. */
static int reopen(int fd) {
  char name[128];
  if (ptsname_r(fd, name, sizeof name) && !ttyname_r(fd, name, sizeof name)) {
    int again = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (again != -1)
      return again;
  }
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int ax_stream_open_fd(ax_stream *s, int fd) {
  int type;
  socklen_t size = sizeof type;
  if (s->io.own.fd != -1)
    return UV_EISCONN;
  int own = reopen(fd);
  if (own == -1)
    return -errno;
  s->io.own = (ax__fd){own, fcntl(own, F_GETFL)};
  s->socket = getsockopt(own, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  ax__nonblocking(own);
  return 0;
}

int ax_stream_fd(ax_stream *s) { return s->io.own.fd; }

int ax_stream_local(ax_stream *s, ax_endpoint *endpoint) {
  return ax__name_of(s->io.own.fd, false, endpoint);
}

int ax_stream_remote(ax_stream *s, ax_endpoint *endpoint) {
  return ax__name_of(s->io.own.fd, true, endpoint);
}
