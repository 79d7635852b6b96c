/* The twin of broadcast_edits.c: who has to go leaves in a handler of its own.
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
    ax_post(strand, ax_call(session_leave, s));
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
