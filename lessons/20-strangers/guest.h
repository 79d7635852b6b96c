/* guest.h: a session of lesson 19, and what it needs among people one does not
 * know: an alarm and a bucket. */
#ifndef GUEST_H
#define GUEST_H

#include "../19-irc/session.h"
#include "door.h"

/* Serves a client that was let in; takes over the stream. */
void guest_start(struct hall *hall, ax_stream *stream, struct address *address,
                 unsigned long number);

/* For the rules of the hall and of its outboxes. */
extern const struct hooks guest_hooks;
void guest_broken(void *guest, const char *why);

#endif
