/* session.h: one client of the store. */
#ifndef SESSION_H
#define SESSION_H

#include "store.h"

/* What all sessions share. */
struct hall {
  ax_context *context;
  struct store store;
  ax_time idle;              /* for a whole command */
  atomic_long served, alive; /* sessions */
};

/* A connected_fn of lesson 10; a hall is its argument. */
void session_start(void *hall, ax_stream *stream);

#endif
