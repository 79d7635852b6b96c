/* printing.h: where print() leads to.
 *
 * A script prints what a client sent, or an exception that quotes it. Whoever
 * reads the output sees each line as one line, and no terminal obeys it. */
#ifndef PRINTING_H
#define PRINTING_H

#include <stdbool.h>

/* From now on Python's sys.stdout escapes what is not printable, and its
 * sys.stderr is the log, line by line. With Python's lock.
 *
 * False: that failed, and an exception is set. */
bool printing_start(void);

#endif
