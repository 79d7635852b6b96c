/* broken.h: little programs with a mistake that the simulator has to report, or
 * with none, and then it has to be silent.
 *
 * They prove the simulator, not the core, so they use pthreads alone. Each file
 * here has the programs for the file of that name in tests/sim. test_sim.sh
 * knows how each has to end.
 *
 * A comment marks the line that a report has to name, with its function:
 *
 *   here: NAME        where the mistake is made
 *   held: NAME        where the mutex was locked that is waited for
 *   allocated: NAME   where the block came from that is misused
 *   freed: NAME       where it went
 *
 * NAME is the program's; freed_* stands for all that begin like that. */
#ifndef BROKEN_H
#define BROKEN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct program {
  const char *name, *shows;
  void (*run)(void);
  struct program *next;
};

void program_add(struct program *program);

/* Defines a program: PROGRAM(mutex_twice, "what it does") { ... }. */
#define PROGRAM(name, shows)                                                   \
  static void name(void);                                                      \
  __attribute__((constructor(1000))) static void name##_add(void) {            \
    static struct program self = {#name, shows, name, NULL};                   \
    program_add(&self);                                                        \
  }                                                                            \
  static void name(void)

/* Ends the run with status 1 when the condition does not hold. */
#define CHECK(condition)                                                       \
  ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
_Noreturn void check_failed(const char *file, int line, const char *condition);

/* A thread, which must not fail to start; waits for its end. */
pthread_t start(void *(*run)(void *), void *arg);
void join(pthread_t thread);

/* Runs both at once, or `count` threads of one kind, and waits for all. */
void run_both(void *(*one)(void *), void *(*other)(void *));
void run_some(int count, void *(*run)(void *));

/* The monotonic clock, in seconds, and the moment so many seconds from now. */
double now(void);
struct timespec from_now(clockid_t clock, time_t seconds);

#endif
