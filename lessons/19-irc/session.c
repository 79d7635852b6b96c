/* session.c: a client from its coming to its end.
 *
 * A session has one thing under way at a time: it reads, or its lines are in
 * the hall, and nothing more is read. So a client that says more than the hall
 * can do waits in its own system (back pressure), and between two of its turns
 * everybody else has one (fairness).
 *
 *     read_lines -> on_lines -> hall_turn -> on_turn -> read_lines
 *     strand        strand      hall         strand */
#include "session.h"
#include "host.h"
#include "lesson.h"

#include <stdlib.h>

enum { LINES = 16 }; /* that go to the hall at once */

atomic_long sessions_served, sessions_alive;

void session_free(struct session *s) {
  outbox_free(&s->outbox); /* closes the stream */
  ax_dynbuf_free(&s->in);
  free(s->turn);
  sessions_alive--;
}

static void session_destroy(void *object) {
  session_free(object);
  free(object);
}

/* In the strand, when neither a read nor a turn is under way: what waits leaves
 * first, and then the stream ends so that the client can read it all. */
static void finish(struct session *s) {
  if (hooks_of(s))
    hooks_of(s)->end(s);
  free(s->turn);
  s->turn = NULL;
  outbox_dismiss(&s->outbox, NULL);
}

/* ----------------------------------------------------------------- turns */

static void read_lines(struct session *s);
static void on_turn(void *arg, int err, size_t n);

/* region: turn */
/* In the strand: the lines go to the hall, and the answer comes back here. */
static void take_turn(struct session *s) {
  ax_token token = ax_keep(s, ax_call(on_turn, s));
  s->turn->asked = hooks_of(s) ? ax_now() : 0;
  ax_run_on(s->hall->strand, hall_turn, s->turn,
            ax_on(s->outbox.strand, token));
}

/* In the strand: the hall is done with the lines, or with some of them. When
 * the answer will never leave, as UV_ECANCELED says, the next read will tell
 * why. */
static void on_turn(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err == UV_EAGAIN)
    return; /* it is called again when the answer has left */
  if (err == UV_EOF || s->dismissed) {
    finish(s);
  } else if (s->turn->at < s->turn->count) {
    take_turn(s);
  } else {
    ax_dynbuf_consume(&s->in, s->turn->used);
    free(s->turn);
    s->turn = NULL;
    read_lines(s);
  }
}
/* end: turn */

/* In the strand: there is no memory for what it says, so it goes. */
static void starve(struct session *s) {
  ax_token token = ax_keep(s, ax_call(on_turn, s));
  ax_run_on(s->hall->strand, hall_starve, &s->user,
            ax_on(s->outbox.strand, token));
}

/* With room for so many lines. False when there is no memory: then it goes. */
static bool make_turn(struct session *s, size_t lines) {
  s->turn = malloc(sizeof *s->turn + lines * sizeof *s->turn->lines);
  if (s->turn)
    *s->turn = (struct turn){.user = &s->user,
                             .done = ax_keep(s, ax_call(on_turn, s))};
  else
    starve(s);
  return s->turn;
}

/* In the strand: nothing more will be read. */
static void leave(struct session *s, const char *why) {
  if (!make_turn(s, 0))
    return;
  s->turn->leave = why;
  take_turn(s);
}

/* --------------------------------------------------------------- reading */

/* The rest of a line that was too long becomes one line, which says so. */
static void skip_rest(struct session *s, size_t n) {
  s->too_long = false;
  s->turn->lines[0] =
      (struct line){.fault = LINE_TOO_LONG, .tags = "", .command = ""};
  s->turn->count = 1;
  s->turn->used = n;
}

static void cut_up(struct session *s) {
  ax_cbuf data = ax_dynbuf_data(&s->in);
  s->turn->count = lines_take(s->turn->lines, s->most, (char *)data.base,
                              data.len, &s->turn->used);
}

/* In the strand: a line at least has come. */
static void take_lines(struct session *s, size_t n) {
  if (!make_turn(s, s->most))
    return;
  if (s->too_long)
    skip_rest(s, n);
  else
    cut_up(s);
  s->lines += s->turn->count ? s->turn->count : 1; /* empty ones, too */
  take_turn(s);
}

static const char *reason(const struct session *s, int err) {
  if (s->why)
    return s->why;
  return err == UV_EOF ? "Connection closed" : uv_strerror(err);
}

/* In the strand. */
static void on_lines(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->reading = false;
  if (s->dismissed) {
    finish(s);
  } else if (err == UV_EMSGSIZE) {
    s->too_long = true;
    s->lines++;
    ax_dynbuf_consume(&s->in, LINE_ROOM);
    read_lines(s);
  } else if (err == UV_ENOMEM) {
    starve(s);
  } else if (err) {
    leave(s, reason(s, err));
  } else {
    take_lines(s, n);
  }
}

/* In the strand: a line at least, or what is there already. */
static void read_lines(struct session *s) {
  ax_token token = ax_keep(s, ax_call(on_lines, s));
  if (s->dismissed) {
    finish(s);
    return;
  }
  s->most = hooks_of(s) ? hooks_of(s)->admit(s) : LINES;
  s->most = s->most < LINES ? s->most : LINES;
  s->held = s->most == 0;
  if (s->held)
    return;
  s->reading = true;
  ax_stream_read_until(s->outbox.stream, &s->in, '\n',
                       ax_on(s->outbox.strand, token));
}

void session_go_on(struct session *s) {
  if (s->held)
    read_lines(s);
}

/* ------------------------------------------------------------------- end */

/* region: dismiss */
/* In the strand: the hall has said goodbye. What is under way ends first. */
void session_dismiss(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->dismissed = true;
  if (s->reading)
    ax_stream_cancel_side(s->outbox.stream, AX_READ);
  else if (s->held)
    finish(s);
  s->held = false;
}
/* end: dismiss */

/* In the strand. After a write that failed the read will tell; one who was cut
 * off is not read from, because the stream is closed. */
void session_broken(void *arg, const char *why) {
  struct session *s = arg;
  if (!why)
    return;
  s->why = "SendQ exceeded";
  outbox_end(&s->outbox, why);
}

/* ----------------------------------------------------------------- start */

void session_init(struct session *s, struct hall *hall, ax_stream *stream,
                  void (*destroy)(void *session)) {
  s->hall = hall;
  ax_obj_init(&s->obj, destroy);
  outbox_init(&s->outbox, &s->hall->rules.outbox, s, stream, s->hall->context);
  outbox_opened(&s->outbox);
  ax_dynbuf_init(&s->in, LINE_ROOM);
  s->user.hall = hall;
  s->user.outbox = &s->outbox;
  s->user.session = s;
  host_name(stream, s->user.host);
  sessions_served++;
  sessions_alive++;
}

/* In the strand, like all that touches the stream. */
static void on_start(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (hooks_of(s))
    hooks_of(s)->start(s);
  read_lines(s);
}

void session_serve(struct session *s) {
  ax_post(s->hall->strand, ax_keep(s, ax_call(hall_enter, &s->user)));
  ax_post(s->outbox.strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}

void session_start(void *hall, ax_stream *stream) {
  struct session *s = calloc(1, sizeof *s);
  if (!s) {
    lesson_log("a client was not served: there is no memory for it");
    ax_unref(stream);
    return;
  }
  session_init(s, hall, stream, session_destroy);
  session_serve(s);
}
