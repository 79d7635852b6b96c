/* registration.h: when a user is welcome, and what the welcome says. */
#ifndef REGISTRATION_H
#define REGISTRATION_H

#include "user.h"

/* Welcomes the user when nothing is missing any more. */
void registration_try(struct user *user);

#endif
