/* threads.c: threads begin, end and are waited for.
 *
 * They are real ones, so thread-locals, keys and debuggers work. A new one
 * waits for its baton before it does anything, and its last act, the last of
 * its keys' destructors, is to pass it on. */
#include "sim.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_key_t last_act;

/* Destructors run in rounds. In the third the program's own have run. */
static void on_end(void *arg) {
  struct sim_thread *self = arg;
  if (self->last_rounds++ < 2)
    pthread_setspecific(last_act, self);
  else if (sim_mine())
    sim_leave();
}

void sim_open_threads(struct sim_thread *first) {
  pthread_key_create(&last_act, on_end);
  pthread_setspecific(last_act, first);
}

static void *run_thread(void *arg) {
  struct sim_thread *self = arg;
  self->stack_end = (char *)__builtin_frame_address(0);
  sim_have_second_stack(self);
  sim_enter(self);
  pthread_setspecific(last_act, self);
  return self->run(self->arg);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *arg) {
  if (!sim_mine())
    return SIM_REAL(pthread_create)(thread, attributes, run, arg);
  sim_drain();
  sim_point("starts a thread", NULL, SIM_PC);
  struct sim_thread *new = sim_thread_new();
  new->run = run;
  new->arg = arg;
  int err = SIM_REAL(pthread_create)(&new->real, attributes, run_thread, new);
  if (err)
    new->state = SIM_ENDED;
  else
    *thread = new->real;
  sim_point("has started a thread", new, SIM_PC);
  return err;
}

/* The newest of that name: the system uses names again. */
static struct sim_thread *find(pthread_t thread) {
  for (int i = sim.count - 1; i >= 0; i--)
    if (pthread_equal(sim.threads[i].real, thread))
      return &sim.threads[i];
  return NULL;
}

int pthread_join(pthread_t thread, void **result) {
  struct sim_thread *other = sim_mine() ? find(thread) : NULL;
  if (!other)
    return SIM_REAL(pthread_join)(thread, result);
  sim_drain();
  sim_point("waits for the end of a thread", other, SIM_PC);
  if (other == sim.current)
    return EDEADLK;
  while (other->state != SIM_ENDED)
    sim_wait(other, "waits for the end of", SIM_NEVER);
  return SIM_REAL(pthread_join)(thread, result);
}

int sched_yield(void) {
  if (!sim_mine())
    return (int)syscall(SYS_sched_yield);
  sim_yield(SIM_PC);
  return 0;
}

/* Zero, one while the function runs, two. */
int pthread_once(pthread_once_t *once, void (*function)(void)) {
  int *state = (int *)once;
  if (sim_mine()) {
    sim_drain();
    sim_point("comes to a pthread_once", once, SIM_PC);
    while (*state == 1)
      sim_wait(once, "waits for a pthread_once", SIM_NEVER);
  }
  if (*state == 2)
    return 0;
  *state = 1;
  function();
  sim_drain();
  *state = 2;
  if (sim_mine())
    sim_wake_all(once);
  return 0;
}
