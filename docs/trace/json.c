/* json.c: the words of JSON; json.h tells what they promise. */
#include "json.h"
#include "events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 50, LONGEST_NUMBER = 63 };

struct json json;

_Noreturn void json_broken(const char *what) {
  fprintf(stderr, "show: %s:%ld: this is no trace: %s\n", json.path, json.line,
          what);
  exit(1);
}

bool json_more(void) {
  for (; json.at < json.end && strchr(" \t\r\n", *json.at) && *json.at;
       json.at++)
    json.line += *json.at == '\n';
  return json.at < json.end;
}

bool json_expect(char c, const char *otherwise) {
  if (!json_more())
    return false;
  if (*json.at != c)
    json_broken(otherwise);
  json.at++;
  return true;
}

static char printable(long code) {
  return code >= ' ' && code < 127 ? (char)code : '?';
}

/* Behind the backslash; false: cut off. */
static bool escaped(char *to) {
  char hex[5] = {0};
  if (*json.at != 'u') {
    *to = strchr("\"\\/", *json.at) ? *json.at : '?';
    json.at++;
    return true;
  }
  if (json.end - json.at < 5)
    return false;
  memcpy(hex, json.at + 1, 4);
  json.at += 5;
  char *end;
  *to = printable(strtol(hex, &end, 16));
  if (end != hex + 4)
    json_broken("\\u wants four digits");
  return true;
}

/* One character of a string; *to is 0 for the rest of a longer one. */
static bool character(char *to) {
  unsigned char c = (unsigned char)*json.at++;
  *to = '\0';
  if (c == '\\')
    return json.at < json.end && escaped(to);
  if (c == '\n')
    json_broken("a line ends within a string");
  if ((c & 0xc0) != 0x80)
    *to = printable(c);
  return true;
}

bool json_string(char **to) {
  char *text = resized(NULL, 1);
  size_t length = 0;
  json.at++;
  for (char c; json.at < json.end && *json.at != '"';) {
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
  return json.at < json.end && *json.at++ == '"';
}

bool json_number(double *to) {
  char text[LONGEST_NUMBER + 1], *end;
  size_t n = strspn(json.at, "+-.0123456789eE");
  if (n > LONGEST_NUMBER || n == 0)
    json_broken(n ? "this number is too long" : "a value is expected here");
  memcpy(text, json.at, n);
  text[n] = '\0';
  json.at += n;
  *to = strtod(text, &end);
  if (json.at < json.end && (*end || !isfinite(*to)))
    json_broken("this number is none");
  return json.at < json.end;
}

bool json_word(void) {
  const char *word = *json.at == 't'   ? "true"
                     : *json.at == 'f' ? "false"
                                       : "null";
  size_t n = strlen(word), left = (size_t)(json.end - json.at);
  if (strncmp(json.at, word, n < left ? n : left) != 0)
    json_broken("a value is expected here");
  json.at += n < left ? n : left;
  return n <= left;
}

void json_open(void) {
  if (++json.depth > DEEPEST)
    json_broken("this is nested too deep");
  json.at++;
}

int json_next(bool first, char close) {
  if (!json_more())
    return -1;
  if (*json.at == close) {
    json.at++;
    json.depth--;
    return 0;
  }
  return first || json_expect(',', "a comma is expected here") ? 1 : -1;
}
