/* The twin of local_line.c: each line stays until ax_run has returned. */
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
  char lines[PEOPLE][32];
  for (int i = 0; i < PEOPLE; i++) {
    snprintf(lines[i], sizeof lines[i], "%s is here", people[i]);
    ax_post(room, ax_call(room_say, lines[i]));
  }
  ax_run(context);
  ax_unref(room);
  ax_context_free(context);
}
