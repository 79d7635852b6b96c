/* load.h: what the cases of the load generator share. */
#ifndef LOAD_H
#define LOAD_H

#include "measure.h"

struct options {
  const char *endpoint;
  long clients, senders, window, burst, rate, size, channels, moves;
  double seconds;
  pid_t pid; /* of the server, or 0 */
};

/* Each runs its case, prints one line and returns how much went wrong. */
long load_echo(const struct options *options);
long load_chat(const struct options *options);
long load_idle(const struct options *options);
long load_irc(const struct options *options);
long load_irc_idle(const struct options *options);
long load_crowd(const struct options *options);

/* Runs a program that measures itself. */
long load_program(char **argv);

/* Says what went wrong, the first few times. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
