/* load.c: the load generator of the bench: one thread, epoll, any server.
 *
 *     load echo ENDPOINT [--clients N] [--size BYTES]
 *     load chat ENDPOINT [--clients N] [--senders N] [--window N] [--burst N]
 *                        [--rate N] [--size BYTES]
 *     load idle ENDPOINT [--clients N] --pid PID
 *     load irc ENDPOINT            as chat, for an IRC server
 *     load irc-idle ENDPOINT       as idle
 *     load crowd ENDPOINT [--clients N] [--channels N] [--moves N] [--rate N]
 *     load program PROGRAM [ARGUMENT...]
 *
 * and for the others: [--seconds S] [--pid PID]. With the server's PID, its CPU
 * time is measured as well. The result is one line of key=value. Exit status:
 * 0, or 1 when a byte was not as it should be, or 2 when it could not be tried.
 */
#include "load.h"
#include "net.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

_Noreturn static void usage(void) {
  fprintf(stderr,
          "usage: load echo|chat|idle|irc|irc-idle|crowd ENDPOINT\n"
          "            [--clients N] [--senders N] [--window N] [--burst N]\n"
          "            [--rate N] [--size BYTES] [--channels N] [--moves N]\n"
          "            [--seconds S] [--pid PID]\n"
          "       load program PROGRAM [ARGUMENT...]\n");
  exit(2);
}

void complain(const char *format, ...) {
  static int said;
  va_list args;
  va_start(args, format);
  if (said++ < 10)
    vfprintf(stderr, format, args);
  va_end(args);
}

/* Where the number of an option goes, or NULL. */
static long *number_of(struct options *o, const char *name) {
  const struct {
    const char *name;
    long *value;
  } numbers[] = {{"--clients", &o->clients},   {"--senders", &o->senders},
                 {"--window", &o->window},     {"--burst", &o->burst},
                 {"--rate", &o->rate},         {"--size", &o->size},
                 {"--channels", &o->channels}, {"--moves", &o->moves}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(name, numbers[i].name) == 0)
      return numbers[i].value;
  return NULL;
}

static void set(struct options *o, const char *name, const char *text) {
  char *end;
  double value = strtod(text, &end);
  long *number = number_of(o, name);
  if (*end || end == text || value <= 0)
    usage();
  if (number)
    *number = (long)value;
  else if (strcmp(name, "--seconds") == 0)
    o->seconds = value;
  else if (strcmp(name, "--pid") == 0)
    o->pid = (pid_t)value;
  else
    usage();
}

/* A descriptor for each client, and some more. */
static void many_descriptors(long clients) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= (rlim_t)clients + 16)
    return;
  fprintf(
      stderr,
      "%ld clients are more than the hard limit of open files allows: %ju\n",
      clients, (uintmax_t)limit.rlim_max);
  exit(2);
}

static long run(const char *name, const struct options *o) {
  static const struct {
    const char *name;
    long (*run)(const struct options *o);
    bool needs_pid;
  } cases[] = {{"echo", load_echo, false},   {"chat", load_chat, false},
               {"idle", load_idle, true},    {"irc", load_irc, false},
               {"crowd", load_crowd, false}, {"irc-idle", load_irc_idle, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (strcmp(name, cases[i].name) == 0 && (o->pid || !cases[i].needs_pid))
      return cases[i].run(o);
  usage();
}

int main(int argc, char **argv) {
  struct options o = {
      .clients = 50, .senders = 4, .window = 8, .size = 64, .seconds = 3};
  if (argc > 2 && strcmp(argv[1], "program") == 0)
    return load_program(argv + 2) != 0;
  if (argc < 3 || argc % 2 == 0)
    usage();
  o.endpoint = argv[2];
  for (int i = 3; i < argc; i += 2)
    set(&o, argv[i], argv[i + 1]);
  many_descriptors(o.clients);
  return run(argv[1], &o) != 0;
}
