/* cli.c: the command line of the lessons. */
#include "lesson.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The length of an option's name, without the words it takes. */
static size_t name_length(const char *name) { return strcspn(name, "="); }

/* The words it takes, as "nul|length", or NULL: it takes a number, or a text
 * that has no name. */
static const char *words_of(const char *name) {
  const char *words = name + name_length(name);
  return *words ? words + 1 : NULL;
}

static const char *text_name(const struct lesson_text *text) {
  const char *words = words_of(text->name);
  return words ? words : "TEXT";
}

/* The word at that place; *length is its length. */
static const char *word_at(const char *words, long place, int *length) {
  for (; place > 0; place--)
    words += strcspn(words, "|") + 1;
  *length = (int)strcspn(words, "|");
  return words;
}

/* The place of the word `text`, or -1. */
static long find_word(const char *words, const char *text) {
  size_t length = strlen(text);
  for (long place = 0;; place++) {
    size_t end = strcspn(words, "|");
    if (end == length && memcmp(words, text, end) == 0)
      return place;
    if (!words[end])
      return -1;
    words += end + 1;
  }
}

static void print_option(const struct lesson_option *option) {
  const char *words = words_of(option->name);
  int name = (int)name_length(option->name), length;
  printf("  --%.*s %s: %s", name, option->name, words ? words : "N",
         option->help);
  if (words) {
    const char *word = word_at(words, *option->value, &length);
    printf(" (default %.*s)\n", length, word);
  } else {
    printf(", %ld to %ld (default %ld)\n", option->min, option->max,
           *option->value);
  }
}

static void print_text(const struct lesson_text *text) {
  printf("  --%.*s %s: %s (default %s)\n", (int)name_length(text->name),
         text->name, text_name(text), text->help, *text->value);
}

static void print_synopsis(const char *name, const char *words) {
  printf(" [--%.*s %s]", (int)name_length(name), name, words);
}

static void print_usage(const struct lesson_cli *cli) {
  printf("usage: %s [--help]", lesson__program);
  for (size_t i = 0; i < cli->option_count; i++) {
    const char *words = words_of(cli->options[i].name);
    print_synopsis(cli->options[i].name, words ? words : "N");
  }
  for (size_t i = 0; i < cli->text_count; i++)
    print_synopsis(cli->texts[i].name, text_name(&cli->texts[i]));
  const char *endpoints = cli->one_endpoint ? " [ENDPOINT]" : " [ENDPOINT...]";
  printf("%s\n%s\n", cli->endpoint ? endpoints : "", cli->about);
  for (size_t i = 0; i < cli->option_count; i++)
    print_option(&cli->options[i]);
  for (size_t i = 0; i < cli->text_count; i++)
    print_text(&cli->texts[i]);
  if (cli->endpoint)
    printf("  ENDPOINT: 127.0.0.1:80, localhost:80, [::1]:80, :80, /path, "
           "unix:path or fd:3 (default %s)\n",
           cli->endpoint);
}

/* Does `text`, "--name" or "--name=N", speak of the option of that name? */
static bool is_option(const char *text, const char *name) {
  size_t length = strcspn(text, "="), wanted = name_length(name);
  return length == wanted + 2 && memcmp(text, "--", 2) == 0 &&
         memcmp(text + 2, name, wanted) == 0;
}

static const struct lesson_option *find_option(const struct lesson_cli *cli,
                                               const char *text) {
  for (size_t i = 0; i < cli->option_count; i++)
    if (is_option(text, cli->options[i].name))
      return &cli->options[i];
  lesson__quit(2, "there is no option '%s' (--help tells more)", text);
}

static const struct lesson_text *find_text(const struct lesson_cli *cli,
                                           const char *text) {
  for (size_t i = 0; i < cli->text_count; i++)
    if (is_option(text, cli->texts[i].name))
      return &cli->texts[i];
  return NULL;
}

static void set_number(const struct lesson_option *option, const char *text) {
  if (text == NULL)
    lesson__quit(2, "--%s wants a number behind it", option->name);
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < option->min || value > option->max)
    lesson__quit(2, "--%s is a number from %ld to %ld, not '%s'", option->name,
                 option->min, option->max, text);
  *option->value = value;
}

static void set_word(const struct lesson_option *option, const char *text) {
  const char *words = words_of(option->name);
  int name = (int)name_length(option->name);
  if (text == NULL)
    lesson__quit(2, "--%.*s wants %s behind it", name, option->name, words);
  long place = find_word(words, text);
  if (place < 0)
    lesson__quit(2, "--%.*s is %s, not '%s'", name, option->name, words, text);
  *option->value = place;
}

static void set_text(const struct lesson_text *option, const char *text) {
  if (text == NULL)
    lesson__quit(2, "--%.*s wants %s behind it", (int)name_length(option->name),
                 option->name, text_name(option));
  *option->value = text;
}

static void set_option(const struct lesson_cli *cli, const char *name,
                       const char *value) {
  const struct lesson_text *text = find_text(cli, name);
  const struct lesson_option *option = text ? NULL : find_option(cli, name);
  if (text)
    set_text(text, value);
  else if (words_of(option->name))
    set_word(option, value);
  else
    set_number(option, value);
}

/* An address, or "fd:3". */
static int read_endpoint(const char *text, ax_endpoint *endpoint) {
  char *end;
  if (strncmp(text, "fd:", 3) != 0)
    return ax_endpoint_parse(text, endpoint);
  long fd = strtol(text + 3, &end, 10);
  if (text[3] < '0' || text[3] > '9' || *end || fd > INT_MAX)
    return UV_EINVAL;
  *endpoint = lesson_inherited((int)fd);
  return 0;
}

static void add_endpoint(struct lesson_cli *cli, const char *text) {
  size_t room = sizeof cli->endpoints / sizeof cli->endpoints[0];
  if (cli->endpoint == NULL)
    lesson__quit(2, "it takes no argument '%s' (--help tells more)", text);
  if (cli->endpoint_count == room)
    lesson__quit(2, "more than %zu endpoints", room);
  if (cli->one_endpoint && cli->endpoint_count == 1)
    lesson__quit(2, "it listens on one endpoint, and '%s' is a second", text);
  int err = read_endpoint(text, &cli->endpoints[cli->endpoint_count]);
  if (err)
    lesson__quit(2, "'%s' is no endpoint: %s (--help tells more)", text,
                 uv_strerror(err));
  cli->endpoint_count++;
}

static void name_program(const char *path) {
  const char *slash = strrchr(path, '/');
  lesson__program = slash ? slash + 1 : path;
}

static void maybe_help(const struct lesson_cli *cli, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      print_usage(cli);
      exit(0);
    }
  }
}

void lesson_cli(struct lesson_cli *cli, int argc, char **argv) {
  if (argc > 0)
    name_program(argv[0]);
  lesson__start();
  maybe_help(cli, argc, argv);
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] != '-') {
      add_endpoint(cli, argv[i]);
      continue;
    }
    const char *name = argv[i], *equals = strchr(name, '=');
    const char *value = equals ? equals + 1 : NULL;
    if (value == NULL && i + 1 < argc)
      value = argv[++i];
    set_option(cli, name, value);
  }
  if (cli->endpoint && cli->endpoint_count == 0)
    add_endpoint(cli, cli->endpoint);
}

void lesson_words(int argc, char **argv, const char *words, bool right) {
  if (argc > 0)
    name_program(argv[0]);
  lesson__start();
  if (right)
    return;
  bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
  fprintf(help ? stdout : stderr, "usage: %s %s\n", lesson__program, words);
  exit(help ? 0 : 2);
}
