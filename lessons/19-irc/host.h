/* host.h: where a client is from. */
#ifndef HOST_H
#define HOST_H

#include "ax.h"
#include "names.h"

/* The peer's address without its port; "localhost" where there is none. */
void host_name(ax_stream *stream, char name[HOST_LEN + 1]);

#endif
