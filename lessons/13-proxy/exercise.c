/* The exercise of lesson 13: a relay that knows what half an end is. It
 * connects each client onward and carries bytes both ways. The end of one half
 * is passed on, and the other half goes on. When both have ended, or one of the
 * two has vanished, the session is over and goes. */
#include "../10-echo/listener.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

static ax_endpoint onward;
static atomic_long alive; /* sessions */

struct relay;

/* One direction: what comes out of one stream goes into the other. */
struct way {
  struct relay *relay;
  ax_stream *from, *to;
  char cup[4096];
};

struct relay {
  ax_obj obj;
  ax_strand *strand; /* all handlers run in it */
  ax_stream *client, *server;
  struct way there, back;
};

static ax_token in_strand(struct relay *r, ax_token token) {
  return ax_on(r->strand, ax_keep(r, token));
}

/* In the strand: the session is over, for both ways. */
static void relay_end(struct relay *r) {
  ax_stream_close(r->client);
  ax_stream_close(r->server);
}

static void on_read(void *arg, int err, size_t n);

static void read_on(struct way *w) {
  ax_stream_read_some(w->from, AX_SEQ(AX_BUF(w->cup)),
                      in_strand(w->relay, ax_call(on_read, w)));
}

static void on_written(void *arg, int err, size_t n) {
  struct way *w = arg;
  if (err)
    relay_end(w->relay);
  else
    read_on(w);
}

/* In the strand. */
static void on_read(void *arg, int err, size_t n) {
  struct way *w = arg;
  /* todo: whatever ends a read ends the session here. That is too early for the
   * end of the stream (UV_EOF): pass it on, and let the other way go on. */
  if (err == UV_EOF)
    ax_stream_shutdown(w->to);
  else if (err)
    relay_end(w->relay);
  /* given: if (err) */
  /* given:   relay_end(w->relay); */
  /* done */
  else
    ax_stream_write(w->to, AX_CSEQ(ax_cbuffer(w->cup, n)),
                    in_strand(w->relay, ax_call(on_written, w)));
}

/* In the strand: the way to the server is open. */
static void on_connected(void *arg, int err, size_t n) {
  struct relay *r = arg;
  if (err) {
    lesson_log("cannot reach the server: %s", uv_strerror(err));
    return;
  }
  /* todo: two circles begin here. This is one of them. */
  read_on(&r->there);
  read_on(&r->back);
  /* given: read_on(&r->there); */
  /* done */
}

static void relay_destroy(void *object) {
  struct relay *r = object;
  ax_unref(r->client);
  ax_unref(r->server);
  ax_unref(r->strand);
  free(r);
  lesson_say("a session is gone, alive: %ld", --alive);
}

static void on_client(void *arg, ax_stream *client) {
  struct relay *r = lesson_alloc(sizeof *r);
  ax_obj_init(&r->obj, relay_destroy);
  r->client = client;
  r->strand = ax_strand_new(ax_stream_executor(client));
  r->server = ax_stream_new(r->strand);
  r->there.relay = r->back.relay = r;
  /* todo: where does each way come from, and where does it lead? Take care that
   * the way back goes the other way. */
  r->there.from = r->back.to = r->client;
  r->there.to = r->back.from = r->server;
  /* given: r->there.from = r->client; */
  /* given: r->there.to = r->server; */
  /* done */
  alive++;
  ax_stream_connect(r->server, &onward, in_strand(r, ax_call(on_connected, r)));
  ax_unref(r);
}

int main(int argc, char **argv) {
  long butlers = 1;
  const char *to = "127.0.0.1:8888";
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_text texts[] = {
      {"to=ENDPOINT", &to, "where clients are connected to"}};
  struct lesson_cli cli = {.about = "A relay to another server.",
                           .endpoint = "127.0.0.1:9999",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 1,
                           .texts = texts,
                           .text_count = 1};
  lesson_cli(&cli, argc, argv);
  lesson_must("read the endpoint of --to", ax_endpoint_parse(to, &onward));
  ax_context *context = ax_context_new();
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], on_client, NULL);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_context_free(context);
  printf("alive: %ld\n", alive);
  return 0;
}
