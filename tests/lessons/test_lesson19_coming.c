/* Lesson 19: people who come and go while others talk. The load generator of
 * the bench is the crowd (load_crowd.c); `make crowd19` has a larger one. */
#include "irc.h"

#include <limits.h>

static void those_who_stay_miss_nothing_while_others_come_and_go(void **state) {
#ifdef __linux__
  struct irc *irc = irc_open("--butlers", "2", "127.0.0.1:0");
  const char *bin = getenv("LESSON_BIN");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/../bench/load", bin ? bin : "build/bin");
  char *argv[] = {path,        "crowd",  (char *)irc->endpoint,
                  "--clients", "200",    "--channels",
                  "20",        "--rate", "1000",
                  "--moves",   "100",    "--seconds",
                  "2",         NULL};
  struct program *load = program_exec(argv, NULL);
  if (program_wait(load) != 0)
    give_up("%s%s", program_out(load), program_err(load));
  program_free(load);
  irc->served = -1; /* the load does not tell how many there were */
  irc_close(irc);
#else
  skip(); /* the load generator needs epoll */
#endif
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(those_who_stay_miss_nothing_while_others_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
