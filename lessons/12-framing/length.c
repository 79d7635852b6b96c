/* length.c: a message is two bytes, which say how long it is, the larger one
 * first, and then so many bytes of any kind. */
#include "session.h"

#include <stdlib.h>

static void on_header(void *arg, int err, size_t n);
static void on_body(void *arg, int err, size_t n);
static void on_written(void *arg, int err, size_t n);

/* region: header */
static void read_header(struct session *s) {
  ax_stream_read(s->stream, AX_SEQ(AX_BUF(s->header)),
                 ax_keep(s, ax_call(on_header, s)));
}

static void read_body(struct session *s, size_t size);

/* Memory for the body is taken when its size is known, and not too large. */
static void on_header(void *arg, int err, size_t n) {
  struct session *s = arg;
  size_t size = (size_t)s->header[0] << 8 | s->header[1];
  if (err)
    session_end(s, err == UV_EOF && n == 0 ? 0 : err);
  else if (size > s->limit)
    session_end(s, UV_EMSGSIZE);
  else
    read_body(s, size);
}
/* end: header */

static void read_body(struct session *s, size_t size) {
  s->body = malloc(size + 1); /* for 0 bytes malloc may return NULL */
  if (!s->body) {
    session_end(s, UV_ENOMEM);
    return;
  }
  ax_stream_read(s->stream, AX_SEQ(ax_buffer(s->body, size)),
                 ax_keep(s, ax_call(on_body, s)));
}

/* region: body */
static void on_body(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err) {
    session_end(s, err);
    return;
  }
  ax_cbuf header = AX_CBUF(s->header), body = ax_cbuffer(s->body, n);
  ax_stream_write(s->stream, AX_CSEQ(header, body),
                  ax_keep(s, ax_call(on_written, s)));
}
/* end: body */

static void on_written(void *arg, int err, size_t n) {
  struct session *s = arg;
  free(s->body);
  s->body = NULL;
  if (err)
    session_end(s, err);
  else
    read_header(s);
}

void length_start(struct session *s) { read_header(s); }
