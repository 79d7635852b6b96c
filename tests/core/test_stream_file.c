/* Regular files where the loop will not have them, as on macOS and the BSDs. On
 * Linux it says that they are always ready; there it says that it cannot, or it
 * takes them and never reports them (libuv before 1.49). */
#include "support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refused;

int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd) {
  struct stat status;
  int (*real)(uv_loop_t *, uv_poll_t *, int);
  *(void **)&real = dlsym(RTLD_NEXT, "uv_poll_init");
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    refused++;
    return UV_EINVAL;
  }
  return real(loop, poll, fd);
}

static const char text[] = "first\nsecond\nthird";

/* A stream on a file with that text. */
struct file {
  ax_context *context;
  ax_stream *stream;
  char path[TEMP_PATH];
  struct seen seen;
};

static void file_open(struct file *file) {
  *file = (struct file){.context = ax_context_new()};
  temp_path(file->path, "file");
  write_whole_file(file->path, text);
  int fd = open(file->path, O_RDWR);
  file->stream = ax_stream_new(file->context);
  assert_int_equal(ax_stream_open_fd(file->stream, fd), 0);
  close(fd);
  refused = 0;
}

static ax_token file_token(struct file *file) {
  file->seen = (struct seen){0};
  return ax_call(on_seen, &file->seen);
}

static void file_expect(struct file *file, int err, size_t n) {
  assert_int_equal(ax_run(file->context), 1);
  expect_seen(&file->seen, "file", err);
  assert_int_equal(file->seen.n, n);
}

/* The loop was not asked. */
static void file_close(struct file *file) {
  assert_int_equal(refused, 0);
  ax_unref(file->stream);
  ax_context_free(file->context);
}

static void a_file_is_read_to_its_end_though_the_loop_refuses_it(void **s) {
  char bytes[100];
  struct file file;
  file_open(&file);
  INITIATE(
      ax_stream_read(file.stream, AX_SEQ(AX_BUF(bytes)), file_token(&file)));
  file_expect(&file, UV_EOF, strlen(text));
  assert_memory_equal(bytes, text, strlen(text));
  file_close(&file);
}

static void a_file_without_the_delimiter_is_read_to_its_end(void **state) {
  struct file file;
  ax_dynbuf lines;
  ax_dynbuf_init(&lines, 100);
  file_open(&file);
  INITIATE(ax_stream_read_until(file.stream, &lines, '!', file_token(&file)));
  file_expect(&file, UV_EOF, 0);
  assert_int_equal(ax_dynbuf_data(&lines).len, strlen(text));
  ax_dynbuf_free(&lines);
  file_close(&file);
}

static void both_sides_of_a_file_are_always_ready(void **state) {
  struct file file;
  file_open(&file);
  INITIATE(ax_stream_wait(file.stream, AX_READ, file_token(&file)));
  file_expect(&file, 0, 0);
  INITIATE(ax_stream_wait(file.stream, AX_WRITE, file_token(&file)));
  file_expect(&file, 0, 0);
  file_close(&file);
}

/* A stream that was a file and becomes a socket waits again. */
static void a_stream_that_was_a_file_may_become_a_socket(void **state) {
  char byte = 0;
  struct file file;
  file_open(&file);
  ax_stream_close(file.stream);
  ax_run(file.context);
  ax_stream *other = ax_stream_new(file.context);
  assert_int_equal(ax_stream_pair(file.stream, other), 0);
  ax_stream_read_some(file.stream, AX_SEQ(ax_buffer(&byte, 1)),
                      file_token(&file));
  assert_int_equal(ax_poll(file.context), 0);
  assert_int_equal(write(ax_stream_fd(other), "x", 1), 1);
  file_expect(&file, 0, 1);
  ax_unref(other);
  file_close(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(a_file_is_read_to_its_end_though_the_loop_refuses_it),
      clean_test(a_file_without_the_delimiter_is_read_to_its_end),
      clean_test(both_sides_of_a_file_are_always_ready),
      clean_test(a_stream_that_was_a_file_may_become_a_socket),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
