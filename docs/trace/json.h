/* json.h: the words of JSON, one after the other.
 *
 * What the file says is never trusted: it may be cut off, as that of a program
 * that was killed, or be something else altogether. Where it is cut off the
 * functions return false; where it is wrong json_broken ends the program. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

/* What is read: from `at` to `end`, where a 0 stands. */
extern struct json {
  const char *path, *at, *end;
  long line;
  int depth;
} json;

_Noreturn void json_broken(const char *what);

/* To the next character that is no blank; false: there is none. */
bool json_more(void);
/* Behind that character, which must be next. */
bool json_expect(char c, const char *otherwise);
/* A string, which replaces *to. All that is not printable ASCII becomes a
 * question mark. */
bool json_string(char **to);
bool json_number(double *to);
/* true, false or null. */
bool json_word(void);

/* Behind a bracket or brace that opens. */
void json_open(void);
/* Is there one more of a list, which `close` ends? -1: it is cut off. */
int json_next(bool first, char close);

#endif
