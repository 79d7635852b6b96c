/* read.c: the events of a trace, from its JSON. Where the file is cut off, what
 * was read so far counts. */
#include "events.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- memory */

void *resized(void *memory, size_t size) {
  void *larger = realloc(memory, size);
  if (!larger) {
    fprintf(stderr, "show: out of memory for %zu bytes\n", size);
    exit(1);
  }
  return larger;
}

/* Grows at powers of two. */
void *grown(void *memory, size_t count, size_t size) {
  char *all = memory;
  if ((count & (count - 1)) == 0)
    all = resized(all, (count ? 2 * count : 1) * size);
  memset(all + count * size, 0, size);
  return all;
}

/* ----------------------------------------------------------------- fields */

enum kind { NEITHER, TEXT, NUMBER };

static const struct field {
  const char *key;
  bool in_args;
  enum kind kind;
  size_t offset;
} fields[] = {
    {"ph", false, TEXT, offsetof(struct event, ph)},
    {"cat", false, TEXT, offsetof(struct event, cat)},
    {"name", false, TEXT, offsetof(struct event, name)},
    {"tid", false, NUMBER, offsetof(struct event, tid)},
    {"ts", false, NUMBER, offsetof(struct event, ts)},
    {"dur", false, NUMBER, offsetof(struct event, dur)},
    {"id", false, NUMBER, offsetof(struct event, id)},
    {"on", true, TEXT, offsetof(struct event, on)},
    {"part", true, TEXT, offsetof(struct event, part)},
    {"name", true, TEXT, offsetof(struct event, label)},
    {"op", true, NUMBER, offsetof(struct event, op)},
    {"by", true, NUMBER, offsetof(struct event, by)},
    {"err", true, NUMBER, offsetof(struct event, err)},
    {"n", true, NUMBER, offsetof(struct event, n)},
};

static const struct field *field_of(const char *key, bool in_args) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (fields[i].in_args == in_args && strcmp(fields[i].key, key) == 0)
      return &fields[i];
  return NULL;
}

static bool object(struct event *event, bool args);
static bool array(void);

/* A value that goes into `event` if its field is known. */
static bool value(struct event *event, const struct field *field, bool args) {
  void *memory = field ? (char *)event + field->offset : NULL;
  char *text = NULL;
  double ignored;
  if (!json_more())
    return false;
  char c = *json.at;
  if (c == '{' || c == '[')
    return c == '{' ? object(args ? event : NULL, true) : array();
  if (c == 't' || c == 'f' || c == 'n')
    return json_word();
  bool quoted = c == '"';
  if (field && (field->kind == TEXT) != quoted)
    json_broken(quoted ? "a number is expected here"
                       : "a string is expected here");
  if (!quoted)
    return json_number(field ? memory : &ignored);
  bool whole = json_string(field ? memory : &text);
  free(text);
  return whole;
}

static bool member(struct event *event, bool args) {
  char *key = NULL;
  if (!json_more())
    return false;
  if (*json.at != '"')
    json_broken("a key in quotes is expected here");
  bool whole = json_string(&key) &&
               json_expect(':', "a colon is expected here") &&
               value(event, event ? field_of(key, args) : NULL,
                     event && !args && strcmp(key, "args") == 0);
  free(key);
  return whole;
}

static bool object(struct event *event, bool args) {
  int is = 1;
  json_open();
  for (bool first = true; (is = json_next(first, '}')) > 0; first = false)
    if (!member(event, args))
      return false;
  return is == 0;
}

static bool array(void) {
  int is = 1;
  json_open();
  for (bool first = true; (is = json_next(first, ']')) > 0; first = false)
    if (!value(NULL, NULL, false))
      return false;
  return is == 0;
}

/* ----------------------------------------------------------------- events */

static void event_free(struct event *event) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (fields[i].kind == TEXT)
      free(*(char **)((char *)event + fields[i].offset));
}

static void fill(struct event *event) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    char **text = (char **)((char *)event + fields[i].offset);
    if (fields[i].kind == TEXT && !*text)
      *text = strcpy(resized(NULL, 1), "");
  }
  if (event->ts < 0 || event->dur < 0)
    json_broken("this event has a time before the beginning");
}

static bool read_all(struct events *events) {
  int is = 1;
  if (!json_more())
    return false;
  if (*json.at != '[')
    json_broken("it should begin with [");
  json_open();
  for (bool first = true; (is = json_next(first, ']')) > 0; first = false) {
    if (!json_more())
      return false;
    if (*json.at != '{')
      json_broken("an event in braces is expected here");
    struct event *event = APPEND(*events);
    if (!object(event, false)) {
      event_free(event);
      events->count--;
      return false;
    }
    fill(event);
  }
  if (is == 0 && json_more())
    json_broken("something follows its end");
  return is == 0;
}

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "r");
  char *text = resized(NULL, 2);
  size_t room = 1, n;
  for (*size = 0; file && (n = fread(text + *size, 1, room - *size, file));) {
    *size += n;
    if (*size == room)
      text = resized(text, (room *= 2) + 1);
  }
  if (!file || ferror(file)) {
    fprintf(stderr, "show: ");
    perror(path);
    exit(2);
  }
  fclose(file);
  text[*size] = '\0';
  return text;
}

struct events events_read(const char *path) {
  size_t size;
  struct events events = {0};
  char *text = read_file(path, &size);
  json.path = path;
  json.at = text;
  json.end = text + size;
  json.line = 1;
  json.depth = 0;
  events.cut = !read_all(&events);
  free(text);
  return events;
}

void events_free(struct events *events) {
  for (size_t i = 0; i < events->count; i++)
    event_free(&events->at[i]);
  free(events->at);
}
