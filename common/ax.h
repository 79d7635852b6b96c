/* ax.h: the asynchronous core of the course, a proactor in C11 over libuv.
 *
 * The words, in the order you meet them:
 *
 *   operation   something that takes time: a wait, a read, an accept
 *   initiate    to start an operation; the call returns at once
 *   handler     the function that is called when it is done, an ax_fn
 *   token       the handler and all that belongs to it, an ax_token
 *   executor    where handlers run: a context, or a strand on top of one
 *   butler      a thread that called ax_run, and so runs handlers
 *   work        what keeps ax_run from returning: law 6
 *
 * The laws, which hold for every function here:
 *
 *   1. An initiating call returns void. Its handler runs exactly once (unless
 *      the context is freed first: law 4), and never inside the call. Only
 *      ax_dispatch may run it inside. Calls that return int are synchronous: 0
 *      or a negative libuv error code (uv_strerror puts it in words).
 *   2. A handler runs on its token's executor, else on that of the object. The
 *      steps of a composed operation (ax_stream_read_until) are the core's.
 *   3. The core owns the memory of operations, and has released that of an
 *      operation before its handler runs.
 *   4. A pending operation holds its I/O object, its executor and the token's
 *      keep. It releases them after the handler has returned, or when it is
 *      dropped because its context is freed. Nothing else is held: not `arg`,
 *      not the buffers, not what the object's user has.
 *   5. A stream has at most one read and one write at a time. One more ends
 *      with UV_EBUSY and harms nothing. A wait for a side is the read or write
 *      of that side; a connect is a write.
 *   6. ax_run returns when no work is left. Pending operations, ready handlers
 *      and ax_work_begin are work. Your own handles in the loop are not.
 *      ax_stop makes every butler return soon.
 *   7. A handler that blocks occupies its own butler only.
 *   8. Handlers of one strand never overlap and run in the order posted.
 *   9. Every function may be called from any thread, but one object is not
 *      used by two threads at the same moment: put it on a strand. Contexts
 *      and strands may be: post, dispatch, stop and the rest of executors.
 *  10. Only the thread that owns the loop lock touches libuv (loop.h). No
 *      handler runs under a lock.
 *  11. A peer cannot kill the process: no SIGPIPE, no loop at full speed when
 *      descriptors run out, and every error reaches a handler.
 *  12. When the core's own small allocations fail it prints a message and
 *      aborts. What a peer can make grow is bounded and fails with a code.
 *
 * Threads: any, as law 9 has it, unless a comment says otherwise. A butler
 * needs 64 KiB of stack and what your handlers need. After fork the child may
 * only exec or _exit, because butlers and loop stay with its parent.
 *
 * The core has streams of bytes only. A datagram socket can be waited for
 * (ax_stream_open_fd, ax_stream_wait) and read by yourself.
 *
 * This header is for C alone: neither its macros nor its atomics are C++.
 */
#ifndef AX_H
#define AX_H

#if defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) &&                   \
    !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* for uv.h, under -std=c11; include ax.h first */
#endif

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

/* ------------------------------------------------------------- objects */

/* A reference count, the first member of everything that is shared.
 *
 * A session of your own may begin with one as well. Then a token can keep it.
 */
typedef struct ax_obj {
  atomic_size_t refs;
  void (*destroy)(void *object);
} ax_obj;

/* Starts a count at one, which the caller holds.
 *
 * `destroy` gets the object when the count falls to zero, on the thread that
 * released it last, and frees it. Source: std::enable_shared_from_this. */
void ax_obj_init(ax_obj *object, void (*destroy)(void *object));

/* Takes one more reference and returns `object`. NULL is allowed. */
void *ax_ref(void *object);

/* Releases one reference; the last one destroys. NULL is allowed. */
void ax_unref(void *object);

/* What the core holds at this moment, in the whole process. */
typedef struct ax_census {
  size_t objects;    /* ax_obj that were initialised and not yet destroyed */
  size_t operations; /* pending, ready, or spare on another thread */
} ax_census;

/* Counts what is alive. Both are zero when everything has been released. */
ax_census ax_live(void);

/* -------------------------------------------------------------- tokens */

/* The only type of handler. It gets `arg` from the token, `err`, which is 0 or
 * a negative libuv error code, and `n`, the bytes transferred (or what the
 * operation says). */
typedef void ax_fn(void *arg, int err, size_t n);

/* Where handlers run. A context and a strand are one type: every function that
 * takes an executor takes either. */
typedef struct ax_executor ax_executor;
typedef ax_executor ax_context;
typedef ax_executor ax_strand;

/* How to complete an operation: a value that ax_call makes and others refine.
 * (ax_token){0} calls nothing: nobody wants to know. */
typedef struct ax_token {
  ax_fn *fn;
  void *arg;
  ax_executor *executor; /* NULL: that of the object or of the call */
  void *keep;       /* an ax_obj, or NULL; held until the handler returns */
  const char *name; /* for the trace; outlives the operation */
  uint64_t within;  /* nanoseconds, 0: as long as it takes; see ax_within */
} ax_token;

/* A token that calls fn(arg, err, n). Source: a completion token, a lambda. */
#define ax_call(function, argument)                                            \
  ((ax_token){.fn = (function), .arg = (argument), .name = #function})

/* The same token, bound to an executor.
 * Source: strand.wrap, asio::bind_executor. */
static inline ax_token ax_on(ax_executor *executor, ax_token token) {
  token.executor = executor;
  return token;
}

/* The same token, which also keeps `object` alive until the handler has
 * returned. The object begins with an ax_obj. It keeps that one object and no
 * context: free a context only when no other one completes operations to it.
 * Source: [self = shared_from_this()]. */
static inline ax_token ax_keep(void *object, ax_token token) {
  token.keep = object;
  return token;
}

/* ----------------------------------------------------------- executors */

/* Makes a context: a completion queue, the butlers that serve it, and a libuv
 * loop. Opens descriptors 0, 1 and 2 on /dev/null where they are closed.
 *
 * Errors: aborts with a message when the loop cannot be made (no file
 * descriptors left). Ownership: the caller's, until ax_context_free; not
 * ax_unref. Source: asio::io_context. */
ax_context *ax_context_new(void);

/* Ends a context. No butler may be inside, and no other thread in the middle
 * of a call to it. NULL is allowed.
 *
 * Operations that are still pending are dropped: their handlers never run,
 * their buffers are not touched, what they held is released. Files and sockets
 * are closed, also those of objects that you still hold; release these later,
 * and do not use them. A look-up (ax_resolve) that has begun is waited for.
 * Close your own handles in its loop first. When two contexts have objects of
 * each other, end one after the other.
 */
void ax_context_free(ax_context *context);

/* Makes the calling thread a butler: it runs handlers until no work is left or
 * ax_stop is called, and returns how many it ran. Looks at the loop once at
 * least, unless there is no work when it is called. When work has run out it
 * can be called again at once; ax_restart is for after ax_stop.
 *
 * Any number of threads may be butlers of one context at the same time. Do not
 * call it in a handler of the same context. A pthread_cancel of a butler takes
 * effect after ax_run; a handler must not allow it any earlier.
 * Source: io_context::run, but running out of work does not stop a context. */
size_t ax_run(ax_executor *executor);

/* The same, but never waits: runs what is ready and what that makes ready, and
 * returns. For tests, and for a main loop of your own.
 * Source: io_context::poll. */
size_t ax_poll(ax_executor *executor);

/* Makes every butler return after the handler that it runs. What is pending
 * stays pending, what is ready stays ready. Source: io_context::stop. */
void ax_stop(ax_executor *executor);

/* True from ax_stop to ax_restart. */
bool ax_stopped(ax_executor *executor);

/* Allows ax_run again after ax_stop. Source: io_context::restart. */
void ax_restart(ax_executor *executor);

/* Adds one piece of work that keeps ax_run from returning, and takes it away:
 * one end for each begin. Source: executor_work_guard. */
void ax_work_begin(ax_executor *executor);
void ax_work_end(ax_executor *executor);

/* Makes a strand: an executor whose handlers never overlap and keep their
 * order, whichever butler of the executor below runs them. Strands nest. A
 * strand protects data only if every handler that touches it is on the strand.
 *
 * Ownership: one reference, the caller's; waiting handlers hold others.
 * Source: io_context::strand, asio::make_strand. */
ax_strand *ax_strand_new(ax_executor *executor);

/* ax_post, given the words of the token: they travel in registers then. */
void ax__post(ax_executor *executor, ax_fn *fn, void *arg, void *keep,
              const char *name);

/* Makes a handler ready: it runs later, as fn(arg, 0, 0), on the token's
 * executor or else on `executor`. Source: asio::post. */
static inline void ax_post(ax_executor *executor, ax_token token) {
  ax__post(token.executor ? token.executor : executor, token.fn, token.arg,
           token.keep, token.name);
}

/* Like ax_post, but runs the handler within the call when the caller is on that
 * executor already (ax_inside). To a strand that the caller is not on it is a
 * post, even while the strand is idle. Source: asio::dispatch. */
void ax_dispatch(ax_executor *executor, ax_token token);

/* True when the calling thread runs a handler of this executor, or of a strand
 * on top of it. False in callbacks of the loop.
 * Source: strand::running_in_this_thread. */
bool ax_inside(ax_executor *executor);

/* The number of this butler in its context, which it has until ax_run returns:
 * the lowest one, from 1, that no other butler has. 0 on a thread that is not a
 * butler. */
int ax_butler(void);

/* Work to do elsewhere; returns 0 or a negative error code. */
typedef int ax_work_fn(void *arg);

/* Runs work(arg) on `executor`, then completes the token at home with its
 * result as `err`.
 *
 * Home is the token's executor, else the one the caller is on, else `executor`.
 * The operation is work at home, so ax_run there waits for it. When the context
 * of `executor` is freed first, the token completes with UV_ECANCELED. When the
 * context of home is, the work runs and the token is dropped.
 * Source: the double dispatch, in one call. */
void ax_run_on(ax_executor *executor, ax_work_fn *work, void *arg,
               ax_token token);

/* The loop under a context, for other libuv libraries.
 *
 * Touch it only before the first ax_run, after the last, or in callbacks of the
 * loop itself. Any butler may run those, one at a time; they must not block.
 * Handles in it are not work, and without work ax_run and ax_poll call none of
 * them: use ax_work_begin, or ax_initiate. */
uv_loop_t *ax_context_loop(ax_executor *executor);

/* ------------------------------------------------------ own operations */

/* An operation of your own between ax_initiate and ax_complete. */
typedef struct ax_op ax_op;

/* Starts an operation of your own. It is work and holds what its token keeps,
 * until ax_complete. Its handler will run on the token's executor, else on
 * `executor`.
 *
 * Complete it once. When its context is freed first the operation is dropped
 * and gone. Source: asio::async_initiate. */
ax_op *ax_initiate(ax_executor *executor, ax_token token);

/* Ends an operation of your own: its handler becomes ready with err and n.
 * Source: invoking the completion handler. */
void ax_complete(ax_op *op, int err, size_t n);

/* ------------------------------------------------------------- buffers */

/* Memory to be filled: the empty cup. You own it; leave it in place and do not
 * touch it until the handler runs. Source: asio::mutable_buffer. */
typedef struct ax_buf {
  void *base;
  size_t len; /* bytes */
} ax_buf;

/* Memory to be read from: the full cup. Source: asio::const_buffer. */
typedef struct ax_cbuf {
  const void *base;
  size_t len; /* bytes */
} ax_cbuf;

/* Several buffers as one, in order. An initiating call copies the descriptions,
 * but not the memory that they describe. */
typedef struct ax_seq {
  const ax_buf *at;
  size_t count;
} ax_seq;
typedef struct ax_cseq {
  const ax_cbuf *at;
  size_t count;
} ax_cseq;

/* A buffer over a whole array, its size deduced; a pointer does not compile.
 * AX_BUF is for an array to be filled, AX_CBUF for one to be sent (a string
 * literal with its closing NUL). Source: asio::buffer(array). */
#define AX_BUF(array) ((ax_buf){(array), AX__SIZE(array)})
#define AX_CBUF(array) ((ax_cbuf){(array), AX__SIZE(array)})
#define AX__SIZE(array)                                                        \
  (sizeof(array) +                                                             \
   0 * sizeof(struct {                                                         \
     _Static_assert(                                                           \
         !__builtin_types_compatible_p(__typeof__(array),                      \
                                       __typeof__(&(array)[0])),               \
         "a pointer does not know its size; use ax_buffer(pointer, size)");    \
     int dummy;                                                                \
   }))

/* A buffer over `len` bytes at `base`. Source: asio::buffer(data, size). */
static inline ax_buf ax_buffer(void *base, size_t len) {
  return (ax_buf){base, len};
}
static inline ax_cbuf ax_cbuffer(const void *base, size_t len) {
  return (ax_cbuf){base, len};
}

/* The characters of a string, without its NUL. */
ax_cbuf ax_cstring(const char *text);

/* What may be written may be read: the only conversion, and it goes one way. */
static inline ax_cbuf ax_const(ax_buf buf) {
  return (ax_cbuf){buf.base, buf.len};
}
static inline ax_cseq ax_seq_const(ax_seq seq) {
  return (ax_cseq){(const ax_cbuf *)seq.at, seq.count};
}

/* A sequence written where it is used: AX_SEQ(a, b) of ax_buf scatters a read,
 * AX_CSEQ(a, b) of ax_cbuf gathers a write. */
#define AX_SEQ(...)                                                            \
  ((ax_seq){(const ax_buf[]){__VA_ARGS__},                                     \
            sizeof((const ax_buf[]){__VA_ARGS__}) / sizeof(ax_buf)})
#define AX_CSEQ(...)                                                           \
  ((ax_cseq){(const ax_cbuf[]){__VA_ARGS__},                                   \
             sizeof((const ax_cbuf[]){__VA_ARGS__}) / sizeof(ax_cbuf)})

/* The bytes in all buffers together. Source: asio::buffer_size. */
size_t ax_seq_size(ax_cseq seq);

/* Copies as much as fits and returns the bytes. The memory must not overlap.
 * Source: asio::buffer_copy. */
size_t ax_seq_copy(ax_seq to, ax_cseq from);

/* A bounded buffer that grows at the end and is consumed at the front.
 *
 * It is a value in your own struct, and holds no memory while it is empty.
 * While a read into it is pending it belongs to the operation, and any butler
 * may fill it: do not touch it, not even on the strand of the read. Source:
 * asio::streambuf, asio::dynamic_buffer. */
typedef struct ax_dynbuf {
  char *base;  /* private */
  size_t head; /* private */
  size_t size; /* private */
  size_t room; /* private */
  size_t max;  /* private */
} ax_dynbuf;

/* An empty buffer that will hold at most `max` bytes. */
void ax_dynbuf_init(ax_dynbuf *dynbuf, size_t max);

/* What has arrived and is not consumed yet; valid until the next call. */
ax_cbuf ax_dynbuf_data(const ax_dynbuf *dynbuf);

/* Adds a copy of `bytes` at the end: 0, UV_ENOBUFS when that would exceed the
 * bound, or UV_ENOMEM. On an error it adds nothing. */
int ax_dynbuf_append(ax_dynbuf *dynbuf, ax_cbuf bytes);

/* Removes `n` bytes at the front, or all if there are fewer. */
void ax_dynbuf_consume(ax_dynbuf *dynbuf, size_t n);

/* Frees the memory. The buffer is empty then and may be used again. */
void ax_dynbuf_free(ax_dynbuf *dynbuf);

/* -------------------------------------------------------------- timers */

/* Nanoseconds: a moment of the monotonic clock, or a span.
 *
 * AX_MS and AX_SECONDS take any number and are constant if it is. A span below
 * 0 is 0, one beyond 584 years is UINT64_MAX. */
typedef uint64_t ax_time;
#define AX_MS(milliseconds) AX__SPAN(milliseconds, 1000000.0)
#define AX_SECONDS(seconds) AX__SPAN(seconds, 1000000000.0)
#define AX__SPAN(count, unit)                                                  \
  __builtin_choose_expr(__builtin_constant_p(count), AX__CLAMP(count, unit),   \
                        ax__span(count, unit))
/* Compared before it is multiplied, because infinity is the result of no
 * constant expression. */
#define AX__CLAMP(count, unit)                                                 \
  ((count) >= AX__MOST(unit)                                                   \
       ? UINT64_MAX                                                            \
       : (ax_time)(((count) > 0 && (count) < AX__MOST(unit) ? (count) : 0) *   \
                   (unit)))
#define AX__MOST(unit) (18446744073709549568.0 / (unit))
static inline ax_time ax__span(double count, double unit) {
  return AX__CLAMP(count, unit);
}

/* The monotonic clock, now. */
ax_time ax_now(void);

/* A moment to wait for. Several waits may be pending on one timer; they
 * complete in the order in which they were initiated. Of two timers for the
 * same moment, the one that was waited for first completes all its waits first.
 * (On several butlers their handlers still run side by side.) Source:
 * asio::steady_timer. */
typedef struct ax_timer ax_timer;

/* A timer that has expired already. Ownership: one reference, the caller's. */
ax_timer *ax_timer_new(ax_executor *executor);

/* Sets the moment of expiry, `after` from now. Pending waits end with
 * UV_ECANCELED; returns how many. Source: steady_timer::expires_after. */
size_t ax_timer_expires_after(ax_timer *timer, ax_time after);

/* The same for a moment of the monotonic clock. A timer that ticks adds its
 * period to ax_timer_expiry, so it does not drift.
 * Source: steady_timer::expires_at. */
size_t ax_timer_expires_at(ax_timer *timer, ax_time moment);

/* The moment of expiry. Source: steady_timer::expiry. */
ax_time ax_timer_expiry(ax_timer *timer);

/* The executor of the timer. */
ax_executor *ax_timer_executor(ax_timer *timer);

/* ax_timer_wait, given the words of the token. */
void ax__timer_wait(ax_timer *timer, ax_executor *executor, ax_fn *fn,
                    void *arg, void *keep, const char *name);

/* Initiates a wait. The handler gets 0 at the expiry, never before it, or
 * UV_ECANCELED. Source: steady_timer::async_wait. */
static inline void ax_timer_wait(ax_timer *timer, ax_token token) {
  ax__timer_wait(timer, token.executor, token.fn, token.arg, token.keep,
                 token.name);
}

/* Ends all pending waits with UV_ECANCELED and returns how many. A wait that
 * has expired is beyond recall: its handler gets 0, even if it has not run yet.
 * Source: steady_timer::cancel. */
size_t ax_timer_cancel(ax_timer *timer);

/* The same token, for an operation that takes no longer than `span`. An
 * operation of a stream or an acceptor that is still pending then ends with
 * UV_ETIMEDOUT, and n says what it had transferred. The stream stays open.
 *
 * Whatever completes before keeps its own result, also when its handler runs
 * later than that. The handler still runs once. Other calls that take a token
 * take no notice. Source: asio::cancel_after. */
static inline ax_token ax_within(ax_time span, ax_token token) {
  token.within = span ? span : 1;
  return token;
}

/* ------------------------------------------------------------- signals */

/* A set of signals to wait for. Source: asio::signal_set. */
typedef struct ax_signals ax_signals;

/* An empty set. Ownership: one reference, the caller's. */
ax_signals *ax_signals_new(ax_executor *executor);

/* Adds a signal, which from then on no longer has its default effect. Blocks
 * until the thread that owns the loop has taken it over. Several sets may have
 * the same signal; each of them gets it.
 *
 * 0, or UV_EINVAL for a number that cannot be caught and for SIGPIPE: that is
 * ignored, and would be deadly again when the set is gone. */
int ax_signals_add(ax_signals *signals, int signo);

/* Initiates a wait: n is the number of the signal. One signal ends one wait. A
 * signal that came while nobody waited ends the next wait; two of one kind may
 * be reported as one. On an empty set the wait ends with UV_EINVAL. */
void ax_signals_wait(ax_signals *signals, ax_token token);

/* Ends the pending waits with UV_ECANCELED. */
void ax_signals_cancel(ax_signals *signals);

/* The executor of the set. */
ax_executor *ax_signals_executor(ax_signals *signals);

/* ----------------------------------------------------------- endpoints */

/* An address to listen on or to connect to: a value. */
typedef struct ax_endpoint {
  socklen_t len;
  struct sockaddr_storage addr;
} ax_endpoint;

/* Room for any endpoint as text, its NUL included. */
#define AX_ENDPOINT_TEXT 136

/* Reads "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "localhost:80", ":80"
 * (any IPv4 address), "/a/path" or "unix:a/path". Port 0 is any free one.
 *
 * 0, UV_EINVAL for text that is none of these or names no interface,
 * UV_ENAMETOOLONG for a path that no socket can have. It never asks the
 * network: see ax_resolve. Source: booster::aio::endpoint. */
int ax_endpoint_parse(const char *text, ax_endpoint *endpoint);

/* Writes an endpoint as text that ax_endpoint_parse reads. A Unix socket
 * without a name is "unix:", which it does not read. */
void ax_endpoint_format(const ax_endpoint *endpoint,
                        char text[AX_ENDPOINT_TEXT]);

/* Initiates the look-up of "name:port", in libuv's thread pool. The handler
 * gets n endpoints in found[0..n), at most `max`, or an error of
 * uv_getaddrinfo. What ax_endpoint_parse can read is not looked up.
 *
 * `found` is yours; leave it in place until the handler runs. A look-up that
 * has begun cannot be cancelled, and ax_context_free waits for it: as long as
 * the system's resolver takes, which is many seconds when no server answers. A
 * program that cannot wait so long ends with _exit.
 * Source: ip::tcp::resolver::async_resolve. */
void ax_resolve(ax_executor *executor, const char *text, ax_endpoint *found,
                size_t max, ax_token token);

/* ------------------------------------------------------------- streams */

/* Bytes in both directions: TCP, a Unix socket, or any file descriptor.
 *
 * When the peer resets the connection while a read and a write are pending,
 * both handlers run. The kernel tells the reset once: one gets UV_ECONNRESET,
 * the other UV_EPIPE (the write) or UV_EOF (the read). Source: tcp::socket,
 * local::stream_protocol::socket, stream_descriptor. */
typedef struct ax_stream ax_stream;

/* A stream that is not open yet. Its handlers run on `executor` unless their
 * token says otherwise. Ownership: one reference, the caller's. The last one
 * closes the stream, but a pending operation holds one, too (law 4): to end a
 * session, close its stream. */
ax_stream *ax_stream_new(ax_executor *executor);

/* Opens the stream on a file descriptor: terminal, pipe, socket, file or
 * /dev/null. It works on a duplicate; `fd` stays yours. While the stream is
 * open `fd` does not block, nor does what shares its description, as by dup(2)
 * or in another process. When two streams share one, close first the one that
 * was opened last. (A terminal is opened anew instead, and `fd` left as it is.)
 *
 * 0, UV_EISCONN when already open, or an error of dup(2). What cannot be read,
 * such as the end of a pipe that is for writing, ends each read with UV_EBADF,
 * and what cannot be written each write. A regular file is never waited for:
 * the initiating call reads and writes it. On macOS, libuv 1.49 and later
 * refuse to wait for a named FIFO: what has to wait ends with UV_EINVAL.
 * Source: booster::aio::basic_io_device::attach. */
int ax_stream_open_fd(ax_stream *stream, int fd);

/* Opens two streams on the two ends of one new socket.
 *
 * 0, UV_EISCONN when one is already open, or an error of socketpair(2).
 * Source: local::connect_pair. */
int ax_stream_pair(ax_stream *one, ax_stream *other);

/* Initiates a connection; the handler gets 0 or the error of connect(2). After
 * an error close the stream; then it may connect again. The connection is the
 * write of the stream until its handler runs. Source: socket::async_connect. */
void ax_stream_connect(ax_stream *stream, const ax_endpoint *endpoint,
                       ax_token token);

/* Initiates one read of whatever is there, a byte at least, scattered over the
 * buffers in order with one system call. The end of the stream is UV_EOF.
 * Source: async_read_some. */
void ax_stream_read_some(ax_stream *stream, ax_seq seq, ax_token token);

/* Initiates reads until the buffers are full. On an error, UV_EOF included, n
 * tells how many bytes had come. Source: asio::async_read. */
void ax_stream_read(ax_stream *stream, ax_seq seq, ax_token token);

/* Initiates reads until `delimiter` (a byte, 0 to 255) is in the buffer: n is
 * the length up to and with the delimiter. What came after it stays in the
 * buffer for the next read.
 *
 * Errors: UV_EMSGSIZE when the buffer's bound is reached without a delimiter;
 * n is 0, and until some of the bytes are consumed the next read ends likewise.
 * UV_EOF and others leave in the buffer what had come. After UV_ENOMEM close:
 * what came last is lost. Source: asio::async_read_until. */
void ax_stream_read_until(ax_stream *stream, ax_dynbuf *dynbuf, int delimiter,
                          ax_token token);

/* Initiates writing all the bytes of all the buffers, gathered with as few
 * system calls as the kernel allows: one when it has room.
 *
 * The bytes stay yours; leave them unchanged until the handler runs. On an
 * error n tells how many were taken. A terminal whose other side is gone takes
 * no more: UV_EIO. Source: asio::async_write. */
void ax_stream_write(ax_stream *stream, ax_cseq seq, ax_token token);

/* The sides of a stream. */
typedef enum ax_side { AX_WRITE, AX_READ } ax_side;

/* Initiates a wait until the stream can be read (AX_READ) or written (AX_WRITE)
 * without blocking, or has an error or its end to report. It moves no bytes: it
 * is for libraries that read and write a descriptor themselves.
 * Source: socket::async_wait. */
void ax_stream_wait(ax_stream *stream, ax_side side, ax_token token);

/* Tells the peer that no more will be written: it sees the end of the stream.
 * Takes effect at once, so wait for the handler of a pending write first, or
 * that write ends with UV_EPIPE. 0 or an error of shutdown(2).
 * Source: socket::shutdown(shutdown_send). */
int ax_stream_shutdown(ax_stream *stream);

/* Ends pending operations with UV_ECANCELED, or those of one side. The stream
 * stays open. What has completed already is beyond recall. The next operation
 * may be initiated at once: it waits until the cancelled one has ended.
 * Source: socket::cancel. */
void ax_stream_cancel(ax_stream *stream);
void ax_stream_cancel_side(ax_stream *stream, ax_side side);

/* Ends pending operations with UV_ECANCELED and closes. Further ones end with
 * UV_EBADF until the stream is opened again. Closing twice is harmless.
 *
 * The thread that owns the loop closes the descriptor, maybe after this call,
 * but before the handlers of what was pending run, and before ax_run returns.
 * When bytes that came are unread the peer may see a reset instead of the end,
 * and lose what was written last. Source: socket::close. */
void ax_stream_close(ax_stream *stream);

/* The addresses of the two ends of a connected socket: 0 or a negative error
 * code. Source: socket::local_endpoint, remote_endpoint. */
int ax_stream_local(ax_stream *stream, ax_endpoint *endpoint);
int ax_stream_remote(ax_stream *stream, ax_endpoint *endpoint);

/* The executor of the stream. Source: get_executor. */
ax_executor *ax_stream_executor(ax_stream *stream);

/* The descriptor, for setsockopt and the like, or -1. It stays the stream's: do
 * not close it. With SO_LINGER a close may wait, and the loop with it.
 * Source: native_handle. */
int ax_stream_fd(ax_stream *stream);

/* ------------------------------------------------------------ acceptor */

/* A listening socket. Source: tcp::acceptor. */
typedef struct ax_acceptor ax_acceptor;

/* An acceptor that does not listen yet. Ownership: one reference. */
ax_acceptor *ax_acceptor_new(ax_executor *executor);

/* Listens. An IPv6 address is for IPv6 alone, so "[::]:80" and ":80" go
 * together. The file of a Unix socket whose server is gone is replaced; one
 * that is alive is UV_EADDRINUSE, and its server sees nothing of this call. It
 * may wait for a second while another process replaces a file there.
 *
 * 0, UV_EISCONN when it listens already, or an error of socket(2), bind(2)
 * or listen(2). Source: acceptor::open, bind and listen. */
int ax_acceptor_listen(ax_acceptor *acceptor, const ax_endpoint *endpoint);

/* Listens on a duplicate of a descriptor that listens already, such as one that
 * the process inherited. `fd` stays yours, and so does a socket's file. It does
 * not block from then on, even when the acceptor has closed: other processes
 * may accept from it, and one that blocks in accept(2) handles nothing else.
 *
 * 0, UV_EISCONN when it listens already, UV_EINVAL for a socket that does not
 * listen, or an error of getsockopt(2) or dup(2). Source: acceptor::assign. */
int ax_acceptor_open_fd(ax_acceptor *acceptor, int fd);

/* Where it listens, with the real port when 0 was asked for. */
int ax_acceptor_local(ax_acceptor *acceptor, ax_endpoint *endpoint);

/* The descriptor, for setsockopt, or -1; and the executor. */
int ax_acceptor_fd(ax_acceptor *acceptor);
ax_executor *ax_acceptor_executor(ax_acceptor *acceptor);

/* Initiates accepting one connection into `peer`, a stream that is not open. It
 * belongs to the operation until the handler runs. TCP_NODELAY is set then.
 *
 * Several may be pending. Errors of one connection, of the network, or for want
 * of descriptors or memory do not end it: one line on standard error says what
 * it is, and it tries again every 100 ms. Source: acceptor::async_accept. */
void ax_acceptor_accept(ax_acceptor *acceptor, ax_stream *peer, ax_token token);

/* Ends pending accepts with UV_ECANCELED. Close also stops listening and
 * removes the file of a Unix socket, if it still is the acceptor's own. On
 * Linux that happens within the call, so a handler may listen there again at
 * once (and a process that shares the socket listens no longer); elsewhere when
 * ax_stream_close says. What ax_acceptor_open_fd was given goes on listening.
 * Source: acceptor::cancel, close. */
void ax_acceptor_cancel(ax_acceptor *acceptor);
void ax_acceptor_close(ax_acceptor *acceptor);

/* --------------------------------------------------------------- trace */

/* Adds an instant to the trace, on the calling thread.
 *
 * With AX_TRACE=file.json in the environment the core writes what it does as
 * Chrome trace events, which Perfetto opens: a slice for every handler, with
 * thread, strand, operation and the operation that initiated it; when it was
 * ready to run; arrows from initiation to handler; the butlers by name; the
 * polls of the loop. */
void ax_trace_mark(const char *text);

#endif
