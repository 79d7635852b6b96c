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

/* A session on an open stream, whose reference it takes. NULL: there is no
 * memory, and the stream stays yours. */
struct session *session_new(ax_stream *stream, size_t limit);

/* Call it last in a handler: when that has returned, the session is gone.
 *
 * 0 is a goodbye between two messages. Anything else, also UV_EOF in the middle
 * of a message, is logged, and the peer gets the time to read what was sent to
 * it (linger.h). */
void session_end(const struct session *session, int err);

/* Reads the first message. There is one such function for each framing. */
typedef void start_fn(struct session *session);
start_fn nul_start, length_start;

/* Sessions served so far, and those that are alive. Any thread. */
extern atomic_long sessions_served, sessions_alive;

#endif
