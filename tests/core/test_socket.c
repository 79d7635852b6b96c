/* Descriptors: those of standard input, output and errors stay what they are,
 * or become /dev/null; never one of the core's own. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ----------------------------------------- in a process of its own: a guest */

enum { CLOSED = 8 }; /* the exit status, with a bit for each that was */

static bool is_null(int fd) {
  struct stat status, null;
  return fstat(fd, &status) == 0 && stat("/dev/null", &null) == 0 &&
         S_ISCHR(status.st_mode) && status.st_rdev == null.st_rdev;
}

/* A context at work: something of every kind that has a descriptor. */
static void work(void) {
  struct seen seen[3] = {0};
  char byte;
  ax_endpoint any;
  ax_context *context = ax_context_new();
  ax_stream *one = ax_stream_new(context), *other = ax_stream_new(context);
  ax_acceptor *acceptor = ax_acceptor_new(context);
  ax_endpoint_parse("127.0.0.1:0", &any);
  if (ax_stream_pair(one, other) || ax_acceptor_listen(acceptor, &any))
    abort();
  puts("printed");
  fflush(stdout);
  fputs("complained\n", stderr);
  ax_stream_read_some(one, AX_SEQ(ax_buffer(&byte, 1)),
                      ax_call(on_seen, &seen[0]));
  ax_stream_write(other, AX_CSEQ(ax_cstring("x")), ax_call(on_seen, &seen[1]));
  ax_run(context);
  ax_unref(one);
  ax_unref(other);
  ax_unref(acceptor);
  ax_context_free(context);
  if (seen[0].calls != 1 || seen[0].err || byte != 'x')
    abort();
}

static int be_guest(void) {
  int closed = 0, status = CLOSED;
  for (int fd = 0; fd < 3; fd++)
    closed |= fcntl(fd, F_GETFD) == -1 ? 1 << fd : 0;
  for (int round = 0; round < 2; round++)
    work();
  for (int fd = 0; fd < 3; fd++)
    if (closed & 1 << fd && is_null(fd))
      status |= 1 << fd;
  return status;
}

/* ----------------------------------------------------------------- the host */

static char *own_path;

static const char *const shells[] = {
    "exec \"$0\" guest",          "exec \"$0\" guest <&-",
    "exec \"$0\" guest >&-",      "exec \"$0\" guest <&- >&-",
    "exec \"$0\" guest 2>&-",     "exec \"$0\" guest <&- 2>&-",
    "exec \"$0\" guest >&- 2>&-", "exec \"$0\" guest <&- >&- 2>&-",
};

static struct program *guest_without(int closed, const char *trace) {
  char *argv[] = {"/bin/sh", "-c", (char *)shells[closed], own_path, NULL};
  struct program_options options = {.trace = trace};
  return program_exec(argv, &options);
}

/* All that was closed is /dev/null then; what is open has what was printed, and
 * nothing else. */
static void expect_guest(struct program *guest, int closed) {
  int status = program_wait(guest);
  if (status != (CLOSED | closed))
    give_up("without %d: status %d, \"%s\"", closed, status,
            program_err(guest));
  assert_string_equal(program_out(guest),
                      closed & 2 ? "" : "printed\nprinted\n");
  assert_string_equal(program_err(guest),
                      closed & 4 ? "" : "complained\ncomplained\n");
  program_free(guest);
}

static void any_standard_descriptor_may_be_closed(void **state) {
  for (int closed = 0; closed < 8; closed++)
    expect_guest(guest_without(closed, NULL), closed);
}

/* What is printed must not end up in the trace. */
static void a_trace_takes_no_standard_descriptor(void **state) {
  for (int closed = 0; closed < 8; closed++) {
    char path[TEMP_PATH];
    temp_path(path, "trace");
    expect_guest(guest_without(closed, path), closed);
    char *text = read_whole_file(path);
    assert_null(strstr(text, "printed"));
    assert_null(strstr(text, "complained"));
    free(text);
    struct trace *trace = trace_load(path);
    assert_int_equal(trace_count(trace, "on_seen", NULL), 4);
    trace_free(trace);
  }
}

static void the_standard_descriptors_stay_as_they_were(void **state) {
  struct stat before[3], after[3];
  for (int fd = 0; fd < 3; fd++)
    assert_int_equal(fstat(fd, &before[fd]), 0);
  ax_context_free(ax_context_new());
  for (int fd = 0; fd < 3; fd++) {
    assert_int_equal(fstat(fd, &after[fd]), 0);
    assert_int_equal(before[fd].st_ino, after[fd].st_ino);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      clean_test(any_standard_descriptor_may_be_closed),
      clean_test(a_trace_takes_no_standard_descriptor),
      clean_test(the_standard_descriptors_stay_as_they_were),
  };
  own_path = argv[0];
  if (argc > 1)
    return be_guest();
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
