/* line.c: cuts lines up in place; where a space was there is a NUL. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- UTF-8 */

/* The bytes of the character that begins at `at`, or 0: it is none. */
static size_t utf8_length(const unsigned char *at) {
  size_t length = *at < 0x80                   ? 1
                  : *at >= 0xc2 && *at <= 0xdf ? 2
                  : (*at & 0xf0) == 0xe0       ? 3
                  : *at >= 0xf0 && *at <= 0xf4 ? 4
                                               : 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  bool wrong = (*at == 0xe0 && at[1] < 0xa0) || /* longer than it has to be */
               (*at == 0xed && at[1] > 0x9f) || /* half of a UTF-16 pair */
               (*at == 0xf0 && at[1] < 0x90) ||
               (*at == 0xf4 && at[1] > 0x8f); /* beyond the last one */
  return wrong ? 0 : length;
}

bool utf8_valid(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    size_t length = utf8_length(at);
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

size_t utf8_cut(const char *text, size_t most) {
  size_t size = strnlen(text, most + 1);
  if (size <= most)
    return size;
  while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
    most--;
  return most;
}

/* --------------------------------------------------------------- one line */

bool is_word(const char *text) {
  return *text && *text != ':' && !strchr(text, ' ');
}

const char *word_or_star(const char *text) {
  return is_word(text) ? text : "*";
}

long number_of(const char *text) {
  size_t digits = strspn(text, "0123456789");
  bool right = digits > 0 && digits < 10 && !text[digits];
  return right ? strtol(text, NULL, 10) : -1;
}

/* The word at *rest; *rest goes on behind it and the spaces that follow. */
static const char *take_word(char **rest) {
  char *word = *rest, *end = word + strcspn(word, " ");
  *rest = end + strspn(end, " ");
  *end = '\0';
  return word;
}

/* region: params */
static void take_params(struct line *line, char *rest) {
  while (*rest && line->count < PARAMS_MOST) {
    bool last = *rest == ':' || line->count == PARAMS_MOST - 1;
    line->params[line->count++] =
        last ? rest + (*rest == ':') : take_word(&rest);
    if (last)
      return;
  }
}
/* end: params */

/* Ends the text where its line feed is, at `end`. True if it is text. */
static bool end_text(char *text, char *end) {
  while (end > text && end[-1] == '\r')
    end--;
  *end = '\0';
  return strlen(text) == (size_t)(end - text) && !strchr(text, '\r') &&
         utf8_valid(text);
}

/* `text` is one line, up to its LF. False when there is no command in it. */
static bool parse(struct line *line, char *text, char *end) {
  *line = (struct line){.tags = "", .command = ""};
  for (size_t i = 0; i < PARAMS_MOST; i++)
    line->params[i] = "";
  bool fine = end_text(text, end);
  char *rest = text + strspn(text, " ");
  if (*rest == '@')
    line->tags = take_word(&rest) + 1;
  size_t size = strlen(rest);
  if (*rest == ':')
    take_word(&rest); /* who it is the server knows better */
  line->command = take_word(&rest);
  take_params(line, rest);
  if (strlen(line->tags) > TAGS_MOST || size > LINE_MOST - 2)
    line->fault = LINE_TOO_LONG;
  else if (!fine)
    line->fault = LINE_NO_TEXT;
  return *line->command || line->fault != LINE_FINE;
}

size_t lines_take(struct line *lines, size_t most, char *bytes, size_t size,
                  size_t *used) {
  size_t count = 0;
  *used = 0;
  while (count < most) {
    char *text = bytes + *used, *end = memchr(text, '\n', size - *used);
    if (!end)
      break; /* it is still to come */
    *used += (size_t)(end - text) + 1;
    count += parse(&lines[count], text, end);
  }
  return count;
}

/* ------------------------------------------------------------------ tags */

struct span line_tag(const struct line *line, const char *name) {
  size_t length = strlen(name);
  struct span found = {0};
  for (const char *at = line->tags; *at;) {
    size_t size = strcspn(at, ";"), key = strcspn(at, "=;");
    if (key == length && memcmp(at, name, length) == 0)
      found = (struct span){at + key + (key < size), size - key - (key < size)};
    at += size + (at[size] == ';');
  }
  return found;
}

void line_client_tags(const struct line *line, char to[TAGS_MOST + 1]) {
  char *end = to;
  for (const char *at = line->tags; *at;) {
    size_t size = strcspn(at, ";");
    if (*at == '+' && size > 1) {
      if (end > to)
        *end++ = ';';
      memcpy(end, at, size);
      end += size;
    }
    at += size + (at[size] == ';');
  }
  *end = '\0';
}
