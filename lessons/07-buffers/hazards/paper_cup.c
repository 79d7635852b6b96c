/* A read is pending, and its buffer is gone.
 *
 * The buffer is a local variable of a block that has ended. The core fills that
 * memory when the bytes come, whatever is there by then. In the twin the cup
 * lives as long as the operation.
 *
 * Address: stack-use-after-scope, in main
 * Fixed: Johnny has 12 bytes
 */
#include "lesson.h"

#include <stdio.h>

static void on_full(void *arg, int err, size_t n) {
  printf("Johnny has %zu bytes\n", n);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *mom = ax_stream_new(context);
  ax_stream *johnny = ax_stream_new(context);
  lesson_must("connect the two", ax_stream_pair(mom, johnny));
  {
    char cup[12];
    ax_stream_read(johnny, AX_SEQ(AX_BUF(cup)), ax_call(on_full, NULL));
  }
  ax_stream_write(mom, AX_CSEQ(ax_cstring("dinner time!")), (ax_token){0});
  ax_run(context);
  ax_unref(mom);
  ax_unref(johnny);
  ax_context_free(context);
}
