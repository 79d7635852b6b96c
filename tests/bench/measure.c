/* measure.c: time, CPU time, and how latencies are spread.
 *
 * The clock of another process counts the CPU time of all its threads in
 * nanoseconds, also of those that run at this moment. What the machine did
 * besides the two of us is the difference to /proc/stat: it tells whether
 * other work has disturbed the measurement. */
#include "measure.h"
#include "net.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double WARM_UP = 0.3; /* seconds */

static uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time))
    net_fail("clock_gettime");
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t now(void) { return clock_ns(CLOCK_MONOTONIC); }

/* --------------------------------------------------------------- spread */

static size_t bucket_of(uint64_t ns) {
  if (ns < 64)
    return (size_t)ns;
  int power = 63 - __builtin_clzll(ns);
  return (size_t)(power - 5) << 6 | ((ns >> (power - 6)) & 63);
}

static double middle_of(size_t bucket) {
  if (bucket < 64)
    return (double)bucket;
  return (double)(64 + (bucket & 63)) * (double)(1ULL << ((bucket >> 6) - 1));
}

void spread_add(struct spread *spread, uint64_t ns) {
  spread->count++;
  spread->bucket[bucket_of(ns)]++;
}

double spread_at(const struct spread *spread, double part) {
  double left = part * (double)spread->count;
  size_t bucket = 0;
  while (bucket < (64 << 6) - 1 && (left -= (double)spread->bucket[bucket]) > 0)
    bucket++;
  return middle_of(bucket) / 1e3;
}

void spread_print_late(const struct spread *spread) {
  fprintf(stderr, "lateness p50 %.0f us, p99 %.0f us\n", spread_at(spread, 0.5),
          spread_at(spread, 0.99));
}

/* ------------------------------------------------------------- CPU time */

uint64_t cpu_of_self(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static uint64_t cpu_of(pid_t pid) {
  clockid_t clock;
  int err = pid ? clock_getcpuclockid(pid, &clock) : 0;
  if (err) {
    errno = err;
    net_fail("the server's clock");
  }
  return pid ? clock_ns(clock) : 0;
}

/* Of the whole machine: user, nice, system, interrupts and what the host took
 * away, but not idle and not waiting. */
uint64_t cpu_of_machine(void) {
  unsigned long long t[8] = {0};
  FILE *file = fopen("/proc/stat", "r");
  if (!file ||
      fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1],
             &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
    net_fail("/proc/stat");
  fclose(file);
  unsigned long long ticks = t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
  return ticks * (1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* Called at both ends; twice is the difference. */
static void read_clocks(struct window *w) {
  w->server_cpu = cpu_of(w->pid) - w->server_cpu;
  w->own_cpu = cpu_of_self() - w->own_cpu;
  w->machine_cpu = cpu_of_machine() - w->machine_cpu;
}

/* --------------------------------------------------------------- window */

void window_init(struct window *w, double seconds, pid_t pid) {
  memset(w, 0, sizeof *w);
  w->pid = pid;
  w->begin = now() + (uint64_t)(WARM_UP * 1e9);
  w->end = w->begin + (uint64_t)(seconds * 1e9);
}

bool window_step(struct window *w) {
  uint64_t time = now();
  if (!w->open && time >= w->begin) {
    w->open = true;
    w->begin = time;
    read_clocks(w);
  }
  if (time < w->end)
    return true;
  w->open = false;
  w->end = time;
  read_clocks(w);
  return false;
}

void window_add(struct window *w, uint64_t ns) {
  if (w->open)
    spread_add(&w->latency, ns);
}

/* Percent of all processors that were busy with something else. */
static double disturbed(const struct window *w) {
  double capacity =
      (double)(w->end - w->begin) * (double)sysconf(_SC_NPROCESSORS_ONLN);
  double ours = (double)w->server_cpu + (double)w->own_cpu;
  double others = (double)w->machine_cpu - ours;
  return others > 0 ? 100 * others / capacity : 0;
}

void window_print(const struct window *w, const char *unit) {
  double seconds = (double)(w->end - w->begin) / 1e9;
  double count = (double)w->latency.count;
  printf("%s=%.0f seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f", unit, count,
         seconds, count / seconds, spread_at(&w->latency, 0.5),
         spread_at(&w->latency, 0.99));
  printf(" load_busy=%.0f", (double)w->own_cpu / 1e7 / seconds);
  if (w->pid)
    printf(" cpu_us=%.4f busy=%.0f disturbed=%.1f",
           count > 0 ? (double)w->server_cpu / 1e3 / count : 0,
           (double)w->server_cpu / 1e7 / seconds, disturbed(w));
}

/* --------------------------------------------------------------- memory */

long resident(pid_t pid) {
  char path[64];
  long pages = -1;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *file = fopen(path, "r");
  if (!file || fscanf(file, "%*s %ld", &pages) != 1)
    net_fail(path);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

long descriptors(pid_t pid) {
  char path[64];
  long count = -2; /* . and .. */
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *dir = opendir(path);
  if (!dir)
    net_fail(path);
  while (readdir(dir))
    count++;
  closedir(dir);
  return count;
}
