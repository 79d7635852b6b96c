/* Two writes of one stream are initiated, and the first one is still pending.
 *
 * If both went to the kernel, their bytes could mix. The core refuses: the
 * second write ends with UV_EBUSY and sends nothing, and who ignores `err` has
 * lost it. In the twin one write gathers both.
 *
 * Prints: second: resource busy or locked
 * Fixed: both: 0
 * Fixed: came: eat, drink
 */
#include "lesson.h"

#include <stdio.h>

static char cup[10];

static void on_first(void *arg, int err, size_t n) {
  printf("first: %s\n", err ? uv_strerror(err) : "0");
}

static void on_second(void *arg, int err, size_t n) {
  printf("second: %s\n", err ? uv_strerror(err) : "0");
}

static void on_came(void *arg, int err, size_t n) {
  printf("came: %.*s\n", (int)n, cup);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *mom = ax_stream_new(context), *johnny = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(mom, johnny));
  ax_cbuf eat = ax_cstring("eat, "), drink = ax_cstring("drink");
  ax_stream_write(mom, AX_CSEQ(eat), ax_call(on_first, NULL));
  ax_stream_write(mom, AX_CSEQ(drink), ax_call(on_second, NULL));
  ax_stream_read_some(johnny, AX_SEQ(AX_BUF(cup)), ax_call(on_came, NULL));
  ax_run(context);
  ax_unref(mom);
  ax_unref(johnny);
  ax_context_free(context);
}
