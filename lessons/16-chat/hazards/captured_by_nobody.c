/* A message is posted, and nobody holds it.
 *
 * Whoever made it releases it, and the post does not keep it: it is gone when
 * its handler runs. The twin's token keeps it.
 *
 * Address: heap-use-after-free, in on_message
 * Fixed: who wants a slushie?
 * Fixed: I do
 */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

/* A packet on its way. */
struct message {
  ax_obj obj;
  char bytes[32];
};

static void message_free(void *object) { free(object); }

/* In the strand of its receiver. */
static void on_message(void *arg, int err, size_t n) {
  const struct message *m = arg;
  puts(m->bytes);
}

static void chat_send(ax_strand *strand, const char *text) {
  struct message *m = lesson_alloc(sizeof *m);
  ax_obj_init(&m->obj, message_free);
  snprintf(m->bytes, sizeof m->bytes, "%s", text);
  ax_post(strand, ax_call(on_message, m));
  ax_unref(m);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  chat_send(strand, "who wants a slushie?");
  chat_send(strand, "I do");
  ax_run(context);
  ax_unref(strand);
  ax_context_free(context);
}
