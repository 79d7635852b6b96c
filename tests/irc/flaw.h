/* flaw.h: is what the server says a line of IRC? Whoever includes this has
 * line.c. */
#ifndef FLAW_H
#define FLAW_H

#include "../../lessons/19-irc/line.h"

#include <ctype.h>
#include <string.h>

enum { ALL_TAGS_MOST = 8191 }; /* with the @ and the space */

/* "PRIVMSG #beach :hi", "001 ann :hello", "221 ann +": every parameter but the
 * last one has no space in it, and something else. */
static inline const char *flaw_of_words(const char *words) {
  const char *at = words;
  while (isupper((unsigned char)*at) || isdigit((unsigned char)*at))
    at++;
  if (at == words)
    return "it has no command";
  while (at[0] == ' ' && at[1] != ':') {
    size_t size = strcspn(++at, " ");
    if (size == 0)
      return "a parameter is empty";
    at += size;
  }
  return *at && *at != ' ' ? "its command is none" : NULL;
}

/* What is wrong with a line, which comes without its end; NULL: nothing. */
static inline const char *flaw_of(const char *line, size_t size) {
  const char *at = line;
  if (strlen(line) != size || strpbrk(line, "\r\n"))
    return "it has a byte that no line has";
  if (!utf8_valid(line))
    return "it is no UTF-8";
  if (*at == '@')
    at += strcspn(at, " ") + 1;
  if (at - line > ALL_TAGS_MOST)
    return "its tags are too long";
  if (line + size < at || line + size - at > LINE_MOST - 2)
    return "it is too long";
  if (*at != ':' || !strchr(at, ' '))
    return "nobody says it";
  return flaw_of_words(strchr(at, ' ') + 1);
}

#endif
