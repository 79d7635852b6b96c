/* sim.h: the simulator, which runs a program's threads in an order that a seed
 * decides.
 *
 * One thread runs at a time; all others wait for their baton, a futex. At every
 * point, that is before every atomic operation, lock, wait and system call that
 * may block, the scheduler may pass the baton to another thread. All it decides
 * comes from a generator that begins with the seed, so the same seed gives the
 * same run. Time is virtual: a step takes some nanoseconds, and where every
 * thread sleeps the clock jumps to the first that wakes.
 *
 * The program does not know. The compiler puts a call before each access to
 * memory, as it does for ThreadSanitizer; the functions that it calls are ours
 * (atomics.c, memory.c). All else is called by its usual name, pthread_* and
 * sem_* (locks.c, threads.c), clocks and sleeps (clock.c), read, epoll_wait and
 * so on (descriptors.c), printf (stdio.c), malloc (memory.c): the program's own
 * definition of a name comes before the C library's, for libuv as well.
 *
 *   start.c       what the environment asks for; the beginning and end of a run
 *   scheduler.c   who is next
 *   report.c      what went wrong, in words
 *   seeds.c       many runs, each in a process of its own
 *
 * Limits. Atomic operations are sequentially consistent, or with store buffers
 * (TSO); weaker orders are not tried. Libraries have no points but where they
 * call the functions above. It is no detector of data races: that is
 * ThreadSanitizer. pthread_cancel, threads.h and signals from outside are left
 * to the system, and so is what other processes do. */
#ifndef SIM_H
#define SIM_H

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t sim_time; /* nanoseconds */
#define SIM_NEVER UINT64_MAX

enum {
  SIM_THREADS = 256,
  SIM_STORES = 8,
  SIM_STEPS = 8,
  SIM_FRAMES = 8,
  SIM_READS = 4
};

/* A step: what, in words that follow "it", on which object, called where. */
struct sim_step {
  const char *what;
  const void *at, *pc;
};

/* A store that others do not see yet. */
struct sim_store {
  volatile void *at;
  uint64_t value;
  int size;
};

enum sim_state { SIM_READY, SIM_WAITING, SIM_ENDED };

struct sim_thread {
  int id; /* its place, from 0; that is main */
  enum sim_state state;
  const void *on;  /* what it waits for ... */
  const char *why; /* ... in words */
  sim_time deadline;
  bool timed_out;
  struct pollfd *fds; /* it waits for these as well, or NULL */
  nfds_t fd_count;
  uint64_t priority;
  atomic_int baton;
  pthread_t real;
  void *(*run)(void *);
  void *arg;
  int last_rounds; /* of its key's destructor */
  const char *stack_end;
  struct sim_store stores[SIM_STORES];
  int store_count;
  struct sim_step steps[SIM_STEPS]; /* the last ones, in turn */
  unsigned long step_count;
  const volatile void *read_at[SIM_READS]; /* the last places, in turn */
  unsigned reads;
  const volatile void *spun_at; /* it loads the same value again and again */
  uint64_t spun_value;
  int spins;
  void *frames[64]; /* of its stack, for a report */
  int frame_count;
};

/* All of the simulation; whoever has the baton may touch it. */
extern struct sim {
  bool on;
  struct sim_thread *current;
  uint64_t steps;
  sim_time now, first_deadline;
  long countdown; /* points until the scheduler decides */
  bool urgent;    /* it decides at the next point */
  bool look;      /* a descriptor may have become ready */
  int plain;      /* accesses to memory until one is a point */
  int plain_gap;
  /* options */
  uint64_t seed, limit;
  bool stores; /* they are buffered */
  bool faults; /* of system calls */
  /* the rest */
  struct sim_thread threads[SIM_THREADS];
  int count;
  uint64_t switches, hash;
  struct sim_thread *teller; /* wants to know everybody's stack */
  const void *suspect;       /* memory that a report is about */
  struct sim_result *result; /* for the parent, or NULL */
  bool quiet;                /* no report */
} sim;
extern _Thread_local struct sim_thread *sim_self;

/* True where the simulation decides: it is on, and this thread has the baton.
 */
static inline bool sim_mine(void) {
  return sim.on && sim_self && sim_self == sim.current;
}

/* Where the function was called that uses it. */
#define SIM_PC __builtin_return_address(0)

/* The next definition of a name that is defined here: the C library's. */
#define SIM_REAL(name)                                                         \
  __extension__({                                                              \
    static __typeof__(&name) real;                                             \
    if (!real)                                                                 \
      *(void **)&real = dlsym(RTLD_NEXT, #name);                               \
    real;                                                                      \
  })

/* The linker gives the program ours in the place of these (see sim.mk), to
 * which the simulator itself has no use. */
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *at, int value, size_t size);
#define memcpy __real_memcpy
#define memmove __real_memmove
#define memset __real_memset

/* ------------------------------------------------------------ scheduler.c */

void sim_decide(void);

static inline void sim_note(const char *what, const void *at, const void *pc) {
  struct sim_thread *self = sim.current;
  self->steps[self->step_count++ % SIM_STEPS] = (struct sim_step){what, at, pc};
  sim.steps++;
}

/* A point: another thread may run before what comes next. */
static inline void sim_point(const char *what, const void *at, const void *pc) {
  sim_note(what, at, pc);
  sim.now += 7;
  if (--sim.countdown <= 0 || sim.urgent || sim.now >= sim.first_deadline)
    sim_decide();
}

/* Others run first, if any can. */
void sim_yield(const void *pc);

/* Notes that the thread reads there, or is about to write: who writes where it
 * has read lately may be held up just before, for others may do the same. */
void sim_reads(const volatile void *at);
void sim_writes(const volatile void *at);

/* Waits until somebody wakes those who wait on `on`, or one of the descriptors
 * that self->fds names is ready, or the deadline has come: true for that. */
bool sim_wait(const void *on, const char *why, sim_time deadline);
void sim_wake_all(const void *on);
void sim_wake_one(const void *on);

/* The thread is at its end: the baton goes on and does not come back. With the
 * last thread the process ends. */
void sim_leave(void);

/* To be called by a thread before anything else: waits for its baton. */
void sim_enter(struct sim_thread *self);

/* A new thread, ready to run. */
struct sim_thread *sim_thread_new(void);

/* Draws the strategy; at the start of a run. */
void sim_schedule(uint64_t seed);

/* A random number below `below`, which is at least 1. */
uint64_t sim_random(uint64_t below);

/* ------------------------------------------------------------- report.c */

/* What a run tells its parent: why it failed, if it did. */
struct sim_result {
  char reason[200];
};

/* Ends the program with SIM_FAILED and a report on standard error. */
enum { SIM_FAILED = 66 };
_Noreturn void sim_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Standard error, unlocked and at once. */
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Notes the stack of the calling thread for a report. */
void sim_note_frames(void);

/* Where an address of code is: "main (main.c:12)". */
struct sim_place {
  char text[160];
  bool ours; /* in the simulator itself, or nowhere */
};
void sim_find_places(const void *const *pcs, struct sim_place *places,
                     int count);

/* --------------------------------------------------------------- memory.c */

/* What the program takes from now on lies where it does in every run. */
void sim_open_memory(void);

/* Fails when the memory was freed, or is next to a block. */
void sim_check(const volatile void *at, size_t size, const char *what,
               const void *pc);

/* Says what is known of the block in which the memory is; for a report. */
void sim_tell_block(const void *at);

/* ---------------------------------------------------------------- locks.c */

/* Says who holds the mutex for which the thread waits; for a report. */
void sim_tell_owner(const struct sim_thread *waiting);

/* -------------------------------------------------------------- atomics.c */

/* What this thread has stored becomes visible: all, or the oldest. */
void sim_drain(void);
void sim_drain_some(void);

/* ------------------------------------------------------ threads.c, clock.c */

/* At the start of a run. */
void sim_open_threads(struct sim_thread *first);

/* The moment of the simulation that a timespec of that clock means. */
struct timespec;
sim_time sim_moment(int clock, const struct timespec *time);

/* --------------------------------------------------------- start.c, seeds.c */

/* So that the report of a crash has a stack; called by each thread. */
void sim_have_second_stack(const struct sim_thread *self);

/* The number in the environment, or `otherwise`; ends with 2 if it is none. */
#define SIM_MOST 1000000000000000ull
uint64_t sim_option(const char *name, uint64_t otherwise);

/* Makes a run of each seed, in a process of its own, and tells of them. Returns
 * in each of these with its seed, and does not return to its caller. */
uint64_t sim_seeds(uint64_t first, uint64_t count);

/* Stays on one processor: passing the baton is quick there. */
void sim_pin(long processor);

#endif
