/* file.c: what blocks. On the disk's context. */
#include "file.h"
#include "ax.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* With O_NONBLOCK, for a FIFO would wait for somebody who writes to it. */
int file_open(void *arg) {
  struct file *f = arg;
  struct stat found;
  f->fd = openat(f->root, f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (f->fd < 0)
    return uv_translate_sys_error(errno);
  if (fstat(f->fd, &found))
    return uv_translate_sys_error(errno);
  if (!S_ISREG(found.st_mode))
    return UV_ENOENT;
  f->size = found.st_size;
  return 0;
}

/* No more than was promised, though the file may have grown. */
int file_read(void *arg) {
  struct file *f = arg;
  off_t left = f->size - f->at;
  size_t most = left < PIECE ? (size_t)left : PIECE;
  ssize_t n = pread(f->fd, f->piece, most, f->at);
  if (n < 0)
    return uv_translate_sys_error(errno);
  if (n == 0 && left > 0)
    return UV_EOF;
  f->n = (size_t)n;
  f->at += n;
  return 0;
}

void file_close(struct file *f) {
  if (f->fd >= 0)
    close(f->fd);
  f->fd = -1;
}
