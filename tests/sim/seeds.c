/* seeds.c: many runs, and what can happen.
 *
 * A worker on each processor forks a process for each of its seeds, just before
 * main, and reads what it prints. Runs that print the same and end the same way
 * are one way that the program can go. Of those the table keeps a number; to
 * show one, its smallest seed is run again. SIM_SHOWN of them are shown.
 *
 * With SIM_TELL=failures it tells the first seed that fails, if one does, and
 * shows its report. */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN = 20, WAYS = 1000, SECONDS = 60 };

struct way {
  uint64_t hash; /* of output and end; 0: not run yet */
  uint64_t first, count;
  bool failed;
};

static struct table {
  uint64_t first, count;
  atomic_ullong failing; /* the smallest seed that fails, or UINT64_MAX */
  bool stops;            /* with the first that fails */
  struct way runs[];     /* one for each seed */
} * table;

/* One run: its process, the end of the pipe from which its output comes. */
struct run {
  pid_t process;
  int output;
  int status;
  struct sim_result *result;
};

/* ---------------------------------------------------------------- one run */

static void *share(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("no memory for so many seeds");
    _exit(1);
  }
  return memory;
}

static void must(bool done, const char *what) {
  if (done)
    return;
  perror(what);
  _exit(1);
}

/* A run reads nothing and makes no report: only what it prints counts. */
static void become_quiet(int output, int null) {
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  sim.quiet = true;
}

/* True in the child, which goes on to main. */
static bool fork_run(struct run *run) {
  static int null = -1;
  int ends[2];
  if (null == -1)
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
  must(pipe(ends) == 0, "pipe");
  memset(run->result, 0, sizeof *run->result);
  run->process = fork();
  must(run->process >= 0, "fork");
  if (run->process == 0) {
    sim.result = run->result;
    become_quiet(ends[1], null);
    close(ends[0]);
    close(ends[1]);
    alarm(SECONDS);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return true;
  }
  close(ends[1]);
  run->output = ends[0];
  return false;
}

static ssize_t read_output(const struct run *run, char *bytes, size_t size) {
  ssize_t n;
  do
    n = read(run->output, bytes, size);
  while (n < 0 && errno == EINTR);
  return n;
}

static void end_run(struct run *run) {
  close(run->output);
  while (waitpid(run->process, &run->status, 0) < 0 && errno == EINTR)
    continue;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
  for (const unsigned char *at = bytes; size > 0; size--)
    hash = (hash ^ *at++) * 1099511628211u;
  return hash;
}

/* ---------------------------------------------------------------- workers */

static void note_failure(uint64_t seed) {
  unsigned long long known = table->failing;
  while (seed < known &&
         !atomic_compare_exchange_weak(&table->failing, &known, seed))
    continue;
}

static void note_run(uint64_t seed, struct run *run) {
  char bytes[4096];
  uint64_t hash = 14695981039346656037u;
  for (ssize_t n; (n = read_output(run, bytes, sizeof bytes)) > 0;)
    hash = mix(hash, bytes, (size_t)n);
  end_run(run);
  hash = mix(hash, &run->status, sizeof run->status);
  hash = mix(hash, run->result->reason, strlen(run->result->reason));
  struct way *way = &table->runs[seed - table->first];
  *way = (struct way){hash | 1, seed, 1, run->status != 0};
  if (way->failed)
    note_failure(seed);
}

/* Runs each `step`th seed; returns in a child of the worker, with its seed. */
static uint64_t work(long worker, uint64_t step) {
  struct run run = {.result = share(sizeof *run.result)};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sim_pin(worker);
  for (uint64_t i = (uint64_t)worker; i < table->count; i += step) {
    uint64_t seed = table->first + i;
    if (table->stops && seed > table->failing)
      break;
    if (fork_run(&run))
      return seed;
    note_run(seed, &run);
  }
  _exit(0);
}

/* ---------------------------------------------------------------- telling */

static const char *with_commas(uint64_t number) {
  static char texts[4][32];
  static int next;
  char digits[32], *to = texts[next++ % 4], *text = to;
  int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0)
      *to++ = ',';
    *to++ = digits[i];
  }
  *to = '\0';
  return text;
}

static const char *how_it_ended(const struct run *run) {
  static char text[64];
  if (run->result && run->result->reason[0])
    return run->result->reason;
  if (WIFSIGNALED(run->status) && WTERMSIG(run->status) == SIGALRM)
    return "it did not end in a minute";
  if (WIFSIGNALED(run->status))
    return strsignal(WTERMSIG(run->status));
  snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(run->status));
  return text;
}

/* Runs it again, its output indented; true in the child. */
static bool show_way(const struct way *way) {
  struct run run = {.result = share(sizeof *run.result)};
  char byte;
  fflush(stdout);
  if (fork_run(&run))
    return true;
  for (bool begins = true; read_output(&run, &byte, 1) > 0;) {
    if (begins)
      printf("     ");
    putchar(byte);
    begins = byte == '\n';
  }
  end_run(&run);
  if (way->failed)
    printf("     and then: %s\n", how_it_ended(&run));
  return false;
}

static int by_count(const void *one, const void *other) {
  const struct way *a = one, *b = other;
  if (a->count != b->count)
    return a->count < b->count ? 1 : -1;
  return a->first > b->first ? 1 : -1;
}

/* The different ones, the most frequent first; what is beyond `WAYS` is left
 * out. */
static size_t find_ways(struct way ways[WAYS]) {
  size_t count = 0;
  for (uint64_t i = 0; i < table->count; i++) {
    size_t at = 0;
    while (at < count && ways[at].hash != table->runs[i].hash)
      at++;
    if (at < count)
      ways[at].count++;
    else if (count < WAYS)
      ways[count++] = table->runs[i];
  }
  qsort(ways, count, sizeof *ways, by_count);
  return count;
}

/* Returns in the child that shows a way, with its seed; else 0. */
static uint64_t tell_ways(void) {
  static struct way ways[WAYS];
  size_t count = find_ways(ways), shown = sim_option("SIM_SHOWN", SHOWN);
  printf("%s seeds, %zu way%s:\n", with_commas(table->count), count,
         count == 1 ? "" : "s");
  for (size_t i = 0; i < count && i < shown; i++) {
    double part = 100 * (double)ways[i].count / (double)table->count;
    printf("\n%5.1f %%, SEED=%llu\n", part, (unsigned long long)ways[i].first);
    if (show_way(&ways[i]))
      return ways[i].first;
  }
  if (count > shown)
    printf("\nand %zu more, which are rarer\n", count - shown);
  return 0;
}

/* The same for a run that failed, with its report. */
static uint64_t tell_failures(double seconds) {
  uint64_t seed = table->failing;
  if (seed == UINT64_MAX) {
    printf("%s seeds, none fails, %.1f s\n", with_commas(table->count),
           seconds);
    return 0;
  }
  printf("FAILS with SEED=%llu, after %s seeds\n", (unsigned long long)seed,
         with_commas(seed - table->first + 1));
  fflush(stdout);
  struct run run = {.process = fork()};
  if (run.process == 0) {
    alarm(SECONDS);
    return seed;
  }
  while (waitpid(run.process, &run.status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFSIGNALED(run.status))
    printf("%s\n", how_it_ended(&run));
  fflush(stdout);
  _exit(1);
}

/* ---------------------------------------------------------------- progress */

static uint64_t count_done(void) {
  uint64_t done = 0;
  for (uint64_t i = 0; i < table->count; i++)
    done += table->runs[i].hash != 0;
  return done;
}

static void show_progress(void) {
  fprintf(stderr, "\r%s of %s seeds ", with_commas(count_done()),
          with_commas(table->count));
}

/* Where somebody watches it looks up from time to time. */
static void wait_for_workers(long workers) {
  struct timespec moment = {0, 20000000};
  bool watched = isatty(STDERR_FILENO);
  for (int looks = 1; workers > 0; looks++) {
    int status = 0;
    pid_t ended = waitpid(-1, &status, watched ? WNOHANG : 0);
    must(ended >= 0 || errno == EINTR, "waitpid");
    if (ended > 0 && status)
      _exit(1); /* it has said why */
    workers -= ended > 0;
    if (watched && ended == 0 && looks % 25 == 0)
      show_progress();
    if (watched && ended == 0)
      nanosleep(&moment, NULL);
  }
  if (watched)
    fprintf(stderr, "\r%40s\r", "");
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

uint64_t sim_seeds(uint64_t first, uint64_t count) {
  const char *tell = getenv("SIM_TELL");
  bool failures = tell && strcmp(tell, "failures") == 0;
  long workers = sysconf(_SC_NPROCESSORS_ONLN);
  double begin = now();
  table = share(sizeof *table + count * sizeof *table->runs);
  table->first = first;
  table->count = count;
  table->failing = UINT64_MAX;
  table->stops = failures;
  for (long i = 0; i < workers; i++) {
    pid_t worker = fork();
    must(worker >= 0, "fork");
    if (worker == 0)
      return work(i, (uint64_t)workers);
  }
  wait_for_workers(workers);
  uint64_t seed = failures ? tell_failures(now() - begin) : tell_ways();
  if (seed)
    return seed;
  fflush(stdout);
  _exit(0);
}
