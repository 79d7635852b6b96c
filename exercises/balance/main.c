/* A load balancer. pool.c knows the backends, visit.c brings a client to one of
 * them, and relay.c of lesson 13 carries what the two say. Here are the doors,
 * and the patient stop of lesson 13. */
#include "lesson.h"
#include "visit.h"

#include <stdio.h>

static long butlers = 1, every = 2, patience = 10;
static const char *to = "127.0.0.1:8888";

static struct lesson_option options[] = {
    {"butlers", &butlers, 1, 64, "threads that run the handlers"},
    {"check", &every, 1, 86400,
     "lesson seconds between two looks at a backend"},
    {"linger", &patience, 0, 86400,
     "lesson seconds that old sessions have after a stop"}};
static struct lesson_text texts[] = {
    {"to=ENDPOINT,...", &to, "the backends, sixteen at most"}};
static struct lesson_cli cli = {.about = "A load balancer.",
                                .endpoint = "127.0.0.1:9999",
                                .options = options,
                                .option_count = 3,
                                .texts = texts,
                                .text_count = 1};

struct door {
  struct lobby *lobby;
  ax_acceptor *acceptor;
  struct visit *next; /* it waits for its client */
};

/* Touched in its strand. */
struct lobby {
  ax_context *context;
  ax_strand *strand;
  ax_timer *limit;
  struct pool pool;
  struct visits visits;
  struct door doors[sizeof cli.endpoints / sizeof *cli.endpoints];
};

static void on_accepted(void *arg, int err, size_t n);

/* In the lobby's strand. */
static void accept_next(void *arg, int err, size_t n) {
  struct door *door = arg;
  if (door->lobby->visits.closing)
    return;
  struct visit *v = door->next = visit_new(&door->lobby->visits);
  ax_acceptor_accept(door->acceptor, v->client,
                     ax_on(v->strand, ax_keep(v, ax_call(on_accepted, door))));
  ax_unref(v);
}

/* In the visit's strand. An error means that the door was closed. */
static void on_accepted(void *arg, int err, size_t n) {
  struct door *door = arg;
  if (err)
    return;
  visit_start(door->next);
  ax_post(door->lobby->strand, ax_call(accept_next, door));
}

/* In the lobby's strand: somebody has gone, and perhaps it was the last. */
static void on_idle(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  if (lobby->visits.clients == 0 && pool_alive(&lobby->pool) == 0)
    ax_timer_cancel(lobby->limit);
}

/* In the lobby's strand. */
static void on_limit(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  if (!err)
    ax_stop(lobby->context);
}

/* In the pool's strand. From now on the last session of a backend says so; look
 * whether it had gone before. */
static void on_pool_close(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  pool_close(&lobby->pool);
  ax_post(lobby->strand, ax_call(on_idle, lobby));
}

/* In the lobby's strand: no new clients, and a limit for the old ones. */
static void on_signal(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  lobby->visits.closing = true;
  for (size_t i = 0; i < cli.endpoint_count; i++)
    ax_acceptor_close(lobby->doors[i].acceptor);
  ax_timer_expires_after(lobby->limit, lesson_seconds((double)patience));
  ax_timer_wait(lobby->limit, ax_call(on_limit, lobby));
  ax_post(lobby->pool.strand, ax_call(on_pool_close, lobby));
}

static void serve(struct lobby *lobby) {
  lobby->strand = ax_strand_new(lobby->context);
  lobby->limit = ax_timer_new(lobby->strand);
  ax_token idle = ax_on(lobby->strand, ax_call(on_idle, lobby));
  lobby->visits = (struct visits){.pool = &lobby->pool, .idle = idle};
  pool_start(&lobby->pool, lobby->context, idle);
  for (size_t i = 0; i < cli.endpoint_count; i++) {
    struct door *door = &lobby->doors[i];
    door->lobby = lobby;
    door->acceptor = lesson_listen(lobby->strand, &cli.endpoints[i]);
    ax_post(lobby->strand, ax_call(accept_next, door));
  }
  lesson_serve_until(lobby->context, butlers,
                     ax_on(lobby->strand, ax_call(on_signal, lobby)));
  for (size_t i = 0; i < cli.endpoint_count; i++)
    ax_unref(lobby->doors[i].acceptor);
  ax_unref(lobby->limit);
  ax_unref(lobby->strand);
}

int main(int argc, char **argv) {
  static struct lobby lobby;
  lesson_cli(&cli, argc, argv);
  lobby.pool.every = lesson_seconds((double)every);
  if (pool_parse(&lobby.pool, to)) {
    fprintf(stderr, "balance: --to is ENDPOINT,ENDPOINT..., not '%s'\n", to);
    return 2;
  }
  lobby.context = ax_context_new();
  serve(&lobby);
  ax_context_free(lobby.context); /* and with it the sessions left */
  pool_free(&lobby.pool);
  printf("sessions served: %ld, alive: %ld\n",
         pool_served(&lobby.pool) + lobby.visits.lost,
         pool_alive(&lobby.pool) + lobby.visits.clients);
  return 0;
}
