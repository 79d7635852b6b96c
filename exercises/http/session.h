/* session.h: one client: a request, a reply, and the end. */
#ifndef SESSION_H
#define SESSION_H

#include "ax.h"

/* What all sessions share. */
struct site {
  ax_context *context, *disk; /* handlers; what blocks */
  int root;                   /* a descriptor of the directory */
  ax_time limit;              /* for a request, and for each piece of a reply */
  atomic_long served, alive;  /* sessions */
};

/* A connected_fn of lesson 10; `site` is its argument. */
void session_start(void *site, ax_stream *stream);

#endif
