/* irc.h: guests of visit.h who speak IRC. */
#ifndef IRC_H
#define IRC_H

#include "visit.h"

/* Somebody who is welcome, from an address (NULL: any); its fd is -1 when this
 * machine has no such address. And somebody who is in that channel, too. */
struct guest irc_welcome(const char *nick, const char *address);
struct guest irc_join(const char *nick, const char *channel);

/* The next line, without its end; a PING is none. */
void irc_line(struct guest *g, char *line, size_t room, const char *expected);

/* The next line has `part` in it. */
void irc_hear(struct guest *g, const char *part, const char *expected);

/* Nothing is on its way to the guest; or whatever is, is dropped. */
void irc_quiet(struct guest *g, const char *expected);
void irc_skip(struct guest *g);

#endif
