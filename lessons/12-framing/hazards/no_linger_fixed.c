/* The twin of no_linger.c: shut down, read what still comes, and close.
 *
 * Uses: lessons/12-framing/linger.c
 */
#include "../linger.h"
#include "lesson.h"

#include <stdio.h>

enum { QUESTION = 1024, ANSWER = 128 << 10 };

static ax_stream *client, *server;
static char question[QUESTION + 1], in[QUESTION], answer[ANSWER], back[ANSWER];

static void on_back(void *arg, int err, size_t n) {
  if (err)
    printf("a part of the answer, and then: %s\n", uv_strerror(err));
  else
    printf("the whole answer\n");
  ax_stream_close(client);
}

/* How much the kernel keeps: for the client little, the rest on this side. */
static void keep(ax_stream *stream, int option, int size) {
  setsockopt(ax_stream_fd(stream), SOL_SOCKET, option, &size, sizeof size);
}

/* The client reads what it was sent, now that the server is done. */
static void on_answered(void *arg, int err, size_t n) {
  lesson_must("answer", err);
  linger(server, ax_stream_executor(server));
  ax_stream_read(client, AX_SEQ(AX_BUF(back)), ax_call(on_back, NULL));
}

/* One byte of the question is not read. */
static void on_question(void *arg, int err, size_t n) {
  lesson_must("read a question", err);
  ax_stream_write(server, AX_CSEQ(AX_CBUF(answer)), ax_call(on_answered, NULL));
}

static void on_accepted(void *arg, int err, size_t n) {
  lesson_must("accept", err);
  ax_acceptor_close(arg);
  keep(server, SO_SNDBUF, 2 * ANSWER);
  ax_stream_read(server, AX_SEQ(AX_BUF(in)), ax_call(on_question, NULL));
}

static void on_connected(void *arg, int err, size_t n) {
  lesson_must("connect", err);
  keep(client, SO_RCVBUF, 4096);
  ax_stream_write(client, AX_CSEQ(AX_CBUF(question)), (ax_token){0});
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_acceptor *acceptor = ax_acceptor_new(context);
  ax_endpoint here;
  client = ax_stream_new(context), server = ax_stream_new(context);
  lesson_must("parse", ax_endpoint_parse("127.0.0.1:0", &here));
  lesson_must("listen", ax_acceptor_listen(acceptor, &here));
  lesson_must("ask for the port", ax_acceptor_local(acceptor, &here));
  ax_acceptor_accept(acceptor, server, ax_call(on_accepted, acceptor));
  ax_stream_connect(client, &here, ax_call(on_connected, NULL));
  ax_run(context);
  ax_unref(acceptor);
  ax_unref(server);
  ax_unref(client);
  ax_context_free(context);
}
