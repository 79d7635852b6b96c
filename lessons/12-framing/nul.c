/* nul.c: a message is bytes up to a NUL. How long it is shows when the NUL has
 * come, and by then the next message may have begun to come as well. */
#include "session.h"

static void on_message(void *arg, int err, size_t n);
static void on_written(void *arg, int err, size_t n);

/* region: read */
static void read_message(struct session *s) {
  ax_stream_read_until(s->stream, &s->in, '\0',
                       ax_keep(s, ax_call(on_message, s)));
}

/* A message of n bytes is there, and perhaps something of the next ones. */
static void on_message(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_cbuf data = ax_dynbuf_data(&s->in);
  if (err) {
    session_end(s, err == UV_EOF && data.len == 0 ? 0 : err);
    return;
  }
  ax_stream_write(s->stream, AX_CSEQ(ax_cbuffer(data.base, n)),
                  ax_keep(s, ax_call(on_written, s)));
}
/* end: read */

/* region: written */
static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err) {
    session_end(s, err);
    return;
  }
  ax_dynbuf_consume(&s->in, n); /* the rest stays for the next read */
  read_message(s);
}
/* end: written */

void nul_start(struct session *s) { read_message(s); }
