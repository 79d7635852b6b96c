/* socket.h: descriptors, as the core wants them: they do not block, and exec
 * closes them. */
#ifndef AX_SOCKET_H
#define AX_SOCKET_H

#include "ax.h"

/* A descriptor, and the flags that are restored before it is closed, or -1. */
typedef struct ax__fd {
  int fd, flags;
} ax__fd;
#define AX__NO_FD ((ax__fd){-1, -1})

/* What a descriptor is. A file is a regular one, and always ready. */
enum ax__kind { AX__OTHER, AX__SOCKET, AX__FILE };
enum ax__kind ax__kind_of(int fd);

/* A descriptor or a negative error code: a new socket, an accepted one, a
 * duplicate. */
int ax__socket(int family, int type);
int ax__accept(int listener);
int ax__duplicate(int fd);

/* The two ends of a connected one: 0 or a negative error code. */
int ax__socket_pair(int fds[2]);

void ax__nonblocking(int fd);

/* Sets an option of type int. What does not have it need not. */
void ax__set_option(int fd, int level, int option, int value);

/* Restores the flags and closes, unless it is none. */
void ax__fd_close(ax__fd fd);

/* The address of a socket, or of its peer: 0 or an error. */
int ax__name_of(int fd, bool peer, ax_endpoint *endpoint);

/* Opens descriptors 0, 1 and 2 on /dev/null where they are closed, so none of
 * the core's own becomes what a program reads and prints with. */
void ax__fill_standard_fds(void);

#endif
