/* command.h: a line of a client, understood. It knows no sockets. */
#ifndef COMMAND_H
#define COMMAND_H

#include "store.h"

enum { LINE_BYTES = 512 /* bytes, the LF included */ };

/* Reads a line without its end into `request`. Returns NULL, or what is wrong.
 *
 * For a SET `value` is how many bytes follow; -1: none do, or nobody knows how
 * many, and then `lost` is set. After a SET that is wrong they may follow, too.
 */
const char *command_parse(struct request *request, const char *line, size_t n,
                          long *value, bool *lost);

#endif
