/* mode.h: modes of a channel. */
#ifndef MODE_H
#define MODE_H

#include "channel.h"
#include "line.h"

void mode_tell(struct user *user, const struct channel *channel);

/* What the second parameter asks for, as far as the user may. */
void mode_change(struct user *user, struct channel *channel,
                 const struct line *line);

#endif
