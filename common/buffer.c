/* buffer.c: descriptions of memory, and the one buffer that owns some.
 *
 * ax_buf and ax_cbuf differ in what they allow, not in how they look; that is
 * what lets a sequence of one be read as a sequence of the other.
 *
 * A dynamic buffer is one block of memory with the unread bytes at `head`.
 * When there is no room for more the block doubles, up to the bound, and where
 * its end is in the way they move to the front. Once empty it holds no block:
 * ten thousand idle sessions shall cost next to nothing. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(ax_buf) == sizeof(ax_cbuf) &&
                   offsetof(ax_buf, len) == offsetof(ax_cbuf, len),
               "a sequence of ax_buf can be read as one of ax_cbuf");

ax_cbuf ax_cstring(const char *text) { return ax_cbuffer(text, strlen(text)); }

size_t ax_seq_size(ax_cseq seq) {
  size_t size = 0;
  for (size_t i = 0; i < seq.count; i++)
    size += seq.at[i].len;
  return size;
}

size_t ax_seq_copy(ax_seq to, ax_cseq from) {
  size_t copied = 0, t = 0, f = 0, t_used = 0, f_used = 0;
  while (t < to.count && f < from.count) {
    size_t room = to.at[t].len - t_used, left = from.at[f].len - f_used;
    size_t n = room < left ? room : left;
    if (n)
      memcpy((char *)to.at[t].base + t_used,
             (const char *)from.at[f].base + f_used, n);
    copied += n;
    t_used = n == room ? 0 : t_used + n;
    f_used = n == left ? 0 : f_used + n;
    t += n == room;
    f += n == left;
  }
  return copied;
}

void ax_dynbuf_init(ax_dynbuf *dynbuf, size_t max) {
  *dynbuf = (ax_dynbuf){.max = max};
}

ax_cbuf ax_dynbuf_data(const ax_dynbuf *dynbuf) {
  return ax_cbuffer(dynbuf->base ? dynbuf->base + dynbuf->head : "",
                    dynbuf->size);
}

size_t ax__dynbuf_room(const ax_dynbuf *dynbuf) {
  return dynbuf->max - dynbuf->size;
}

/* To twice of what is needed, so that bytes are moved seldom. */
static int grow(ax_dynbuf *dynbuf, size_t need) {
  size_t room = need < dynbuf->max / 2 ? 2 * need : dynbuf->max;
  char *base = realloc(dynbuf->base, room);
  if (!base)
    return UV_ENOMEM;
  dynbuf->base = base;
  dynbuf->room = room;
  return 0;
}

int ax_dynbuf_append(ax_dynbuf *dynbuf, ax_cbuf bytes) {
  size_t need = dynbuf->size + bytes.len;
  if (bytes.len > ax__dynbuf_room(dynbuf))
    return UV_ENOBUFS;
  if (bytes.len == 0)
    return 0;
  if (need > dynbuf->room && grow(dynbuf, need))
    return UV_ENOMEM;
  if (dynbuf->head + need > dynbuf->room) {
    memmove(dynbuf->base, dynbuf->base + dynbuf->head, dynbuf->size);
    dynbuf->head = 0;
  }
  memcpy(dynbuf->base + dynbuf->head + dynbuf->size, bytes.base, bytes.len);
  dynbuf->size = need;
  return 0;
}

void ax_dynbuf_consume(ax_dynbuf *dynbuf, size_t n) {
  dynbuf->head += n;
  dynbuf->size -= n < dynbuf->size ? n : dynbuf->size;
  if (!dynbuf->size)
    ax_dynbuf_free(dynbuf);
}

void ax_dynbuf_free(ax_dynbuf *dynbuf) {
  free(dynbuf->base);
  ax_dynbuf_init(dynbuf, dynbuf->max);
}
