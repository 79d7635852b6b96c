/* scenario.h: short programs with an oracle of their own, one for each law and
 * for each pair of things that can meet.
 *
 * A scenario is one run of a few butlers and a few other threads. It knows what
 * must hold, whatever the order in which they run, and checks it. The simulator
 * runs it under thousands of seeds. So a scenario is small (a run of a few
 * thousand steps takes a millisecond), uses sockets and pipes but no other
 * process, and prints nothing. Each run is a process of its own, so statics
 * begin anew. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "ax.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scenario {
  const char *name, *claim;
  void (*run)(void);
  struct scenario *next;
};

void scenario_add(struct scenario *scenario);

/* Defines a scenario: SCENARIO(strand_order, "what holds") { ... }. */
#define SCENARIO(name, claim)                                                  \
  static void name(void);                                                      \
  __attribute__((constructor(1000))) static void name##_add(void) {            \
    static struct scenario self = {#name, claim, name, NULL};                  \
    scenario_add(&self);                                                       \
  }                                                                            \
  static void name(void)

/* Ends the run when the condition does not hold, and says where. */
#define CHECK(condition)                                                       \
  ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
_Noreturn void check_failed(const char *file, int line, const char *condition);

/* A number that the seed draws; of butlers, mostly. */
int some(int least, int most);

/* A number below 64 as the argument of a thread or handler, and back. */
void *as_arg(int number);
int number_of(const void *arg);

/* A thread, which must not fail to start; waits for its end. */
pthread_t start_thread(void *(*run)(void *), void *arg);
void join_thread(pthread_t thread);

/* A thread that calls ax_run once. */
pthread_t start_butler(ax_context *context);

/* Runs the context with so many butlers, the caller among them; returns when
 * all of them have. */
void serve(ax_context *context, int butlers);

/* Frees the context, if it is not NULL, and checks that nothing of the core is
 * alive after that. */
void end(ax_context *context);

/* Sleeps; time is virtual, so that it costs nothing. */
void sleep_for(ax_time span);

/* Opens both streams on the ends of one Unix socket. */
void connect_pair(ax_stream *one, ax_stream *other);

/* Opens a stream on one end of a Unix socket and returns the other end, a
 * blocking descriptor that is the caller's. */
int connect_end(ax_stream *stream);

#endif
