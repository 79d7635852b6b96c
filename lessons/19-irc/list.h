/* list.h: who is in a channel, for NAMES and for one who joins. */
#ifndef LIST_H
#define LIST_H

#include "channel.h"

void names_send(struct user *user, const struct channel *channel);

#endif
