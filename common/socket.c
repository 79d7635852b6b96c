/* socket.c: the system calls around descriptors that differ between systems. */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int result(int fd) { return fd < 0 ? -errno : fd; }

void ax__nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void ax__set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

#ifdef SOCK_NONBLOCK
int ax__socket(int family, int type) {
  return result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int ax__accept(int listener) {
  return result(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int ax__socket_pair(int fds[2]) {
  return result(
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
}
#else
static int prepared(int fd) {
  if (fd < 0)
    return -errno;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  ax__nonblocking(fd);
#ifdef SO_NOSIGPIPE
  ax__set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return fd;
}

int ax__socket(int family, int type) {
  return prepared(socket(family, type, 0));
}

int ax__accept(int listener) { return prepared(accept(listener, NULL, NULL)); }

int ax__socket_pair(int fds[2]) {
  int err = result(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  for (int i = 0; !err && i < 2; i++)
    prepared(fds[i]);
  return err;
}
#endif

/* A terminal is opened anew, so that it does not become non-blocking for the
 * shell that shares it; where that is refused it is duplicated like others. So
 * is a master, which would be another terminal's when opened anew. */
int ax__duplicate(int fd) {
  char name[128];
  if (ptsname_r(fd, name, sizeof name) && !ttyname_r(fd, name, sizeof name)) {
    int again = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (again != -1)
      return again;
  }
  return result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

enum ax__kind ax__kind_of(int fd) {
  struct stat status;
  if (fstat(fd, &status))
    return AX__OTHER;
  return S_ISSOCK(status.st_mode)  ? AX__SOCKET
         : S_ISREG(status.st_mode) ? AX__FILE
                                   : AX__OTHER;
}

void ax__fd_close(ax__fd fd) {
  if (fd.flags != -1)
    fcntl(fd.fd, F_SETFL, fd.flags);
  if (fd.fd != -1)
    close(fd.fd);
}

int ax__name_of(int fd, bool peer, ax_endpoint *endpoint) {
  struct sockaddr *addr = (struct sockaddr *)&endpoint->addr;
  *endpoint = (ax_endpoint){.len = sizeof endpoint->addr};
  int err = peer ? getpeername(fd, addr, &endpoint->len)
                 : getsockname(fd, addr, &endpoint->len);
  return err ? -errno : 0;
}

void ax__fill_standard_fds(void) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
      return; /* nothing else can be opened then, either */
}
