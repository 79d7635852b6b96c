/* command.c: words with one blank between them. */
#include "command.h"
#include "lesson.h"

#include <string.h>

enum { WORDS = 4, DAY = 86400 };

struct word {
  const char *at;
  size_t n;
};

/* Returns how many words there are, at most one more than have room. */
static size_t split(struct word *words, const char *line, size_t n) {
  size_t count = 0;
  const char *end = line + n;
  for (;;) {
    const char *blank = memchr(line, ' ', (size_t)(end - line));
    const char *stop = blank ? blank : end;
    if (count < WORDS)
      words[count] = (struct word){line, (size_t)(stop - line)};
    if (++count > WORDS || !blank)
      return count;
    line = blank + 1;
  }
}

static bool is(struct word word, const char *text) {
  return word.n == strlen(text) && memcmp(word.at, text, word.n) == 0;
}

/* Digits alone, and no more than `max`; else -1. */
static long number(struct word word, long max) {
  long value = 0;
  if (word.n == 0)
    return -1;
  for (size_t i = 0; i < word.n; i++) {
    if (word.at[i] < '0' || word.at[i] > '9')
      return -1;
    value = value * 10 + (word.at[i] - '0');
    if (value > max)
      return -1;
  }
  return value;
}

/* Any bytes but controls: a byte of 0x80 and more is none, whatever char is. */
static bool take_key(struct request *r, struct word word) {
  if (word.n == 0 || word.n > KEY_MAX)
    return false;
  for (size_t i = 0; i < word.n; i++)
    if ((unsigned char)word.at[i] < ' ' || word.at[i] == '\x7f')
      return false;
  memcpy(r->key, word.at, word.n);
  r->key_n = word.n;
  return true;
}

static const char *parse_set(struct request *r, const struct word *words,
                             size_t count, long *value, bool *lost) {
  *value = count == WORDS ? number(words[3], VALUE_MAX) : -1;
  *lost = *value < 0;
  if (*lost)
    return "SET KEY SECONDS LENGTH, a length up to 1048576";
  long life = number(words[2], DAY);
  r->life = life > 0 ? lesson_seconds((double)life) : 0;
  if (life < 0)
    return "SECONDS are a number up to 86400";
  return take_key(r, words[1]) ? NULL : "no such key can be";
}

const char *command_parse(struct request *r, const char *line, size_t n,
                          long *value, bool *lost) {
  static const char *const verbs[] = {"GET", "SET", "DEL", "COUNT", "QUIT"};
  static const size_t sizes[] = {2, 4, 2, 1, 1};
  struct word words[WORDS];
  size_t count = split(words, line, n), verb = 0;
  *value = -1;
  *lost = false;
  while (verb <= QUIT && !is(words[0], verbs[verb]))
    verb++;
  if (verb > QUIT)
    return "GET, SET, DEL, COUNT or QUIT";
  r->verb = (enum verb)verb;
  if (verb == SET)
    return parse_set(r, words, count, value, lost);
  if (count != sizes[verb])
    return "too few words, or too many";
  return count == 1 || take_key(r, words[1]) ? NULL : "no such key can be";
}
