/* The twin of split_command.c: a command is there when its whole line is. */
#include "lesson.h"

#include <stdio.h>
#include <string.h>

struct session {
  ax_stream *stream;
  ax_dynbuf in;
};

static void on_command(void *arg, int err, size_t n);

static void read_command(struct session *s) {
  ax_stream_read_until(s->stream, &s->in, '\n', ax_call(on_command, s));
}

static void on_command(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    return;
  const char *command = ax_dynbuf_data(&s->in).base;
  bool known = n == strlen("sync\n") && memcmp(command, "sync\n", n) == 0;
  size_t end = command[n - 1] == '\n';
  printf("%s: %.*s\n", known ? "a command" : "no command", (int)(n - end),
         command);
  ax_dynbuf_consume(&s->in, n);
  read_command(s);
}

/* One piece of it, which has arrived when this returns. */
static void send_piece(ax_stream *client, const char *piece) {
  ax_stream_write(client, AX_CSEQ(ax_cstring(piece)), (ax_token){0});
  ax_poll(ax_stream_executor(client));
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *client = ax_stream_new(context);
  struct session s = {.stream = ax_stream_new(context)};
  lesson_must("connect", ax_stream_pair(s.stream, client));
  ax_dynbuf_init(&s.in, 16);
  read_command(&s);
  send_piece(client, "sy");
  send_piece(client, "nc\n");
  ax_unref(client);
  ax_run(context);
  ax_unref(s.stream);
  ax_dynbuf_free(&s.in);
  ax_context_free(context);
}
