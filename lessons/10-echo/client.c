/* A client for the echo server: sends each of its words, waits for the echo,
 * and ends with a NUL, after which the server closes.
 *
 *     lesson10-client ENDPOINT WORD... */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
  ax_stream *stream;
  char **words;
  char echo[1024];
};

static void on_echo(void *arg, int err, size_t n);

static void fail(const char *what, int err) {
  fprintf(stderr, "%s: %s\n", what, uv_strerror(err));
  exit(1);
}

static void on_closed(void *arg, int err, size_t n) {
  if (err != UV_EOF)
    fail("the server did not close", err);
  printf("the server closed the session\n");
}

static void on_sent(void *arg, int err, size_t n) {
  if (err)
    fail("write", err);
}

/* Without words left, the next thing sent is the NUL alone. */
static void say_next(struct client *c) {
  const char *word = *c->words ? *c->words : "";
  size_t length = *word ? strlen(word) : 1;
  ax_stream_write(c->stream, AX_CSEQ(ax_cbuffer(word, length)),
                  ax_call(on_sent, c));
  ax_stream_read(c->stream, AX_SEQ(ax_buffer(c->echo, length)),
                 ax_call(on_echo, c));
}

static void on_echo(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (err)
    fail("read", err);
  if (!*c->words) {
    ax_stream_read_some(c->stream, AX_SEQ(AX_BUF(c->echo)),
                        ax_call(on_closed, c));
    return;
  }
  printf("sent %s, came back %.*s\n", *c->words, (int)n, c->echo);
  c->words++;
  say_next(c);
}

static void on_connected(void *arg, int err, size_t n) {
  if (err)
    fail("connect", err);
  say_next(arg);
}

int main(int argc, char **argv) {
  ax_endpoint endpoint;
  bool right = argc > 1 && !ax_endpoint_parse(argv[1], &endpoint);
  lesson_words(argc, argv, "ENDPOINT WORD...", right);
  for (int i = 2; i < argc; i++)
    if (!*argv[i] || strlen(argv[i]) > sizeof((struct client){0}).echo) {
      fprintf(stderr, "lesson10-client: words have 1 to 1024 bytes\n");
      return 2;
    }
  ax_context *context = ax_context_new();
  struct client client = {.stream = ax_stream_new(context), .words = argv + 2};
  ax_stream_connect(client.stream, &endpoint, ax_call(on_connected, &client));
  ax_run(context);
  ax_unref(client.stream);
  ax_context_free(context);
  return 0;
}
