/* whowas.h: who has left, the last ones of them. */
#ifndef WHOWAS_H
#define WHOWAS_H

#include "user.h"

void whowas_add(const struct user *user);
void whowas_free(struct hall *hall);

#endif
