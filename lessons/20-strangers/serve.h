/* serve.h: the server's life, from READY to the last goodbye. */
#ifndef SERVE_H
#define SERVE_H

#include "../19-irc/hall.h"

struct service {
  const ax_endpoint *endpoints; /* for people */
  size_t count;
  const char *metrics; /* an endpoint for Prometheus, or "" */
  const char *motd;    /* a file that SIGHUP has read again, or "" */
  long butlers;
};

/* Returns when a signal has come, and everybody has gone or the time for that
 * is over. */
void serve(struct hall *hall, const struct service *service);

#endif
