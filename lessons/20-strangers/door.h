/* door.h: who may come in. It counts those inside, in all and by address. */
#ifndef DOOR_H
#define DOOR_H

#include "../10-echo/listener.h"

/* An address from which somebody is inside. */
struct address;

void door_init(void);
void door_free(void);

/* A client has come; `hall` is the hall. For a listener. */
connected_fn door_open;

/* One of that address is gone; NULL is allowed. Any thread. */
void door_leave(struct address *address);

/* Posts the token to `executor` as soon as nobody is inside. */
void door_when_empty(ax_executor *executor, ax_token token);

size_t door_count(void);

#endif
