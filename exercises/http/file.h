/* file.h: a file on its way to a client. A disk has no poll: open and read
 * block, so these functions run on a context of their own (ax_run_on). */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <sys/types.h>

enum { PIECE = 32 << 10 /* bytes */ };

struct file {
  int root; /* a descriptor of the directory */
  const char *path;
  int fd;         /* -1: not open */
  off_t size, at; /* as it was opened; what has been read of it */
  size_t n;       /* in piece */
  char piece[PIECE];
};

/* Opens root/path, a regular file. These two are an ax_work_fn each. */
int file_open(void *file);

/* Reads the next piece, n = 0 at the end. UV_EOF: the file has become shorter.
 */
int file_read(void *file);

void file_close(struct file *file);

#endif
