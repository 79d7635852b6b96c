/* line.h: from bytes to commands. It has no state and knows no session, so it
 * runs on any butler, and a fuzzer may call it.
 *
 *     @label=7;+draft/reply=x :ignored PRIVMSG #beach,ann :hello there\r\n
 *      tags                    source  command params         the last one
 */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes, without the @ and the space around tags, and with the CR LF that a
 * line may have. The server adds tags of its own, to 8191 in all. */
enum { LINE_MOST = 512, TAGS_MOST = 4094, PARAMS_MOST = 15 };

/* So many bytes without a newline are no line: with both limits and some. */
enum { LINE_ROOM = 8191 + LINE_MOST };

/* The longest label of a command. */
enum { LABEL_MOST = 64 };

/* A line of the server's, with all tags. */
enum { MESSAGE_ROOM = TAGS_MOST + 256 + LINE_MOST };

/* One line. What it points at are the bytes that came, cut up in place. */
struct line {
  enum { LINE_FINE, LINE_TOO_LONG, LINE_NO_TEXT } fault;
  const char *tags; /* "label=7;+draft/reply=x", or "" */
  const char *command;
  size_t count;
  const char *params[PARAMS_MOST]; /* "" from `count` on */
};

/* Cuts whole lines off the front of `bytes`, `most` at most, and parses them.
 * A line ends with CR LF or LF; an empty one is none. One with another CR, or a
 * NUL, or what is no UTF-8, is no text. Returns how many there are; *used is
 * how many bytes they are made of. */
size_t lines_take(struct line *lines, size_t most, char *bytes, size_t size,
                  size_t *used);

/* A stretch of text inside a line. */
struct span {
  const char *at;
  size_t size;
};

/* The value of a tag as it was sent, escapes and all, the last one if it is
 * there twice; at is NULL when it is not there. */
struct span line_tag(const struct line *line, const char *name);

/* The tags that clients send to each other, which begin with a plus: joined
 * again, as "+a=b;+c". */
void line_client_tags(const struct line *line, char to[TAGS_MOST + 1]);

/* Can it be a parameter that others follow? */
bool is_word(const char *text);

/* The text if it is a word, otherwise "*": for replies, which repeat what a
 * client sent. */
const char *word_or_star(const char *text);

/* A number of one to nine digits and nothing else; otherwise -1. */
long number_of(const char *text);

bool utf8_valid(const char *text);

/* The most bytes of `text`, `most` or fewer, that end with a whole character.
 */
size_t utf8_cut(const char *text, size_t most);

#endif
