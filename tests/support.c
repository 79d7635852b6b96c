/* support.c: what the tests share; support.h says what each function does. */
#include "support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* -------------------------------------------------- failing and waiting */

static pthread_t main_thread;

void with_alarm(void) {
  main_thread = pthread_self();
  setvbuf(stdout, NULL, _IOLBF, 0);       /* show which test it was */
  cmocka_set_test_filter(getenv("TEST")); /* NULL: all */
  alarm(300);
}

_Noreturn void give_up(const char *format, ...) {
  char text[8192];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (pthread_equal(main_thread, pthread_self()))
    fail_msg("%s", text);
  fprintf(stderr, "%s\n", text);
  abort();
}

double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double deadline(void) { return seconds() + SUPPORT_DEADLINE; }

void pause_before(double end, const char *awaited) {
  if (seconds() > end)
    give_up("waited %d seconds for %s", SUPPORT_DEADLINE, awaited);
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void must(bool success, const char *what) {
  if (!success)
    give_up("%s: %s", what, strerror(errno));
}

static void *must_have(void *memory) {
  if (!memory)
    give_up("out of memory");
  return memory;
}

/* Room for one more in an array of `count` elements: it doubles whenever that
 * is a power of two. */
static void *grown(void *array, size_t count, size_t size) {
  if (count & (count - 1))
    return array;
  return must_have(realloc(array, (count ? 2 * count : 1) * size));
}

/* ------------------------------------------------------------- teardown */

static ax_census lived;
static size_t were_open;

size_t open_descriptors(void) {
  DIR *dir = opendir("/dev/fd"); /* a link to /proc/self/fd on Linux */
  must(dir != NULL, "/dev/fd");
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir));)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count - 1; /* that of the directory itself */
}

int count_what_lives(void **state) {
  (void)state;
  /* The first loop of a process opens what libuv never closes again. */
  ax_context_free(ax_context_new());
  lived = ax_live();
  were_open = open_descriptors();
  return 0;
}

int nothing_is_left(void **state) {
  (void)state;
  ax_census live = ax_live();
  size_t open = open_descriptors();
  if (live.objects != lived.objects)
    print_error("%zu objects are left\n", live.objects - lived.objects);
  if (live.operations != lived.operations)
    print_error("%zu operations are left\n",
                live.operations - lived.operations);
  if (open != were_open)
    print_error("%zu descriptors are open, %zu were\n", open, were_open);
  return live.objects != lived.objects || live.operations != lived.operations ||
         open != were_open;
}

/* ---------------------------------------------------------------- files */

static char temp_dir[32];

static void remove_temp_dir(void) {
  DIR *dir = opendir(temp_dir);
  if (!dir)
    return;
  for (struct dirent *entry; (entry = readdir(dir));)
    unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
  rmdir(temp_dir);
}

void temp_path(char path[TEMP_PATH], const char *name) {
  static unsigned count;
  if (!*temp_dir) {
    snprintf(temp_dir, sizeof temp_dir, "/tmp/ax-test-XXXXXX");
    must(mkdtemp(temp_dir) != NULL, temp_dir);
    atexit(remove_temp_dir);
  }
  snprintf(path, TEMP_PATH, "%s/%u-%s", temp_dir, count++, name);
}

char *read_whole_file(const char *path) {
  FILE *file = fopen(path, "r");
  must(file != NULL, path);
  char *text = NULL;
  size_t size = 0;
  for (;;) {
    text = must_have(realloc(text, size + 65537));
    size_t n = fread(text + size, 1, 65536, file);
    size += n;
    if (n == 0)
      break;
  }
  fclose(file);
  text[size] = 0;
  return text;
}

void write_whole_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  must(file && fputs(text, file) >= 0 && fclose(file) == 0, path);
}

/* ------------------------------------------------ handlers and butlers */

_Thread_local bool initiating;

void on_seen(void *arg, int err, size_t n) {
  static atomic_int turns;
  struct seen *seen = arg;
  seen->at = ax_now();
  seen->err = err;
  seen->n = n;
  seen->inside = seen->where && ax_inside(seen->where);
  seen->nested = initiating;
  seen->butler = ax_butler();
  seen->turn = atomic_fetch_add(&turns, 1) + 1;
  atomic_fetch_add(&seen->calls, 1);
}

static const char *in_words(int err) { return err ? uv_strerror(err) : "0"; }

void expect_seen(const struct seen *seen, const char *what, int err) {
  int calls = atomic_load(&seen->calls);
  if (calls != 1)
    give_up("%s: the handler ran %d times", what, calls);
  if (seen->nested)
    give_up("%s: the handler ran inside the initiating call", what);
  if (seen->err != err)
    give_up("%s: the handler got %s, not %s", what, in_words(seen->err),
            in_words(err));
}

void gate_open(struct gate *gate) {
  pthread_mutex_lock(&gate->mutex);
  gate->open = true;
  pthread_cond_broadcast(&gate->opened);
  pthread_mutex_unlock(&gate->mutex);
}

bool gate_pass(struct gate *gate) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += SUPPORT_DEADLINE;
  int err = 0;
  pthread_mutex_lock(&gate->mutex);
  while (!gate->open && !err)
    err = pthread_cond_timedwait(&gate->opened, &gate->mutex, &end);
  bool open = gate->open;
  pthread_mutex_unlock(&gate->mutex);
  return open;
}

void on_open(void *gate, int err, size_t n) {
  (void)err, (void)n;
  gate_open(gate);
}

void on_pass(void *gate, int err, size_t n) {
  (void)err, (void)n;
  if (!gate_pass(gate))
    give_up("a handler was blocked for %d seconds", SUPPORT_DEADLINE);
}

/* The signals of the test are for its main thread. */
pthread_t thread_start(void *(*function)(void *), void *arg) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  must(pthread_create(&thread, NULL, function, arg) == 0, "a thread");
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return thread;
}

void thread_join(pthread_t thread) { pthread_join(thread, NULL); }

struct butlers {
  ax_executor *executor;
  atomic_size_t ran;
  size_t count;
  pthread_t threads[];
};

static void *serve(void *arg) {
  struct butlers *butlers = arg;
  atomic_fetch_add(&butlers->ran, ax_run(butlers->executor));
  return NULL;
}

struct butlers *butlers_start(ax_executor *executor, size_t count) {
  struct butlers *butlers =
      must_have(calloc(1, sizeof *butlers + count * sizeof(pthread_t)));
  butlers->executor = executor;
  butlers->count = count;
  for (size_t i = 0; i < count; i++)
    butlers->threads[i] = thread_start(serve, butlers);
  return butlers;
}

size_t butlers_join(struct butlers *butlers) {
  for (size_t i = 0; i < butlers->count; i++)
    thread_join(butlers->threads[i]);
  size_t ran = butlers->ran;
  free(butlers);
  return ran;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Who spins does so each time. Who sleeps may seem to spin once: what its host
 * takes from a virtual machine counts as used. */
void expect_sleep(ax_context *context, const char *who) {
  double used = 0, passed = 0;
  ax_timer *timer = ax_timer_new(context);
  for (int chances = 5; chances && used >= passed / 2; chances--) {
    struct seen seen = {0};
    double cpu = cpu_seconds(), begin = seconds();
    ax_timer_expires_after(timer, AX_MS(60));
    ax_timer_wait(timer, ax_call(on_seen, &seen));
    ax_run(context);
    expect_seen(&seen, who, 0);
    used = cpu_seconds() - cpu;
    passed = seconds() - begin;
  }
  ax_unref(timer);
  if (used >= passed / 2)
    give_up("%s: %.3f s of CPU in %.3f s of rest", who, used, passed);
}

/* xorshift; never start it with 0. */
uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* 251 is a prime: no buffer size is a multiple of the period. */
unsigned char pattern_at(size_t offset) {
  return (unsigned char)(offset % 251);
}

void pattern_fill(void *bytes, size_t n, size_t offset) {
  for (size_t i = 0; i < n; i++)
    ((unsigned char *)bytes)[i] = pattern_at(offset + i);
}

bool pattern_is(const void *bytes, size_t n, size_t offset) {
  for (size_t i = 0; i < n; i++)
    if (((const unsigned char *)bytes)[i] != pattern_at(offset + i))
      return false;
  return true;
}

/* ------------------------------------------------------------- programs */

/* What comes out of a pipe, collected by a thread of its own: the program
 * never waits for a test that looks elsewhere. */
struct catch {
  int fd;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t more;
  char *text;
  size_t size;
  bool ended;
  char *shown; /* the copies that program_out returned */
};

struct program {
  struct program *next;
  char *name;
  pid_t pid;
  int in; /* -1 when there is nothing to write to */
  bool terminal;
  struct catch out, err;
  bool ended;
  int status;
};

/* All that were not freed: a test that fails leaves its programs running. */
static struct program *programs;

static void kill_program(struct program *program);

static void kill_programs(void) {
  for (struct program *program = programs; program; program = program->next)
    kill_program(program);
}

static void remember(struct program *program) {
  static bool registered;
  if (!registered)
    atexit(kill_programs);
  registered = true;
  program->next = programs;
  programs = program;
}

static void forget(const struct program *program) {
  struct program **link = &programs;
  while (*link != program)
    link = &(*link)->next;
  *link = program->next;
}

static void *collect(void *arg) {
  struct catch *catch = arg;
  char bytes[65536];
  ssize_t n;
  while ((n = read(catch->fd, bytes, sizeof bytes)) > 0 ||
         (n < 0 && errno == EINTR)) {
    if (n < 0)
      continue;
    pthread_mutex_lock(&catch->mutex);
    catch->text = must_have(realloc(catch->text, catch->size + (size_t)n + 1));
    memcpy(catch->text + catch->size, bytes, (size_t)n);
    catch->size += (size_t)n;
    catch->text[catch->size] = 0;
    pthread_cond_broadcast(&catch->more);
    pthread_mutex_unlock(&catch->mutex);
  }
  pthread_mutex_lock(&catch->mutex);
  catch->ended = true;
  pthread_cond_broadcast(&catch->more);
  pthread_mutex_unlock(&catch->mutex);
  return NULL;
}

static void start_catching(struct catch *catch, int fd) {
  catch->fd = fd;
  catch->text = must_have(calloc(1, 1));
  pthread_mutex_init(&catch->mutex, NULL);
  pthread_cond_init(&catch->more, NULL);
  catch->thread = thread_start(collect, catch);
}

static void stop_catching(struct catch *catch) {
  pthread_join(catch->thread, NULL);
  close(catch->fd);
  pthread_mutex_destroy(&catch->mutex);
  pthread_cond_destroy(&catch->more);
  free(catch->text);
  free(catch->shown);
}

/* Waits for a text, or with NULL for the end of the output. */
static bool wait_for_text(struct catch *catch, const char *text) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += SUPPORT_DEADLINE;
  int err = 0;
  pthread_mutex_lock(&catch->mutex);
  while (!(text && strstr(catch->text, text)) && !catch->ended && !err)
    err = pthread_cond_timedwait(&catch->more, &catch->mutex, &end);
  bool found = text ? strstr(catch->text, text) != NULL : catch->ended;
  pthread_mutex_unlock(&catch->mutex);
  return found;
}

static const char *show(struct catch *catch) {
  pthread_mutex_lock(&catch->mutex);
  free(catch->shown);
  catch->shown = must_have(strdup(catch->text));
  pthread_mutex_unlock(&catch->mutex);
  return catch->shown;
}

static void close_on_exec(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

static void make_pipe(int ends[2]) {
  must(pipe(ends) == 0, "pipe");
  close_on_exec(ends[0]);
  close_on_exec(ends[1]);
}

static int open_terminal(struct program *program) {
  program->in = posix_openpt(O_RDWR | O_NOCTTY);
  must(program->in >= 0 && grantpt(program->in) == 0 &&
           unlockpt(program->in) == 0,
       "pseudo terminal");
  close_on_exec(program->in);
  program->terminal = true;
  int fd = open(ptsname(program->in), O_RDWR | O_NOCTTY);
  must(fd >= 0, "pseudo terminal");
  return fd;
}

static int open_input_file(const char *input) {
  char path[TEMP_PATH];
  temp_path(path, "input");
  write_whole_file(path, input ? input : "");
  return open(path, O_RDONLY);
}

/* Opens what the child has as standard input. */
static int open_feed(struct program *program,
                     const struct program_options *options) {
  int ends[2];
  program->in = -1;
  switch (options->feed) {
  case FEED_FILE:
    return open_input_file(options->input);
  case FEED_PIPE:
    make_pipe(ends);
    program->in = ends[1];
    return ends[0];
  case FEED_TERMINAL:
    return open_terminal(program);
  case FEED_INHERIT:
    return dup(0);
  default:
    return open("/dev/null", O_RDONLY);
  }
}

static void set_or_unset(const char *name, const char *value) {
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

/* In the child: only what is allowed between fork and exec. */
static _Noreturn void become(char *const argv[], const int fds[3],
                             bool terminal) {
  if (terminal) {
    setsid();
    ioctl(fds[0], TIOCSCTTY, 0);
  }
  for (int i = 0; i < 3; i++)
    dup2(fds[i], i);
  signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv);
  static const char message[] = "cannot execute the program\n";
  ssize_t n = write(2, message, sizeof message - 1);
  _exit(n < 0 ? 126 : 127);
}

struct program *program_exec(char *const argv[],
                             const struct program_options *options) {
  static const struct program_options none;
  options = options ? options : &none;
  if (access(argv[0], X_OK) != 0)
    give_up("%s: %s", argv[0], strerror(errno));
  struct program *program = must_have(calloc(1, sizeof *program));
  program->name = must_have(strdup(argv[0]));
  int out[2], err[2];
  make_pipe(out);
  make_pipe(err);
  int fds[3] = {open_feed(program, options), out[1], err[1]};
  must(fds[0] >= 0, "standard input");
  close_on_exec(fds[0]);
  set_or_unset("LESSON_SPEED", options->speed ? options->speed : "20");
  set_or_unset("AX_TRACE", options->trace);
  program->pid = fork();
  must(program->pid >= 0, "fork");
  if (program->pid == 0)
    become(argv, fds, program->terminal);
  remember(program);
  for (int i = 0; i < 3; i++)
    close(fds[i]);
  start_catching(&program->out, out[0]);
  start_catching(&program->err, err[0]);
  if (program->in >= 0 && options->input)
    program_type(program, options->input);
  return program;
}

/* `make testN` builds what run.sh names in LESSON_RUNS, and not all lessons. */
static void must_be_built(int number) {
  const char *built = getenv("LESSON_RUNS");
  for (char *end; built && *built; built = end) {
    if (strtol(built, &end, 10) == number)
      return;
    if (end == built)
      break;
  }
  if (built)
    give_up(
        "nothing builds lesson %d for this test: add it to LESSON_RUNS_N in "
        "the lesson.mk of the lesson that is tested",
        number);
}

const char *lesson_path(int number) {
  static char path[PATH_MAX];
  const char *dir = getenv("LESSON_BIN");
  must_be_built(number);
  snprintf(path, sizeof path, "%s/lesson%d", dir ? dir : "build/bin", number);
  return path;
}

struct program *program_start(int number,
                              const struct program_options *options) {
  char *argv[14] = {(char *)lesson_path(number)};
  for (int i = 0; options && i < 12 && options->args[i]; i++)
    argv[i + 1] = (char *)options->args[i];
  return program_exec(argv, options);
}

pid_t program_pid(const struct program *program) { return program->pid; }

void program_send(struct program *program, const void *bytes, size_t n) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  sigaction(SIGPIPE, &ignore, &before);
  const char *at = bytes;
  while (n > 0) {
    ssize_t written = write(program->in, at, n);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      break;
    at += written;
    n -= (size_t)written;
  }
  sigaction(SIGPIPE, &before, NULL);
}

void program_type(struct program *program, const char *text) {
  program_send(program, text, strlen(text));
}

void program_end_input(struct program *program) {
  if (program->terminal) {
    program_type(program, "\x04");
  } else if (program->in >= 0) {
    close(program->in);
    program->in = -1;
  }
}

void program_signal(struct program *program, int signo) {
  if (!program->ended)
    kill(program->pid, signo);
}

static _Noreturn void report_and_give_up(struct program *program,
                                         const char *what, const char *text) {
  bool ended = program->ended || !program_is_alive(program);
  give_up("%s %s%s%s%s\n--- its output:\n%s--- its errors:\n%s%s",
          program->name, what, text ? " \"" : "", text ? text : "",
          text ? "\"" : "", program_out(program), program_err(program),
          ended ? "" : "(runs)\n");
}

void program_wait_for(struct program *program, const char *text) {
  if (!wait_for_text(&program->out, text))
    report_and_give_up(program, "did not print", text);
}

void program_wait_for_error(struct program *program, const char *text) {
  if (!wait_for_text(&program->err, text))
    report_and_give_up(program, "did not print as an error", text);
}

bool program_is_alive(struct program *program) {
  int status;
  if (program->ended)
    return false;
  if (waitpid(program->pid, &status, WNOHANG) != program->pid)
    return true;
  program->ended = true;
  program->status =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

static void kill_program(struct program *program) {
  if (!program_is_alive(program))
    return;
  kill(program->pid, SIGKILL);
  waitpid(program->pid, &program->status, 0);
  program->status = 128 + SIGKILL;
  program->ended = true;
}

int program_wait(struct program *program) {
  for (double end = deadline(); program_is_alive(program);) {
    if (seconds() > end) {
      kill_program(program);
      report_and_give_up(program, "did not end", NULL);
    }
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  wait_for_text(&program->out, NULL);
  wait_for_text(&program->err, NULL);
  return program->status;
}

const char *program_out(struct program *program) { return show(&program->out); }
const char *program_err(struct program *program) { return show(&program->err); }

void program_free(struct program *program) {
  if (!program)
    return;
  kill_program(program);
  forget(program);
  if (program->in >= 0)
    close(program->in);
  stop_catching(&program->out);
  stop_catching(&program->err);
  free(program->name);
  free(program);
}

struct program *program_run(int number, const struct program_options *options,
                            int status) {
  struct program *program = program_start(number, options);
  int actual = program_wait(program);
  if (actual != status)
    give_up("%s ended with %d, not %d\n--- its output:\n%s--- its errors:\n%s",
            program->name, actual, status, program_out(program),
            program_err(program));
  return program;
}

struct program *server_start(int number, const struct program_options *options,
                             char endpoint[ENDPOINT_TEXT]) {
  static const char line[] = "listening on ";
  struct program *program = program_start(number, options);
  program_wait_for(program, line);
  for (double end = deadline();;) {
    const char *at = strstr(program_out(program), line) + sizeof line - 1;
    size_t length = strcspn(at, "\n");
    if (length < ENDPOINT_TEXT && at[length] == '\n') {
      memcpy(endpoint, at, length);
      endpoint[length] = 0;
      return program;
    }
    pause_before(end, "the end of the line \"listening on\"");
  }
}

void server_stop(struct program *program) {
  program_signal(program, SIGTERM);
  int status = program_wait(program);
  if (status != 0)
    give_up("%s ended with %d after SIGTERM\n--- its errors:\n%s",
            program->name, status, program_err(program));
  program_free(program);
}

long program_descriptors(const struct program *program) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd", (int)program->pid);
  DIR *dir = opendir(path);
  if (!dir)
    return -1;
  long count = 0;
  for (struct dirent *entry; (entry = readdir(dir));)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

long program_resident(const struct program *program) {
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/%d/status", (int)program->pid);
  FILE *file = fopen(path, "r");
  if (!file)
    return -1;
  long kilobytes = -1;
  while (fgets(line, sizeof line, file))
    if (strncmp(line, "VmRSS:", 6) == 0)
      kilobytes = strtol(line + 6, NULL, 10);
  fclose(file);
  return kilobytes;
}

/* -------------------------------------------------------------- clients */

static int connect_to(const struct sockaddr *address, socklen_t size) {
  int fd = socket(address->sa_family, SOCK_STREAM, 0);
  if (fd < 0)
    return -1;
  close_on_exec(fd);
  struct timeval limit = {.tv_sec = SUPPORT_DEADLINE};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int on = 1;
  if (address->sa_family != AF_UNIX)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  if (connect(fd, address, size) == 0)
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int connect_to_path(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path)
    give_up("%s is too long for a socket", path);
  strcpy(address.sun_path, path);
  return connect_to((struct sockaddr *)&address, sizeof address);
}

/* Its own little parser: that of the core is under test. */
static int connect_to_host(const char *endpoint) {
  char host[128];
  snprintf(host, sizeof host, "%s", endpoint);
  char *colon = strrchr(host, ':');
  if (!colon)
    give_up("%s is no endpoint", endpoint);
  *colon = 0;
  char *name = host;
  if (*name == '[') {
    name++;
    name[strlen(name) - 1] = 0;
  }
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  hints.ai_flags = AI_NUMERICSERV;
  name = *name && strcmp(name, "0.0.0.0") != 0 ? name : "127.0.0.1";
  if (getaddrinfo(name, colon + 1, &hints, &found) != 0)
    give_up("%s is no endpoint", endpoint);
  int fd = connect_to(found->ai_addr, found->ai_addrlen);
  int error = errno;
  freeaddrinfo(found);
  errno = error;
  return fd;
}

int client_try_connect(const char *endpoint) {
  if (strncmp(endpoint, "unix:", 5) == 0)
    return connect_to_path(endpoint + 5);
  return *endpoint == '/' ? connect_to_path(endpoint)
                          : connect_to_host(endpoint);
}

int client_connect(const char *endpoint) {
  int fd = client_try_connect(endpoint);
  if (fd < 0)
    give_up("cannot connect to %s: %s", endpoint, strerror(errno));
  return fd;
}

bool client_try_send(int client, const void *bytes, size_t n) {
  const char *at = bytes;
  while (n > 0) {
    ssize_t sent = send(client, at, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
      return false;
    must(sent >= 0, "send");
    at += sent;
    n -= (size_t)sent;
  }
  return true;
}

void client_send(int client, const void *bytes, size_t n) {
  if (!client_try_send(client, bytes, n))
    give_up("the peer has gone while %zu bytes were sent", n);
}

void client_send_text(int client, const char *text) {
  client_send(client, text, strlen(text));
}

size_t client_recv_some(int client, void *bytes, size_t max) {
  ssize_t n;
  do
    n = recv(client, bytes, max, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == ECONNRESET)
    return 0;
  must(n >= 0, "recv");
  return (size_t)n;
}

void client_recv(int client, void *bytes, size_t n) {
  for (size_t got = 0; got < n;) {
    size_t more = client_recv_some(client, (char *)bytes + got, n - got);
    if (more == 0)
      give_up("the stream ended after %zu of %zu bytes", got, n);
    got += more;
  }
}

size_t client_recv_until(int client, int delimiter, char *bytes, size_t max) {
  for (size_t got = 0; got < max;) {
    client_recv(client, bytes + got, 1);
    if ((unsigned char)bytes[got++] == (unsigned char)delimiter)
      return got;
  }
  give_up("no delimiter within %zu bytes", max);
}

void client_expect_end(int client) {
  char byte;
  if (client_recv_some(client, &byte, 1) != 0)
    give_up("the stream goes on with byte %d", (unsigned char)byte);
}

void client_expect(int client, const void *bytes, size_t n) {
  char *actual = must_have(malloc(n ? n : 1));
  client_recv(client, actual, n);
  size_t same = 0;
  while (same < n && actual[same] == ((const char *)bytes)[same])
    same++;
  int wrong = same < n ? (unsigned char)actual[same] : 0;
  free(actual);
  if (same < n)
    give_up("byte %zu of %zu is %d, not %d", same, n, wrong,
            ((const unsigned char *)bytes)[same]);
}

void client_expect_text(int client, const char *text) {
  client_expect(client, text, strlen(text));
}

bool client_readable(int client, int milliseconds) {
  struct pollfd poll_fd = {.fd = client, .events = POLLIN};
  return poll(&poll_fd, 1, milliseconds) == 1;
}

void client_half_close(int client) {
  must(shutdown(client, SHUT_WR) == 0 || errno == ENOTCONN, "shutdown");
}

void client_reset(int client) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(client);
}

void client_close(int client) { close(client); }

/* --------------------------------------------------------------- output */

struct lines {
  char *text;
  char **at;
  size_t count;
};

static struct lines split(const char *text) {
  struct lines lines = {.text = must_have(strdup(text))};
  for (char *at = lines.text; *at;) {
    lines.at = grown(lines.at, lines.count, sizeof *lines.at);
    lines.at[lines.count++] = at;
    at += strcspn(at, "\n");
    if (*at)
      *at++ = 0;
  }
  return lines;
}

static void free_lines(struct lines *lines) {
  free(lines->text);
  free(lines->at);
}

static bool line_matches(const char *pattern, const char *line) {
  while (*pattern) {
    if (strncmp(pattern, "{*}", 3) == 0) {
      for (pattern += 3;; line++) {
        if (line_matches(pattern, line))
          return true;
        if (!*line)
          return false;
      }
    }
    if (*pattern++ != *line++)
      return false;
  }
  return !*line;
}

/* Finds a line for each of the patterns, trying again when a wildcard took one
 * that a later pattern needs. */
static bool any_order(char **patterns, size_t count, char **lines,
                      bool *taken) {
  if (count == 0)
    return true;
  for (size_t i = 0; lines[i]; i++) {
    if (taken[i] || !line_matches(patterns[0], lines[i]))
      continue;
    taken[i] = true;
    if (any_order(patterns + 1, count - 1, lines, taken))
      return true;
    taken[i] = false;
  }
  return false;
}

static bool block_matches(char **patterns, size_t count, char **lines) {
  char **window = must_have(calloc(count + 1, sizeof *window));
  bool *taken = must_have(calloc(count + 1, sizeof *taken));
  memcpy(window, lines, count * sizeof *window);
  bool matches = any_order(patterns, count, window, taken);
  free(window);
  free(taken);
  return matches;
}

static bool is_comment(const char *line) {
  return strncmp(line, "# ", 2) == 0 || strcmp(line, "#") == 0;
}

static size_t block_size(const struct lines *expected, size_t from) {
  size_t end = from;
  while (end < expected->count && strcmp(expected->at[end], "#}") != 0)
    end++;
  return end - from;
}

static char *difference(size_t line, const char *expected, const char *actual) {
  char text[1024];
  snprintf(text, sizeof text,
           "line %zu of the output\nexpected: %s\nactual:   %s", line + 1,
           expected, actual);
  return must_have(strdup(text));
}

static bool one_matches(char **patterns, size_t count, const char *line) {
  for (size_t i = 0; i < count; i++)
    if (line_matches(patterns[i], line))
      return true;
  return false;
}

/* The first line that no pattern of a block matches, and all of these. */
static char *block_difference(char **patterns, size_t count, char **lines,
                              size_t line) {
  char text[512] = "in any order: ";
  for (size_t i = 0; i < count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
             i ? " | " : "", patterns[i]);
  size_t at = 0;
  while (at + 1 < count && one_matches(patterns, count, lines[at]))
    at++;
  return difference(line + at, text, lines[at]);
}

static char *compare(struct lines *expected, struct lines *actual) {
  size_t line = 0;
  for (size_t i = 0; i < expected->count; i++) {
    char *pattern = expected->at[i];
    if (is_comment(pattern))
      continue;
    bool block = strcmp(pattern, "#{") == 0;
    size_t count = block ? block_size(expected, ++i) : 1;
    if (line + count > actual->count)
      return difference(actual->count, expected->at[i], "(the end)");
    char **patterns = expected->at + i, **lines = actual->at + line;
    if (!block_matches(patterns, count, lines))
      return block ? block_difference(patterns, count, lines, line)
                   : difference(line, pattern, lines[0]);
    line += count;
    i += block ? count : 0;
  }
  return line == actual->count
             ? NULL
             : difference(line, "(the end)", actual->at[line]);
}

char *output_difference(const char *expected, const char *actual) {
  struct lines patterns = split(expected), lines = split(actual);
  char *found = compare(&patterns, &lines);
  free_lines(&patterns);
  free_lines(&lines);
  return found;
}

void expect_output(const char *path, const char *actual) {
  char *expected = read_whole_file(path);
  char *found = output_difference(expected, actual);
  if (found)
    give_up("%s: %s\n--- the whole output:\n%s", path, found, actual);
  free(expected);
}

/* ----------------------------------------------------------------- JSON */

/* Each takes the text after blanks and returns what follows the value, or NULL
 * and where it went wrong in `wrong`. */
static const char *json_value(const char *at, const char **wrong);

static const char *json_blank(const char *at) {
  return at + strspn(at, " \t\r\n");
}

static const char *json_string(const char *at, const char **wrong) {
  *wrong = at;
  if (*at++ != '"')
    return NULL;
  for (; *at != '"'; at++) {
    *wrong = at;
    if ((unsigned char)*at < 0x20)
      return NULL;
    if (*at != '\\')
      continue;
    at++;
    if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4)
      at += 4;
    else if (!*at || !strchr("\"\\/bfnrt", *at))
      return NULL;
  }
  return at + 1;
}

static const char *json_number(const char *at, const char **wrong) {
  *wrong = at;
  at += *at == '-';
  size_t digits = strspn(at, "0123456789");
  if (digits == 0 || (digits > 1 && *at == '0'))
    return NULL;
  at += digits;
  if (*at == '.') {
    if ((digits = strspn(++at, "0123456789")) == 0)
      return NULL;
    at += digits;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    at += *at == '-' || *at == '+';
    if ((digits = strspn(at, "0123456789")) == 0)
      return NULL;
    at += digits;
  }
  return at;
}

/* An array, or with keys an object. */
static const char *json_list(const char *at, const char **wrong, bool keys) {
  char close = keys ? '}' : ']';
  at = json_blank(at + 1);
  if (*at == close)
    return at + 1;
  for (;;) {
    if (keys) {
      at = json_string(at, wrong);
      if (!at || *(*wrong = at = json_blank(at)) != ':')
        return NULL;
      at = json_blank(at + 1);
    }
    at = json_value(at, wrong);
    if (!at || *(at = json_blank(at)) == close)
      return at ? at + 1 : NULL;
    *wrong = at;
    if (*at != ',')
      return NULL;
    at = json_blank(at + 1);
  }
}

static const char *json_value(const char *at, const char **wrong) {
  static const char *const words[] = {"true", "false", "null"};
  *wrong = at;
  if (*at == '"')
    return json_string(at, wrong);
  if (*at == '[' || *at == '{')
    return json_list(at, wrong, *at == '{');
  for (size_t i = 0; i < 3; i++)
    if (strncmp(at, words[i], strlen(words[i])) == 0)
      return at + strlen(words[i]);
  return json_number(at, wrong);
}

const char *json_error(const char *text) {
  const char *wrong = text;
  const char *end = json_value(json_blank(text), &wrong);
  if (!end)
    return wrong;
  end = json_blank(end);
  return *end ? end : NULL;
}

/* ---------------------------------------------------------------- trace */

/* The value of a field in a line that is known to be JSON. A quote within a
 * string is escaped, so "key": cannot be found inside one. */
static const char *field(const char *line, const char *key) {
  char quoted[40];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char *at = strstr(line, quoted);
  return at ? json_blank(at + strlen(quoted)) : NULL;
}

static double field_number(const char *line, const char *key) {
  const char *at = field(line, key);
  return at ? strtod(at, NULL) : 0;
}

static char unescape(const char **at) {
  if (**at != '\\')
    return **at;
  ++*at;
  if (**at == 'u') {
    char hex[5] = {0};
    memcpy(hex, *at + 1, 4);
    *at += 4;
    return (char)strtol(hex, NULL, 16);
  }
  const char *from = "bfnrt", *to = "\b\f\n\r\t";
  const char *found = strchr(from, **at);
  return found ? to[found - from] : **at;
}

static void field_string(const char *line, const char *key, char *text,
                         size_t size) {
  const char *at = field(line, key);
  size_t used = 0;
  if (at && *at == '"')
    for (at++; *at && *at != '"'; at++) {
      char c = unescape(&at);
      if (used + 1 < size)
        text[used++] = c;
    }
  text[used] = 0;
}

#define FIELD_TEXT(line, key, array)                                           \
  field_string(line, key, array, sizeof(array))

#define APPEND(array, count)                                                   \
  ((array) = grown(array, count, sizeof *(array)),                             \
   memset(&(array)[count], 0, sizeof *(array)), &(array)[(count)++])

static void load_slice(struct trace *trace, const char *line) {
  struct trace_slice *slice = APPEND(trace->slices, trace->slice_count);
  FIELD_TEXT(line, "name", slice->name);
  FIELD_TEXT(line, "cat", slice->cat);
  FIELD_TEXT(line, "on", slice->on);
  FIELD_TEXT(line, "part", slice->part);
  slice->tid = (int)field_number(line, "tid");
  slice->ts = field_number(line, "ts");
  slice->dur = field_number(line, "dur");
  slice->op = (long)field_number(line, "op");
  slice->by = (long)field_number(line, "by");
  slice->err = (long)field_number(line, "err");
  slice->n = (long)field_number(line, "n");
}

static void load_ready(struct trace *trace, const char *line) {
  struct trace_ready *ready = APPEND(trace->ready, trace->ready_count);
  FIELD_TEXT(line, "name", ready->name);
  FIELD_TEXT(line, "on", ready->on);
  FIELD_TEXT(line, "part", ready->part);
  ready->tid = (int)field_number(line, "tid");
  ready->ts = field_number(line, "ts");
  ready->op = (long)field_number(line, "op");
}

static void load_mark(struct trace *trace, const char *line) {
  struct trace_mark *mark = APPEND(trace->marks, trace->mark_count);
  FIELD_TEXT(line, "name", mark->name);
  mark->tid = (int)field_number(line, "tid");
  mark->ts = field_number(line, "ts");
}

static void load_instant(struct trace *trace, const char *line) {
  char cat[16];
  FIELD_TEXT(line, "cat", cat);
  if (strcmp(cat, "ready") == 0)
    load_ready(trace, line);
  else
    load_mark(trace, line);
}

static void load_flow(struct trace *trace, const char *line, char phase) {
  struct trace_flow *flow = APPEND(trace->flows, trace->flow_count);
  FIELD_TEXT(line, "name", flow->name);
  flow->phase = phase;
  flow->tid = (int)field_number(line, "tid");
  flow->ts = field_number(line, "ts");
  flow->id = (long)field_number(line, "id");
}

/* {"ph":"M",...,"name":"thread_name","args":{"name":"butler 1"}} */
static void load_thread(struct trace *trace, const char *line) {
  const char *args = field(line, "args");
  if (!strstr(line, "\"thread_name\"") || !args)
    return;
  struct trace_thread *thread = APPEND(trace->threads, trace->thread_count);
  FIELD_TEXT(args, "name", thread->name);
  thread->tid = (int)field_number(line, "tid");
}

static void load_event(struct trace *trace, const char *line) {
  char phase[4];
  FIELD_TEXT(line, "ph", phase);
  switch (phase[0]) {
  case 'X':
    load_slice(trace, line);
    break;
  case 'i':
    load_instant(trace, line);
    break;
  case 's':
  case 't':
  case 'f':
    load_flow(trace, line, phase[0]);
    break;
  case 'M':
    load_thread(trace, line);
    break;
  default:
    break;
  }
}

/* Slices and marks begin with their moment. */
static int by_time(const void *a, const void *b) {
  double one = *(const double *)a, two = *(const double *)b;
  return (one > two) - (one < two);
}

struct trace *trace_load(const char *path) {
  char *text = read_whole_file(path);
  const char *wrong = json_error(text);
  if (wrong)
    give_up("%s is not JSON from here: %.60s", path, *wrong ? wrong : "(end)");
  if (*json_blank(text) != '[')
    give_up("%s is not a JSON array", path);
  struct trace *trace = must_have(calloc(1, sizeof *trace));
  struct lines lines = split(text);
  for (size_t i = 0; i < lines.count; i++)
    load_event(trace, lines.at[i]);
  if (trace->slice_count)
    qsort(trace->slices, trace->slice_count, sizeof *trace->slices, by_time);
  if (trace->mark_count)
    qsort(trace->marks, trace->mark_count, sizeof *trace->marks, by_time);
  free_lines(&lines);
  free(text);
  return trace;
}

void trace_free(struct trace *trace) {
  free(trace->slices);
  free(trace->marks);
  free(trace->ready);
  free(trace->flows);
  free(trace->threads);
  free(trace);
}

static bool is_handler(const struct trace_slice *slice, const char *name,
                       const char *on) {
  return strcmp(slice->cat, "handler") == 0 &&
         (!name || strcmp(slice->name, name) == 0) &&
         (!on || strcmp(slice->on, on) == 0);
}

struct trace_slice *trace_find(struct trace *trace, const char *name,
                               const char *on, size_t nth) {
  size_t count = 0;
  for (size_t i = 0; i < trace->slice_count; i++)
    if (is_handler(&trace->slices[i], name, on) && count++ == nth)
      return &trace->slices[i];
  give_up("the trace has no handler number %zu %s on %s", nth,
          name ? name : "(any)", on ? on : "(any)");
}

size_t trace_count(struct trace *trace, const char *name, const char *on) {
  size_t count = 0;
  for (size_t i = 0; i < trace->slice_count; i++)
    count += is_handler(&trace->slices[i], name, on);
  return count;
}

struct trace_mark *trace_find_mark(struct trace *trace, const char *text,
                                   size_t nth) {
  size_t count = 0;
  for (size_t i = 0; i < trace->mark_count; i++)
    if (strstr(trace->marks[i].name, text) && count++ == nth)
      return &trace->marks[i];
  give_up("the trace has no mark number %zu with \"%s\"", nth, text);
}

size_t trace_count_marks(struct trace *trace, const char *text) {
  size_t count = 0;
  for (size_t i = 0; i < trace->mark_count; i++)
    count += strstr(trace->marks[i].name, text) != NULL;
  return count;
}

size_t trace_butlers(const struct trace *trace) {
  size_t count = 0;
  for (size_t i = 0; i < trace->thread_count; i++)
    count += strncmp(trace->threads[i].name, "butler ", 7) == 0;
  return count;
}

const char *trace_thread_name(const struct trace *trace, int tid) {
  for (size_t i = trace->thread_count; i-- > 0;)
    if (trace->threads[i].tid == tid)
      return trace->threads[i].name;
  return "";
}

double slice_end(const struct trace_slice *slice) {
  return slice->ts + slice->dur;
}

bool slices_overlap(const struct trace_slice *a, const struct trace_slice *b) {
  /* Times in the file are rounded: to the ends belongs a nanosecond each. */
  const double rounding = 0.0021;
  return a != b && a->ts + rounding < slice_end(b) &&
         b->ts + rounding < slice_end(a);
}

size_t trace_overlaps(struct trace *trace, const char *on) {
  size_t count = 0;
  const struct trace_slice *end = trace->slices + trace->slice_count;
  for (const struct trace_slice *one = trace->slices; one < end; one++)
    for (const struct trace_slice *next = one + 1;
         next < end && is_handler(one, NULL, on) && next->ts < slice_end(one);
         next++)
      count += is_handler(next, NULL, on) && slices_overlap(one, next);
  return count;
}
