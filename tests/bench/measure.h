/* measure.h: time, CPU time, and how latencies are spread. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds of the monotonic clock. */
uint64_t now(void);

/* CPU time of this process in nanoseconds. */
uint64_t cpu_of_self(void);

/* CPU time of the whole machine in nanoseconds, in steps of a clock tick. */
uint64_t cpu_of_machine(void);

/* Latencies, counted in buckets of which each is 1/64 of its power of two. */
struct spread {
  uint64_t count;
  uint64_t bucket[64 << 6];
};
void spread_add(struct spread *spread, uint64_t ns);

/* The latency that so much of them (0.5, 0.99) do not exceed, in us. */
double spread_at(const struct spread *spread, double part);

/* Prints how late timers were, for load_program.c to read. */
void spread_print_late(const struct spread *spread);

/* What was measured from the end of the warm-up until time is up. */
struct window {
  pid_t pid; /* of the server, or 0 */
  uint64_t begin, end;
  bool open;
  struct spread latency; /* one for each unit of work */
  /* At the beginning; when the window closes, the difference: */
  uint64_t server_cpu, own_cpu, machine_cpu; /* ns */
};

/* Plans a window of so many seconds that begins after a short warm-up. */
void window_init(struct window *window, double seconds, pid_t pid);

/* Opens and closes it in time; false when it has been closed. */
bool window_step(struct window *window);

/* Counts a unit of work that took so long, if the window is open. */
void window_add(struct window *window, uint64_t ns);

/* Prints the measurements as key=value: how many, how fast, CPU. `unit` names
 * what was counted. */
void window_print(const struct window *window, const char *unit);

/* Of a process: resident bytes, and open descriptors. */
long resident(pid_t pid);
long descriptors(pid_t pid);

#endif
