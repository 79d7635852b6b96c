/* A broadcast edits the list that it walks.
 *
 * For one of the sessions too much waits already. It is cut off where that is
 * noticed: off the list, and freed, while the broadcast stands on it. One
 * strand is no help, for it is one handler that does both. The twin posts the
 * end.
 *
 * Address: heap-use-after-free, in broadcast
 * Fixed: all were cut off
 */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

struct session {
  ax_obj obj;
  LIST_ENTRY(session) others;
  int waiting, limit; /* of updates */
};

static LIST_HEAD(sessions, session) sessions;
static ax_strand *strand; /* all of this is in it */

static void session_free(void *object) { free(object); }

static void session_enter(int limit) {
  struct session *s = lesson_alloc(sizeof *s);
  ax_obj_init(&s->obj, session_free);
  s->waiting = 0, s->limit = limit;
  LIST_INSERT_HEAD(&sessions, s, others);
}

static void session_leave(void *arg, int err, size_t n) {
  struct session *s = arg;
  LIST_REMOVE(s, others);
  ax_unref(s);
}

static void session_send(struct session *s) {
  if (++s->waiting == s->limit)
    session_leave(s, 0, 0);
}

static void broadcast(void *arg, int err, size_t n) {
  struct session *s = LIST_FIRST(&sessions);
  for (; s; s = LIST_NEXT(s, others))
    session_send(s);
}

int main(void) {
  ax_context *context = ax_context_new();
  strand = ax_strand_new(context);
  for (int limit = 1; limit <= 3; limit++)
    session_enter(limit);
  for (int update = 0; update < 3; update++)
    ax_post(strand, ax_call(broadcast, NULL));
  ax_run(context);
  printf("%s\n", LIST_EMPTY(&sessions) ? "all were cut off" : "some stayed");
  ax_unref(strand);
  ax_context_free(context);
}
