/* net.h: sockets as the programs of the bench need them, without the core.
 *
 * The bare servers and the load generator share this and nothing else. Only
 * the text of endpoints is read by the core, so that it means the same
 * everywhere. What goes wrong at the start ends the program with status 2. */
#ifndef NET_H
#define NET_H

#include "ax.h"

/* Ends the program: says what was tried, and errno in words. */
_Noreturn void net_fail(const char *what);

/* Reads an endpoint, or ends the program. */
ax_endpoint net_endpoint(const char *text);

/* A socket that listens on it and does not block; says "listening on ...".
 * The file of a Unix socket must not be there yet. */
int net_listen(const char *text);

/* The next connection, non-blocking, with TCP_NODELAY; -1: none is left. */
int net_accept(int listener);

/* A connection, non-blocking, with TCP_NODELAY. */
int net_connect(const ax_endpoint *endpoint);

/* A descriptor that is readable once SIGTERM or SIGINT has come. */
int net_signals(void);

int net_epoll(void);

/* Has epoll look for `events` at fd, for the first time or for others. */
void net_watch(int epoll, int fd, uint32_t events, void *data);
void net_watch_again(int epoll, int fd, uint32_t events, void *data);

/* Memory of zeros, and realloc; or the end of the program. */
void *net_alloc(size_t size);
void *net_resize(void *memory, size_t size);

#endif
