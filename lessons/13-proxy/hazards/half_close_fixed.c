/* The twin of half_close.c: an end is a message, and is passed on. */
#include "lesson.h"

#include <stdio.h>

/* What one direction of a proxy has. */
struct way {
  ax_stream *from, *to;
  char cup[64];
};

static void on_read(void *arg, int err, size_t n);

static void on_written(void *arg, int err, size_t n) {
  struct way *w = arg;
  if (!err)
    ax_stream_read_some(w->from, AX_SEQ(AX_BUF(w->cup)), ax_call(on_read, w));
}

static void on_read(void *arg, int err, size_t n) {
  struct way *w = arg;
  if (!err)
    ax_stream_write(w->to, AX_CSEQ(ax_cbuffer(w->cup, n)),
                    ax_call(on_written, w));
  else if (err == UV_EOF)
    ax_stream_shutdown(w->to);
}

/* The server answers when it has heard all. */
static void on_question(void *arg, int err, size_t n) {
  printf("server: %zu bytes, and then: %s\n", n, uv_strerror(err));
}

int main(void) {
  static char question[64];
  ax_context *context = ax_context_new();
  ax_stream *client = ax_stream_new(context), *server = ax_stream_new(context);
  struct way there = {ax_stream_new(context), ax_stream_new(context), {0}};
  lesson_must("connect", ax_stream_pair(client, there.from));
  lesson_must("connect", ax_stream_pair(there.to, server));
  on_written(&there, 0, 0);
  ax_stream_read(server, AX_SEQ(AX_BUF(question)), ax_call(on_question, NULL));
  ax_stream_write(client, AX_CSEQ(ax_cstring("purple?")), (ax_token){0});
  lesson_must("have said all", ax_stream_shutdown(client));
  ax_poll(context);         /* runs all that can happen, */
  ax_stream_cancel(server); /* so who waits now waits for ever */
  ax_run(context);
  ax_unref(client);
  ax_unref(there.from);
  ax_unref(there.to);
  ax_unref(server);
  ax_context_free(context);
}
