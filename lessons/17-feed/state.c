/* state.c: four texts, changed by line.
 *
 * An update changes a text in place, unless a reply is sending that text: then
 * it changes a copy, the reply keeps what it has, and the last one to let go of
 * that frees it. */
#include "state.h"
#include "lesson.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS = 7, WORD = 10 }; /* "order     0000017 ..." */

static const char *const words[] = {"execution", "order", "position", "synced"};

/* In 46 KiB: 1024, 13312, 8192 and 24576 bytes. */
static const size_t parts[] = {1, 13, 8, 24};
enum { ALL_PARTS = 46 };

struct chunk *chunk_must(const char *bytes, size_t size) {
  struct chunk *chunk = chunk_new(bytes, size);
  lesson_must("keep the state", chunk ? 0 : UV_ENOMEM);
  return chunk;
}

/* What is too long is cut, what is too short filled up. */
static void write_line(char line[LINE], int text, size_t number,
                       const char *what) {
  int n = snprintf(line, LINE, "%-*s%0*zu %s", WORD, words[text], DIGITS,
                   number, what);
  while (n < LINE - 1)
    line[n++] = ' ';
  line[LINE - 1] = '\n';
}

/* The end mark counts down, so that its last line is known by its number. */
static struct chunk *text_new(int text, size_t lines) {
  struct chunk *chunk = chunk_must(NULL, lines * LINE);
  for (size_t i = 0; i < lines; i++)
    write_line(chunk->bytes + i * LINE, text,
               text == END_MARK ? lines - 1 - i : i, "as it was at the start");
  return chunk;
}

void state_init(struct state *state, size_t kib) {
  size_t left = kib * 1024 / LINE;
  size_t all = left;
  for (int i = 0; i < TEXTS; i++) {
    state->lines[i] = i == END_MARK ? left : all * parts[i] / ALL_PARTS;
    state->texts[i] = text_new(i, state->lines[i]);
    left -= state->lines[i];
  }
}

void state_free(struct state *state) {
  for (int i = 0; i < TEXTS; i++)
    ax_unref(state->texts[i]);
}

void state_update(char update[UPDATE], int text, size_t number,
                  const char *what) {
  memcpy(update, "update ", UPDATE - LINE);
  write_line(update + UPDATE - LINE, text, number, what);
}

/* region: writable */
/* The bytes of a text, to be changed. New references are taken on this
 * strand and nowhere else; so who is alone stays alone. */
static char *writable(struct chunk **text) {
  struct chunk *shared = *text;
  if (atomic_load(&shared->obj.refs) > 1) {
    *text = chunk_must(shared->bytes, shared->size);
    ax_unref(shared);
  }
  return (*text)->bytes;
}
/* end: writable */

/* The text that a line belongs to; TEXTS: none. */
static int text_of(const char *line) {
  int text = 0;
  while (text < TEXTS && memcmp(line, words[text], strlen(words[text])) != 0)
    text++;
  return text;
}

/* A number of DIGITS digits; if it is none, one that no line has. */
static size_t number_of(const char *line) {
  size_t number = 0;
  for (const char *at = line + WORD; at < line + WORD + DIGITS; at++) {
    if (*at < '0' || *at > '9')
      return SIZE_MAX;
    number = 10 * number + (size_t)(*at - '0');
  }
  return number;
}

void state_apply(struct state *state, const char *update, size_t size) {
  const char *line = update + UPDATE - LINE;
  if (size != UPDATE || memcmp(update, "update ", UPDATE - LINE) != 0)
    return;
  int text = text_of(line);
  size_t number = number_of(line);
  if (text < TEXTS && number < state->lines[text])
    memcpy(writable(&state->texts[text]) + number * LINE, line, LINE);
}
