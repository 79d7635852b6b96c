/* descriptors.c: system calls that may block.
 *
 * Each is a point. Then the call is made, for the descriptors are real; but one
 * that would block waits in the simulation until its descriptor is ready. What
 * is read and written is checked like any other memory.
 *
 * With faults the calls of sockets that do not block fail now and then as they
 * may: nothing there, interrupted, or a part only. */
#undef _GNU_SOURCE /* its functions take unions for a sockaddr */
#define _DEFAULT_SOURCE
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --------------------------------------------------- waiting for several */

static sim_time deadline_of(int milliseconds) {
  return milliseconds < 0 ? SIM_NEVER
                          : sim.now + (sim_time)milliseconds * 1000000;
}

/* Waits until one is ready: false when the deadline came first. */
static bool wait_for(struct pollfd *fds, nfds_t count, const char *why,
                     sim_time deadline) {
  sim.current->fds = fds;
  sim.current->fd_count = count;
  bool late = sim_wait(fds, why, deadline);
  sim.current->fds = NULL;
  return !late;
}

static void arrive(const char *what, const void *pc) {
  sim_drain();
  sim_point(what, NULL, pc);
  sim.look = true;
}

static int wait_in_epoll(int epoll, struct epoll_event *events, int most,
                         int milliseconds, const sigset_t *mask,
                         const void *pc) {
  struct pollfd fd = {epoll, POLLIN, 0};
  bool again = sim_mine() && milliseconds != 0;
  sim_time deadline = deadline_of(milliseconds);
  if (sim_mine())
    arrive("looks at the loop's descriptors", pc);
  for (;;) {
    int n = (int)syscall(SYS_epoll_pwait, epoll, events, most,
                         again || sim_mine() ? 0 : milliseconds, mask, 8);
    if (n || !again)
      return n;
    again = wait_for(&fd, 1, "sleeps in the loop", deadline);
  }
}

int epoll_wait(int epoll, struct epoll_event *events, int most,
               int milliseconds) {
  return wait_in_epoll(epoll, events, most, milliseconds, NULL, SIM_PC);
}

int epoll_pwait(int epoll, struct epoll_event *events, int most,
                int milliseconds, const sigset_t *mask) {
  return wait_in_epoll(epoll, events, most, milliseconds, mask, SIM_PC);
}

static int poll_now(struct pollfd *fds, nfds_t count) {
  struct timespec none = {0, 0};
  return (int)syscall(SYS_ppoll, fds, count, &none, NULL, 8);
}

static int poll_until(struct pollfd *fds, nfds_t count, sim_time deadline,
                      const void *pc) {
  arrive("polls", pc);
  for (bool again = deadline > sim.now;;) {
    int n = poll_now(fds, count);
    if (n || !again)
      return n;
    again = wait_for(fds, count, "waits in poll", deadline);
  }
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *span,
          const sigset_t *mask) {
  if (!sim_mine())
    return (int)syscall(SYS_ppoll, fds, count, span, mask, 8);
  sim_time deadline =
      span ? sim.now + sim_moment(CLOCK_MONOTONIC, span) : SIM_NEVER;
  return poll_until(fds, count, deadline, SIM_PC);
}

int poll(struct pollfd *fds, nfds_t count, int milliseconds) {
  struct timespec span = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  if (!sim_mine())
    return (int)syscall(SYS_ppoll, fds, count, milliseconds < 0 ? NULL : &span,
                        NULL, 8);
  return poll_until(fds, count, deadline_of(milliseconds), SIM_PC);
}

/* ---------------------------------------------------- waiting for a single */

static bool blocks(int fd, int flags) {
  return !(flags & MSG_DONTWAIT) && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Before a call that may block: waits until it does not. */
static void wait_until_ready(int fd, short events, int flags, const char *what,
                             const void *pc) {
  struct pollfd ready = {fd, events, 0};
  int error = errno;
  if (!sim_mine())
    return;
  arrive(what, pc);
  while (blocks(fd, flags) && !poll_now(&ready, 1))
    wait_for(&ready, 1, events == POLLIN ? "waits to read" : "waits to write",
             SIM_NEVER);
  errno = error;
}

/* True when the call fails. It may also move less than *size. */
static bool fails(int fd, int flags, size_t *size) {
  if (!sim.faults || !sim_mine() || !(flags & MSG_DONTWAIT) || blocks(fd, 0))
    return false;
  uint64_t fate = sim_random(16);
  if (fate < 2) {
    errno = fate ? EINTR : EAGAIN;
    return true;
  }
  if (fate < 6 && *size > 1)
    *size = 1 + sim_random(fate == 2 ? *size : *size < 9 ? *size : 9);
  return false;
}

static void check_all(const struct iovec *iov, size_t count, const char *what,
                      const void *pc) {
  for (size_t i = 0; i < count; i++)
    sim_check(iov[i].iov_base, iov[i].iov_len, what, pc);
}

/* ------------------------------------------------------ reading and writing */

ssize_t read(int fd, void *bytes, size_t size) {
  wait_until_ready(fd, POLLIN, 0, "calls read", SIM_PC);
  sim_check(bytes, size, "reads into", SIM_PC);
  return syscall(SYS_read, fd, bytes, size);
}

ssize_t readv(int fd, const struct iovec *iov, int count) {
  wait_until_ready(fd, POLLIN, 0, "calls readv", SIM_PC);
  check_all(iov, (size_t)count, "reads into", SIM_PC);
  return syscall(SYS_readv, fd, iov, count);
}

/* True for a call that waits in the system until all is written: of a socket,
 * or of a pipe, which takes PIPE_BUF at once. Files have a place. */
static bool writes_all(int fd, size_t size, int flags) {
  return sim_mine() && size > PIPE_BUF && blocks(fd, flags) &&
         lseek(fd, 0, SEEK_CUR) < 0;
}

static ssize_t write_part(int fd, const char *bytes, size_t size, int flags) {
  ssize_t n =
      syscall(SYS_sendto, fd, bytes, size, flags | MSG_DONTWAIT, NULL, 0);
  if (n < 0 && errno == ENOTSOCK)
    n = syscall(SYS_write, fd, bytes, size < PIPE_BUF ? size : PIPE_BUF);
  return n;
}

static ssize_t write_all(int fd, const char *bytes, size_t size, int flags,
                         const void *pc) {
  size_t done = 0;
  while (done < size) {
    wait_until_ready(fd, POLLOUT, flags, "calls write", pc);
    sim_check(bytes + done, size - done, "writes from", pc);
    ssize_t n = write_part(fd, bytes + done, size - done, flags);
    if (n < 0 && errno != EAGAIN)
      return done ? (ssize_t)done : n;
    done += n < 0 ? 0 : (size_t)n;
  }
  return (ssize_t)done;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  if (writes_all(fd, size, 0))
    return write_all(fd, bytes, size, 0, SIM_PC);
  wait_until_ready(fd, POLLOUT, 0, "calls write", SIM_PC);
  sim_check(bytes, size, "writes from", SIM_PC);
  return syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
  wait_until_ready(fd, POLLOUT, 0, "calls writev", SIM_PC);
  check_all(iov, (size_t)count, "writes from", SIM_PC);
  return syscall(SYS_writev, fd, iov, count);
}

ssize_t recvfrom(int fd, void *restrict bytes, size_t size, int flags,
                 struct sockaddr *restrict address,
                 socklen_t *restrict length) {
  wait_until_ready(fd, POLLIN, flags, "calls recv", SIM_PC);
  sim_check(bytes, size, "reads into", SIM_PC);
  if (fails(fd, flags, &size))
    return -1;
  return syscall(SYS_recvfrom, fd, bytes, size, flags, address, length);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
  return recvfrom(fd, bytes, size, flags, NULL, NULL);
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
               const struct sockaddr *address, socklen_t length) {
  if (!address && writes_all(fd, size, flags))
    return write_all(fd, bytes, size, flags, SIM_PC);
  wait_until_ready(fd, POLLOUT, flags, "calls send", SIM_PC);
  sim_check(bytes, size, "writes from", SIM_PC);
  if (fails(fd, flags, &size))
    return -1;
  return syscall(SYS_sendto, fd, bytes, size, flags, address, length);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
  return sendto(fd, bytes, size, flags, NULL, 0);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  wait_until_ready(fd, POLLIN, flags, "calls recvmsg", SIM_PC);
  check_all(message->msg_iov, message->msg_iovlen, "reads into", SIM_PC);
  return syscall(SYS_recvmsg, fd, message, flags);
}

/* A part is the first buffer. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  struct msghdr part = *message;
  size_t count = part.msg_iovlen;
  wait_until_ready(fd, POLLOUT, flags, "calls sendmsg", SIM_PC);
  check_all(part.msg_iov, count, "writes from", SIM_PC);
  if (fails(fd, flags, &count))
    return -1;
  part.msg_iovlen = count;
  return syscall(SYS_sendmsg, fd, &part, flags);
}

/* ------------------------------------------------------------- connections */

int accept4(int fd, struct sockaddr *restrict address,
            socklen_t *restrict length, int flags) {
  wait_until_ready(fd, POLLIN, 0, "calls accept", SIM_PC);
  return (int)syscall(SYS_accept4, fd, address, length, flags);
}

int accept(int fd, struct sockaddr *restrict address,
           socklen_t *restrict length) {
  return accept4(fd, address, length, 0);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  if (sim_mine())
    arrive("calls connect", SIM_PC);
  return (int)syscall(SYS_connect, fd, address, length);
}

int shutdown(int fd, int how) {
  if (sim_mine())
    arrive("calls shutdown", SIM_PC);
  return (int)syscall(SYS_shutdown, fd, how);
}

int close(int fd) {
  if (sim_mine())
    arrive("calls close", SIM_PC);
  return (int)syscall(SYS_close, fd);
}

/* ---------------------------------------------------------------- signals */

/* A signal to this process comes to who sends it, within the call. */
int kill(pid_t process, int signal) {
  if (!sim_mine() || process != getpid() || !signal)
    return (int)syscall(SYS_kill, process, signal);
  arrive("sends a signal", SIM_PC);
  return raise(signal);
}

/* Another process runs by itself; others run here meanwhile. */
pid_t waitpid(pid_t process, int *status, int options) {
  for (;;) {
    pid_t pid = (pid_t)syscall(SYS_wait4, process, status,
                               options | (sim_mine() ? WNOHANG : 0), NULL);
    if (pid || options & WNOHANG || !sim_mine())
      return pid;
    sim_yield(SIM_PC);
  }
}
