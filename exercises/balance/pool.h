/* pool.h: the backends, how they are, and whose turn it is. What is not atomic
 * is touched in pool->strand alone. */
#ifndef POOL_H
#define POOL_H

#include "../../lessons/13-proxy/relay.h"

enum { BACKENDS = 16, CONNECT_SECONDS = 2 /* lesson seconds */ };

struct backend {
  struct pool *pool;
  struct proxy proxy; /* its sessions */
  ax_endpoint endpoint;
  char name[AX_ENDPOINT_TEXT];
  bool up;
  unsigned long turn;     /* when it was chosen last */
  atomic_long connecting; /* chosen, and not yet a session */
  ax_timer *timer;        /* until it is asked again how it is */
  ax_stream *probe;
};

struct pool {
  ax_context *context;
  ax_strand *strand;
  ax_time every, patience; /* between two probes; for a connect */
  bool closing;
  unsigned long turns;
  size_t count;
  struct backend backends[BACKENDS];
};

/* Who asks for a backend: with those that it has tried, by bits. */
struct choice {
  struct pool *pool;
  unsigned tried;
  struct backend *backend; /* chosen; counted in `connecting` */
  int err;                 /* of the connect to it, to be reported */
};

/* Reads "ENDPOINT,ENDPOINT...". 0, or UV_EINVAL. */
int pool_parse(struct pool *pool, const char *list);

/* Starts the probes. */
void pool_start(struct pool *pool, ax_context *context, ax_token idle);

/* In the pool's strand: no more probes. */
void pool_close(struct pool *pool);
void pool_free(struct pool *pool);

/* Sessions that are alive, or were served. Any thread. */
long pool_alive(struct pool *pool);
long pool_served(struct pool *pool);

/* Reports that choice->backend failed, if there is one, and chooses the next: 0
 * or UV_ENOENT. An ax_work_fn for pool->strand. */
int pool_choose(void *choice);

#endif
