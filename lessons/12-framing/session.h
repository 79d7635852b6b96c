/* session.h: one client of the echo server. How its messages are framed is the
 * business of nul.c and length.c; what a session is otherwise, of session.c.
 *
 * A session has one operation at a time, which keeps it: it reads a message,
 * then writes it, then reads the next. So it needs no strand, and when no
 * operation is left it is gone. */
#ifndef SESSION_H
#define SESSION_H

#include "ax.h"

/* region: session */
struct session {
  ax_obj obj;
  ax_stream *stream;
  size_t limit;      /* bytes in a message, without its frame */
  ax_dynbuf in;      /* nul: what has come and was not written back yet */
  uint8_t header[2]; /* length: of the message ... */
  char *body;        /* ... that is here */
};
/* end: session */

/* A session on an open stream, whose reference it takes. */
struct session *session_new(ax_stream *stream, size_t limit);

/* The session will be gone when the handler that calls this has returned. An
 * error, but for 0, is told on standard error; UV_EOF is one when it comes in
 * the middle of a message. */
void session_end(const struct session *session, int err);

/* Reads the first message. There is one such function for each framing. */
typedef void start_fn(struct session *session);
start_fn nul_start, length_start;

/* Sessions served so far, and those that are alive. Any thread. */
extern atomic_long sessions_served, sessions_alive;

#endif
