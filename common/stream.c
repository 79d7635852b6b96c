/* stream.c: bytes in both directions over one descriptor.
 *
 * A write first tries the kernel on the calling thread, and mostly is done with
 * that. What the kernel has no room for is written when the loop reports room.
 * A read waits for the loop at once, because mostly there is nothing yet; when
 * the loop reports data it is read there, and the handler becomes ready. What
 * is no socket is tried in the call, too: a file is never waited for.
 *
 * A scattered read is one system call. A read_until reads into memory of the
 * thread and appends what came, so ten thousand sessions that wait for a line
 * hold no buffer at all.
 *
 * One operation at a time has a side (law 5). The initiating call takes the
 * side, and the operation releases it just before its handler runs. A cancel
 * releases it earlier: the next operation of that side then waits in the loop
 * until the cancel was carried out. Law 9 lets only one thread take a side at a
 * time. */
#include "stream.h"
#include "buffer.h"
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

/* Another process with the same description may have made it blocking again. */
enum { SEND = MSG_NOSIGNAL | MSG_DONTWAIT };

struct ax_stream {
  struct ax__io io;
  enum ax__kind kind;
  unsigned operations;   /* counts */
  atomic_uint holder[2]; /* the number of the operation that has a side, or 0 */
};

/* Bytes between buffers and a descriptor. */
struct transfer {
  struct ax__io_op io;
  size_t least;      /* done when so many bytes were moved */
  struct iovec *iov; /* what is left to do */
  size_t iov_count;
  struct iovec *memory; /* for iov, or NULL: it is `two` */
  struct iovec two[2];
};

struct read_until {
  struct ax__io_op io;
  ax_dynbuf *dynbuf;
  size_t scanned;
  int delimiter;
};

/* --------------------------------------------------------- system calls */

/* EINTR is like EAGAIN: retry. */
static ssize_t result(ssize_t n) {
  return n >= 0 ? n : errno == EINTR ? UV_EAGAIN : -errno;
}

static ssize_t put(const struct ax__io_op *op, struct iovec *iov,
                   size_t count) {
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
  if (op->kind != AX__SOCKET)
    return result(writev(op->fd, iov, (int)count));
  if (count > 1)
    return result(sendmsg(op->fd, &message, SEND));
  return result(send(op->fd, iov->iov_base, iov->iov_len, SEND));
}

static ssize_t get(const struct ax__io_op *op, struct iovec *iov,
                   size_t count) {
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
  ssize_t n = op->kind != AX__SOCKET ? readv(op->fd, iov, (int)count)
              : count > 1
                  ? recvmsg(op->fd, &message, MSG_DONTWAIT)
                  : recv(op->fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT);
  return n == 0 ? UV_EOF : result(n);
}

static size_t at_most_iov_max(size_t count) {
  return count < IOV_MAX ? count : IOV_MAX;
}

/* -------------------------------------- performing: 0, an error, UV_EAGAIN */

/* Skips `n` bytes that were moved. */
static void skip(struct transfer *t, size_t n) {
  while (t->iov_count && n >= t->iov->iov_len) {
    n -= t->iov->iov_len;
    t->iov++;
    t->iov_count--;
  }
  if (n) {
    t->iov->iov_base = (char *)t->iov->iov_base + n;
    t->iov->iov_len -= n;
  }
}

/* After n bytes were moved, or an error. */
static int moved(struct transfer *t, ssize_t n) {
  if (n < 0)
    return (int)n;
  t->io.op.n += (size_t)n;
  if (t->io.op.n >= t->least)
    return 0;
  skip(t, (size_t)n);
  return UV_EAGAIN;
}

/* Until the kernel takes no more. */
static int perform_write(struct ax__io_op *op) {
  struct transfer *t = (struct transfer *)op;
  size_t left;
  int err;
  do {
    size_t count = at_most_iov_max(t->iov_count);
    left = t->iov_count - count;
    err = moved(t, put(op, t->iov, count));
  } while (err == UV_EAGAIN && t->iov_count == left);
  return err;
}

static int perform_read(struct ax__io_op *op) {
  struct transfer *t = (struct transfer *)op;
  return moved(t, get(op, t->iov, at_most_iov_max(t->iov_count)));
}

/* Looks for the delimiter, at no byte twice. */
static int look(struct read_until *op) {
  ax_cbuf data = ax_dynbuf_data(op->dynbuf);
  const char *from = (const char *)data.base + op->scanned;
  const char *hit = memchr(from, op->delimiter, data.len - op->scanned);
  op->scanned = data.len;
  if (hit)
    op->io.op.n = (size_t)(hit - (const char *)data.base) + 1;
  return hit ? 0 : ax__dynbuf_room(op->dynbuf) == 0 ? UV_EMSGSIZE : UV_EAGAIN;
}

static int perform_read_until(struct ax__io_op *io) {
  struct read_until *op = (struct read_until *)io;
  size_t room = ax__dynbuf_room(op->dynbuf);
  char *bytes = ax__scratch();
  struct iovec iov = {bytes, room < AX__SCRATCH ? room : AX__SCRATCH};
  ssize_t n = get(io, &iov, 1);
  if (n < 0)
    return (int)n;
  int err = ax_dynbuf_append(op->dynbuf, ax_cbuffer(bytes, (size_t)n));
  return err ? err : look(op);
}

static int perform_connect(struct ax__io_op *op) {
  int err = 0;
  socklen_t size = sizeof err;
  return getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &err, &size) ? -errno : -err;
}

static int perform_wait(struct ax__io_op *op) { return 0; }

/* ------------------------------------------------------------- the sides */

/* In the operation's executor, just before its handler. */
static void release_side(ax__entry *entry, bool live) {
  struct ax__io_op *op = ax__io_op_of(entry);
  ax_stream *s = op->op.object;
  unsigned mine = op->number;
  atomic_compare_exchange_strong(&s->holder[op->side], &mine, 0);
  ax__op_run(entry, live);
}

static void transfer_done(ax__entry *entry, bool live) {
  free(((struct transfer *)ax__io_op_of(entry))->memory);
  release_side(entry, live);
}

static int refusal(ax_stream *s, ax_side side, bool connects) {
  bool open = s->io.own.fd != -1;
  if (!open && !connects)
    return UV_EBADF;
  if ((s->io.own.flags & O_ACCMODE) == (side == AX_READ ? O_WRONLY : O_RDONLY))
    return UV_EBADF; /* the loop would wait for ever */
  if (atomic_load(&s->holder[side]))
    return UV_EBUSY;
  return open && connects ? UV_EISCONN : 0;
}

/* A new operation on one side, or NULL when it has failed already. */
static void *begin(size_t size, ax_stream *s, ax_side side,
                   const ax_token *token, int (*perform)(struct ax__io_op *),
                   void (*done)(ax__entry *, bool)) {
  int err = refusal(s, side, perform == perform_connect);
  struct ax__io_op *op = ax__io_begin(size, &s->io, side, token, perform, done);
  if (err) {
    op->op.entry.run = ax__op_run;
    ax__op_finish(&op->op, err, 0);
    return NULL;
  }
  op->number = s->operations = (s->operations + 2) | 1; /* never 0 */
  op->kind = (unsigned char)s->kind;
  atomic_store_explicit(&s->holder[side], op->number, memory_order_relaxed);
  return op;
}

/* Goes on in the loop if it is UV_EAGAIN. */
static void go_on(struct ax__io_op *op, int err) {
  if (err == UV_EAGAIN)
    ax__io_start(op);
  else
    ax__op_finish(&op->op, err, op->op.n);
}

/* Performs in the call, unless what was cancelled may still be at it. */
static int try_now(struct ax__io_op *op) {
  return ax__io_up_to_date(op->op.object) ? op->perform(op) : UV_EAGAIN;
}

/* A socket mostly has nothing yet. */
static int try_read(struct ax__io_op *op) {
  return op->kind == AX__SOCKET ? UV_EAGAIN : try_now(op);
}

/* ------------------------------------------------------ initiating, public */

/* Copies the descriptions, without buffers that are empty: to read into one
 * looks like the end. */
static struct transfer *begin_transfer(ax_stream *s, ax_side side, ax_cseq seq,
                                       size_t least, const ax_token *token) {
  struct transfer *t =
      begin(sizeof *t, s, side, token,
            side == AX_READ ? perform_read : perform_write, transfer_done);
  if (!t)
    return NULL;
  size_t size = 0;
  t->memory = seq.count > 2 ? ax__alloc(seq.count * sizeof *t->memory) : NULL;
  t->iov = t->memory ? t->memory : t->two;
  t->iov_count = 0;
  for (size_t i = 0; i < seq.count; size += seq.at[i++].len)
    if (seq.at[i].len)
      t->iov[t->iov_count++] =
          (struct iovec){(void *)seq.at[i].base, seq.at[i].len};
  t->least = size < least ? size : least;
  return t;
}

/* Until `least` bytes were moved, or all if there are fewer. */
static void read_into(ax_stream *s, ax_seq seq, size_t least,
                      const ax_token *token) {
  struct transfer *t =
      begin_transfer(s, AX_READ, ax_seq_const(seq), least, token);
  if (t)
    go_on(&t->io, t->least ? try_read(&t->io) : 0);
}

void ax_stream_read_some(ax_stream *s, ax_seq seq, ax_token token) {
  read_into(s, seq, 1, &token);
}

void ax_stream_read(ax_stream *s, ax_seq seq, ax_token token) {
  read_into(s, seq, SIZE_MAX, &token);
}

void ax_stream_read_until(ax_stream *s, ax_dynbuf *dynbuf, int delimiter,
                          ax_token token) {
  struct read_until *op =
      begin(sizeof *op, s, AX_READ, &token, perform_read_until, release_side);
  if (!op)
    return;
  op->dynbuf = dynbuf;
  op->scanned = 0;
  op->delimiter = delimiter;
  int err = look(op);
  go_on(&op->io, err == UV_EAGAIN ? try_read(&op->io) : err);
}

void ax_stream_write(ax_stream *s, ax_cseq seq, ax_token token) {
  struct transfer *t = begin_transfer(s, AX_WRITE, seq, SIZE_MAX, &token);
  if (t)
    go_on(&t->io, t->least ? try_now(&t->io) : 0);
}

void ax_stream_wait(ax_stream *s, ax_side side, ax_token token) {
  struct ax__io_op *op =
      begin(sizeof *op, s, side, &token, perform_wait, release_side);
  if (op)
    ax__io_start(op);
}

/* Starts connecting: 0 or an error, -EINPROGRESS or UV_EINTR when it goes on.
 */
static int connect_now(ax_stream *s, const ax_endpoint *endpoint) {
  int fd = ax__socket(endpoint->addr.ss_family, SOCK_STREAM);
  if (fd < 0)
    return fd;
  ax__stream_adopt(s, fd);
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  return connect(fd, addr, endpoint->len) ? -errno : 0;
}

void ax_stream_connect(ax_stream *s, const ax_endpoint *endpoint,
                       ax_token token) {
  struct ax__io_op *op =
      begin(sizeof *op, s, AX_WRITE, &token, perform_connect, release_side);
  if (!op)
    return;
  int err = connect_now(s, endpoint);
  op->fd = s->io.own.fd;
  op->kind = AX__SOCKET;
  if (err == -EINPROGRESS || err == UV_EINTR)
    ax__io_start(op);
  else
    ax__op_finish(&op->op, err, 0); /* UV_EAGAIN, too: a backlog is full */
}

int ax_stream_shutdown(ax_stream *s) {
  return shutdown(s->io.own.fd, SHUT_WR) ? -errno : 0;
}

static void release_sides(ax_stream *s) {
  atomic_store(&s->holder[AX_WRITE], 0);
  atomic_store(&s->holder[AX_READ], 0);
}

void ax_stream_cancel_side(ax_stream *s, ax_side side) {
  atomic_store(&s->holder[side], 0);
  ax__io_cancel(&s->io, 1 << side);
}

void ax_stream_cancel(ax_stream *s) {
  release_sides(s);
  ax__io_cancel(&s->io, 1 << AX_WRITE | 1 << AX_READ);
}

void ax_stream_close(ax_stream *s) {
  release_sides(s);
  ax__io_close(&s->io);
}

/* ----------------------------------------------------------------- opening */

ax_stream *ax_stream_new(ax_executor *executor) {
  return ax__io_new(sizeof(ax_stream), executor, ax__io_end, NULL);
}

/* To have no delay fails on a Unix socket, which does not wait for more anyway.
 */
void ax__stream_adopt(ax_stream *s, int fd) {
  s->io.own = (ax__fd){fd, -1};
  s->kind = AX__SOCKET;
  ax__set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int ax_stream_pair(ax_stream *one, ax_stream *other) {
  int fds[2];
  if (one->io.own.fd != -1 || other->io.own.fd != -1 || one == other)
    return UV_EISCONN;
  int err = ax__socket_pair(fds);
  if (err)
    return err;
  ax__stream_adopt(one, fds[0]);
  ax__stream_adopt(other, fds[1]);
  return 0;
}

int ax_stream_open_fd(ax_stream *s, int fd) {
  if (s->io.own.fd != -1)
    return UV_EISCONN;
  int own = ax__duplicate(fd);
  if (own < 0)
    return own;
  s->io.own = (ax__fd){own, fcntl(own, F_GETFL)};
  s->kind = ax__kind_of(own);
  ax__nonblocking(own);
  return 0;
}

ax_executor *ax_stream_executor(ax_stream *s) { return s->io.executor; }

int ax_stream_fd(ax_stream *s) { return s->io.own.fd; }

int ax_stream_local(ax_stream *s, ax_endpoint *endpoint) {
  return ax__name_of(s->io.own.fd, false, endpoint);
}

int ax_stream_remote(ax_stream *s, ax_endpoint *endpoint) {
  return ax__name_of(s->io.own.fd, true, endpoint);
}
