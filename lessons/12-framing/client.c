/* A client for the framing server: sends four messages in one piece, then the
 * same four byte by byte, and at last one that is too long.
 *
 *     lesson12-client nul|length ENDPOINT */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <string.h>

enum { TOO_LONG = 1025 };

static const char *const words[] = {"eat", "drink", "", "and be merry!"};

struct client {
  ax_stream *stream;
  bool nul; /* the framing; else it is length */
  char out[TOO_LONG + 2], echo[TOO_LONG + 2];
  size_t size, sent; /* of out */
  size_t piece;      /* bytes in one write */
  ax_timer *pause;   /* before the next */
};

static void on_connected(void *arg, int err, size_t n);
static void on_end(void *arg, int err, size_t n);

/* Adds a message with its frame to what is to be sent. */
static void add(struct client *c, const char *message, size_t length) {
  char *at = c->out + c->size;
  size_t header = c->nul ? 0 : 2;
  if (header) {
    at[0] = (char)(length >> 8);
    at[1] = (char)length;
  }
  memcpy(at + header, message, length);
  if (c->nul)
    at[length] = '\0';
  c->size += length + (c->nul ? 1 : 2);
}

/* How long the message at `at` is, if `left` bytes hold all of it. */
static size_t length_of(const struct client *c, const char *at, size_t left) {
  const unsigned char *header = (const unsigned char *)at;
  if (c->nul)
    return strnlen(at, left);
  return left < 2 ? left : (size_t)header[0] << 8 | header[1];
}

/* The message at `at`, in quotes; returns the size of its frame. The server may
 * be any other program: neither lengths nor letters are to be trusted. */
static size_t show(const struct client *c, const char *at, size_t left) {
  char text[4 * sizeof c->echo + 1];
  size_t length = length_of(c, at, left), frame = c->nul ? 1 : 2;
  if (length + frame > left)
    lesson_must("echo", UV_EPROTO);
  lesson_printable(text, sizeof text, c->nul ? at : at + 2, length);
  printf(" \"%s\"", text);
  return length + frame;
}

static void on_sent(void *arg, int err, size_t n);

static void send_piece(struct client *c) {
  size_t left = c->size - c->sent;
  size_t n = c->piece < left ? c->piece : left;
  ax_stream_write(c->stream, AX_CSEQ(ax_cbuffer(c->out + c->sent, n)),
                  ax_call(on_sent, c));
}

static void on_pause(void *arg, int err, size_t n) {
  lesson_must("wait", err);
  send_piece(arg);
}

/* The pause is long enough for the server to read each piece by itself. */
static void on_sent(void *arg, int err, size_t n) {
  struct client *c = arg;
  lesson_must("write", err);
  c->sent += n;
  if (c->sent == c->size)
    return;
  ax_timer_expires_after(c->pause, AX_MS(2));
  ax_timer_wait(c->pause, ax_call(on_pause, c));
}

static void on_echo(void *arg, int err, size_t n);

/* Sends all words, and waits until as many bytes have come back. */
static void say_words(struct client *c, size_t piece) {
  c->size = c->sent = 0;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    add(c, words[i], strlen(words[i]));
  c->piece = piece ? piece : c->size;
  ax_stream_read(c->stream, AX_SEQ(ax_buffer(c->echo, c->size)),
                 ax_call(on_echo, c));
  send_piece(c);
}

static void say_too_much(struct client *c) {
  char message[TOO_LONG];
  memset(message, 'x', sizeof message);
  c->size = c->sent = 0;
  add(c, message, sizeof message);
  c->piece = c->size;
  send_piece(c);
  ax_stream_read_some(c->stream, AX_SEQ(AX_BUF(c->echo)), ax_call(on_end, c));
}

static void on_echo(void *arg, int err, size_t n) {
  struct client *c = arg;
  lesson_must("read", err);
  bool whole = c->piece == c->size;
  printf("%zu bytes %s, back:", n, whole ? "in one piece" : "one by one");
  for (size_t at = 0; at < n;)
    at += show(c, c->echo + at, n - at);
  printf("\n");
  if (whole)
    say_words(c, 1);
  else
    say_too_much(c);
}

static void on_end(void *arg, int err, size_t n) {
  if (err != UV_EOF) /* not a reset either: the server says goodbye */
    lesson_must("read", err);
  printf("a message of %d bytes: %s\n", TOO_LONG,
         err ? "the server closed the session" : "comes back");
}

static void on_connected(void *arg, int err, size_t n) {
  lesson_must("connect", err);
  say_words(arg, 0);
}

int main(int argc, char **argv) {
  ax_endpoint endpoint;
  bool nul = argc == 3 && strcmp(argv[1], "nul") == 0;
  bool right = argc == 3 && (nul || strcmp(argv[1], "length") == 0) &&
               !ax_endpoint_parse(argv[2], &endpoint);
  lesson_words(argc, argv, "nul|length ENDPOINT", right);
  /* Line by line, so that the server's lines stand where they belong. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  ax_context *context = ax_context_new();
  struct client client = {.stream = ax_stream_new(context),
                          .pause = ax_timer_new(context),
                          .nul = nul};
  ax_stream_connect(client.stream, &endpoint, ax_call(on_connected, &client));
  ax_run(context);
  ax_unref(client.pause);
  ax_unref(client.stream);
  ax_context_free(context);
  return 0;
}
