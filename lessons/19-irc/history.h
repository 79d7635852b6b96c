/* history.h: the last messages of a channel. */
#ifndef HISTORY_H
#define HISTORY_H

#include "message.h"

enum { HISTORY_MOST = 100 }; /* in a channel, and in an answer */

void history_add(struct channel *channel, struct message *message);
void history_free(struct history *history);

#endif
