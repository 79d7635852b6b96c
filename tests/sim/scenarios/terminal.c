/* Writing to the master of a terminal that nobody has open any more: there is
 * never any room, and the loop reports that without end. */
#include "scenario.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

static char out[60000];
static int written;

static void on_written(void *arg, int err, size_t n) {
  CHECK(err == UV_EIO && n < sizeof out);
  written++;
}

/* Raw, so that nothing that is written goes away by itself. */
static int open_master(void) {
  struct termios raw;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK(master != -1 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  CHECK(slave != -1 && tcgetattr(slave, &raw) == 0);
  cfmakeraw(&raw);
  CHECK(tcsetattr(slave, TCSANOW, &raw) == 0);
  close(slave);
  return master;
}

SCENARIO(terminal_hung_up,
         "a write to a terminal that nobody has open ends with an error") {
  ax_context *context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  int master = open_master();
  CHECK(ax_stream_open_fd(stream, master) == 0);
  ax_stream_write(stream, AX_CSEQ(AX_CBUF(out)), ax_call(on_written, NULL));
  serve(context, 1);
  CHECK(written == 1);
  close(master);
  ax_unref(stream);
  end(context);
}
