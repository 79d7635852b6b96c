/* Lesson 8: scatter and gather.
 *
 * One write takes its bytes from several cups, and one read fills several
 * cups. */
#include "ax.h"
#include "lesson.h"

#include <arpa/inet.h>

/* region: tray */
/* The header goes first and says what follows. Its members leave no gap
 * between them, and the size travels in network byte order. */
struct header {
  uint8_t code[4];
  uint32_t size;
};

static const char message[] = "dinner time!";

struct beach {
  ax_stream *mom;
  ax_stream *johnny;
  struct header sent, received;
  char body[12];
};
/* end: tray */

/* region: gather */
static void on_sent(void *arg, int err, size_t n) {
  lesson_must("send the tray", err);
}

static void send_tray(struct beach *beach) {
  ax_cbuf body = ax_cstring(message);
  beach->sent = (struct header){.code = {0xde, 0xad, 0xbe, 0xef},
                                .size = htonl((uint32_t)body.len)};
  ax_cbuf header = ax_cbuffer(&beach->sent, sizeof beach->sent);
  ax_cseq tray = AX_CSEQ(header, body);
  lesson_say("Mom sends %zu + %zu = %zu bytes in one write", header.len,
             body.len, ax_seq_size(tray));
  ax_stream_write(beach->mom, tray, ax_call(on_sent, beach));
}
/* end: gather */

/* region: scatter */
static void on_received(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  lesson_must("receive the tray", err);
  const uint8_t *code = beach->received.code;
  lesson_say("Johnny has %zu bytes from one read", n);
  lesson_say("header: %02x %02x %02x %02x, %u bytes follow", code[0], code[1],
             code[2], code[3], ntohl(beach->received.size));
  lesson_say("body: %.*s", (int)sizeof beach->body, beach->body);
}

static void receive_tray(struct beach *beach) {
  ax_buf header = ax_buffer(&beach->received, sizeof beach->received);
  ax_stream_read(beach->johnny, AX_SEQ(header, AX_BUF(beach->body)),
                 ax_call(on_received, beach));
}
/* end: scatter */

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "A header and a body travel as one."};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct beach beach = {.mom = ax_stream_new(context),
                        .johnny = ax_stream_new(context)};
  lesson_must("connect the two", ax_stream_pair(beach.mom, beach.johnny));

  receive_tray(&beach);
  send_tray(&beach);
  ax_run(context);
  lesson_say("done");

  ax_unref(beach.johnny);
  ax_unref(beach.mom);
  ax_context_free(context);
  return 0;
}
