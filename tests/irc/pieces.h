/* pieces.h: what the parser makes of bytes, as text, whatever the pieces in
 * which they come. Whoever includes this has line.c. */
#ifndef PIECES_H
#define PIECES_H

#include "../../lessons/19-irc/line.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes of pieces, one after the other and again from the first. Behind each
 * piece the parser looks, and takes so many lines at a time. */
struct pieces {
  const size_t *sizes;
  size_t count, most;
};

enum { LINES_AT_ONCE = 16 };

/* "0 label=7;+a=b|PRIVMSG|#beach|hi [7] [+a=b]\n": its fault, tags, command and
 * parameters, then its label and what others get of its tags. */
static inline void write_line(FILE *to, const struct line *line) {
  char client[TAGS_MOST + 1] = "";
  struct span label = {0};
  fprintf(to, "%d %s|%s", (int)line->fault, line->tags, line->command);
  for (size_t i = 0; i < line->count; i++)
    fprintf(to, "|%s", line->params[i]);
  if (line->fault == LINE_FINE) {
    label = line_tag(line, "label");
    line_client_tags(line, client);
  }
  if (*line->tags)
    fprintf(to, " [%.*s] [%s]", (int)label.size, label.at ? label.at : "",
            client);
  fputc('\n', to);
}

/* Takes all lines that are there, and leaves the rest. */
static inline size_t take_lines(FILE *to, char *bytes, size_t size,
                                size_t most) {
  struct line lines[LINES_AT_ONCE];
  size_t used = 0, count;
  do {
    count = lines_take(lines, most, bytes, size, &used);
    for (size_t i = 0; i < count; i++)
      write_line(to, &lines[i]);
    memmove(bytes, bytes + used, size -= used);
  } while (used > 0);
  return size;
}

/* The caller frees it. */
static inline char *parse_pieces(const char *bytes, size_t size,
                                 const struct pieces *pieces) {
  char *text = NULL, *buffer = malloc(size ? size : 1);
  size_t length = 0, have = 0, n;
  FILE *to = open_memstream(&text, &length);
  if (!buffer || !to)
    abort();
  for (size_t at = 0, i = 0; at < size; at += n, i++) {
    n = pieces->sizes[i % pieces->count];
    n = n < size - at ? n : size - at;
    memcpy(buffer + have, bytes + at, n);
    have = take_lines(to, buffer, have + n, pieces->most);
  }
  fclose(to);
  free(buffer);
  return text;
}

#endif
