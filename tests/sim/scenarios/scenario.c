/* scenario.c: what scenarios share, and the program that runs one by name. */
#include "scenario.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct scenario *all;

/* In the order of their names. */
void scenario_add(struct scenario *scenario) {
  struct scenario **at = &all;
  while (*at && strcmp((*at)->name, scenario->name) < 0)
    at = &(*at)->next;
  scenario->next = *at;
  *at = scenario;
}

void check_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, condition);
  exit(1);
}

/* The simulator's. */
uint64_t sim_random(uint64_t below);

int some(int least, int most) {
  return least + (int)sim_random((uint64_t)most - (uint64_t)least + 1);
}

static char numbers[64];

void *as_arg(int number) { return numbers + number; }

int number_of(const void *arg) { return (int)((const char *)arg - numbers); }

/* --------------------------------------------------------------- threads */

pthread_t start_thread(void *(*run)(void *), void *arg) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, arg) == 0);
  return thread;
}

void join_thread(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

pthread_t start_butler(ax_context *context) {
  return start_thread(butler, context);
}

void serve(ax_context *context, int butlers) {
  pthread_t others[8];
  CHECK(butlers <= 9);
  for (int i = 1; i < butlers; i++)
    others[i - 1] = start_butler(context);
  ax_run(context);
  for (int i = 1; i < butlers; i++)
    join_thread(others[i - 1]);
}

void end(ax_context *context) {
  ax_context_free(context);
  ax_census live = ax_live();
  CHECK(live.objects == 0);
  CHECK(live.operations == 0);
}

void sleep_for(ax_time span) {
  struct timespec time = {(time_t)(span / 1000000000),
                          (long)(span % 1000000000)};
  nanosleep(&time, NULL);
}

/* --------------------------------------------------------------- sockets */

int connect_end(ax_stream *stream) {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK(ax_stream_open_fd(stream, ends[0]) == 0);
  close(ends[0]);
  return ends[1];
}

void connect_pair(ax_stream *one, ax_stream *other) {
  int fd = connect_end(one);
  CHECK(ax_stream_open_fd(other, fd) == 0);
  close(fd);
}

/* --------------------------------------------------------------- by name */

static int list(void) {
  for (struct scenario *s = all; s; s = s->next)
    printf("%-24s %s\n", s->name, s->claim);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 1)
    return list();
  for (struct scenario *s = all; s; s = s->next)
    if (strcmp(s->name, argv[1]) == 0) {
      s->run();
      return 0;
    }
  fprintf(stderr, "there is no scenario %s\n", argv[1]);
  return 2;
}
