/* Lesson 10: an echo server. What a client sends comes back; a NUL at the end
 * of it ends the session. The endpoint alone decides between TCP over IPv4 or
 * IPv6 and a Unix socket. */
#include "lesson.h"
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>

/* region: session */
static atomic_long served, alive; /* sessions */

/* One client. Nobody owns a session but its pending operation, which keeps it:
 * when no operation is left, it is gone. */
struct session {
  ax_obj obj;
  ax_stream *stream;
  bool last;
  char data[1024];
};

static void on_read(void *arg, int err, size_t n);

static void read_on(struct session *s) {
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      ax_keep(s, ax_call(on_read, s)));
}
/* end: session */

/* region: echo */
static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (!err && !s->last)
    read_on(s);
}

static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    return; /* the end of the stream is one, too */
  s->last = s->data[n - 1] == '\0';
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                  ax_keep(s, ax_call(on_written, s)));
}
/* end: echo */

/* region: connected */
static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->stream); /* closes it */
  free(s);
  alive--;
}

/* A client has come. When this returns, only its operation keeps it. */
static void on_connected(void *arg, ax_stream *stream) {
  struct session *s = malloc(sizeof *s);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  served++;
  alive++;
  read_on(s);
  ax_unref(s);
}
/* end: connected */

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about = "An echo server; a NUL ends a session.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);

  /* region: main */
  ax_context *context = ax_context_new();
  struct listener listeners[sizeof cli.endpoints / sizeof cli.endpoints[0]];
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_start(&listeners[i], context, &cli.endpoints[i], on_connected,
                   NULL);
  lesson_serve(context, butlers);
  /* end: main */
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_context_free(context);
  printf("sessions served: %ld, alive: %ld\n", served, alive);
  return 0;
}
