/* load_program.c: runs a program that measures itself, and says whether other
 * work has disturbed it.
 *
 * The program prints "PEER/CASE OPERATIONS_PER_SECOND", and may print
 * "lateness p50 N us, p99 N us" as well. */
#include "load.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A tick at each end may be counted that was not ours. */
static const double ROUNDING = 2e7; /* ns */

struct report {
  double rate, p50, p99;
};

static FILE *start(char **argv, pid_t *pid) {
  int ends[2];
  if (pipe(ends) || (*pid = fork()) < 0)
    net_fail(argv[0]);
  if (*pid > 0) {
    close(ends[1]);
    return fdopen(ends[0], "r");
  }
  dup2(ends[1], STDOUT_FILENO);
  dup2(ends[1], STDERR_FILENO);
  execvp(argv[0], argv);
  net_fail(argv[0]);
}

static void read_line(struct report *report, const char *line) {
  const char *space = strchr(line, ' ');
  if (sscanf(line, "lateness p50 %lf us, p99 %lf us", &report->p50,
             &report->p99) == 2)
    return;
  if (strchr(line, '/') && space && strtod(space, NULL) > 0)
    report->rate = strtod(space, NULL);
  else
    complain("%s", line);
}

static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

long load_program(char **argv) {
  struct report report = {0};
  struct rusage usage;
  char line[256];
  pid_t pid;
  int status;
  uint64_t begin = now(), machine = cpu_of_machine();
  FILE *out = start(argv, &pid);
  while (fgets(line, sizeof line, out))
    read_line(&report, line);
  fclose(out);
  if (wait4(pid, &status, 0, &usage) < 0)
    net_fail("wait4");
  double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  double wall = (double)(now() - begin) / 1e9;
  double others = (double)(cpu_of_machine() - machine) - cpu * 1e9 - ROUNDING;
  double capacity = wall * 1e9 * (double)sysconf(_SC_NPROCESSORS_ONLN);
  printf("case=program rate=%.0f seconds=%.3f cpu_s=%.3f disturbed=%.1f",
         report.rate, wall, cpu, others > 0 ? 100 * others / capacity : 0);
  if (report.p99 > 0)
    printf(" late_p50_us=%.0f late_p99_us=%.0f", report.p50, report.p99);
  bool failed = status != 0 || report.rate <= 0;
  printf(" wrong=%d\n", failed);
  return failed;
}
