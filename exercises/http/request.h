/* request.h: what a client wants, read from the first line of its request. No
 * file is touched here, so every odd path can be tried without one. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { HEAD_MAX = 8192 /* bytes of a request */ };

struct request {
  bool head;                /* HEAD, not GET */
  char path[HEAD_MAX + 16]; /* relative to the root; never outside of it */
};

/* Reads a request line without its end. Returns 200, or the status that refuses
 * it: 400, 403 or 501. */
int request_parse(struct request *request, const char *line, size_t n);

/* What a status is called, and what a file contains by its name. */
const char *status_words(int status);
const char *content_type(const char *path);

#endif
