/* Lines are posted from a buffer of the loop that makes them.
 *
 * A post returns at once. When its handler runs the loop is over, and its
 * buffer with it; and all three handlers look at the same one. The twin has a
 * buffer for each line, which outlives its handler.
 *
 * Address: stack-use-after-scope, in room_say
 * Fixed: Ann is here
 * Fixed: Bob is here
 * Fixed: Cid is here
 */
#include "lesson.h"

#include <stdio.h>

/* In the room's strand. */
static void room_say(void *arg, int err, size_t n) {
  const char *line = arg;
  puts(line);
}

int main(void) {
  enum { PEOPLE = 3 };
  static const char *const people[PEOPLE] = {"Ann", "Bob", "Cid"};
  ax_context *context = ax_context_new();
  ax_strand *room = ax_strand_new(context);
  for (int i = 0; i < PEOPLE; i++) {
    char line[32];
    snprintf(line, sizeof line, "%s is here", people[i]);
    ax_post(room, ax_call(room_say, line));
  }
  ax_run(context);
  ax_unref(room);
  ax_context_free(context);
}
