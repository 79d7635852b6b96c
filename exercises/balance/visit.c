/* visit.c: from the door to a backend that answers.
 *
 *     choose -> on_chosen -> connect -> on_connected -> relay
 *       ^                                    |
 *       +---------- the next one ------------+
 *
 * All of it runs in the visit's strand, but the choice, which is the pool's. */
#include "visit.h"
#include "lesson.h"

#include <stdlib.h>

static ax_token keeping(struct visit *v, ax_token token) {
  return ax_on(v->strand, ax_keep(v, token));
}

static void on_connected(void *arg, int err, size_t n);

/* Nobody has read what the client says, and nobody will. */
static void send_away(struct visit *v) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(v->client, peer);
  lesson_log("closed %s: no backend is up", peer);
  v->all->lost++;
}

static void on_chosen(void *arg, int err, size_t n) {
  struct visit *v = arg;
  if (err)
    send_away(v);
  else
    ax_stream_connect(v->server, &v->choice.backend->endpoint,
                      ax_within(v->choice.pool->patience,
                                keeping(v, ax_call(on_connected, v))));
}

static void choose(struct visit *v) {
  ax_run_on(v->choice.pool->strand, pool_choose, &v->choice,
            keeping(v, ax_call(on_chosen, v)));
}

/* The relay is a session of its backend before the visit is none any more, so
 * no choice in between misses it. */
static void on_connected(void *arg, int err, size_t n) {
  struct visit *v = arg;
  struct backend *b = v->choice.backend;
  if (err) {
    v->choice.err = err;
    ax_stream_close(v->server); /* then it may connect again */
    choose(v);
    return;
  }
  relay_between(&b->proxy, ax_ref(v->strand), ax_ref(v->client),
                ax_ref(v->server));
  b->connecting--;
}

void visit_start(struct visit *v) {
  v->started = true;
  v->all->clients++;
  choose(v);
}

static void visit_destroy(void *object) {
  struct visit *v = object;
  struct visits *all = v->all;
  ax_unref(v->client); /* closes them, if no relay has them */
  ax_unref(v->server);
  ax_unref(v->strand);
  all->clients -= v->started;
  free(v);
  if (all->closing && !ax_stopped(all->pool->context))
    ax_post(all->pool->context, all->idle);
}

struct visit *visit_new(struct visits *all) {
  struct visit *v = lesson_alloc(sizeof *v);
  *v = (struct visit){.all = all, .choice = {.pool = all->pool}};
  ax_obj_init(&v->obj, visit_destroy);
  v->strand = ax_strand_new(all->pool->context);
  v->client = ax_stream_new(v->strand);
  v->server = ax_stream_new(v->strand);
  return v;
}
