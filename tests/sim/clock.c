/* clock.c: clocks and sleeps, in virtual time.
 *
 * The monotonic clock shows second 1 when the program starts, and the real one
 * a day in November 2023. To look costs some time, so that who looks again and
 * again sees it pass. */
#include "sim.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const sim_time real_zero = 1700000000000000000;
static const sim_time second = 1000000000;

static bool is_real(int clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static bool is_virtual(int clock) {
  return clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
}

static sim_time span_of(const struct timespec *time) {
  return (sim_time)time->tv_sec * second + (sim_time)time->tv_nsec;
}

sim_time sim_moment(int clock, const struct timespec *time) {
  sim_time moment = span_of(time), zero = is_real(clock) ? real_zero : 0;
  return moment > zero ? moment - zero : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!sim.on || !is_virtual(clock))
    return (int)syscall(SYS_clock_gettime, clock, time);
  if (sim_mine()) {
    sim.now += 20;
    sim_point("looks at the clock", NULL, SIM_PC);
  }
  sim_time now = sim.now + (is_real(clock) ? real_zero : 0);
  *time = (struct timespec){(time_t)(now / second), (long)(now % second)};
  return 0;
}

int timespec_get(struct timespec *time, int base) {
  return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, time) ? base : 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *seconds) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (seconds)
    *seconds = now.tv_sec;
  return now.tv_sec;
}

/* --------------------------------------------------------------- sleeping */

static int sleep_until(sim_time moment, const void *pc) {
  sim_drain();
  sim_point("goes to sleep", NULL, pc);
  while (sim.now < moment)
    sim_wait(NULL, "sleeps", moment);
  return 0;
}

int nanosleep(const struct timespec *span, struct timespec *left) {
  if (!sim_mine())
    return (int)syscall(SYS_nanosleep, span, left);
  return sleep_until(sim.now + span_of(span), SIM_PC);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                    struct timespec *left) {
  if (!sim_mine())
    return (int)syscall(SYS_clock_nanosleep, clock, flags, time, left);
  sim_time moment =
      flags & TIMER_ABSTIME ? sim_moment(clock, time) : sim.now + span_of(time);
  return sleep_until(moment, SIM_PC);
}

int usleep(useconds_t span) {
  struct timespec time = {span / 1000000, span % 1000000 * 1000L};
  if (!sim_mine())
    return (int)syscall(SYS_nanosleep, &time, NULL);
  return sleep_until(sim.now + span_of(&time), SIM_PC);
}

unsigned sleep(unsigned seconds) {
  struct timespec time = {seconds, 0};
  if (!sim_mine())
    return (unsigned)syscall(SYS_nanosleep, &time, NULL);
  return (unsigned)sleep_until(sim.now + span_of(&time), SIM_PC);
}
