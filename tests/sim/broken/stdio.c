/* stdio.c: who prints. */
#include "broken.h"

static void *print_letters(void *name) {
  for (const char *letter = name; *letter; letter++)
    printf("%c", *letter);
  return NULL;
}

PROGRAM(print_letters_mixed, "two threads print letter by letter") {
  run_both(print_letters, print_letters);
  puts("");
}

static void *print_line(void *name) {
  flockfile(stdout);
  print_letters(name);
  putchar('\n');
  funlockfile(stdout);
  return NULL;
}

PROGRAM(print_lines_whole, "a stream's lock keeps lines whole: two orders") {
  run_both(print_line, print_line);
}
