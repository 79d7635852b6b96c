/* relay.c: a session from its client's coming to its end.
 *
 *     relay_start -> on_resolved -> on_connected -> two circles:
 *
 *     read_on -> on_read -> on_written -> read_on ...    there
 *     read_on -> on_read -> on_written -> read_on ...    and back
 *
 * All of it runs in the strand of the session. Its operations keep it, so it is
 * over when neither circle has one any more. */
#include "relay.h"
#include "../12-framing/linger.h"
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

/* Whether it leads anywhere shows when a client has come. */
bool proxy_may_reach(const char *to) {
  ax_endpoint endpoint;
  const char *colon = strrchr(to, ':');
  bool named = colon && colon != to && colon[1];
  return ax_endpoint_parse(to, &endpoint) == 0 ||
         (named && strtol(colon + 1, NULL, 10) <= 65535);
}

/* -------------------------------------------------------- the two circles */

static void on_read(void *arg, int err, size_t n);

/* In the strand: where w comes from somebody has vanished. Nobody is there to
 * hear the other way any more, so it ends, and its side gets a goodbye. */
static void vanished(struct way *w) {
  struct relay *r = w->relay;
  struct way *other = w == &r->there ? &r->back : &r->there;
  if (w->lost)
    return; /* it was the other side that vanished */
  other->lost = true;
  ax_stream_close(w->from);
  ax_stream_cancel(w->to);
}

/* region: ways */
static void read_on(struct way *w) {
  ax_stream_read_some(w->from, AX_SEQ(ax_buffer(w->cup, CUP)),
                      ax_keep(w->relay, ax_call(on_read, w)));
}

/* In the strand. Who cannot be written to may still have something to say. */
static void on_written(void *arg, int err, size_t n) {
  struct way *w = arg;
  w->carried += n;
  w->lost = w->lost || err;
  if (!w->lost)
    read_on(w);
}

/* In the strand: an end is passed on. Any other error ends both circles. */
static void on_read(void *arg, int err, size_t n) {
  struct way *w = arg;
  if (err == UV_EOF)
    ax_stream_shutdown(w->to);
  else if (err)
    vanished(w);
  else
    ax_stream_write(w->to, AX_CSEQ(ax_cbuffer(w->cup, n)),
                    ax_keep(w->relay, ax_call(on_written, w)));
}
/* end: ways */

/* ---------------------------------------------------------- the way there */

static void send_away(struct relay *r, int err) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(r->client, peer);
  lesson_log("closed %s: cannot reach %s: %s", peer, r->proxy->to,
             uv_strerror(err));
}

/* region: connect */
static void on_connected(void *arg, int err, size_t n);

static void connect_next(struct relay *r) {
  ax_stream_connect(r->server, &r->found[r->tried++],
                    ax_keep(r, ax_call(on_connected, r)));
}

/* In the strand. */
static void on_connected(void *arg, int err, size_t n) {
  struct relay *r = arg;
  if (!err) {
    read_on(&r->there);
    read_on(&r->back);
    return;
  }
  ax_stream_close(r->server); /* then it may connect again */
  if (r->tried < r->count)
    connect_next(r);
  else
    send_away(r, err);
}
/* end: connect */

/* In the strand. */
static void on_resolved(void *arg, int err, size_t n) {
  struct relay *r = arg;
  r->count = n;
  if (err)
    send_away(r, err);
  else
    connect_next(r);
}

/* The client has come. False: it is sent away. */
static bool begin(struct relay *r) {
  r->started = true;
  r->proxy->served++;
  r->proxy->clients++;
  r->cups = malloc(2 * CUP);
  if (!r->cups) {
    send_away(r, UV_ENOMEM);
    return false;
  }
  r->there.cup = r->cups;
  r->back.cup = r->cups + CUP;
  return true;
}

void relay_start(struct relay *r) {
  if (begin(r))
    ax_resolve(r->strand, r->proxy->to, r->found,
               sizeof r->found / sizeof *r->found,
               ax_keep(r, ax_call(on_resolved, r)));
}

/* ------------------------------------------------------ beginning and end */

/* Who still talks, though nobody hears it any more, may not have read all that
 * was said before. */
static void say_goodbye(struct relay *r) {
  if (ax_stopped(r->proxy->context))
    return;
  if (r->there.lost)
    linger(r->client, r->proxy->context);
  if (r->back.lost)
    linger(r->server, r->proxy->context);
}

static void relay_destroy(void *object) {
  struct relay *r = object;
  struct proxy *p = r->proxy;
  say_goodbye(r);
  ax_unref(r->client); /* closes them */
  ax_unref(r->server);
  ax_unref(r->strand);
  p->there += r->there.carried;
  p->back += r->back.carried;
  p->clients -= r->started;
  free(r->cups);
  free(r);
  if (--p->sessions == 0 && p->closing && !ax_stopped(p->context))
    ax_post(p->context, p->idle);
}

static struct relay *relay_of(struct proxy *p, ax_strand *strand,
                              ax_stream *client, ax_stream *server) {
  struct relay *r = lesson_alloc(sizeof *r);
  *r = (struct relay){
      .proxy = p, .strand = strand, .client = client, .server = server};
  ax_obj_init(&r->obj, relay_destroy);
  r->there = (struct way){.relay = r, .from = client, .to = server};
  r->back = (struct way){.relay = r, .from = server, .to = client};
  p->sessions++;
  return r;
}

struct relay *relay_new(struct proxy *p) {
  ax_strand *strand = ax_strand_new(p->context);
  return relay_of(p, strand, ax_stream_new(strand), ax_stream_new(strand));
}

void relay_between(struct proxy *p, ax_strand *strand, ax_stream *client,
                   ax_stream *server) {
  struct relay *r = relay_of(p, strand, client, server);
  if (begin(r)) {
    read_on(&r->there);
    read_on(&r->back);
  }
  ax_unref(r);
}
