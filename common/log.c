/* log.c: text that others had a hand in, and the log.
 *
 * What a peer controls could forge a line with a newline, or take over the
 * terminal with an escape sequence, so it is escaped before it is printed. */
#include "lesson.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------- printable */

/* Some code points print nothing and turn the direction of what follows. */
static bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
         code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

/* The bytes of the UTF-8 character at `s`; 0 when it is none or a control. */
static size_t character(const unsigned char *s, size_t left) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  uint32_t code = length == 1 ? s[0] : s[0] & (0x7fU >> length);
  if ((s[0] >= 0x80 && s[0] < 0xc0) || s[0] > 0xf4 || length > left)
    return 0;
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (s[i] & 0x3f);
  }
  bool valid = code >= least[length] && code <= 0x10ffff &&
               (code < 0xd800 || code > 0xdfff);
  return valid && !is_control(code) ? length : 0;
}

char *lesson_printable(char *to, size_t room, const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  size_t at = 0;
  while (size > 0) {
    size_t length = character(from, size);
    if (at + (length ? length : 4) >= room)
      break;
    if (length)
      memcpy(to + at, from, length);
    else
      snprintf(to + at, 5, "\\x%02x", *from);
    at += length ? length : 4;
    from += length ? length : 1;
    size -= length ? length : 1;
  }
  to[at] = '\0';
  return to;
}

void lesson_peer(ax_stream *stream, char text[AX_ENDPOINT_TEXT]) {
  ax_endpoint endpoint;
  strcpy(text, "a client");
  if (ax_stream_remote(stream, &endpoint) == 0)
    ax_endpoint_format(&endpoint, text);
}

/* -------------------------------------------------------------- the log */

enum { PATIENCE = 200 /* ms */, TEXT = 1000, LINE = 4 * TEXT };

static struct {
  pthread_mutex_t mutex;
  long lost; /* lines, since the last one that was written */
} log_ = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A pipe that has room takes so many bytes, PIPE_BUF, at once; so a write does
 * not wait. A terminal may have room for less than a line, so it is opened
 * anew: then a write to it does not wait either. -1: it is none, or cannot be.
 */
static int open_terminal(void) {
  char name[128];
  return ttyname_r(STDERR_FILENO, name, sizeof name)
             ? -1
             : open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* With the mutex held. After a line was lost the next ones do not wait for
 * room, or who does not read would slow down all that is logged. */
static bool write_line(const char *line, size_t length) {
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&out, 1, log_.lost ? 0 : PATIENCE) != 1)
    return false;
  int terminal = open_terminal();
  int log = terminal == -1 ? STDERR_FILENO : terminal;
  bool whole = write(log, line, length) == (ssize_t)length;
  if (terminal != -1)
    close(terminal);
  return whole;
}

static void tell_what_was_lost(void) {
  char line[64];
  int length = snprintf(line, sizeof line,
                        "lines of this log that are lost: "
                        "%ld\n",
                        log_.lost);
  if (write_line(line, (size_t)length))
    log_.lost = 0;
}

void lesson_log(const char *format, ...) {
  char text[TEXT], line[LINE + 2];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  lesson_printable(line, LINE + 1, text, strlen(text));
  size_t length = strlen(line);
  line[length++] = '\n';
  pthread_mutex_lock(&log_.mutex);
  if (log_.lost)
    tell_what_was_lost();
  if (!write_line(line, length))
    log_.lost++;
  pthread_mutex_unlock(&log_.mutex);
}
