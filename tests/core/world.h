/* world.h: every initiating function of ax.h in a table, each with a world in
 * which it completes by itself or stays pending, so that a law can be tried on
 * all of them. */
#ifndef WORLD_H
#define WORLD_H

#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Larger than what any kernel takes from a writer whom nobody reads. */
#define WORLD_MANY_BYTES ((size_t)16 << 20)

struct world {
  ax_context *context;
  bool own;
  ax_executor *home; /* of the objects: the context, or a strand on it */
  ax_timer *timer;
  ax_stream *stream; /* open, with `peer` at its other end */
  ax_stream *shut;   /* not open */
  ax_acceptor *acceptor;
  ax_signals *signals;
  int peer, client; /* client: -1 until world_connect */
  int target, full, waiting[8];
  ax_endpoint listening, open, nobody, missing, busy;
  ax_dynbuf dynbuf;
  ax_endpoint found[2];
  char byte, bytes[64];
  char *many;
  struct seen other; /* of operations that are only there to help */
};

/* Tokens of those, which the tests do not look at. */
static inline ax_token world_other(struct world *world) {
  return ax_on(world->context, ax_call(on_seen, &world->other));
}

static inline void world_listen(struct world *world) {
  ax_endpoint any;
  int err = ax_endpoint_parse("127.0.0.1:0", &any);
  err = err ? err : ax_acceptor_listen(world->acceptor, &any);
  err = err ? err : ax_acceptor_local(world->acceptor, &world->listening);
  if (err)
    give_up("cannot listen: %s", uv_strerror(err));
}

/* A socket on a port of its own, and its endpoint. */
static inline int world_bind(ax_endpoint *endpoint) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    give_up("cannot bind: %s", strerror(errno));
  memcpy(&endpoint->addr, &address, size);
  endpoint->len = size;
  return fd;
}

/* Somebody listens at `open`, nobody at `nobody`, and there is no `missing`. */
static inline void world_targets(struct world *world) {
  world->target = world_bind(&world->open);
  listen(world->target, 100);
  close(world_bind(&world->nobody));
  ax_endpoint_parse("unix:/nowhere/at/all", &world->missing);
}

/* On a context, or with `strand` on a strand on top of it. */
static inline struct world *world_on(ax_context *context, bool strand) {
  struct world *world = calloc(1, sizeof *world);
  if (!world)
    give_up("out of memory");
  world->context = context;
  world->home = strand ? ax_strand_new(world->context) : ax_ref(world->context);
  world->timer = ax_timer_new(world->home);
  world->stream = ax_stream_new(world->home);
  world->shut = ax_stream_new(world->home);
  world->acceptor = ax_acceptor_new(world->home);
  world->signals = ax_signals_new(world->home);
  world->client = world->full = -1;
  for (int i = 0; i < 8; i++)
    world->waiting[i] = -1;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
      ax_stream_open_fd(world->stream, ends[0]) != 0)
    give_up("cannot open a pair of sockets");
  close(ends[0]);
  world->peer = ends[1];
  ax_dynbuf_init(&world->dynbuf, 64);
  ax_signals_add(world->signals, SIGUSR1);
  world_listen(world);
  world_targets(world);
  return world;
}

/* With a context of its own, which world_free frees. */
static inline struct world *world_new(bool strand) {
  struct world *world = world_on(ax_context_new(), strand);
  world->own = true;
  return world;
}

/* Lets go of all objects, but not of the context. */
static inline void world_release(struct world *world) {
  ax_unref(world->timer);
  ax_unref(world->stream);
  ax_unref(world->shut);
  ax_unref(world->acceptor);
  ax_unref(world->signals);
  ax_unref(world->home);
  world->timer = NULL;
  world->stream = world->shut = NULL;
  world->acceptor = NULL;
  world->signals = NULL;
  world->home = NULL;
}

static inline void world_close(int fd) {
  if (fd >= 0)
    close(fd);
}

static inline void world_free(struct world *world) {
  world_release(world);
  if (world->own)
    ax_context_free(world->context);
  world_close(world->peer);
  world_close(world->client);
  world_close(world->target);
  world_close(world->full);
  for (int i = 0; i < 8; i++)
    world_close(world->waiting[i]);
  ax_dynbuf_free(&world->dynbuf);
  free(world->many);
  free(world);
}

static inline void world_say(struct world *world, const char *text) {
  client_send(world->peer, text, strlen(text));
}

static inline void world_connect(struct world *world) {
  char text[AX_ENDPOINT_TEXT];
  ax_endpoint_format(&world->listening, text);
  world->client = client_connect(text);
}

/* Makes `busy` an endpoint whose connections wait for ever, as its backlog is
 * full. False where the system lets them in all the same. */
static inline bool world_fill_backlog(struct world *world) {
  world->full = world_bind(&world->busy);
  listen(world->full, 0);
  for (int i = 0; i < 8; i++) {
    int fd = world->waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct pollfd connected = {.fd = fd, .events = POLLOUT};
    if (connect(fd, (struct sockaddr *)&world->busy.addr, world->busy.len) !=
            0 &&
        poll(&connected, 1, 20) == 0)
      return true;
  }
  return false;
}

/* ---------------------------------------------- those that end by themselves
 */

static inline void do_post(struct world *w, ax_token token) {
  ax_post(w->home, token);
}
static inline void do_wait_for_the_past(struct world *w, ax_token token) {
  ax_timer_wait(w->timer, token);
}
static inline void do_wait(struct world *w, ax_token token) {
  ax_timer_expires_after(w->timer, AX_MS(1));
  ax_timer_wait(w->timer, token);
}
static inline void do_wait_cancelled(struct world *w, ax_token token) {
  ax_timer_expires_after(w->timer, AX_SECONDS(3600));
  ax_timer_wait(w->timer, token);
  ax_timer_cancel(w->timer);
}
static inline void do_wait_moved(struct world *w, ax_token token) {
  ax_timer_expires_after(w->timer, AX_SECONDS(3600));
  ax_timer_wait(w->timer, token);
  ax_timer_expires_after(w->timer, 0);
}
static inline void do_wait_until_then(struct world *w, ax_token token) {
  ax_timer_expires_at(w->timer, ax_now() + AX_MS(1));
  ax_timer_wait(w->timer, token);
}
static inline void do_wait_moved_until_then(struct world *w, ax_token token) {
  ax_timer_expires_at(w->timer, UINT64_MAX);
  ax_timer_wait(w->timer, token);
  ax_timer_expires_at(w->timer, ax_now());
}
static inline void do_read_some(struct world *w, ax_token token) {
  world_say(w, "hello");
  ax_stream_read_some(w->stream, AX_SEQ(AX_BUF(w->bytes)), token);
}
static inline void do_read_some_later(struct world *w, ax_token token) {
  ax_stream_read_some(w->stream, AX_SEQ(AX_BUF(w->bytes)), token);
  world_say(w, "hello");
}
static inline void do_read_nothing(struct world *w, ax_token token) {
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 0)), token);
}
static inline void do_read_some_of_the_end(struct world *w, ax_token token) {
  shutdown(w->peer, SHUT_WR);
  ax_stream_read_some(w->stream, AX_SEQ(AX_BUF(w->bytes)), token);
}
static inline void do_read(struct world *w, ax_token token) {
  world_say(w, "hello");
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
}
static inline void do_read_in_steps(struct world *w, ax_token token) {
  world_say(w, "hel");
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
  world_say(w, "lo");
}
static inline void do_read_cancelled(struct world *w, ax_token token) {
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
  ax_stream_cancel(w->stream);
}
static inline void do_read_closed(struct world *w, ax_token token) {
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
  ax_stream_close(w->stream);
}
static inline void do_read_on_nothing(struct world *w, ax_token token) {
  ax_stream_read_some(w->shut, AX_SEQ(AX_BUF(w->bytes)), token);
}
static inline void do_read_while_reading(struct world *w, ax_token token) {
  ax_stream_read_some(w->stream, AX_SEQ(ax_buffer(&w->byte, 1)),
                      world_other(w));
  ax_stream_read_some(w->stream, AX_SEQ(AX_BUF(w->bytes)), token);
  world_say(w, "hello");
}
static inline void do_read_until(struct world *w, ax_token token) {
  world_say(w, "hello\nworld");
  ax_stream_read_until(w->stream, &w->dynbuf, '\n', token);
}
static inline void do_read_until_in_steps(struct world *w, ax_token token) {
  world_say(w, "hel");
  ax_stream_read_until(w->stream, &w->dynbuf, '\n', token);
  world_say(w, "lo\nworld");
}
static inline void do_read_until_buffered(struct world *w, ax_token token) {
  ax_dynbuf_append(&w->dynbuf, ax_cstring("hello\n"));
  ax_stream_read_until(w->stream, &w->dynbuf, '\n', token);
}
static inline void do_read_until_too_long(struct world *w, ax_token token) {
  char line[100];
  memset(line, 'x', sizeof line);
  client_send(w->peer, line, sizeof line);
  ax_stream_read_until(w->stream, &w->dynbuf, '\n', token);
}
static inline void do_write(struct world *w, ax_token token) {
  ax_stream_write(w->stream, AX_CSEQ(ax_cstring("hello")), token);
}
static inline void do_write_nothing(struct world *w, ax_token token) {
  ax_stream_write(w->stream, AX_CSEQ(ax_cstring("")), token);
}
static inline void do_write_on_nothing(struct world *w, ax_token token) {
  ax_stream_write(w->shut, AX_CSEQ(ax_cstring("hello")), token);
}
static inline void do_write_to_nobody(struct world *w, ax_token token) {
  shutdown(w->peer, SHUT_RDWR);
  ax_stream_write(w->stream, AX_CSEQ(ax_cstring("hello")), token);
}
static inline void make_many(struct world *w) {
  w->many = calloc(1, WORLD_MANY_BYTES);
  if (!w->many)
    give_up("out of memory");
}
static inline void do_write_cancelled(struct world *w, ax_token token) {
  make_many(w);
  ax_stream_write(w->stream, AX_CSEQ(ax_cbuffer(w->many, WORLD_MANY_BYTES)),
                  token);
  ax_stream_cancel(w->stream);
}
static inline void do_read_cancelled_side(struct world *w, ax_token token) {
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
  ax_stream_cancel_side(w->stream, AX_READ);
}
static inline void do_write_cancelled_side(struct world *w, ax_token token) {
  make_many(w);
  ax_stream_write(w->stream, AX_CSEQ(ax_cbuffer(w->many, WORLD_MANY_BYTES)),
                  token);
  ax_stream_cancel_side(w->stream, AX_WRITE);
}
static inline void do_wait_to_read(struct world *w, ax_token token) {
  world_say(w, "hello");
  ax_stream_wait(w->stream, AX_READ, token);
}
static inline void do_wait_to_read_later(struct world *w, ax_token token) {
  ax_stream_wait(w->stream, AX_READ, token);
  world_say(w, "hello");
}
static inline void do_wait_to_read_the_end(struct world *w, ax_token token) {
  shutdown(w->peer, SHUT_WR);
  ax_stream_wait(w->stream, AX_READ, token);
}
static inline void do_wait_to_read_cancelled(struct world *w, ax_token token) {
  ax_stream_wait(w->stream, AX_READ, token);
  ax_stream_cancel_side(w->stream, AX_READ);
}
static inline void do_wait_to_read_closed(struct world *w, ax_token token) {
  ax_stream_wait(w->stream, AX_READ, token);
  ax_stream_close(w->stream);
}
static inline void do_wait_to_read_nothing(struct world *w, ax_token token) {
  ax_stream_wait(w->shut, AX_READ, token);
}
static inline void do_wait_while_reading(struct world *w, ax_token token) {
  ax_stream_read_some(w->stream, AX_SEQ(ax_buffer(&w->byte, 1)),
                      world_other(w));
  ax_stream_wait(w->stream, AX_READ, token);
  world_say(w, "hello");
}
static inline void do_wait_to_write(struct world *w, ax_token token) {
  ax_stream_wait(w->stream, AX_WRITE, token);
}
static inline void do_wait_to_write_nothing(struct world *w, ax_token token) {
  ax_stream_wait(w->shut, AX_WRITE, token);
}
static inline void do_connect(struct world *w, ax_token token) {
  ax_stream_connect(w->shut, &w->open, token);
}
static inline void do_connect_to_nobody(struct world *w, ax_token token) {
  ax_stream_connect(w->shut, &w->nobody, token);
}
static inline void do_connect_to_no_file(struct world *w, ax_token token) {
  ax_stream_connect(w->shut, &w->missing, token);
}
static inline void do_accept(struct world *w, ax_token token) {
  world_connect(w);
  ax_acceptor_accept(w->acceptor, w->shut, token);
}
static inline void do_accept_later(struct world *w, ax_token token) {
  ax_acceptor_accept(w->acceptor, w->shut, token);
  world_connect(w);
}
static inline void do_accept_cancelled(struct world *w, ax_token token) {
  ax_acceptor_accept(w->acceptor, w->shut, token);
  ax_acceptor_cancel(w->acceptor);
}
static inline void do_accept_closed(struct world *w, ax_token token) {
  ax_acceptor_accept(w->acceptor, w->shut, token);
  ax_acceptor_close(w->acceptor);
}
static inline void do_signal(struct world *w, ax_token token) {
  kill(getpid(), SIGUSR1);
  ax_signals_wait(w->signals, token);
}
static inline void do_signal_later(struct world *w, ax_token token) {
  ax_signals_wait(w->signals, token);
  kill(getpid(), SIGUSR1);
}
static inline void do_signal_cancelled(struct world *w, ax_token token) {
  ax_signals_wait(w->signals, token);
  ax_signals_cancel(w->signals);
}
static inline void do_resolve_number(struct world *w, ax_token token) {
  ax_resolve(w->home, "127.0.0.1:80", w->found, 2, token);
}
/* Not an endpoint, but a number to getaddrinfo all the same: it is looked up
 * in the thread pool without asking the network. */
static inline void do_resolve_name(struct world *w, ax_token token) {
  ax_resolve(w->home, "127.1:80", w->found, 2, token);
}
static inline void do_resolve_nonsense(struct world *w, ax_token token) {
  ax_resolve(w->home, "nonsense", w->found, 2, token);
}
static inline void do_own(struct world *w, ax_token token) {
  ax_complete(ax_initiate(w->home, token), 0, 0);
}
static inline int world_work(void *arg) {
  (void)arg;
  return 0;
}
static inline void do_run_on(struct world *w, ax_token token) {
  ax_run_on(w->home, world_work, NULL, token);
}

/* ------------------------------------------------- those that stay pending */

static inline void do_wait_for_ever(struct world *w, ax_token token) {
  ax_timer_expires_after(w->timer, AX_SECONDS(3600));
  ax_timer_wait(w->timer, token);
}
static inline void do_read_for_ever(struct world *w, ax_token token) {
  world_say(w, "hel");
  ax_stream_read(w->stream, AX_SEQ(ax_buffer(w->bytes, 5)), token);
}
static inline void do_read_some_for_ever(struct world *w, ax_token token) {
  ax_stream_read_some(w->stream, AX_SEQ(AX_BUF(w->bytes)), token);
}
static inline void do_read_until_for_ever(struct world *w, ax_token token) {
  world_say(w, "hello");
  ax_stream_read_until(w->stream, &w->dynbuf, '\n', token);
}
static inline void do_write_for_ever(struct world *w, ax_token token) {
  make_many(w);
  ax_stream_write(w->stream, AX_CSEQ(ax_cbuffer(w->many, WORLD_MANY_BYTES)),
                  token);
}
static inline void do_wait_to_read_for_ever(struct world *w, ax_token token) {
  ax_stream_wait(w->stream, AX_READ, token);
}
static inline void do_wait_to_write_for_ever(struct world *w, ax_token token) {
  while (write(ax_stream_fd(w->stream), w->bytes, sizeof w->bytes) > 0)
    continue;
  ax_stream_wait(w->stream, AX_WRITE, token);
}
static inline void do_connect_for_ever(struct world *w, ax_token token) {
  if (world_fill_backlog(w))
    ax_stream_connect(w->shut, &w->busy, token);
  else
    ax_initiate(w->home, token);
}
static inline void do_accept_for_ever(struct world *w, ax_token token) {
  ax_acceptor_accept(w->acceptor, w->shut, token);
}
static inline void do_signal_for_ever(struct world *w, ax_token token) {
  ax_signals_wait(w->signals, token);
}
static inline void do_own_for_ever(struct world *w, ax_token token) {
  ax_initiate(w->home, token);
}

/* ---------------------------------------------------------------- table */

struct initiation {
  const char *what;
  void (*initiate)(struct world *world, ax_token token);
  int err;    /* what the handler gets ... */
  int or_err; /* ... or this, if not 0 */
};

#define INITIATION(name, error)                                                \
  { .what = #name, .initiate = do_##name, .err = (error) }

static const struct initiation that_end[] = {
    INITIATION(post, 0),
    INITIATION(wait_for_the_past, 0),
    INITIATION(wait, 0),
    INITIATION(wait_cancelled, UV_ECANCELED),
    INITIATION(wait_moved, UV_ECANCELED),
    INITIATION(wait_until_then, 0),
    INITIATION(wait_moved_until_then, UV_ECANCELED),
    INITIATION(read_some, 0),
    INITIATION(read_some_later, 0),
    INITIATION(read_nothing, 0),
    INITIATION(read_some_of_the_end, UV_EOF),
    INITIATION(read, 0),
    INITIATION(read_in_steps, 0),
    INITIATION(read_cancelled, UV_ECANCELED),
    INITIATION(read_closed, UV_ECANCELED),
    INITIATION(read_on_nothing, UV_EBADF),
    INITIATION(read_while_reading, UV_EBUSY),
    INITIATION(read_until, 0),
    INITIATION(read_until_in_steps, 0),
    INITIATION(read_until_buffered, 0),
    INITIATION(read_until_too_long, UV_EMSGSIZE),
    INITIATION(write, 0),
    INITIATION(write_nothing, 0),
    INITIATION(write_on_nothing, UV_EBADF),
    {"write_to_nobody", do_write_to_nobody, UV_EPIPE, UV_ECONNRESET},
    INITIATION(write_cancelled, UV_ECANCELED),
    INITIATION(read_cancelled_side, UV_ECANCELED),
    INITIATION(write_cancelled_side, UV_ECANCELED),
    INITIATION(wait_to_read, 0),
    INITIATION(wait_to_read_later, 0),
    INITIATION(wait_to_read_the_end, 0),
    INITIATION(wait_to_read_cancelled, UV_ECANCELED),
    INITIATION(wait_to_read_closed, UV_ECANCELED),
    INITIATION(wait_to_read_nothing, UV_EBADF),
    INITIATION(wait_while_reading, UV_EBUSY),
    INITIATION(wait_to_write, 0),
    INITIATION(wait_to_write_nothing, UV_EBADF),
    INITIATION(connect, 0),
    INITIATION(connect_to_nobody, UV_ECONNREFUSED),
    INITIATION(connect_to_no_file, UV_ENOENT),
    INITIATION(accept, 0),
    INITIATION(accept_later, 0),
    INITIATION(accept_cancelled, UV_ECANCELED),
    INITIATION(accept_closed, UV_ECANCELED),
    INITIATION(signal, 0),
    INITIATION(signal_later, 0),
    INITIATION(signal_cancelled, UV_ECANCELED),
    INITIATION(resolve_number, 0),
    INITIATION(resolve_name, 0),
    INITIATION(resolve_nonsense, UV_EINVAL),
    INITIATION(own, 0),
    INITIATION(run_on, 0),
};

static const struct initiation that_stay[] = {
    INITIATION(wait_for_ever, 0),          INITIATION(read_for_ever, 0),
    INITIATION(read_some_for_ever, 0),     INITIATION(read_until_for_ever, 0),
    INITIATION(write_for_ever, 0),         INITIATION(connect_for_ever, 0),
    INITIATION(accept_for_ever, 0),        INITIATION(signal_for_ever, 0),
    INITIATION(own_for_ever, 0),           INITIATION(wait_to_read_for_ever, 0),
    INITIATION(wait_to_write_for_ever, 0),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
