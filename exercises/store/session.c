/* session.c: one circle, as in lesson 10.
 *
 *     read_line -> on_line -> (on_value) -> on_done -> on_replied -> read_line
 *
 * From on_line to on_done it is away, in the strand of the store: lesson 14. */
#include "session.h"
#include "../../lessons/12-framing/linger.h"
#include "command.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
  ax_obj obj;
  struct hall *hall;
  ax_strand *strand;
  ax_stream *stream;
  ax_time deadline; /* of the command as a whole */
  ax_dynbuf in;
  struct request request;
  const char *wrong; /* with the command */
  bool last;         /* after this reply comes the end */
  char reply[128];
};

static ax_token in_strand(struct session *s, ax_token token) {
  return ax_on(s->strand, ax_keep(s, token));
}

/* For what the client has to do. */
static ax_token in_time(struct session *s, ax_token token) {
  ax_time moment = ax_now();
  ax_time left = s->deadline > moment ? s->deadline - moment : 1;
  return ax_within(left, in_strand(s, token));
}

static void next_command(struct session *s);

/* ----------------------------------------------------------------- replies */

static void on_replied(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_unref(s->request.entry);
  s->request.entry = NULL;
  if (err)
    return;
  if (s->last)
    linger(s->stream, s->strand);
  else
    next_command(s);
}

static void reply(struct session *s, const char *word, const char *more) {
  snprintf(s->reply, sizeof s->reply, "%s%s%s\n", word, *more ? " " : "", more);
  s->deadline = ax_now() + s->hall->idle;
  ax_stream_write(s->stream, AX_CSEQ(ax_cstring(s->reply)),
                  in_time(s, ax_call(on_replied, s)));
}

static void reply_last(struct session *s, const char *word, const char *more) {
  s->last = true;
  reply(s, word, more);
}

static void reply_number(struct session *s, const char *word, size_t number) {
  char text[24];
  snprintf(text, sizeof text, "%zu", number);
  reply(s, word, text);
}

/* From where the value is: the entry stays until the write is done. */
static void reply_value(struct session *s) {
  struct entry *e = s->request.entry;
  snprintf(s->reply, sizeof s->reply, "VALUE %zu\n", e->n);
  s->deadline = ax_now() + s->hall->idle;
  ax_stream_write(s->stream,
                  AX_CSEQ(ax_cstring(s->reply), ax_cbuffer(e->value, e->n),
                          ax_cbuffer("\n", 1)),
                  in_time(s, ax_call(on_replied, s)));
}

/* -------------------------------------------------------- there, and back */

static void on_done(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err == UV_ENOENT)
    reply(s, "NONE", "");
  else if (err)
    reply(s, "ERROR", err == UV_ENOSPC ? "the store is full" : "not now");
  else if (s->request.verb == GET)
    reply_value(s);
  else if (s->request.verb == COUNT)
    reply_number(s, "COUNT", s->request.count);
  else
    reply(s, "OK", "");
}

static void obey(struct session *s) {
  if (s->wrong)
    reply(s, "ERROR", s->wrong);
  else if (s->request.verb == QUIT)
    reply_last(s, "BYE", "");
  else
    ax_run_on(s->hall->store.strand, store_work, &s->request,
              in_strand(s, ax_call(on_done, s)));
}

/* ---------------------------------------------------------------- commands */

/* True when the client is not to be heard any more. */
static bool failed(struct session *s, int err) {
  if (err == UV_ETIMEDOUT)
    reply_last(s, "TIMEOUT", "");
  else if (err == UV_EMSGSIZE)
    reply_last(s, "ERROR", "the line is too long");
  return err != 0;
}

static void on_value(void *arg, int err, size_t n) {
  struct session *s = arg;
  struct entry *e = s->request.entry;
  if (failed(s, err))
    return;
  if (e->value[e->n] != '\n')
    reply_last(s, "ERROR", "no LF behind the value");
  else
    obey(s);
}

/* Some of it may have come with the line. What nobody wants is read as well:
 * the next command stands behind it. */
static void read_value(struct session *s, size_t n) {
  struct entry *e = s->request.entry = entry_new(&s->hall->store, n);
  if (!e) {
    reply_last(s, "ERROR", "out of memory");
    return;
  }
  ax_cbuf come = ax_dynbuf_data(&s->in);
  size_t have = come.len < n + 1 ? come.len : n + 1;
  memcpy(e->value, come.base ? come.base : "", have);
  ax_dynbuf_consume(&s->in, have);
  ax_stream_read(s->stream, AX_SEQ(ax_buffer(e->value + have, n + 1 - have)),
                 in_time(s, ax_call(on_value, s)));
}

static void on_line(void *arg, int err, size_t n) {
  struct session *s = arg;
  long value;
  bool lost;
  if (failed(s, err))
    return;
  const char *line = ax_dynbuf_data(&s->in).base;
  size_t length = n - 1 - (n > 1 && line[n - 2] == '\r');
  s->wrong = command_parse(&s->request, line, length, &value, &lost);
  ax_dynbuf_consume(&s->in, n);
  if (lost)
    reply_last(s, "ERROR", s->wrong);
  else if (value >= 0)
    read_value(s, (size_t)value);
  else
    obey(s);
}

static void next_command(struct session *s) {
  s->deadline = ax_now() + s->hall->idle;
  ax_stream_read_until(s->stream, &s->in, '\n',
                       in_time(s, ax_call(on_line, s)));
}

/* ------------------------------------------------------ beginning and end */

static void session_destroy(void *object) {
  struct session *s = object;
  s->hall->alive--;
  ax_unref(s->request.entry);
  ax_dynbuf_free(&s->in);
  ax_unref(s->stream); /* closes it */
  ax_unref(s->strand);
  free(s);
}

/* In the strand, like all handlers here. */
static void on_start(void *arg, int err, size_t n) { next_command(arg); }

void session_start(void *arg, ax_stream *stream) {
  struct hall *hall = arg;
  struct session *s = calloc(1, sizeof *s);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  ax_obj_init(&s->obj, session_destroy);
  s->hall = hall;
  s->stream = stream;
  s->strand = ax_strand_new(hall->context);
  s->request.store = &hall->store;
  ax_dynbuf_init(&s->in, LINE_BYTES);
  hall->served++;
  hall->alive++;
  ax_post(s->strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}
