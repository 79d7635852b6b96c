/* session.c: one client, from its coming to its end.
 *
 * Its operations keep a session: it reads a command, has the feed put the reply
 * in its outbox, waits until that has left, and reads the next. So a client
 * that asks again and again, and does not read, is not heard.
 *
 * A client that has ended its side still listens, until a write fails. The
 * heartbeats see to it that one who has left is found soon.
 *
 *     read_command -> on_command -> feed_sync -> session_synced -> ...
 *     strand          strand        feed's       strand
 */
#include "session.h"
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

enum { COMMAND_LIMIT = 1024 }; /* bytes, the newline included */

atomic_long sessions_served, sessions_alive;

static void session_destroy(void *object) {
  struct session *s = object;
  feed_forget(s);          /* it has left, unless the server ends */
  outbox_free(&s->outbox); /* closes the stream */
  ax_dynbuf_free(&s->in);
  free(s);
  sessions_alive--;
}

static void leave(struct session *s) {
  ax_post(s->feed->strand, ax_keep(s, ax_call(feed_leave, s)));
}

void session_end(void *session, const char *why) {
  struct session *s = session;
  outbox_end(&s->outbox, why);
  leave(s);
}

/* In the strand: it has made a mistake, and gets what was sent before. */
static void session_dismiss(struct session *s, const char *why) {
  outbox_dismiss(&s->outbox, why);
  leave(s);
}

/* The first word of a line, which ends with a newline, is "sync". */
static bool is_sync(const char *line) {
  return strcspn(line, " \r\n") == 4 && memcmp(line, "sync", 4) == 0;
}

/* In the strand: nothing more will be read. */
static void on_no_command(struct session *s, int err) {
  if (err == UV_EMSGSIZE)
    session_dismiss(s, "its command is too long");
  else if (err == UV_ENOMEM)
    session_dismiss(s, "there is no memory for its command");
  else if (err != UV_EOF || !outbox_listens_on(&s->outbox))
    session_end(s, NULL);
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
    on_no_command(s, err);
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

void session_synced(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_post(s->feed->strand, ax_keep(s, ax_call(feed_synced, s)));
  if (!err) /* otherwise it has been ended */
    read_command(s);
}

/* In the strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) { read_command(arg); }

void session_start(void *feed, ax_stream *stream) {
  struct session *s = malloc(sizeof *s);
  if (!s) {
    lesson_log("a client was not served: there is no memory for it");
    ax_unref(stream);
    return;
  }
  *s = (struct session){.feed = feed};
  ax_obj_init(&s->obj, session_destroy);
  outbox_init(&s->outbox, &s->feed->rules, s, stream, s->feed->executor);
  outbox_opened(&s->outbox);
  ax_dynbuf_init(&s->in, COMMAND_LIMIT);
  sessions_served++;
  sessions_alive++;
  ax_post(s->feed->strand, ax_keep(s, ax_call(feed_enter, s)));
  ax_post(s->outbox.strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}
