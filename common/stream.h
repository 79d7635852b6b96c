/* stream.h: what an acceptor needs of a stream. */
#ifndef AX_STREAM_H
#define AX_STREAM_H

#include "ax.h"

/* Opens the stream on a connected socket, which is its own from then on. */
void ax__stream_adopt(ax_stream *stream, int fd);

#endif
