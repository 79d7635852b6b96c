/* scheduler.c: who is next.
 *
 * Two strategies, one chosen by each seed. The random walk lets any thread that
 * is ready run for a number of points that is small, middle or large: small
 * finds what takes two threads in the same few lines, large what takes one that
 * is held up for long. PCT gives each thread a priority and lowers that of the
 * running one at a few moments drawn at random: it finds what takes few, but
 * certain, switches.
 *
 * A bug may hide behind a strategy that is fair. So PCT is not, until a thread
 * has run for PATIENCE points while others wait: it may be waiting for them. */
#include "sim.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct sim sim;
_Thread_local struct sim_thread *sim_self;

enum { PATIENCE = 3000, MOST_CHANGES = 5, LONELY = 20 };

static struct {
  uint64_t random;
  long gap;        /* of the random walk; 0: PCT */
  long run;        /* points from the last decision to the next */
  uint64_t delay;  /* one decision in so many holds the thread up */
  bool hasty;      /* so does one write in four where it has read lately */
  int alone;       /* yields in a row while nobody else was ready */
  uint64_t lowest; /* the priority of who was lowered last */
  uint64_t changes[MOST_CHANGES];
  int change_count, change;
} plan;

/* ------------------------------------------------------------- at random */

/* xorshift64*, by Sebastiano Vigna. */
uint64_t sim_random(uint64_t below) {
  plan.random ^= plan.random >> 12;
  plan.random ^= plan.random << 25;
  plan.random ^= plan.random >> 27;
  return (plan.random * 0x2545F4914F6CDD1Du >> 11) % below;
}

static void start_random(uint64_t seed) {
  plan.random = seed * 0x9E3779B97F4A7C15u + 0x1234567;
  for (int i = 0; i < 8; i++)
    sim_random(1);
}

/* In order; there are few. */
static void plan_change(uint64_t at) {
  int i = plan.change_count++;
  for (; i > 0 && plan.changes[i - 1] > at; i--)
    plan.changes[i] = plan.changes[i - 1];
  plan.changes[i] = at;
}

/* Programs are short or long, and nobody says beforehand: 300 steps, or
 * 3,000, or 30,000. */
void sim_schedule(uint64_t seed) {
  static const long gaps[] = {2, 12, 100, 0};
  static const uint64_t lengths[] = {300, 3000, 30000};
  start_random(seed);
  plan.gap = gaps[sim_random(4)];
  plan.delay = (uint64_t)1 << (1 + sim_random(6));
  plan.hasty = sim_random(2);
  plan.lowest = UINT64_MAX / 2;
  uint64_t length = lengths[sim_random(3)];
  for (uint64_t n = sim_random(MOST_CHANGES + 1); n > 0; n--)
    plan_change(sim_random(length));
}

/* --------------------------------------------------------------- batons */

/* A thread that is asked for its stack tells, and goes on waiting. */
static void wait_for_baton(struct sim_thread *self) {
  for (;;) {
    while (!atomic_load(&self->baton))
      syscall(SYS_futex, &self->baton, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    atomic_store(&self->baton, 0);
    if (!sim.teller)
      return;
    sim_note_frames();
    struct sim_thread *teller = sim.teller;
    atomic_store(&teller->baton, 1);
    syscall(SYS_futex, &teller->baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

static void give_baton(struct sim_thread *to) {
  sim.hash = (sim.hash ^ (sim.steps * 257 + (uint64_t)to->id)) * 1099511628211u;
  sim.switches++;
  sim.current = to;
  atomic_store(&to->baton, 1);
  syscall(SYS_futex, &to->baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void sim_enter(struct sim_thread *self) {
  sim_self = self;
  wait_for_baton(self);
}

/* ------------------------------------------------------- ready or waiting */

struct sim_thread *sim_thread_new(void) {
  if (sim.count == SIM_THREADS)
    sim_fail("more than %d threads", SIM_THREADS);
  struct sim_thread *thread = &sim.threads[sim.count];
  thread->id = sim.count++;
  thread->deadline = SIM_NEVER;
  thread->priority = UINT64_MAX / 2 + sim_random(1000000);
  return thread;
}

static void make_ready(struct sim_thread *thread) {
  thread->state = SIM_READY;
  thread->on = NULL;
  thread->fds = NULL;
  thread->deadline = SIM_NEVER;
  sim.urgent |= !plan.gap && thread->priority > sim.current->priority;
}

static bool waits_on(const struct sim_thread *thread, const void *on) {
  return thread->state == SIM_WAITING && thread->on == on;
}

void sim_wake_all(const void *on) {
  for (int i = 0; i < sim.count; i++)
    if (waits_on(&sim.threads[i], on))
      make_ready(&sim.threads[i]);
}

void sim_wake_one(const void *on) {
  struct sim_thread *woken = NULL;
  uint64_t waiting = 0;
  for (int i = 0; i < sim.count; i++)
    if (waits_on(&sim.threads[i], on) && sim_random(++waiting) == 0)
      woken = &sim.threads[i];
  if (woken)
    make_ready(woken);
}

static void wake_the_late(void) {
  sim.first_deadline = SIM_NEVER;
  for (int i = 0; i < sim.count; i++) {
    struct sim_thread *thread = &sim.threads[i];
    if (thread->state != SIM_WAITING)
      continue;
    thread->timed_out = thread->deadline <= sim.now;
    if (thread->timed_out)
      make_ready(thread);
    else if (thread->deadline < sim.first_deadline)
      sim.first_deadline = thread->deadline;
  }
}

static bool fds_are_ready(const struct sim_thread *thread) {
  struct timespec none = {0, 0};
  return syscall(SYS_ppoll, thread->fds, thread->fd_count, &none, NULL, 8) != 0;
}

static void wake_by_descriptors(void) {
  sim.look = false;
  for (int i = 0; i < sim.count; i++) {
    struct sim_thread *thread = &sim.threads[i];
    if (thread->state == SIM_WAITING && thread->fds && fds_are_ready(thread))
      make_ready(thread);
  }
}

/* -------------------------------------------------------------- choosing */

static bool is_better(const struct sim_thread *thread,
                      const struct sim_thread *best, uint64_t nth) {
  if (plan.gap)
    return sim_random(nth) == 0;
  return !best || thread->priority > best->priority;
}

/* One that is ready, the current one only if it may be; or NULL. */
static struct sim_thread *pick(bool current_too) {
  struct sim_thread *best = NULL;
  uint64_t ready = 0;
  for (int i = 0; i < sim.count; i++) {
    struct sim_thread *thread = &sim.threads[i];
    if (thread->state != SIM_READY || (!current_too && thread == sim.current))
      continue;
    if (is_better(thread, best, ++ready))
      best = thread;
  }
  return best;
}

static bool anybody_waits_for_descriptors(void) {
  for (int i = 0; i < sim.count; i++)
    if (sim.threads[i].state == SIM_WAITING && sim.threads[i].fds)
      return true;
  return false;
}

static void let_time_pass(void) {
  if (sim.now < sim.first_deadline)
    sim.now = sim.first_deadline;
  wake_the_late();
}

/* Nobody is ready: the clock jumps to the first that sleeps. Where nobody
 * sleeps a descriptor may become ready by what the kernel does, or another
 * process; that is given a moment of real time. */
static void wait_for_somebody(void) {
  struct timespec moment = {0, 1000000};
  wake_by_descriptors();
  for (int moments = 0; !pick(true); wake_by_descriptors()) {
    if (sim.first_deadline != SIM_NEVER)
      let_time_pass();
    else if (anybody_waits_for_descriptors() && moments++ < 50)
      syscall(SYS_nanosleep, &moment, NULL);
    else
      sim_fail("deadlock: every thread waits for another one");
  }
}

static struct sim_thread *choose(void) {
  if (sim.look)
    wake_by_descriptors();
  if (sim.now >= sim.first_deadline)
    wake_the_late();
  struct sim_thread *next = pick(true);
  if (!next)
    wait_for_somebody();
  return next ? next : pick(true);
}

/* Anybody but who yields, if somebody is ready. Who yields again and again and
 * is alone waits for something that takes time. */
static struct sim_thread *choose_another(void) {
  wake_by_descriptors();
  if (sim.now >= sim.first_deadline)
    wake_the_late();
  struct sim_thread *next = pick(false);
  plan.alone = next ? 0 : plan.alone + 1;
  if (plan.alone > LONELY && sim.first_deadline != SIM_NEVER) {
    plan.alone = 0;
    let_time_pass();
  }
  return next ? next : sim.current;
}

/* ------------------------------------------------------------- switching */

static void plan_next_decision(void) {
  plan.run = 0;
  sim.urgent = false;
  if (plan.gap) {
    sim.countdown = 1 + (long)sim_random((uint64_t)(2 * plan.gap));
    return;
  }
  sim.countdown = PATIENCE;
  if (plan.change < plan.change_count) {
    uint64_t at = plan.changes[plan.change];
    long left = at > sim.steps ? (long)(at - sim.steps) : 1;
    sim.countdown = left < PATIENCE ? left : PATIENCE;
  }
  plan.run = sim.countdown;
}

static void switch_to(struct sim_thread *next) {
  struct sim_thread *self = sim.current;
  plan_next_decision();
  if (next == self)
    return;
  give_baton(next);
  wait_for_baton(self);
}

/* PCT: the running thread is lowered at a change, and where it has had its
 * time. */
static void lower_priority(void) {
  bool change =
      plan.change < plan.change_count && sim.steps >= plan.changes[plan.change];
  plan.change += change;
  if (change || (sim.countdown <= 0 && plan.run == PATIENCE))
    sim.current->priority = plan.lowest--;
}

static void check_limit(void) {
  if (sim.steps > sim.limit)
    sim_fail("livelock: no end after %llu steps",
             (unsigned long long)sim.limit);
}

/* A thread loses its processor for longer, up to 2 ms, and others go on. */
static void hold_up(void) {
  sim_time most = sim_random(4) ? 50000 : 2000000;
  sim_wait(NULL, "is held up", sim.now + sim_random(most));
}

void sim_decide(void) {
  check_limit();
  if (!plan.gap)
    lower_priority();
  if (sim.stores)
    sim_drain_some();
  if (sim_random(plan.delay) == 0)
    hold_up();
  else
    switch_to(choose());
}

void sim_reads(const volatile void *at) {
  struct sim_thread *self = sim.current;
  self->read_at[self->reads++ % SIM_READS] = at;
}

void sim_writes(const volatile void *at) {
  struct sim_thread *self = sim.current;
  for (int i = 0; plan.hasty && i < SIM_READS; i++)
    if (self->read_at[i] == at) {
      self->read_at[i] = NULL;
      if (sim_random(4) == 0)
        hold_up();
    }
}

void sim_yield(const void *pc) {
  sim_drain();
  sim_note("yields", NULL, pc);
  check_limit();
  sim.now += 100;
  if (!plan.gap)
    sim.current->priority = plan.lowest--;
  switch_to(choose_another());
}

bool sim_wait(const void *on, const char *why, sim_time deadline) {
  struct sim_thread *self = sim.current;
  sim_drain();
  check_limit();
  self->state = SIM_WAITING;
  self->on = on;
  self->why = why;
  self->deadline = deadline;
  self->timed_out = false;
  if (deadline < sim.first_deadline)
    sim.first_deadline = deadline;
  switch_to(choose());
  return self->timed_out;
}

static bool is_last(void) {
  int living = 0;
  for (int i = 0; i < sim.count; i++)
    living += sim.threads[i].state != SIM_ENDED;
  return living == 1;
}

void sim_leave(void) {
  struct sim_thread *self = sim.current;
  sim_drain();
  if (is_last())
    exit(0); /* as the C library does */
  self->state = SIM_ENDED;
  sim_wake_all(self);
  struct sim_thread *next = choose();
  plan_next_decision();
  sim_self = NULL;
  give_baton(next);
}
