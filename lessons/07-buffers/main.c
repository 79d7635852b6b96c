/* Lesson 7: buffers.
 *
 * A buffer is an address and a length. It owns nothing: the memory belongs to
 * the family that brought it. */
#include "ax.h"
#include "lesson.h"

#include <ctype.h>
#include <stdio.h>

/* region: cups */
/* Mom sends from full cups. These never change and never go away. */
static const char message[] = "dinner time!";
static const uint8_t code[] = {0xde, 0xad, 0xbe, 0xef};

/* Johnny's cup is empty and gets filled. It lives in main(), and main() does
 * not end before ax_run() has returned. */
struct beach {
  ax_timer *timer;
  ax_stream *mom;
  ax_stream *johnny;
  uint8_t cup[16];
};
/* end: cups */

/* region: show */
/* It only looks, so it takes a const buffer. Letters are shown as they are,
 * other bytes in hexadecimal. */
static void show(const char *what, ax_cbuf buf) {
  const uint8_t *byte = buf.base;
  char text[80] = "";
  size_t used = 0;

  for (size_t i = 0; i < buf.len && used + 5 < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used,
                             isprint(byte[i]) ? "%c" : "\\x%02x", byte[i]);
  lesson_say("%s %zu bytes: %s", what, buf.len, text);
}
/* end: show */

/* region: full */
static void on_full(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  if (err)
    lesson_say("the cup is not full: %s", uv_strerror(err));
  show("Johnny has", ax_const(ax_buffer(beach->cup, n)));
}
/* end: full */

static void wait_for_ding(struct beach *beach, double seconds, ax_token token) {
  ax_timer_expires_after(beach->timer, lesson_seconds(seconds));
  ax_timer_wait(beach->timer, token);
}

static void on_code_sent(void *arg, int err, size_t n) {
  lesson_must("send the code", err);
}

static void on_second_ding(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  show("Mom sends", AX_CBUF(code));
  ax_stream_write(beach->mom, AX_CSEQ(AX_CBUF(code)),
                  ax_call(on_code_sent, beach));
}

/* region: send */
static void on_message_sent(void *arg, int err, size_t n) {
  lesson_must("send the message", err);
  wait_for_ding(arg, 1, ax_call(on_second_ding, arg));
}

static void on_ding(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  ax_cbuf text = ax_cstring(message);
  show("Mom sends", text);
  ax_stream_write(beach->mom, AX_CSEQ(text), ax_call(on_message_sent, beach));
}
/* end: send */

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Two full cups are poured into one."};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  struct beach beach = {.timer = ax_timer_new(context),
                        .mom = ax_stream_new(context),
                        .johnny = ax_stream_new(context)};
  lesson_must("connect the two", ax_stream_pair(beach.mom, beach.johnny));

  /* region: read */
  ax_buf cup = AX_BUF(beach.cup);
  lesson_say("Johnny hands in a cup of %zu bytes", cup.len);
  ax_stream_read(beach.johnny, AX_SEQ(cup), ax_call(on_full, &beach));
  /* end: read */
  wait_for_ding(&beach, 5, ax_call(on_ding, &beach));
  ax_run(context);
  lesson_say("done");

  ax_unref(beach.johnny);
  ax_unref(beach.mom);
  ax_unref(beach.timer);
  ax_context_free(context);
  return 0;
}
