/* broken.c: what the little programs share, and the one that runs them by name.
 */
#include "broken.h"

static struct program *all;

/* In the order of their names. */
void program_add(struct program *program) {
  struct program **at = &all;
  while (*at && strcmp((*at)->name, program->name) < 0)
    at = &(*at)->next;
  program->next = *at;
  *at = program;
}

void check_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, condition);
  exit(1);
}

/* ---------------------------------------------------------------- threads */

pthread_t start(void *(*run)(void *), void *arg) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, arg) == 0);
  return thread;
}

void join(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

void run_both(void *(*one)(void *), void *(*other)(void *)) {
  pthread_t first = start(one, "one"), second = start(other, "other");
  join(first);
  join(second);
}

void run_some(int count, void *(*run)(void *)) {
  pthread_t threads[8];
  for (int i = 0; i < count; i++)
    threads[i] = start(run, NULL);
  for (int i = 0; i < count; i++)
    join(threads[i]);
}

/* ------------------------------------------------------------------- time */

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct timespec from_now(clockid_t clock, time_t seconds) {
  struct timespec time;
  clock_gettime(clock, &time);
  time.tv_sec += seconds;
  return time;
}

/* ---------------------------------------------------------------- by name */

static int list(void) {
  for (struct program *p = all; p; p = p->next)
    printf("%-24s %s\n", p->name, p->shows);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 1)
    return list();
  for (struct program *p = all; p; p = p->next)
    if (strcmp(p->name, argv[1]) == 0) {
      p->run();
      return 0;
    }
  fprintf(stderr, "there is no program %s\n", argv[1]);
  return 2;
}
