/* session.c: one circle, as in lesson 10.
 *
 *     read_line -> on_line ... -> on_opened -> send_piece -> on_written
 *                                     |            ^             |
 *     refuse -> on_refused            +- read_on -> on_piece <---+
 *
 * There is one operation at a time, which keeps the session; its strand makes
 * sure of that. A handler that starts no other operation ends it. */
#include "session.h"
#include "../../lessons/12-framing/linger.h"
#include "file.h"
#include "lesson.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

struct session {
  ax_obj obj;
  struct site *site;
  ax_strand *strand;
  ax_stream *stream;
  ax_time deadline; /* of the request as a whole, not of each line */
  ax_dynbuf in;
  size_t head; /* bytes of the request so far */
  int status;
  struct request request;
  struct file file;
  char reply[512]; /* the head of it, and all when it refuses */
};

static ax_token in_strand(struct session *s, ax_token token) {
  return ax_on(s->strand, ax_keep(s, token));
}

/* The reply is complete. Unread bytes must not turn its end into a reset. */
static void session_end(struct session *s) { linger(s->stream, s->strand); }

/* ----------------------------------------------------------------- refused */

static void on_refused(void *arg, int err, size_t n) {
  if (!err)
    session_end(arg);
}

static void refuse(struct session *s, int status) {
  const char *words = status_words(status);
  char text[64];
  int n = snprintf(text, sizeof text, "%d %s\n", status, words);
  snprintf(s->reply, sizeof s->reply,
           "HTTP/1.0 %d %s\r\nContent-Type: text/plain\r\n"
           "Content-Length: %d\r\n\r\n%s",
           status, words, n, s->request.head ? "" : text);
  ax_stream_write(
      s->stream, AX_CSEQ(ax_cstring(s->reply)),
      ax_within(s->site->limit, in_strand(s, ax_call(on_refused, s))));
}

static int status_of(int err) {
  switch (err) {
  case UV_ENOENT:
  case UV_ENOTDIR:
  case UV_ENAMETOOLONG:
  case UV_ELOOP:
  case UV_ENXIO:
    return 404;
  case UV_EACCES:
  case UV_EPERM:
    return 403;
  default:
    return 500;
  }
}

/* ------------------------------------------------------------------ a file */

static void on_piece(void *arg, int err, size_t n);

static void read_on(struct session *s) {
  ax_run_on(s->site->disk, file_read, &s->file,
            in_strand(s, ax_call(on_piece, s)));
}

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err)
    return;
  s->reply[0] = '\0'; /* the head has left */
  if (s->file.at < s->file.size && !s->request.head)
    read_on(s);
  else
    session_end(s);
}

static void send_piece(struct session *s) {
  ax_cbuf piece = ax_cbuffer(s->file.piece, s->file.n);
  ax_stream_write(
      s->stream, AX_CSEQ(ax_cstring(s->reply), piece),
      ax_within(s->site->limit, in_strand(s, ax_call(on_written, s))));
}

/* An error here breaks the promise of Content-Length, and closing without more
 * bytes is how the client learns of it. */
static void on_piece(void *arg, int err, size_t n) {
  if (!err)
    send_piece(arg);
}

static void on_opened(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err) {
    refuse(s, status_of(err));
    return;
  }
  snprintf(s->reply, sizeof s->reply,
           "HTTP/1.0 200 OK\r\nContent-Type: %s\r\n"
           "Content-Length: %lld\r\n\r\n",
           content_type(s->request.path), (long long)s->file.size);
  if (s->request.head)
    send_piece(s);
  else
    read_on(s);
}

/* ------------------------------------------------------------- the request */

static void on_line(void *arg, int err, size_t n);

static void read_line(struct session *s) {
  ax_time moment = ax_now();
  ax_time left = s->deadline > moment ? s->deadline - moment : 1;
  ax_stream_read_until(s->stream, &s->in, '\n',
                       ax_within(left, in_strand(s, ax_call(on_line, s))));
}

static void answer(struct session *s) {
  if (s->status != 200)
    refuse(s, s->status);
  else
    ax_run_on(s->site->disk, file_open, &s->file,
              in_strand(s, ax_call(on_opened, s)));
}

/* The first line is the request, an empty one its end; others do not matter.
 * True at the end. */
static bool take_line(struct session *s, const char *line, size_t n) {
  n -= n > 0 && line[n - 1] == '\r';
  if (s->status)
    return n == 0;
  s->status = request_parse(&s->request, line, n);
  return false;
}

static void on_line(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->head += n;
  if (err == UV_EMSGSIZE || s->head > HEAD_MAX) {
    refuse(s, 431);
  } else if (err == UV_ETIMEDOUT) {
    refuse(s, 408);
  } else if (!err) {
    bool whole = take_line(s, ax_dynbuf_data(&s->in).base, n - 1);
    ax_dynbuf_consume(&s->in, n);
    if (whole)
      answer(s);
    else
      read_line(s);
  }
}

/* ------------------------------------------------------ beginning and end */

static void session_destroy(void *object) {
  struct session *s = object;
  s->site->alive--;
  file_close(&s->file);
  ax_dynbuf_free(&s->in);
  ax_unref(s->stream); /* closes it */
  ax_unref(s->strand);
  free(s);
}

/* In the strand. */
static void on_start(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->deadline = ax_now() + s->site->limit;
  read_line(s);
}

void session_start(void *arg, ax_stream *stream) {
  struct site *site = arg;
  struct session *s = calloc(1, sizeof *s);
  if (!s) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  ax_obj_init(&s->obj, session_destroy);
  s->site = site;
  s->stream = stream;
  s->strand = ax_strand_new(site->context);
  s->file =
      (struct file){.root = site->root, .path = s->request.path, .fd = -1};
  ax_dynbuf_init(&s->in, HEAD_MAX);
  site->served++;
  site->alive++;
  ax_post(s->strand, ax_keep(s, ax_call(on_start, s)));
  ax_unref(s);
}
