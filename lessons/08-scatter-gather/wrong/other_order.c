/* Says: not where they belong */
/* The exercise of lesson 8: a tray with three cups. The header says how much
 * follows, the body is a big one, and a sum at the end tells whether all came.
 */
#include "ax.h"
#include "lesson.h"

#include <arpa/inet.h>
#include <string.h>

enum { SIZE = 1 << 20 };

struct beach {
  ax_stream *mom, *johnny;
  uint32_t size_sent,
      size_received; /* in network byte order, as are the sums */
  uint32_t sum_sent, sum_received;
  char body_sent[SIZE], body_received[SIZE];
};

static uint32_t sum_of(const char *body) {
  uint32_t sum = 0;
  for (size_t i = 0; i < SIZE; i++)
    sum = sum * 31 + (unsigned char)body[i];
  return htonl(sum);
}

static void on_sent(void *arg, int err, size_t n) {
  lesson_must("send the tray", err);
  lesson_say("Mom has sent %zu bytes in one write", n);
}

static void send_tray(struct beach *beach) {
  memset(beach->body_sent, 'x', SIZE);
  beach->size_sent = htonl(SIZE);
  beach->sum_sent = sum_of(beach->body_sent);
  /* todo: Gather size, body and sum, all of which beach has, in this order and
   * in one write. Its handler is on_sent. */
  ax_cbuf size = ax_cbuffer(&beach->size_sent, sizeof beach->size_sent);
  ax_cbuf sum = ax_cbuffer(&beach->sum_sent, sizeof beach->sum_sent);
  ax_stream_write(beach->mom, AX_CSEQ(size, AX_CBUF(beach->body_sent), sum),
                  ax_call(on_sent, beach));
  /* done */
}

static void on_received(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  lesson_must("receive the tray", err);
  lesson_say("Johnny has %zu bytes: a body of %u", n,
             ntohl(beach->size_received));
  lesson_say(sum_of(beach->body_received) == beach->sum_received
                 ? "the sum is right"
                 : "the sum is WRONG");
}

static void receive_tray(struct beach *beach) {
  /* todo: Scatter what comes over size, body and sum, in one read that goes on
   * until all is there. Its handler is on_received. */
  ax_buf size = ax_buffer(&beach->size_received, sizeof beach->size_received);
  ax_buf sum = ax_buffer(&beach->sum_received, sizeof beach->sum_received);
  ax_stream_read(beach->johnny, AX_SEQ(size, sum, AX_BUF(beach->body_received)),
                 ax_call(on_received, beach));
  /* done */
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Three cups on one tray."};
  lesson_cli(&cli, argc, argv);

  static struct beach beach;
  ax_context *context = ax_context_new();
  beach.mom = ax_stream_new(context);
  beach.johnny = ax_stream_new(context);
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
