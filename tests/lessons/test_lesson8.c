/* Lesson 8: header and body travel with one system call, and nobody copies
 * them together.
 *
 * Three witnesses: the functions of the C library that ask the kernel, which
 * this program puts its own in front of; a socket that keeps what one call
 * sent apart from what the next one sent; and strace, where there is one. */
#include "run.h"

#include "ax.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The lesson itself, as a function. */
#define main lesson8
#include "../../lessons/08-scatter-gather/main.c" // NOLINT
#undef main

/* ------------------------------------------------- in front of the kernel */

/* The calls that moved bytes through a socket; the last one's parts. */
struct calls {
  size_t count, bytes, parts;
  struct iovec at[4];
};
static struct calls sends, receipts;

static ssize_t counted(struct calls *calls, int fd, const struct iovec *iov,
                       size_t parts, ssize_t n) {
  int error = errno;
  struct stat file;
  if (n > 0 && fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode)) {
    calls->count++;
    calls->bytes += (size_t)n;
    calls->parts = parts;
    for (size_t i = 0; i < parts && i < 4; i++)
      calls->at[i] = iov[i];
  }
  errno = error;
  return n;
}

/* The function that would have been called without the one here. */
#define REAL(name) (__extension__((__typeof__(&(name)))dlsym(RTLD_NEXT, #name)))
#define ONE(buf, n) (&(struct iovec){(void *)(buf), (n)})

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return counted(&sends, fd, message->msg_iov, (size_t)message->msg_iovlen,
                 REAL(sendmsg)(fd, message, flags));
}

ssize_t writev(int fd, const struct iovec *iovec, int count) {
  return counted(&sends, fd, iovec, (size_t)count,
                 REAL(writev)(fd, iovec, count));
}

ssize_t send(int fd, const void *buf, size_t n, int flags) {
  return counted(&sends, fd, ONE(buf, n), 1, REAL(send)(fd, buf, n, flags));
}

ssize_t write(int fd, const void *buf, size_t n) {
  return counted(&sends, fd, ONE(buf, n), 1, REAL(write)(fd, buf, n));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return counted(&receipts, fd, message->msg_iov, (size_t)message->msg_iovlen,
                 REAL(recvmsg)(fd, message, flags));
}

ssize_t readv(int fd, const struct iovec *iovec, int count) {
  return counted(&receipts, fd, iovec, (size_t)count,
                 REAL(readv)(fd, iovec, count));
}

ssize_t recv(int fd, void *buf, size_t n, int flags) {
  return counted(&receipts, fd, ONE(buf, n), 1, REAL(recv)(fd, buf, n, flags));
}

ssize_t read(int fd, void *buf, size_t nbytes) {
  return counted(&receipts, fd, ONE(buf, nbytes), 1,
                 REAL(read)(fd, buf, nbytes));
}

/* Runs the lesson in this process, its output thrown away. */
static void run_lesson_here(void) {
  fflush(stdout);
  int out = dup(1);
  int null = open("/dev/null", O_WRONLY);
  dup2(null, 1);
  sends = receipts = (struct calls){0};
  lesson8(1, (char *[]){"lesson8", NULL});
  dup2(out, 1);
  close(out);
  close(null);
}

static void header_and_body_leave_with_one_call(void **state) {
  run_lesson_here();
  assert_int_equal(sends.count, 1);
  assert_int_equal(sends.bytes, 20);
  assert_int_equal(sends.parts, 2);
  assert_int_equal(sends.at[0].iov_len, 8);
  assert_int_equal(sends.at[1].iov_len, 12);
}

static void header_and_body_arrive_with_one_call(void **state) {
  run_lesson_here();
  assert_int_equal(receipts.count, 1);
  assert_int_equal(receipts.bytes, 20);
  assert_int_equal(receipts.parts, 2);
  assert_int_equal(receipts.at[0].iov_len, 8);
  assert_int_equal(receipts.at[1].iov_len, 12);
}

static void nothing_is_copied_together(void **state) {
  run_lesson_here();
  assert_ptr_equal(sends.at[1].iov_base, message);
  assert_int_equal(
      (char *)receipts.at[1].iov_base - (char *)receipts.at[0].iov_base,
      offsetof(struct beach, body) - offsetof(struct beach, received));
}

/* -------------------------------------------- a socket that keeps borders */

#ifdef __APPLE__
#define KEEPS_BORDERS SOCK_DGRAM
#else
#define KEEPS_BORDERS SOCK_SEQPACKET
#endif

struct done {
  int err;
  size_t n, runs;
};

static void on_done(void *arg, int err, size_t n) {
  struct done *done = arg;
  *done = (struct done){err, n, done->runs + 1};
}

struct border {
  ax_context *context;
  ax_stream *stream;
  int peer;
};

static struct border open_border(void) {
  struct border border = {.context = ax_context_new()};
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, KEEPS_BORDERS, 0, ends), 0);
  border.stream = ax_stream_new(border.context);
  assert_int_equal(ax_stream_open_fd(border.stream, ends[0]), 0);
  close(ends[0]);
  border.peer = ends[1];
  return border;
}

static void close_border(struct border *border) {
  close(border->peer);
  ax_unref(border->stream);
  ax_context_free(border->context);
}

static void a_gathered_write_is_one_message(void **state) {
  struct border border = open_border();
  struct done done = {0};
  ax_stream_write(border.stream,
                  AX_CSEQ(ax_cstring("head"), ax_cstring(""),
                          ax_cstring("body"), ax_cstring("tail")),
                  ax_call(on_done, &done));
  ax_run(border.context);
  assert_int_equal(done.runs, 1);
  assert_int_equal(done.err, 0);
  assert_int_equal(done.n, 12);
  char bytes[64] = "";
  assert_int_equal(recv(border.peer, bytes, sizeof bytes, MSG_DONTWAIT), 12);
  assert_string_equal(bytes, "headbodytail");
  assert_int_equal(recv(border.peer, bytes, sizeof bytes, MSG_DONTWAIT), -1);
  close_border(&border);
}

static void a_scattered_read_is_one_message(void **state) {
  struct border border = open_border();
  struct done done = {0};
  char head[4], body[4], tail[8];
  ax_stream_read_some(border.stream,
                      AX_SEQ(AX_BUF(head), AX_BUF(body), AX_BUF(tail)),
                      ax_call(on_done, &done));
  assert_int_equal(send(border.peer, "headbodytail", 12, 0), 12);
  ax_run(border.context);
  assert_int_equal(done.runs, 1);
  assert_int_equal(done.err, 0);
  assert_int_equal(done.n, 12);
  assert_memory_equal(head, "head", 4);
  assert_memory_equal(body, "body", 4);
  assert_memory_equal(tail, "tail", 4);
  close_border(&border);
}

/* --------------------------------------------------------------- strace */

/* Not every machine has it, and not every container lets it watch. */
static bool strace_works(void) {
  return system("strace -o /dev/null true 2>/dev/null") == 0;
}

/* The sends that succeeded, in what strace wrote. */
static size_t count_sends(char *text) {
  size_t count = 0;
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line;
       line = strtok_r(NULL, "\n", &rest))
    count += !strstr(line, " = -1 ") &&
             (strstr(line, "send") || strstr(line, "writev("));
  return count;
}

/* Runs a lesson under strace; the text it wrote is the caller's. */
static char *watch(int number) {
  char path[TEMP_PATH], command[512];
  temp_path(path, "strace");
  /* The leak checker wants to trace the program itself, and only one can. */
  snprintf(command, sizeof command,
           "ASAN_OPTIONS=detect_leaks=0 LESSON_SPEED=20 strace -f -qq -o %s "
           "-e trace=sendmsg,writev,sendto,recvmsg,readv,recvfrom "
           "%s >/dev/null",
           path, lesson_path(number));
  assert_int_equal(system(command), 0);
  return read_whole_file(path);
}

static void strace_sees_one_call_each(void **state) {
  if (!strace_works()) {
    print_message("strace cannot watch here; the other tests do\n");
    skip();
  }
  char *text = watch(8);
  assert_non_null(strstr(text, "iov_len=8}, {iov_base=\"dinner time!\""));
  assert_int_equal(count_sends(text), 1);
  free(text);
  text = watch(7);
  assert_int_equal(count_sends(text), 2);
  free(text);
}

static int setup(void **state) {
  *state = run_start(8, "lessons/08-scatter-gather/expected.txt");
  return 0;
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      clean_test(header_and_body_leave_with_one_call),
      clean_test(header_and_body_arrive_with_one_call),
      clean_test(nothing_is_copied_together),
      clean_test(a_gathered_write_is_one_message),
      clean_test(a_scattered_read_is_one_message),
      cmocka_unit_test(strace_sees_one_call_each),
      RUN_TESTS,
  };
  return cmocka_run_group_tests(tests, setup, run_end);
}
