/* The exercise of lesson 7: who owns the cup, and how long? Two kids wait for
 * 16 bytes each, which come in halves. */
#include "ax.h"
#include "lesson.h"

struct kid {
  const char *name;
  ax_stream *mom, *stream; /* the two ends of its socket */
  /* todo: A kid has to have what it waits for. */
  char cup[16];
  /* done */
};

static void on_full(void *arg, int err, size_t n) {
  struct kid *kid = arg;
  lesson_must("fill the cup", err);
  /* todo: Show the n bytes that have come, where they are: "%.*s" takes an int,
   * how many, and a pointer. */
  lesson_say("%s has %.*s", kid->name, (int)n, kid->cup);
  /* given: lesson_say("%s has %.*s", kid->name, 0, ""); */
  /* done */
}

/* Hands in an empty cup, and returns. */
static void wait_for_drink(struct kid *kid) {
  /* todo: This cup is gone when the function returns, and the read fills it
   * later. Give it another place. */
  ax_stream_read(kid->stream, AX_SEQ(AX_BUF(kid->cup)), ax_call(on_full, kid));
  /* given: char cup[16]; */
  /* given: ax_stream_read(kid->stream, AX_SEQ(AX_BUF(cup)), */
  /* given:                ax_call(on_full, kid)); */
  /* done */
}

static void on_sent(void *arg, int err, size_t n) {
  lesson_must("send a half", err);
}

static void send_half(struct kid *kid, const char *half) {
  lesson_say("Mom sends \"%s\" to %s", half, kid->name);
  ax_stream_write(kid->mom, AX_CSEQ(ax_cstring(half)), ax_call(on_sent, NULL));
}

struct beach {
  ax_timer *timer;
  struct kid ann, ben;
};

static void on_second_ding(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  send_half(&beach->ann, " for Ann");
  send_half(&beach->ben, " for Ben");
}

static void on_first_ding(void *arg, int err, size_t n) {
  struct beach *beach = arg;
  send_half(&beach->ann, "lemonade");
  send_half(&beach->ben, "iced tea");
  ax_timer_expires_after(beach->timer, lesson_seconds(1));
  ax_timer_wait(beach->timer, ax_call(on_second_ding, beach));
}

static struct kid kid_of(ax_context *context, const char *name) {
  struct kid kid = {.name = name,
                    .mom = ax_stream_new(context),
                    .stream = ax_stream_new(context)};
  lesson_must("connect the two", ax_stream_pair(kid.mom, kid.stream));
  return kid;
}

static void leave(struct kid *kid) {
  ax_unref(kid->mom);
  ax_unref(kid->stream);
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Two kids and their cups."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  struct beach beach = {.timer = ax_timer_new(context),
                        .ann = kid_of(context, "Ann"),
                        .ben = kid_of(context, "Ben")};
  wait_for_drink(&beach.ann);
  wait_for_drink(&beach.ben);
  ax_timer_expires_after(beach.timer, lesson_seconds(5));
  ax_timer_wait(beach.timer, ax_call(on_first_ding, &beach));
  ax_run(context);
  lesson_say("done");

  leave(&beach.ann);
  leave(&beach.ben);
  ax_unref(beach.timer);
  ax_context_free(context);
  return 0;
}
