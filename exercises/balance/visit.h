/* visit.h: a client on its way to a backend. When it is there, a relay of
 * lesson 13 takes over. */
#ifndef VISIT_H
#define VISIT_H

#include "pool.h"

/* What all visits share. */
struct visits {
  struct pool *pool;
  ax_token idle; /* posted when a client has gone, if closing */
  atomic_bool closing;
  atomic_long clients, lost; /* on their way; that came in vain */
};

struct visit {
  ax_obj obj;
  struct visits *all;
  ax_strand *strand;
  ax_stream *client, *server;
  struct choice choice;
  bool started;
};

/* A new one; its `client` is not open yet. */
struct visit *visit_new(struct visits *all);

/* In its strand: the client has come. Its operations keep it. */
void visit_start(struct visit *visit);

#endif
