/* Closing an acceptor and listening again where it was, within one handler,
 * while another butler sleeps in the loop: the address is free at once. */
#include "scenario.h"

static ax_context *context;
static ax_strand *strand;
static ax_acceptor *first, *second;
static ax_stream *server;
static int ended, listening;

/* On the strand. */
static void on_accepted(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED);
  ended++;
}

/* On the strand. */
static void on_move(void *arg, int err, size_t n) {
  ax_endpoint at;
  CHECK(ax_acceptor_local(first, &at) == 0);
  ax_acceptor_close(first);
  CHECK(ax_acceptor_listen(second, &at) == 0);
  listening++;
}

static void *move_from_outside(void *arg) {
  ax_post(strand, ax_call(on_move, NULL));
  ax_work_end(context);
  return NULL;
}

static void listen_again(const char *where, int butlers) {
  ax_endpoint at;
  context = ax_context_new();
  strand = ax_strand_new(context);
  first = ax_acceptor_new(strand);
  second = ax_acceptor_new(strand);
  server = ax_stream_new(strand);
  CHECK(ax_endpoint_parse(where, &at) == 0);
  CHECK(ax_acceptor_listen(first, &at) == 0);
  ax_acceptor_accept(first, server, ax_call(on_accepted, NULL));
  ax_work_begin(context);
  pthread_t other = start_thread(move_from_outside, NULL);
  serve(context, butlers);
  join_thread(other);
  CHECK(ended == 1 && listening == 1);
  ax_unref(first);
  ax_unref(second);
  ax_unref(server);
  ax_unref(strand);
  end(context);
}

SCENARIO(listen_again_at_once,
         "where an acceptor was closed another may listen, though another "
         "butler may sleep in the loop") {
  listen_again("127.0.0.1:0", some(1, 2));
}
