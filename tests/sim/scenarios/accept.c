/* Accepting and connecting over a Unix socket in a folder of its own.
 *
 * A connection waits in the backlog until it is accepted. So a connect ends
 * at once, and an accept that is cancelled leaves the connection to the next
 * one. The acceptor is used on one strand, or by one thread at a time. */
#include "scenario.h"

#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_acceptor *acceptor;
static ax_endpoint at;
static char folder[] = "/tmp/ax-scenario-XXXXXX";
static atomic_int accepted, connected, refused, cancelled;

static ax_stream *servers[2], *clients[2];

static void open_acceptor(void) {
  char path[sizeof folder + 8];
  context = ax_context_new();
  strand = ax_strand_new(context);
  acceptor = ax_acceptor_new(strand);
  CHECK(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  CHECK(ax_endpoint_parse(path, &at) == 0);
  CHECK(ax_acceptor_listen(acceptor, &at) == 0);
  for (int i = 0; i < 2; i++) {
    servers[i] = ax_stream_new(context);
    clients[i] = ax_stream_new(context);
  }
}

static void release_all(void) {
  for (int i = 0; i < 2; i++) {
    ax_unref(servers[i]);
    ax_unref(clients[i]);
  }
  ax_unref(acceptor);
  ax_unref(strand);
  CHECK(rmdir(folder) == 0);
  end(context);
}

static void on_accepted(void *arg, int err, size_t n) {
  CHECK(err == 0 || err == UV_ECANCELED || err == UV_EBADF);
  CHECK((ax_stream_fd(arg) != -1) == (err == 0));
  err ? cancelled++ : accepted++;
}

static void on_connected(void *arg, int err, size_t n) {
  CHECK(err == 0 || err == UV_ECONNREFUSED || err == UV_ENOENT);
  err ? refused++ : connected++;
}

static void accept_one(int i) {
  ax_acceptor_accept(acceptor, servers[i], ax_call(on_accepted, servers[i]));
}

/* On a thread that is the only one to use this client. */
static void *connect_one(void *client) {
  ax_stream_connect(client, &at, ax_call(on_connected, client));
  return NULL;
}

/* --------------------------------------------------------- all is well */

static void accept_both(int butlers) {
  pthread_t threads[2];
  open_acceptor();
  accept_one(0);
  accept_one(1);
  for (int i = 0; i < 2; i++)
    threads[i] = start_thread(connect_one, clients[i]);
  serve(context, butlers);
  for (int i = 0; i < 2; i++)
    join_thread(threads[i]);
  serve(context, 1);
  CHECK(accepted == 2 && connected == 2);
  ax_acceptor_close(acceptor);
  release_all();
}

SCENARIO(accept_two, "two accepts get the two clients") {
  accept_both(some(1, 2));
}

static void *connect_both(void *arg) {
  connect_one(clients[0]);
  return connect_one(clients[1]);
}

/* On the strand. */
static void on_accepted_first(void *arg, int err, size_t n) {
  on_accepted(arg, err, n);
  accept_one(1);
}

SCENARIO(accept_one_by_one, "an accept from the handler of another gets the "
                            "client that has waited") {
  open_acceptor();
  ax_acceptor_accept(acceptor, servers[0],
                     ax_call(on_accepted_first, servers[0]));
  pthread_t thread = start_thread(connect_both, NULL);
  serve(context, 2);
  join_thread(thread);
  serve(context, 1);
  CHECK(accepted == 2 && connected == 2);
  ax_acceptor_close(acceptor);
  release_all();
}

/* ------------------------------------------------- cancel meets connection */

/* From here on only this thread uses the acceptor. */
static void *cancel(void *arg) {
  ax_acceptor_cancel(acceptor);
  return NULL;
}

static void cancel_accept(int butlers) {
  open_acceptor();
  accept_one(0);
  pthread_t canceller = start_thread(cancel, NULL);
  pthread_t client = start_thread(connect_one, clients[0]);
  serve(context, butlers);
  join_thread(canceller);
  join_thread(client);
  serve(context, 1);
  CHECK(accepted + cancelled == 1 && connected == 1);
  if (cancelled)
    accept_one(1);
  serve(context, 1);
  CHECK(accepted == 1);
  ax_acceptor_close(acceptor);
  release_all();
}

SCENARIO(accept_cancel,
         "a connection whose accept is cancelled is left to the next one") {
  cancel_accept(some(1, 2));
}

/* -------------------------------------------------- close meets connection */

/* On the strand. */
static void on_close(void *arg, int err, size_t n) {
  ax_acceptor_close(acceptor);
  accept_one(1);
}

static void *close_from_outside(void *arg) {
  ax_post(strand, ax_call(on_close, NULL));
  return NULL;
}

static void close_acceptor(int butlers) {
  open_acceptor();
  accept_one(0);
  pthread_t closer = start_thread(close_from_outside, NULL);
  pthread_t client = start_thread(connect_one, clients[0]);
  serve(context, butlers);
  join_thread(closer);
  join_thread(client);
  serve(context, 1);
  CHECK(accepted + cancelled == 2 && cancelled >= 1);
  CHECK(connected + refused == 1 && connected >= accepted);
  release_all();
}

SCENARIO(accept_close, "an accept that a client and close meet ends once") {
  close_acceptor(some(1, 2));
}

/* ------------------------------------------------------------- released */

static void *release_and_connect(void *arg) {
  ax_unref(acceptor);
  return connect_one(clients[0]);
}

SCENARIO(accept_released, "an acceptor that is released while an accept is "
                          "pending lives until its handler has run") {
  open_acceptor();
  accept_one(0);
  pthread_t thread = start_thread(release_and_connect, NULL);
  serve(context, 2);
  join_thread(thread);
  serve(context, 1);
  CHECK(accepted == 1 && connected == 1);
  acceptor = NULL;
  release_all();
}

/* -------------------------------------------------- closed, and open again */

/* On the strand. */
static void on_listen_again(void *arg, int err, size_t n) {
  ax_acceptor_close(acceptor);
  CHECK(ax_acceptor_listen(acceptor, &at) == 0);
  accept_one(1);
  connect_one(clients[0]);
}

static void *listen_again(void *arg) {
  ax_post(strand, ax_call(on_listen_again, NULL));
  return NULL;
}

SCENARIO(accept_reopened, "an acceptor that was closed and listens again keeps "
                          "the file of its new socket") {
  ax_endpoint now;
  open_acceptor();
  accept_one(0);
  pthread_t thread = start_thread(listen_again, NULL);
  serve(context, some(1, 2));
  join_thread(thread);
  serve(context, 1);
  CHECK(accepted == 1 && cancelled == 1 && connected == 1);
  CHECK(ax_acceptor_local(acceptor, &now) == 0);
  CHECK(access(((struct sockaddr_un *)&now.addr)->sun_path, F_OK) == 0);
  ax_acceptor_close(acceptor);
  release_all();
}
