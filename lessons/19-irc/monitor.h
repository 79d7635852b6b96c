/* monitor.h: who wants to hear when somebody comes and goes. */
#ifndef MONITOR_H
#define MONITOR_H

#include "user.h"

enum { WATCHES_MOST = 100 };

/* Tells all who watch that nick. */
void monitor_tell(const struct user *user, bool online);

void monitor_clear(struct user *user);

/* When nobody is left. */
void monitor_free(struct hall *hall);

#endif
