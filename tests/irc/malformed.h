/* malformed.h: lines that are malformed, each with its answer; malformed.txt
 * has them, and says how they are written. */
#ifndef MALFORMED_H
#define MALFORMED_H

#include "flaw.h"
#include "lessons/irc.h"

enum { ROW = 1 << 15 };

struct rows {
  struct irc *irc;
  struct person *who;        /* who says the lines of this section ... */
  const char *const *script; /* ... and how he comes */
  const char *wanted;        /* the answers to this row */
  int number;                /* of the row */
  size_t tried;
};

/* ------------------------------------------------------------ who is there */

/* Ann is an operator in #x and a member of #y; she is not in #z, and cannot see
 * #s. */
static const char *const ann_comes[] = {
    "a+ ann message-tags batch labeled-response draft/chathistory setname",
    "a> JOIN #x",
    "a~ 366 {*}",
    "a> JOIN #y",
    "a~ 366 {*}",
    NULL};
static const char *const nobody_comes[] = {"c*", NULL};
static const char *const god_comes[] = {"g+ god", "g> OPER god pw",
                                        "g~ {*}MODE god :+o", NULL};

static const struct {
  const char *name;
  char letter;
  const char *const *script;
} sections[] = {{"ann", 'a', ann_comes},
                {"nobody", 'c', nobody_comes},
                {"god", 'g', god_comes}};

static inline void begin_section(struct rows *rows, const char *name) {
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    if (strcmp(sections[i].name, name) == 0) {
      rows->who = &rows->irc->people[sections[i].letter - 'a'];
      rows->script = sections[i].script;
    }
  if (!rows->who)
    give_up("who is %s?", name);
  if (rows->who->fd == -1)
    irc_play_all(rows->irc, rows->script);
}

/* -------------------------------------------------------------- one answer */

static inline void add_answer(const struct rows *rows, char *to,
                              const char *line) {
  const char *flaw = flaw_of(line, strlen(line)), *at = line;
  if (flaw)
    give_up("row %d: %s:\n%s", rows->number, flaw, line);
  if (*at == '@')
    at += strcspn(at, " ") + 1;
  at += strcspn(at, " ") + 1;
  size_t used = strlen(to);
  char command[16] = "", code[32] = "";
  sscanf(at, "%15s %*s %31s", command, code);
  bool coded = strcmp(command, "FAIL") == 0 || strcmp(command, "CAP") == 0;
  snprintf(to + used, ROW - used, "%s%s%s%s", used ? " " : "", command,
           coded ? "/" : "", coded ? code : "");
}

/* The commands of all lines up to the PONG, or to the end. */
static inline void hear_answers(struct rows *rows, char *to, const char *pong) {
  const char *line;
  *to = '\0';
  while ((line = irc_line(rows->who)) && !strstr(line, pong))
    add_answer(rows, to, line);
  if (line)
    return;
  strcat(to, *to ? " END" : "END");
  client_close(rows->who->fd);
  rows->who->fd = -1;
  irc_play_all(rows->irc, rows->script);
}

static inline void try_line(struct rows *rows, const char *line, size_t size) {
  char answers[ROW], ping[64], pong[64];
  int length = snprintf(ping, sizeof ping, "\r\nPING m%zu\r\n", rows->tried);
  snprintf(pong, sizeof pong, "PONG " SERVER_NAME " :m%zu", rows->tried++);
  client_send(rows->who->fd, line, size);
  client_send(rows->who->fd, ping, (size_t)length);
  hear_answers(rows, answers, pong);
  if (strcmp(answers, rows->wanted) != 0)
    give_up("row %d: %.200s\nis answered by: %s\nand not by: %s", rows->number,
            line, answers, rows->wanted);
}

/* ---------------------------------------------------------------- one row */

/* \0 \r \n \s (a space) \\ and \xff are bytes. */
static inline size_t unescape(char *to, const char *from) {
  static const char names[] = "0rns\\", bytes[] = "\0\r\n \\";
  char *at = to;
  for (; *from; from++) {
    unsigned byte;
    const char *name = from[0] == '\\' ? strchr(names, from[1]) : NULL;
    if (from[0] == '\\' && sscanf(from, "\\x%2x", &byte) == 1) {
      *at++ = (char)byte;
      from += 3;
    } else if (name && *name) {
      *at++ = bytes[name - names];
      from++;
    } else {
      *at++ = *from;
    }
  }
  return (size_t)(at - to);
}

static inline void try_row(struct rows *rows, const char *row);

/* The row with something in place of its first braces. */
static inline void replace(struct rows *rows, const char *row, const char *with,
                           size_t size, long times) {
  char *whole = malloc(ROW), *at = whole;
  const char *open = strchr(row, '{'), *close = strchr(open, '}');
  assert_non_null(whole);
  assert_true(strlen(row) + size * (size_t)times < ROW);
  at = (char *)memcpy(at, row, (size_t)(open - row)) + (open - row);
  for (; times > 0; times--, at += size)
    memcpy(at, with, size);
  strcpy(at, close + 1);
  try_row(rows, whole);
  free(whole);
}

/* {500*a} is five hundred of them, {JOIN|PART} one after the other. */
static inline void try_row(struct rows *rows, const char *row) {
  char bytes[ROW], *star;
  const char *open = strchr(row, '{');
  if (!open) {
    size_t size = unescape(bytes, row);
    try_line(rows, bytes, size);
    return;
  }
  long times = strtol(open + 1, &star, 10);
  if (*star == '*' && star > open + 1) {
    replace(rows, row, star + 1, strcspn(star + 1, "}"), times);
    return;
  }
  for (const char *at = open; *at != '}';) {
    size_t size = strcspn(++at, "|}");
    replace(rows, row, at, size, 1);
    at += size;
  }
}

/* "line => answers", "== section", or "# comment"; `text` is cut up. */
static inline void read_row(struct rows *rows, char *text) {
  char *arrow = strstr(text, " =>");
  if (strncmp(text, "== ", 3) == 0) {
    begin_section(rows, text + 3);
  } else if (arrow) {
    char *end = arrow;
    while (end > text && end[-1] == ' ')
      end--;
    *end = '\0';
    rows->wanted = arrow + 3 + strspn(arrow + 3, " ");
    try_row(rows, text);
  } else if (*text && *text != '#') {
    give_up("row %d is none: %s", rows->number, text);
  }
}

/* Tries all rows of a file; returns how many lines that were. */
static inline size_t malformed_try(struct irc *irc, const char *path) {
  struct rows rows = {.irc = irc};
  char *all = read_whole_file(path), *rest = all, *text;
  irc_play(irc, "d+ dan", "b+ bob", "b> JOIN #y,#z,#s", "b~ 366 bob #s {*}",
           "b> MODE #s +s", "b< {*}");
  begin_section(&rows, "ann");
  irc_play(irc, "b> JOIN #x", "b~ 366 {*}", "a~ {*}JOIN #x");
  while ((text = strsep(&rest, "\n"))) {
    rows.number++;
    read_row(&rows, text);
  }
  free(all);
  return rows.tried;
}

#endif
