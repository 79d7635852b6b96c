/* Lesson 13: a proxy. relay.c connects each client onward and carries what the
 * two sides say, both ways at once. Here are the doors: how clients come in,
 * and how the proxy stops without showing anybody out. */
#include "lesson.h"
#include "relay.h"

#include <stdio.h>

static long butlers = 1, linger = 10;
static const char *to = "127.0.0.1:8888";

static struct lesson_option options[] = {
    {"butlers", &butlers, 1, 64, "threads that run the handlers"},
    {"linger", &linger, 0, 86400,
     "seconds that old sessions have after a stop"}};
static struct lesson_text texts[] = {
    {"to=HOST:PORT", &to, "where clients are connected to; or an ENDPOINT"}};
static struct lesson_cli cli = {
    .about = "A proxy: what a client says goes to another server, and back.",
    .endpoint = "127.0.0.1:9999",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .texts = texts,
    .text_count = 1};

/* One endpoint, and the session that waits there for its client. */
struct door {
  struct lobby *lobby;
  ax_acceptor *acceptor;
  struct relay *next;
};

/* The doors are touched by this strand alone. */
struct lobby {
  struct proxy proxy;
  ax_strand *strand;
  ax_timer *limit;
  struct door doors[sizeof cli.endpoints / sizeof *cli.endpoints];
};

/* region: accept */
static void on_accepted(void *arg, int err, size_t n);

/* In the lobby's strand: the session is there before its client. */
static void accept_next(void *arg, int err, size_t n) {
  /* region: next */
  struct door *door = arg;
  struct relay *r = door->next = relay_new(&door->lobby->proxy);
  ax_token token = ax_keep(r, ax_call(on_accepted, door));
  ax_acceptor_accept(door->acceptor, r->client, ax_on(r->strand, token));
  ax_unref(r);
  /* end: next */
}

/* In the session's strand. An error means that the door was closed. */
static void on_accepted(void *arg, int err, size_t n) {
  struct door *door = arg;
  if (err)
    return;
  relay_start(door->next);
  ax_post(door->lobby->strand, ax_call(accept_next, door));
}
/* end: accept */

/* In the lobby's strand: the last session has gone. Goodbyes may still be under
 * way, which have a limit of their own. */
static void on_idle(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  ax_timer_cancel(lobby->limit);
}

/* region: stop */
/* In the lobby's strand. */
static void on_limit(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  long clients = lobby->proxy.clients;
  if (err || clients == 0)
    return;
  lesson_log("time is up; sessions cut off: %ld", clients);
  ax_stop(lobby->proxy.context);
}

/* In the lobby's strand: no new sessions, and a limit for the old ones. */
static void on_signal(void *arg, int err, size_t n) {
  struct lobby *lobby = arg;
  lobby->proxy.closing = true;
  for (size_t i = 0; i < cli.endpoint_count; i++)
    ax_acceptor_close(lobby->doors[i].acceptor);
  long clients = lobby->proxy.clients;
  if (clients)
    lesson_log("closing; sessions to wait for: %ld, seconds at most: %ld",
               clients, linger);
  ax_timer_expires_after(lobby->limit, lesson_seconds((double)linger));
  ax_timer_wait(lobby->limit, ax_call(on_limit, lobby));
}
/* end: stop */

/* region: serve */
static void serve(struct lobby *lobby) {
  lobby->strand = ax_strand_new(lobby->proxy.context);
  lobby->limit = ax_timer_new(lobby->strand);
  lobby->proxy.idle = ax_on(lobby->strand, ax_call(on_idle, lobby));
  for (size_t i = 0; i < cli.endpoint_count; i++) {
    struct door *door = &lobby->doors[i];
    door->lobby = lobby;
    door->acceptor = lesson_listen(lobby->strand, &cli.endpoints[i]);
    ax_post(lobby->strand, ax_call(accept_next, door));
  }
  lesson_serve_until(lobby->proxy.context, butlers,
                     ax_on(lobby->strand, ax_call(on_signal, lobby)));
  for (size_t i = 0; i < cli.endpoint_count; i++)
    ax_unref(lobby->doors[i].acceptor);
  ax_unref(lobby->limit);
  ax_unref(lobby->strand);
}
/* end: serve */

int main(int argc, char **argv) {
  lesson_cli(&cli, argc, argv);
  if (!proxy_may_reach(to)) {
    fprintf(stderr, "lesson13: --to is HOST:PORT, not '%s'\n", to);
    return 2;
  }
  struct lobby lobby = {.proxy = {.context = ax_context_new(), .to = to}};
  serve(&lobby);
  ax_context_free(lobby.proxy.context); /* and with it the sessions left */
  printf("bytes there: %zu, back: %zu\n", (size_t)lobby.proxy.there,
         (size_t)lobby.proxy.back);
  printf("sessions served: %ld, alive: %ld\n", (long)lobby.proxy.served,
         (long)lobby.proxy.clients);
  return 0;
}
