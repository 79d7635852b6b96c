/* session.h: one client, at home: its stream, its bytes and its strand. What it
 * is for others is its user, and that belongs to the hall. */
#ifndef SESSION_H
#define SESSION_H

#include "hall.h"

/* region: session */
struct session {
  ax_obj obj;
  struct hall *hall;
  struct outbox outbox; /* and with it the stream and the strand */

  /* In the strand. */
  ax_dynbuf in;      /* lines for the hall, and what came since */
  struct turn *turn; /* those that are there now, or NULL */
  const char *why;   /* it is cut off */
  size_t lines;      /* taken so far */
  size_t most;       /* lines that may go to the hall at once */
  bool reading;      /* a read is pending */
  bool held;         /* it may not read on: see hooks.admit */
  bool too_long;     /* the rest of a line is to be skipped */
  bool dismissed;    /* the hall has said goodbye */

  /* In the hall. */
  struct user user;
};
/* end: session */

/* NULL: there are none. */
static inline const struct hooks *hooks_of(const struct session *session) {
  return session->hall->rules.hooks;
}

/* Serves a new connection; `hall` is a struct hall. For a listener. */
void session_start(void *hall, ax_stream *stream);

/* Its parts, for a server whose sessions have more: `session` is the first
 * member of something that is all zero, and that destroy frees. The first call
 * takes over the reference to the stream; the second one serves, and takes over
 * that to the session. session_free is for destroy: it frees what a session
 * has. */
void session_init(struct session *session, struct hall *hall, ax_stream *stream,
                  void (*destroy)(void *session));
void session_serve(struct session *session);
void session_free(struct session *session);

/* In the strand: reads on, if it was held back. */
void session_go_on(struct session *session);

/* For the rules of the hall and of its outboxes. */
ax_fn session_dismiss;
void session_broken(void *session, const char *why);

/* Sessions served so far, and those that are alive. Any thread. */
extern atomic_long sessions_served, sessions_alive;

#endif
