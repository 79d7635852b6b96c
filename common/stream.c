/* stream.c: bytes in both directions over one descriptor.
 *
 * Descriptors of every kind are polled by the loop (uv_poll). Files cannot be
 * polled; they are always ready.
 *
 * A write first tries the kernel on the calling thread, and mostly is done
 * with that; what the kernel has no room for is written at the door.
 *
 * A read goes to the door at once, for mostly there is nothing yet. When the
 * loop reports data the operation is put on the table, and read_run reads just
 * before it calls the handler: what the kernel and the session keep of this
 * stream is in the cache then, for the reading and for the answer: with a
 * thousand clients that is a tenth of an echo (echo-unix-1000). A scattered
 * read is one readv. A read_until reads into the memory of the butler and
 * appends what came, so that ten thousand sessions waiting for a line hold no
 * buffer at all.
 *
 * The descriptor stays armed for reading between reads: a session that reads
 * again at once costs no system call for polling. It is disarmed when the loop
 * has reported data PATIENCE times and no read waited for it, for the report
 * costs little, and to disarm and to arm again are two system calls.
 *
 * `busy` is claimed by the initiating call and given back just before the
 * handler: that is law 5, also while a read is between two steps. `epoch` tells
 * a step that the stream was cancelled or closed meanwhile; `latch` keeps the
 * descriptor from being closed, and becoming another's, within a read. */
#include "core.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct iovec) == sizeof(ax_cbuf) &&
                   offsetof(struct iovec, iov_len) == offsetof(ax_cbuf, len),
               "the system's description of a buffer is ours");

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

enum { PATIENCE = 8 };
static const int event_of[] = {UV_WRITABLE, UV_READABLE};

struct ax_stream {
  struct ax__io io;
  bool socket;
  ax__latch busy[2];
  atomic_uint epoch;  /* counts cancels and closes */
  atomic_uint closes; /* alone */
  unsigned missed;    /* at the door: reports of data that no read waited for */
};

/* ----------------------------------------------------- system calls, moved */

static ssize_t result(ssize_t n) { return n < 0 ? -errno : n; }

static ssize_t put(int fd, bool socket, const ax_cbuf *at, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)at, .msg_iovlen = count};
  ssize_t n;
  do
    n = !socket      ? writev(fd, message.msg_iov, (int)count)
        : count == 1 ? send(fd, at->base, at->len, MSG_NOSIGNAL)
                     : sendmsg(fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return result(n);
}

static ssize_t get(int fd, bool socket, const struct iovec *iov, size_t count) {
  ssize_t n;
  do
    n = count > 1 ? readv(fd, iov, (int)count)
        : socket  ? recv(fd, iov->iov_base, iov->iov_len, 0)
                  : read(fd, iov->iov_base, iov->iov_len);
  while (n < 0 && errno == EINTR);
  return result(n);
}

static size_t at_most_iov_max(size_t count) {
  return count < IOV_MAX ? count : IOV_MAX;
}

/* The ways of moving an operation on at the door. */

static ssize_t move_out(ax_op *op) {
  return put(op->fd, ((ax_stream *)op->object)->socket,
             (const ax_cbuf *)op->iov, at_most_iov_max(op->iov_count));
}

static ssize_t move_connection(ax_op *op) {
  int err = 0;
  socklen_t size = sizeof err;
  getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &err, &size);
  return -err;
}

/* -------------------------------------------------------------- the bytes */

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

/* Copies the description of the bytes to be moved, but for the first `done`. */
static void describe(ax_op *op, ax_cseq seq, size_t done) {
  op->iov = op->few;
  if (seq.count > sizeof op->few / sizeof *op->few)
    op->iov = op->extra = ax__alloc(seq.count * sizeof *op->iov);
  if (seq.count)
    memcpy(op->iov, seq.at, seq.count * sizeof *op->iov);
  op->iov_count = seq.count;
  skip(op, done);
}

/* Moves an operation on: its end, or UV_EAGAIN when it is to be continued. */
static int advance(ax_op *op) {
  ssize_t n = op->move(op);
  if (n > 0)
    op->n += (size_t)n;
  if (n >= 0 && op->n < op->want) {
    skip(op, (size_t)n);
    return UV_EAGAIN;
  }
  return n < 0 ? (int)n : 0;
}

/* ----------------------------------------------------------- at the door */

static void on_poll(uv_poll_t *poll, int status, int events);

static void arm(ax_stream *s, int events) {
  ax__io_arm(&s->io, events, on_poll);
}

static void on_writable(ax_stream *s) {
  ax__queue *writes = &s->io.pending[AX__WRITING];
  ax_op *op = writes->head ? ax__op_of(writes->head) : NULL;
  int err = op ? advance(op) : 0;
  if (err == UV_EAGAIN) {
    arm(s, s->io.armed | UV_WRITABLE); /* an error had disarmed it */
    return;
  }
  writes->head = NULL;
  arm(s, s->io.armed & ~UV_WRITABLE);
  if (op)
    ax__op_finish(op, err, op->n);
}

/* To read_run or until_run, which may bring the operation back here. Should
 * they run in another context, this one must not be over meanwhile. */
static void step_on(ax_op *op) {
  op->step = op->at != op->token.executor->context;
  if (op->step)
    ax__work_add(op->at, 1);
  ax__op_finish(op, 0, op->n);
}

/* The read that waited for it, if one did. */
static ax__entry *on_readable(ax_stream *s) {
  ax__entry *read = ax__queue_pop(&s->io.pending[AX__READING]);
  s->missed = read ? 0 : s->missed + 1;
  if (s->missed > PATIENCE)
    arm(s, s->io.armed & ~UV_READABLE);
  return read;
}

/* An error (the loop has disarmed then) is learnt from the system call. What
 * completes to a context that is gone may hold the stream's last reference, so
 * that is the last thing to happen. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  ax_stream *s = poll->data;
  if (status < 0) {
    s->io.armed = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  ax__entry *read = events & UV_READABLE ? on_readable(s) : NULL;
  if (events & UV_WRITABLE)
    on_writable(s);
  if (read)
    step_on(ax__op_of(read));
}

static void start(ax_op *op) {
  ax_stream *s = op->object;
  enum ax__side side = op->reading ? AX__READING : AX__WRITING;
  int err = UV_ECANCELED;
  if (atomic_load(&s->epoch) == op->epoch)
    err = ax__io_watch(&s->io, op->fd);
  if (!err) {
    ax__queue_push(&s->io.pending[side], &op->entry);
    arm(s, s->io.armed | event_of[side]);
  } else if (err == UV_EPERM && side == AX__READING) { /* a file */
    step_on(op);
  } else {
    if (err == UV_EPERM)
      while ((err = advance(op)) == UV_EAGAIN)
        continue;
    ax__op_finish(op, err, op->n);
  }
}

/* --------------------------------------------------- in the op's executor */

/* The memory of its description goes, the side is free; then the handler. */
static void stream_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  ax_stream *s = op->object;
  if (op->step)
    ax__work_add(op->at, -1);
  ax__latch_open(&s->busy[op->reading]);
  ax__op_run(entry, live);
}

/* Closes what could not be connected, unless the user did so before. */
static void connect_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  ax_stream *s = op->object;
  if (live && op->err && atomic_load(&s->closes) == op->closes)
    ax_stream_close(s);
  stream_run(entry, live);
}

/* Reads, unless the stream was cancelled or closed meanwhile. */
static ssize_t get_now(ax_op *op, const struct iovec *iov, size_t count) {
  ax_stream *s = op->object;
  ssize_t n = UV_ECANCELED;
  ax__latch_close(&s->io.latch);
  if (atomic_load(&s->epoch) == op->epoch)
    n = get(op->fd, s->socket, iov, at_most_iov_max(count));
  ax__latch_open(&s->io.latch);
  return n;
}

static void read_more(ax_op *op) {
  struct ax__context *at = ax__io_context(op->object);
  ax_context *held = op->step ? ax_ref(&at->base) : NULL;
  op->step = false;
  ax__submit(op, at);
  if (held)
    ax__work_add(at, -1);
  ax_unref(held);
}

/* One step of a read: there is data, or an error. */
static void read_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  if (live && !op->err) {
    ssize_t n = get_now(op, op->iov, op->iov_count);
    size_t got = n > 0 ? (size_t)n : 0;
    op->n += got;
    if (n == UV_EAGAIN || (n > 0 && op->n < op->want)) {
      skip(op, got);
      read_more(op);
      return;
    }
    op->err = n == 0 ? UV_EOF : n < 0 ? (int)n : 0;
  }
  stream_run(entry, live);
}

/* Appends what there is; 0 or an error. */
static int get_into_dynbuf(ax_op *op) {
  char bytes[65536];
  size_t room = ax__dynbuf_room(op->dynbuf);
  struct iovec iov = {bytes, room < sizeof bytes ? room : sizeof bytes};
  ssize_t n = get_now(op, &iov, 1);
  if (n <= 0)
    return n == 0 ? UV_EOF : (int)n;
  return ax_dynbuf_append(op->dynbuf, ax_cbuffer(bytes, (size_t)n));
}

/* The length up to and with the delimiter, or 0; looks at no byte twice. */
static size_t find_delimiter(ax_op *op) {
  ax_cbuf data = ax_dynbuf_data(op->dynbuf);
  const char *from = (const char *)data.base + op->scanned;
  const char *hit = memchr(from, op->delimiter, data.len - op->scanned);
  if (hit)
    return (size_t)(hit - (const char *)data.base) + 1;
  op->scanned = data.len;
  return 0;
}

/* True when a read_until has come to its end. */
static bool is_found_or_full(ax_op *op) {
  op->n = find_delimiter(op);
  if (!op->n && ax__dynbuf_room(op->dynbuf) == 0)
    op->err = UV_EMSGSIZE;
  return op->n || op->err;
}

/* One step of a read_until. */
static void until_run(ax__entry *entry, bool live) {
  ax_op *op = ax__op_of(entry);
  if (live && !op->err) {
    int err = get_into_dynbuf(op);
    if (!is_found_or_full(op) && (!err || err == UV_EAGAIN)) {
      read_more(op);
      return;
    }
    if (!op->n && err)
      op->err = err;
  }
  stream_run(entry, live);
}

/* ------------------------------------------------------ initiating, public */

/* A new operation on one side, or NULL when it has failed already. */
static ax_op *claim(ax_stream *s, enum ax__side side, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, s->io.executor, s, token);
  if (!ax__latch_try(&s->busy[side])) {
    ax__op_finish(op, UV_EBUSY, 0);
    return NULL;
  }
  op->entry.run = stream_run;
  op->start = start;
  op->reading = side == AX__READING;
  op->step = false;
  op->epoch = atomic_load(&s->epoch);
  op->closes = atomic_load(&s->closes);
  op->fd = s->io.own.fd;
  return op;
}

static ax_op *claim_open(ax_stream *s, enum ax__side side, ax_token token) {
  ax_op *op = claim(s, side, token);
  if (op && op->fd == -1) {
    ax__op_finish(op, UV_EBADF, 0);
    return NULL;
  }
  return op;
}

static void read_at_least(ax_stream *s, ax_seq seq, size_t want,
                          ax_token token) {
  ax_op *op = claim_open(s, AX__READING, token);
  if (!op)
    return;
  describe(op, ax_seq_const(seq), 0);
  op->want = want;
  if (want == 0) {
    ax__op_finish(op, 0, 0);
    return;
  }
  op->entry.run = read_run;
  read_more(op);
}

void ax_stream_read_some(ax_stream *s, ax_seq seq, ax_token token) {
  size_t room = ax_seq_size(ax_seq_const(seq));
  read_at_least(s, seq, room ? 1 : 0, token);
}

void ax_stream_read(ax_stream *s, ax_seq seq, ax_token token) {
  read_at_least(s, seq, ax_seq_size(ax_seq_const(seq)), token);
}

void ax_stream_read_until(ax_stream *s, ax_dynbuf *dynbuf, int delimiter,
                          ax_token token) {
  ax_op *op = claim_open(s, AX__READING, token);
  if (!op)
    return;
  op->dynbuf = dynbuf;
  op->scanned = 0;
  op->delimiter = delimiter;
  if (is_found_or_full(op)) {
    ax__op_finish(op, op->err, op->n);
    return;
  }
  op->entry.run = until_run;
  read_more(op);
}

/* Writes what the kernel takes now; 0 when it may take the rest later. */
static int write_now(ax_stream *s, ax_op *op, ax_cseq seq) {
  for (size_t i = 0; i < seq.count;) {
    ax_cseq part = {seq.at + i, at_most_iov_max(seq.count - i)};
    ssize_t n = put(s->io.own.fd, s->socket, part.at, part.count);
    if (n < 0)
      return n == UV_EAGAIN ? 0 : (int)n;
    op->n += (size_t)n;
    if ((size_t)n < ax_seq_size(part))
      return 0;
    i += part.count;
  }
  return 0;
}

void ax_stream_write(ax_stream *s, ax_cseq seq, ax_token token) {
  ax_op *op = claim_open(s, AX__WRITING, token);
  if (!op)
    return;
  op->want = ax_seq_size(seq);
  op->move = move_out;
  int err = op->want ? write_now(s, op, seq) : 0;
  if (err || op->n == op->want) {
    ax__op_finish(op, err, op->n);
    return;
  }
  describe(op, seq, op->n);
  ax__submit(op, ax__io_context(&s->io));
}

/* Starts connecting: 0, UV_EINPROGRESS, or an error and the stream is shut. */
static int connect_now(ax_stream *s, const ax_endpoint *endpoint) {
  if (s->io.own.fd != -1)
    return UV_EISCONN;
  int fd = ax__socket(endpoint->addr.ss_family);
  if (fd < 0)
    return fd;
  ax__stream_adopt(s, fd);
  int err;
  do
    err = connect(fd, (const struct sockaddr *)&endpoint->addr, endpoint->len)
              ? -errno
              : 0;
  while (err == UV_EINTR);
  return err;
}

void ax_stream_connect(ax_stream *s, const ax_endpoint *endpoint,
                       ax_token token) {
  ax_op *op = claim(s, AX__WRITING, token);
  if (!op)
    return;
  int err = connect_now(s, endpoint);
  op->fd = s->io.own.fd;
  op->want = 0;
  op->move = move_connection;
  if (err != UV_EISCONN)
    op->entry.run = connect_run;
  if (err == -EINPROGRESS)
    ax__submit(op, ax__io_context(&s->io));
  else
    ax__op_finish(op, err, 0);
}

int ax_stream_shutdown(ax_stream *s) {
  return shutdown(s->io.own.fd, SHUT_WR) ? -errno : 0;
}

void ax_stream_cancel(ax_stream *s) {
  atomic_fetch_add(&s->epoch, 1);
  ax__io_cancel(&s->io);
}

void ax_stream_close(ax_stream *s) {
  atomic_fetch_add(&s->closes, 1);
  atomic_fetch_add(&s->epoch, 1);
  ax__io_close(&s->io);
}

/* ----------------------------------------------------------------- opening */

ax_stream *ax_stream_new(ax_executor *executor) {
  ax_stream *s = ax__alloc(sizeof *s);
  *s = (ax_stream){0};
  ax__io_init(&s->io, executor, ax__io_end, NULL);
  return s;
}

void ax__stream_adopt(ax_stream *s, int fd) {
  s->io.own = (ax__fd){fd, -1};
  s->socket = true;
  /* Fails on a Unix socket, which does not wait for more anyway. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* A terminal is opened anew, so that it does not become non-blocking for the
 * shell that shares it; where that is refused it is duplicated like others. */
static int reopen(int fd) {
  char name[128];
  if (isatty(fd) && ttyname_r(fd, name, sizeof name) == 0) {
    int again = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
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
