/* session.h: one client of the echo server, which is closed when it has been
 * idle for too long. */
#ifndef SESSION_H
#define SESSION_H

#include "ax.h"

/* How long a session may be idle. Set it before the first session. */
extern ax_time session_limit;

/* Begins a session on a stream, whose reference it takes: with an alarm of its
 * own (session.c), or by ax_within (short.c). Any thread. */
typedef void start_fn(ax_stream *stream);
start_fn session_start, short_start;

/* Says whom the server closes. */
void session_report(ax_stream *stream, const char *why);

/* Sessions served so far, and those that are alive. Any thread. */
extern atomic_long sessions_served, sessions_alive;

#endif
