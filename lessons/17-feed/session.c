/* session.c: one client, from its coming to its end.
 *
 * Its operations keep a session: it reads a command, has the feed put the reply
 * in its outbox, waits until that has left, and reads the next. So a client
 * that asks again and again, and does not read, is not heard.
 *
 *     read_command -> on_command -> feed_sync -> session_synced -> ...
 *     strand          strand        feed's       strand
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

enum { COMMAND_LIMIT = 1024 }; /* bytes, the newline included */

atomic_long sessions_served, sessions_alive;

static void session_destroy(void *object) {
  struct session *s = object;
  feed_leave(s, 0, 0);     /* it has left, unless the server ends */
  outbox_free(&s->outbox); /* closes the stream */
  ax_dynbuf_free(&s->in);
  free(s);
  sessions_alive--;
}

void session_end(void *session, const char *why) {
  struct session *s = session;
  outbox_end(&s->outbox, why);
  ax_post(s->feed->strand, ax_keep(s, ax_call(feed_leave, s)));
}

/* The first word of a line, which ends with a newline, is "sync". */
static bool is_sync(const char *line) {
  return strcspn(line, " \r\n") == 4 && memcmp(line, "sync", 4) == 0;
}

/* region: command */
static void on_command(void *arg, int err, size_t n);

static void read_command(struct session *s) {
  ax_token token = ax_keep(s, ax_call(on_command, s));
  ax_stream_read_until(s->outbox.stream, &s->in, '\n',
                       ax_on(s->outbox.strand, token));
}

/* In the strand: a whole line has come, in whatever pieces. */
static void on_command(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err) {
    session_end(s, err == UV_EMSGSIZE ? "its command is too long" : NULL);
    return;
  }
  bool sync = is_sync(ax_dynbuf_data(&s->in).base);
  ax_dynbuf_consume(&s->in, n);
  if (sync)
    ax_post(s->feed->strand, ax_keep(s, ax_call(feed_sync, s)));
  else
    read_command(s);
}
/* end: command */

/* In the strand: the reply has left, or never will. */
void session_synced(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (!err)
    read_command(s);
}

/* In the strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) { read_command(arg); }

void session_start(void *feed, ax_stream *stream) {
  struct session *s = malloc(sizeof *s);
  if (!s)
    abort();
  *s = (struct session){.feed = feed};
  ax_obj_init(&s->obj, session_destroy);
  outbox_init(&s->outbox, &s->feed->rules, s, stream, s->feed->executor);
  ax_dynbuf_init(&s->in, COMMAND_LIMIT);
  sessions_served++;
  sessions_alive++;
  ax_post(s->feed->strand, ax_keep(s, ax_call(feed_enter, s)));
  ax_post(s->outbox.strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}
