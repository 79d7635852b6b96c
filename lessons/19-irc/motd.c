/* motd.c: the file that is the message of the day. */
#include "motd.h"
#include "ax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int last_error(void) { return uv_translate_sys_error(errno); }

/* Copies up to the end. */
static int copy(FILE *from, FILE *to) {
  for (int c; (c = getc(from)) != EOF;)
    putc(c, to);
  return ferror(from) ? last_error() : 0;
}

int motd_read(const char *path, char **text) {
  size_t size = 0;
  *text = NULL;
  if (!*path)
    return 0;
  FILE *from = fopen(path, "r"),
       *to = from ? open_memstream(text, &size) : NULL;
  int err = to ? copy(from, to) : last_error();
  if (from)
    fclose(from);
  if (to && fclose(to) && !err)
    err = last_error();
  if (err) {
    free(*text);
    *text = NULL;
  }
  return err;
}
