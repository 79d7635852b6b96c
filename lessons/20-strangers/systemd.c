/* systemd.c: two variables of the environment, and a datagram.
 *
 * LISTEN_FDS is the number of the sockets, and LISTEN_PID says whom they are
 * for: a program that is started by another one may inherit the variables
 * without the sockets. NOTIFY_SOCKET is the address of a Unix socket; one that
 * begins with @ has no file, and the kernel wants a NUL there. */
#include "systemd.h"
#include "event.h"
#include "lesson.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 8 };

/* The number in a variable, which is taken away; 0 when there is none. */
static long take_number(const char *name) {
  const char *text = getenv(name);
  long number = text ? strtol(text, NULL, 10) : 0;
  unsetenv(name);
  return number;
}

/* How many sockets are for us; they begin with descriptor 3. */
static int sockets(void) {
  long count = take_number("LISTEN_FDS"), whose = take_number("LISTEN_PID");
  return whose == (long)getpid() && count > 0 && count <= MOST ? (int)count : 0;
}

char **systemd_arguments(int *argc, char **argv) {
  static char names[MOST][16], **all; /* as long as the program runs */
  int count = sockets();
  all = lesson_alloc(((size_t)*argc + MOST + 1) * sizeof *all);
  memcpy(all, argv, (size_t)*argc * sizeof *all);
  for (int i = 0; i < count; i++) {
    fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
    snprintf(names[i], sizeof names[i], "fd:%d", FIRST + i);
    all[(*argc)++] = names[i];
  }
  all[*argc] = NULL;
  return all;
}

/* False when it is no path that a socket can have. */
static bool address_of(const char *path, struct sockaddr_un *to,
                       socklen_t *size) {
  size_t length = strlen(path);
  if (length >= sizeof to->sun_path)
    return false;
  *to = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(to->sun_path, path, length);
  if (*path == '@')
    *to->sun_path = '\0';
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return true;
}

void systemd_tell(const char *state) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un to;
  socklen_t size;
  if (!path || !*path)
    return;
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd == -1 || !address_of(path, &to, &size) ||
      sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to, size) == -1)
    event(WARN, 0, "systemd does not hear %s: %s", state, strerror(errno));
  if (fd != -1)
    close(fd);
}
