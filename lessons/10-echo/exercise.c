/* The exercise of lesson 10: an echo that shouts. What a client sends comes
 * back in upper case, the letters a to z alone; any other byte is as it was. A
 * NUL at the end of what came ends the session, when it was echoed. */
#include "lesson.h"
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>

static atomic_long alive; /* sessions */

struct session {
  ax_obj obj;
  ax_stream *stream;
  bool last;
  char data[1024];
};

static void shout(char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] >= 'a' && text[i] <= 'z')
      text[i] = (char)(text[i] - 'a' + 'A');
}

static void on_read(void *arg, int err, size_t n);

static void read_on(struct session *s) {
  /* todo: initiate a read of whatever comes into s->data. The handler is
   * on_read, and the read keeps the session. */
  ax_stream_read_some(s->stream, AX_SEQ(AX_BUF(s->data)),
                      ax_keep(s, ax_call(on_read, s)));
  /* given: (void)s; */
  /* done */
}

/* todo: a handler for the write. It reads on, unless the NUL was written or the
 * client has gone. */
static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (!err && !s->last)
    read_on(s);
}
/* done */

static void on_read(void *arg, int err, size_t n) {
  struct session *s = arg;
  /* todo: n bytes have come, or an error. Shout them, note whether they are the
   * last ones, and write them. What is initiated is initiated last. */
  if (err)
    return;
  s->last = s->data[n - 1] == '\0';
  shout(s->data, n);
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(s->data, n)),
                  ax_keep(s, ax_call(on_written, s)));
  /* given: shout(s->data, err ? 0 : n); */
  /* done */
}

static void session_destroy(void *object) {
  struct session *s = object;
  ax_unref(s->stream); /* closes it */
  free(s);
  lesson_say("a session is gone, alive: %ld", --alive);
}

/* A client has come. When this returns, only its operation keeps it. */
static void on_connected(void *arg, ax_stream *stream) {
  struct session *s = lesson_alloc(sizeof *s);
  ax_obj_init(&s->obj, session_destroy);
  s->stream = stream;
  alive++;
  read_on(s);
  ax_unref(s);
}

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about =
                               "An echo that shouts; a NUL ends a session.",
                           .endpoint = "/tmp/shout.sock",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], on_connected, NULL);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_context_free(context);
  printf("alive: %ld\n", alive);
  return 0;
}
