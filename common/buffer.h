/* buffer.h: what a stream needs of a dynamic buffer. */
#ifndef AX_BUFFER_H
#define AX_BUFFER_H

#include "ax.h"

/* How many bytes still fit. */
size_t ax__dynbuf_room(const ax_dynbuf *dynbuf);

#endif
