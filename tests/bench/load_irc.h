/* load_irc.h: clients of an IRC server: how they come, and what they hear. */
#ifndef LOAD_IRC_H
#define LOAD_IRC_H

#include "load_people.h"

enum { IRC_LINE = 512, IRC_NICK = 6 };

/* Stages of a client; protocols that build on this one may have more. */
enum { IRC_AWAY, IRC_COMING, IRC_JOINING, IRC_IN, IRC_STAGES };

/* For struct protocol: a line ends with LF. */
size_t irc_measure(const char *bytes, size_t size);

void irc_say(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Connects and says who it is. It joins its channel when it is welcome. */
void irc_come(struct client *client);

/* To be called for each line that is not expected to be something else: answers
 * a PING, joins after the welcome, and is in when the names have come. */
void irc_hear(struct client *client, const char *line, size_t size);

/* Has all of them come, so many at a time (ngircd lets ten wait); ends the
 * program when they cannot. */
enum { IRC_FEW = 8 };
void irc_all_come(const struct options *options, long at_once);

/* Whose line it is: a number beyond all clients when it is the server's. */
uint32_t irc_sender(const char *line, size_t size);

/* Is that the command, or the numeric, of the line? */
bool irc_is(const char *line, size_t size, const char *command);

#endif
