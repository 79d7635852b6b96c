/* request.c: METHOD SP TARGET SP VERSION. Whatever is not understood is
 * refused: nobody guesses what a stranger may have meant. */
#include "request.h"

#include <ctype.h>
#include <string.h>

struct word {
  const char *at;
  size_t n;
};

/* Takes the bytes up to the next blank, and the blank. */
static struct word take_word(const char **line, size_t *n) {
  const char *blank = memchr(*line, ' ', *n);
  struct word word = {*line, blank ? (size_t)(blank - *line) : *n};
  size_t taken = word.n + (blank != NULL);
  *line += taken;
  *n -= taken;
  return word;
}

static bool is(struct word word, const char *text) {
  return word.n == strlen(text) && memcmp(word.at, text, word.n) == 0;
}

static bool is_version(struct word word) {
  return word.n == 8 && memcmp(word.at, "HTTP/1.", 7) == 0 &&
         isdigit((unsigned char)word.at[7]);
}

static int hex(char c) {
  const char *digits = "0123456789abcdef";
  const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* The byte at the beginning of a word, decoded; 0 when there is none that a
 * path may contain. */
static char decode(struct word *word) {
  char c = word->at[0];
  size_t n = 1;
  if (c == '%') {
    int high = word->n > 2 ? hex(word->at[1]) : -1;
    int low = word->n > 2 ? hex(word->at[2]) : -1;
    c = high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
    n = 3;
  } else if ((unsigned char)c < ' ' || c == '\x7f') {
    c = '\0';
  }
  word->at += n;
  word->n -= n;
  return c;
}

/* Decoded first, looked at afterwards: a point may come as %2e. */
static bool leads_up(const char *path) {
  for (const char *at = path; at; at = strchr(at, '/')) {
    at += *at == '/';
    if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
      return true;
  }
  return false;
}

/* Without the slashes that it begins with: openat takes "/etc" as it is. */
static int parse_path(char *path, struct word target) {
  char *to = path;
  while (target.n > 0 && *target.at != '?') {
    char c = decode(&target);
    if (!c)
      return 400;
    if (to > path || c != '/')
      *to++ = c;
  }
  if (to == path || to[-1] == '/')
    to += strlen(strcpy(to, "index.html"));
  *to = '\0';
  return leads_up(path) ? 403 : 200;
}

int request_parse(struct request *r, const char *line, size_t n) {
  struct word method = take_word(&line, &n), target = take_word(&line, &n);
  struct word version = {line, n};
  if (method.n == 0 || target.n == 0 || *target.at != '/' ||
      !is_version(version))
    return 400;
  r->head = is(method, "HEAD");
  int status = parse_path(r->path, target);
  return status != 200 || r->head || is(method, "GET") ? status : 501;
}

const char *status_words(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 408:
    return "Request Timeout";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  default:
    return "Internal Server Error";
  }
}

const char *content_type(const char *path) {
  const char *name = strrchr(path, '/'), *point = strrchr(path, '.');
  if (!point || (name && point < name))
    return "application/octet-stream";
  if (strcmp(point, ".html") == 0)
    return "text/html";
  return strcmp(point, ".txt") == 0 ? "text/plain" : "application/octet-stream";
}
