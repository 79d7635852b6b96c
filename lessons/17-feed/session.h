/* session.h: one client of the feed. */
#ifndef SESSION_H
#define SESSION_H

#include "feed.h"

struct session {
  ax_obj obj;
  struct feed *feed;
  struct outbox outbox;       /* and with it the stream and the strand */
  ax_dynbuf in;               /* what has come of the next command */
  LIST_ENTRY(session) others; /* in the feed's list, in its strand ... */
  bool entered;               /* ... as long as this is set */
  TAILQ_ENTRY(session) line;  /* of those who wait for a reply, ... */
  ax_op *turn;                /* ... which is completed when it is its turn */
};

/* Serves a new connection; `feed` is a struct feed. For a listener. */
void session_start(void *feed, ax_stream *stream);

/* In the session's strand: ends it at once, with the reason for standard error,
 * or NULL. Twice is once. */
void session_end(void *session, const char *why);

/* In the session's strand: the reply to a sync has left, or never will. A
 * handler. */
ax_fn session_synced;

/* Sessions served so far, and those that are alive. Any thread. */
extern atomic_long sessions_served, sessions_alive;

#endif
