/* registration.h: when a user is welcome, and what the welcome says. The limits
 * below are of commands that have no header of their own. */
#ifndef REGISTRATION_H
#define REGISTRATION_H

#include "user.h"

enum { KICK_LEN = 200, MODES_MOST = 12 };

/* Welcomes the user when nothing is missing any more. */
void registration_try(struct user *user);

#endif
