/* read.c: the events of a trace, from its JSON.
 *
 * What the file says is never trusted: it may be cut off, as that of a program
 * that was killed, or be something else altogether. Where it is cut off, the
 * functions return false and what was read so far counts. */
#include "events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 50, LONGEST_NUMBER = 63 };

static struct {
  const char *path, *at, *end;
  long line;
  int depth;
} in;

_Noreturn static void broken(const char *what) {
  fprintf(stderr, "show: %s:%ld: this is no trace: %s\n", in.path, in.line,
          what);
  exit(1);
}

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

/* ----------------------------------------------------------------- values */

/* To the next character that is no blank; false: there is none. */
static bool more(void) {
  for (; in.at < in.end && strchr(" \t\r\n", *in.at) && *in.at; in.at++)
    in.line += *in.at == '\n';
  return in.at < in.end;
}

static bool expect(char c, const char *otherwise) {
  if (!more())
    return false;
  if (*in.at != c)
    broken(otherwise);
  in.at++;
  return true;
}

static char printable(long code) {
  return code >= ' ' && code < 127 ? (char)code : '?';
}

/* Behind the backslash; false: cut off. */
static bool escaped(char *to) {
  char hex[5] = {0};
  if (*in.at != 'u') {
    *to = strchr("\"\\/", *in.at) ? *in.at : '?';
    in.at++;
    return true;
  }
  if (in.end - in.at < 5)
    return false;
  memcpy(hex, in.at + 1, 4);
  in.at += 5;
  char *end;
  *to = printable(strtol(hex, &end, 16));
  if (end != hex + 4)
    broken("\\u wants four digits");
  return true;
}

/* One character of a string; *to is 0 for the rest of a longer one. */
static bool character(char *to) {
  unsigned char c = (unsigned char)*in.at++;
  *to = '\0';
  if (c == '\\')
    return in.at < in.end && escaped(to);
  if (c == '\n')
    broken("a line ends within a string");
  if ((c & 0xc0) != 0x80)
    *to = printable(c);
  return true;
}

static bool string(char **to) {
  char *text = resized(NULL, 1);
  size_t length = 0;
  in.at++;
  for (char c; in.at < in.end && *in.at != '"';) {
    if (!character(&c))
      break;
    if (c && (length & (length + 1)) == 0)
      text = resized(text, 2 * length + 2);
    if (c)
      text[length++] = c;
  }
  text[length] = '\0';
  free(*to);
  *to = text;
  return in.at < in.end && *in.at++ == '"';
}

static bool number(double *to) {
  char text[LONGEST_NUMBER + 1], *end;
  size_t n = strspn(in.at, "+-.0123456789eE");
  if (n > LONGEST_NUMBER || n == 0)
    broken(n ? "this number is too long" : "a value is expected here");
  memcpy(text, in.at, n);
  text[n] = '\0';
  in.at += n;
  *to = strtod(text, &end);
  if (in.at < in.end && (*end || !isfinite(*to)))
    broken("this number is none");
  return in.at < in.end;
}

static bool word(const char *word) {
  size_t n = strlen(word), left = (size_t)(in.end - in.at);
  if (strncmp(in.at, word, n < left ? n : left) != 0)
    broken("a value is expected here");
  in.at += n < left ? n : left;
  return n <= left;
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
  char *text = NULL, *memory = field ? (char *)event + field->offset : NULL;
  double ignored;
  if (!more())
    return false;
  if (strchr("{[", *in.at))
    return *in.at == '{' ? object(args ? event : NULL, true) : array();
  if (strchr("tfn", *in.at))
    return word(*in.at == 't' ? "true" : *in.at == 'f' ? "false" : "null");
  bool quoted = *in.at == '"';
  if (field && (field->kind == TEXT) != quoted)
    broken(quoted ? "a number is expected here" : "a string is expected here");
  if (!quoted)
    return number(field ? (double *)memory : &ignored);
  bool whole = string(field ? (char **)memory : &text);
  free(text);
  return whole;
}

static bool member(struct event *event, bool args) {
  char *key = NULL;
  if (!more())
    return false;
  if (*in.at != '"')
    broken("a key in quotes is expected here");
  bool whole = string(&key) && expect(':', "a colon is expected here") &&
               value(event, event ? field_of(key, args) : NULL,
                     event && !args && strcmp(key, "args") == 0);
  free(key);
  return whole;
}

static void deeper(void) {
  if (++in.depth > DEEPEST)
    broken("this is nested too deep");
  in.at++;
}

/* Is there one more of a list, which `close` ends? -1: it is cut off. */
static int next(bool first, char close) {
  if (!more())
    return -1;
  if (*in.at == close) {
    in.at++;
    in.depth--;
    return 0;
  }
  return first || expect(',', "a comma is expected here") ? 1 : -1;
}

static bool object(struct event *event, bool args) {
  int is = 1;
  deeper();
  for (bool first = true; (is = next(first, '}')) > 0; first = false)
    if (!member(event, args))
      return false;
  return is == 0;
}

static bool array(void) {
  int is = 1;
  deeper();
  for (bool first = true; (is = next(first, ']')) > 0; first = false)
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
    broken("this event has a time before the beginning");
}

static bool read_all(struct events *events) {
  int is = 1;
  if (!more())
    return false;
  if (*in.at != '[')
    broken("it should begin with [");
  deeper();
  for (bool first = true; (is = next(first, ']')) > 0; first = false) {
    if (!more())
      return false;
    if (*in.at != '{')
      broken("an event in braces is expected here");
    struct event *event = APPEND(*events);
    if (!object(event, false)) {
      event_free(event);
      events->count--;
      return false;
    }
    fill(event);
  }
  if (is == 0 && more())
    broken("something follows its end");
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
  in.path = path;
  in.at = text;
  in.end = text + size;
  in.line = 1;
  in.depth = 0;
  events.cut = !read_all(&events);
  free(text);
  return events;
}

void events_free(struct events *events) {
  for (size_t i = 0; i < events->count; i++)
    event_free(&events->at[i]);
  free(events->at);
}
