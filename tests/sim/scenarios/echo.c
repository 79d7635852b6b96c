/* An echo over one Unix socket: what reads, writes and their handlers do
 * together.
 *
 * The client asks ROUNDS times. The answer may come before the handler of the
 * write that asked for it has run, even though both run on one strand: the
 * peer may be quick. So a round of the client is over when both handlers have
 * run, in either order. Each end is used on its own strand only. */
#include "scenario.h"

enum { ROUNDS = 4, LENGTH = 5 };

struct end {
  ax_context *context;
  ax_strand *strand;
  ax_stream *stream;
  char in[LENGTH], out[ROUNDS][LENGTH]; /* a write keeps its bytes */
  int rounds, halves;
  bool ended;
};

static struct end client, server;
static atomic_int open_ends; /* of the two */
static bool guarded;         /* the contexts have work until both are closed */

static void read_into(struct end *e, ax_fn *fn) {
  ax_stream_read(e->stream, AX_SEQ(AX_BUF(e->in)),
                 ax_on(e->strand, ax_call(fn, e)));
}

static void end_close(struct end *e) {
  CHECK(!e->ended);
  e->ended = true;
  ax_stream_close(e->stream);
  if (atomic_fetch_sub(&open_ends, 1) == 1 && guarded) {
    ax_work_end(client.context);
    ax_work_end(server.context);
  }
}

static void write_from(struct end *e, const char *bytes, ax_fn *fn) {
  ax_stream_write(e->stream, AX_CSEQ(ax_cbuffer(bytes, LENGTH)),
                  ax_on(e->strand, ax_call(fn, e)));
}

/* ---------------------------------------------------- server, its strand */

static void on_request(void *arg, int err, size_t n);

static void on_answered(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(ax_inside(e->strand) && err == 0 && n == LENGTH);
  read_into(e, on_request);
}

static void on_request(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(ax_inside(e->strand) && !e->ended);
  if (err) {
    CHECK(err == UV_EOF && n == 0);
    end_close(e);
    return;
  }
  e->rounds++;
  write_from(e, e->in, on_answered);
}

static void on_serve(void *arg, int err, size_t n) {
  read_into(arg, on_request);
}

/* ---------------------------------------------------- client, its strand */

static void on_ask(void *arg, int err, size_t n);

/* When the write and the read of this round are done: the next one. */
static void half_done(struct end *e) {
  if (++e->halves < 2)
    return;
  e->halves = 0;
  if (++e->rounds < ROUNDS)
    on_ask(e, 0, 0);
  else
    end_close(e);
}

static void on_asked(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(ax_inside(e->strand) && err == 0 && n == LENGTH);
  half_done(e);
}

static void on_answer(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(ax_inside(e->strand) && err == 0 && n == LENGTH);
  CHECK(memcmp(e->in, e->out[e->rounds], LENGTH) == 0);
  half_done(e);
}

static void on_ask(void *arg, int err, size_t n) {
  struct end *e = arg;
  read_into(e, on_answer);
  write_from(e, memset(e->out[e->rounds], '0' + e->rounds, LENGTH), on_asked);
}

/* ------------------------------------------------------------ the run */

static void end_open(struct end *e, ax_context *context) {
  e->context = context;
  e->strand = ax_strand_new(context);
  e->stream = ax_stream_new(context);
}

static void end_release(struct end *e) {
  ax_unref(e->stream);
  ax_unref(e->strand);
}

static void open_both(ax_context *of_client, ax_context *of_server) {
  open_ends = 2;
  end_open(&client, of_client);
  end_open(&server, of_server);
  connect_pair(client.stream, server.stream);
}

static void begin(ax_fn *ask) {
  ax_post(client.strand, ax_call(ask, &client));
  ax_post(server.strand, ax_call(on_serve, &server));
}

static void check_and_release(void) {
  CHECK(client.rounds == ROUNDS && server.rounds == ROUNDS);
  CHECK(client.ended && server.ended);
  end_release(&client);
  end_release(&server);
}

static void echo_with(int butlers, ax_fn *ask) {
  ax_context *context = ax_context_new();
  open_both(context, context);
  begin(ask);
  serve(context, butlers);
  check_and_release();
  end(context);
}

SCENARIO(echo_some, "an echo comes back") { echo_with(some(1, 3), on_ask); }

static void echo_between(ax_context *here, ax_context *there) {
  begin(on_ask);
  pthread_t butler = start_butler(there);
  serve(here, 1);
  join_thread(butler);
  check_and_release();
  ax_context_free(here);
  end(there);
}

SCENARIO(echo_two_contexts, "an echo goes from one context to another") {
  ax_context *here = ax_context_new(), *there = ax_context_new();
  open_both(here, there);
  echo_between(here, there);
}

/* Between two handlers of one end the other context has nothing to do. */
SCENARIO(echo_crossed,
         "an echo comes back when each end has its handlers elsewhere") {
  ax_context *here = ax_context_new(), *there = ax_context_new();
  open_both(here, there);
  ax_strand *strand = client.strand;
  client.strand = server.strand;
  server.strand = strand;
  guarded = true;
  ax_work_begin(here);
  ax_work_begin(there);
  echo_between(here, there);
}

/* ------------------------------------------ a client that does not wait */

static void on_hasty_answer(void *arg, int err, size_t n);
static void on_hasty_asked(void *arg, int err, size_t n);

static void ask_hastily(struct end *e) {
  char *out = e->out[e->rounds];
  write_from(e, memset(out, '0' + e->rounds, LENGTH), on_hasty_asked);
}

/* UV_EBUSY: the handler of the last write had not run. It has now. */
static void on_hasty_asked(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(err == 0 || err == UV_EBUSY || (err == UV_ECANCELED && e->ended));
  if (err == UV_EBUSY)
    ask_hastily(e);
}

static void on_hasty_answer(void *arg, int err, size_t n) {
  struct end *e = arg;
  CHECK(err == 0 && e->in[0] == '0' + e->rounds);
  if (++e->rounds == ROUNDS) {
    end_close(e);
    return;
  }
  read_into(e, on_hasty_answer);
  ask_hastily(e);
}

static void on_ask_hastily(void *arg, int err, size_t n) {
  read_into(arg, on_hasty_answer);
  ask_hastily(arg);
}

SCENARIO(echo_hasty, "a client that writes before the handler of its last "
                     "write has run loses nothing") {
  echo_with(2, on_ask_hastily);
}
