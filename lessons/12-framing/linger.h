/* linger.h: a goodbye that the peer still reads.
 *
 * When close(2) finds bytes that came and were not read, the kernel sends a
 * reset instead of the end. A reset overtakes what was written before it: the
 * peer loses answers that were on their way. So who closes because of what the
 * peer sent stops talking first, and then listens for a while without heeding
 * what it hears.
 *
 * Lessons 12, 13, 15 and 17 to 19 use it. Another one adds a line to its
 * lesson.mk:
 *
 *     LESSON_SRC_N += lessons/12-framing/linger.c
 */
#ifndef LINGER_H
#define LINGER_H

#include "ax.h"

/* For how long it listens, in lesson seconds, and to how many bytes. */
enum { LINGER_SECONDS = 5, LINGER_BYTES = 16 << 20 };

/* Shuts down the side for writing, reads and drops what the peer still sends,
 * and closes the stream: at the peer's end, after an error, or when one of the
 * limits above is reached. (Without memory it closes the stream at once.)
 * Returns at once. Its operations keep all that they need, until the context is
 * freed.
 *
 * `executor` is where the stream is used: the session's strand, or the context
 * if it has none. Call it there, when the handler of the last write has run and
 * no read is pending. Do not use the stream afterwards; release your reference
 * to it whenever you like. */
void linger(ax_stream *stream, ax_executor *executor);

#endif
