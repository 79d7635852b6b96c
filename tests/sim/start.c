/* start.c: a run's beginning and end, and what the environment asks for.
 *
 *   SIM_SEED=7     the seed; 1 if there is none
 *   SIM_SEEDS=100  so many runs, from that seed on; see seeds.c
 *   SIM_LIMIT=n    a run of more than n steps is a livelock
 *   SIM_MEMORY=n   1: each plain access is a point; 0: each 256th is; else the
 *                  seed decides
 *   SIM_TSO=1      stores are buffered
 *   SIM_FAULTS=1   in a quarter of the runs system calls fail as they may
 *   SIM_HASH=1     tells at the end what tells two runs apart
 *   SIM_UNTRACED=1 the core does not trace what it does
 *
 * `make` sets them; docs/seeds.md tells what to type. */
#include "sim.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

uint64_t sim_option(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  char *end;
  if (!text || !*text)
    return otherwise;
  uint64_t value = strtoull(text, &end, 10);
  if (*end || *text < '0' || *text > '9' || value > SIM_MOST) {
    sim_say("%s is a whole number up to %llu, not '%s'\n",
            name + strlen("SIM_"), SIM_MOST, text);
    _exit(2);
  }
  return value;
}

void sim_pin(long processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/* ---------------------------------------------------------------- the end */

/* A stack that has overflown is none to report on. */
void sim_have_second_stack(const struct sim_thread *self) {
  static char stacks[SIM_THREADS][65536];
  stack_t stack = {.ss_sp = stacks[self->id], .ss_size = sizeof *stacks};
  sigaltstack(&stack, NULL);
}

static void on_crash(int signo) {
  signal(signo, SIG_DFL);
  if (sim_mine()) /* the run is over, so nothing is safe or unsafe any more */
    sim_fail("%s", strsignal(signo)); // NOLINT(bugprone-signal-handler)
  raise(signo);
}

static void on_exit_of(int status, void *arg) {
  if (!sim.on)
    return;
  sim.on = false;
  fflush(stdout);
  if (sim_option("SIM_HASH", 0))
    sim_say("SEED=%llu: %llu steps, %llu switches, %.3f s, hash %016llx\n",
            (unsigned long long)sim.seed, (unsigned long long)sim.steps,
            (unsigned long long)sim.switches, (double)sim.now / 1e9 - 1,
            (unsigned long long)sim.hash);
  _exit(status); /* the other threads have no more to say */
}

static void after_fork(void) { sim.on = false; }

/* ---------------------------------------------------------- the beginning */

static void choose_options(void) {
  uint64_t memory = sim_option("SIM_MEMORY", 2);
  bool each = memory == 1 || (memory == 2 && sim_random(2));
  sim.plain = sim.plain_gap = each ? 1 : 256;
  sim.limit = sim_option("SIM_LIMIT", 3000000);
  sim.stores = sim_option("SIM_TSO", 0);
  sim.faults = sim_option("SIM_FAULTS", 0) && sim_random(4) == 0;
}

static void start(uint64_t seed) {
  sim.seed = seed;
  sim.hash = 14695981039346656037u;
  sim_schedule(seed);
  choose_options();
  struct sim_thread *first = sim_thread_new();
  sim_self = sim.current = first;
  first->real = pthread_self();
  first->stack_end = (char *)__builtin_frame_address(0);
  sim_have_second_stack(first);
  sim_open_threads(first);
  sim_open_memory();
  sim.now = 1000000000;
  sim.first_deadline = SIM_NEVER;
  sim.urgent = true;
  sim.on = true;
}

/* Nobody types under a seed. */
static void replace_terminal(void) {
  if (!isatty(STDIN_FILENO))
    return;
  int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  close(null);
}

/* The C library would take memory for it in some runs, but not in those whose
 * parent has printed. */
static void replace_buffer(void) {
  static char buffer[BUFSIZ];
  setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF,
          sizeof buffer);
}

static void catch_crashes(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction(signals[i], &action, NULL);
}

/* Tracing takes steps. So a run is always traced, and goes the same way whether
 * somebody wants to see that or not. */
static void trace_always(void) {
  const char *file = getenv("AX_TRACE");
  if (!sim_option("SIM_UNTRACED", 0) && (!file || !*file))
    setenv("AX_TRACE", "/dev/null", true);
}

/* Before main. */
__attribute__((constructor)) static void begin(void) {
  uint64_t seed = sim_option("SIM_SEED", 1), count = sim_option("SIM_SEEDS", 0);
  if (!seed) {
    sim_say("SEED is a whole number from 1 on, not 0\n");
    _exit(2);
  }
  trace_always();
  replace_terminal();
  replace_buffer();
  pthread_atfork(NULL, NULL, after_fork);
  if (count)
    seed = sim_seeds(seed, count);
  else
    sim_pin(sched_getcpu());
  catch_crashes();
  on_exit(on_exit_of, NULL);
  start(seed);
}
