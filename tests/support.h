/* support.h: what the tests share.
 *
 *   program_   a lesson as a real process, with a deadline on everything
 *   client_    a blocking socket at the other end of a server lesson
 *   trace_     the trace of a run, read back: the oracle of most tests
 *   expect_    assertions
 *
 * Everything here fails the running test by itself when it goes wrong or takes
 * longer than SUPPORT_DEADLINE, so callers need not look at error codes. On
 * another thread than the main one, where cmocka cannot fail a test, it prints
 * the reason and aborts.
 *
 * Tests run in the top directory of the project. LESSON_BIN names the directory
 * of the programs; it is build/bin when unset.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "ax.h"

/* Seconds. Long, because a machine that runs tests may be busy. */
#define SUPPORT_DEADLINE 60

/* First in every main(): a program that hangs ends after 300 seconds, ten times
 * what the slowest needs where it has the machine for itself, and TEST in the
 * environment chooses tests by their names, in which * may stand. */
void with_alarm(void);

/* Fails the running test with a message as printf makes it. */
_Noreturn void give_up(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Waits for an event that nobody announces: asks every millisecond. */
#define wait_until(condition)                                                  \
  for (double end_ = deadline(); !(condition);)                                \
  pause_before(end_, #condition)

/* Its parts, for other conditions: a moment that is too late, and a sleep of a
 * millisecond that fails when that moment has passed. */
double deadline(void);
void pause_before(double end, const char *awaited);

/* Seconds of the monotonic clock. */
double seconds(void);

/* True in a build with a sanitizer: slower, and no limits on memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED true
#endif
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED false
#endif

/* ------------------------------------------------------------- teardown */

/* A setup and a teardown for every test that uses ax.h in its own process:
 * afterwards nothing of the core is alive that was not before, and no file
 * descriptor is open. (With a test that failed this fails as well.) */
int count_what_lives(void **state);
int nothing_is_left(void **state);

/* The file descriptors this process has open. */
size_t open_descriptors(void);

/* A list entry for cmocka: the test between that setup and that teardown. */
#define clean_test(function)                                                   \
  cmocka_unit_test_setup_teardown(function, count_what_lives, nothing_is_left)

/* ------------------------------------------------ handlers and butlers */

/* What a handler was called with: ax_call(on_seen, &seen). */
struct seen {
  ax_executor *where; /* set this: `inside` tells whether it ran there */
  atomic_int calls;
  int err;
  size_t n;
  bool inside;
  bool nested; /* it ran inside the call that initiated it */
  int turn;    /* counts the calls of all, from 1 on */
  int butler;
  ax_time at;
};
void on_seen(void *arg, int err, size_t n);

/* Wraps a call so that a handler that runs within it is found out. */
extern _Thread_local bool initiating;
#define INITIATE(call)                                                         \
  do {                                                                         \
    initiating = true;                                                         \
    call;                                                                      \
    initiating = false;                                                        \
  } while (0)

/* Expects one call, outside of its initiation, with that error. */
void expect_seen(const struct seen *seen, const char *what, int err);

/* A door that handlers wait at and others open. It stays open. */
struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  bool open;
};
#define GATE                                                                   \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }
void gate_open(struct gate *gate);
bool gate_pass(struct gate *gate); /* false after SUPPORT_DEADLINE */

/* Handlers that do that; the gate is their argument. */
void on_open(void *gate, int err, size_t n);
void on_pass(void *gate, int err, size_t n);

/* Threads that run a context. */
struct butlers;
struct butlers *butlers_start(ax_executor *executor, size_t count);
size_t butlers_join(struct butlers *butlers); /* the handlers they ran */

/* A thread of any other kind. */
pthread_t thread_start(void *(*function)(void *), void *arg);
void thread_join(pthread_t thread);

/* Waits for a timer on a context that has nothing else to do, and fails if the
 * process is busy then, whichever of its threads. */
void expect_sleep(ax_context *context, const char *who);

/* Pseudo-random numbers, the same in every run. */
uint32_t next_random(uint32_t *state);

/* The byte at `offset` of a stream that shows when bytes are lost, doubled or
 * out of order, and a check of bytes that came at that offset. */
unsigned char pattern_at(size_t offset);
void pattern_fill(void *bytes, size_t n, size_t offset);
bool pattern_is(const void *bytes, size_t n, size_t offset);

/* ------------------------------------------------------------- programs */

/* What standard input is. */
enum feed {
  FEED_NULL,     /* /dev/null */
  FEED_FILE,     /* a regular file that holds `input` */
  FEED_PIPE,     /* a pipe, with `input` in it; it stays open */
  FEED_TERMINAL, /* a pseudo terminal of its own, where ^C and ^D work */
  FEED_INHERIT,  /* that of the test */
};

struct program_options {
  const char *args[12]; /* NULL ends them */
  const char *speed;    /* LESSON_SPEED, or NULL for "20" */
  const char *trace;    /* AX_TRACE, or NULL for none */
  enum feed feed;
  const char *input;
};

/* A process that was started, and all it has printed so far. */
struct program;

/* The program of a lesson; good until the next call. Fails the test when `make
 * testN` does not build it: what a test runs beside lesson N is in
 * LESSON_RUNS_N in the lesson's lesson.mk. */
const char *lesson_path(int number);

/* Starts lesson `number`; `options` may be NULL. */
struct program *program_start(int number,
                              const struct program_options *options);

/* Starts any program: argv[0] is its path. `options.args` is not used. */
struct program *program_exec(char *const argv[],
                             const struct program_options *options);

pid_t program_pid(const struct program *program);

/* Writes to its standard input; with a terminal, "\x03" is ^C. A program that
 * no longer reads is no error. */
void program_type(struct program *program, const char *text);
void program_send(struct program *program, const void *bytes, size_t n);

/* The end of its standard input: closes the pipe, types ^D. */
void program_end_input(struct program *program);

void program_signal(struct program *program, int signo);

/* Waits until its standard output (or error) contains `text`. */
void program_wait_for(struct program *program, const char *text);
void program_wait_for_error(struct program *program, const char *text);

/* Waits for its end; returns its exit status, or 128 + the signal that killed
 * it. May be called again. */
int program_wait(struct program *program);

bool program_is_alive(struct program *program);

/* What it has printed up to now (all, after program_wait); valid until
 * program_free, but a later call may return more. */
const char *program_out(struct program *program);
const char *program_err(struct program *program);

/* Kills it if it is still alive, and forgets it. NULL is allowed. */
void program_free(struct program *program);

/* Starts, waits, expects exit status `status` and returns the program, for its
 * output. */
struct program *program_run(int number, const struct program_options *options,
                            int status);

/* Starts a server lesson and waits for its line "listening on ENDPOINT", whose
 * endpoint goes to `endpoint`. */
#define ENDPOINT_TEXT 136
struct program *server_start(int number, const struct program_options *options,
                             char endpoint[ENDPOINT_TEXT]);

/* Sends SIGTERM, expects exit status 0 and frees the program. */
void server_stop(struct program *program);

/* Resident kilobytes and open descriptors of a process; -1 when the system
 * does not tell (it has no /proc). */
long program_descriptors(const struct program *program);
long program_resident(const struct program *program);

/* -------------------------------------------------------------- clients */

/* Connects to "127.0.0.1:80", "[::1]:80", "/path" or "unix:path"; returns a
 * blocking socket whose reads and writes have a deadline. */
int client_connect(const char *endpoint);

/* The same without failing the test: a socket, or -1 with errno. */
int client_try_connect(const char *endpoint);

void client_send(int client, const void *bytes, size_t n);
void client_send_text(int client, const char *text); /* without its NUL */

/* As client_send, but a peer that has gone is not a failure: false then. */
bool client_try_send(int client, const void *bytes, size_t n);

/* Receives exactly n bytes. */
void client_recv(int client, void *bytes, size_t n);

/* Receives up to and with `delimiter`, byte by byte, never more; the number of
 * bytes. Fails when `max` are not enough. */
size_t client_recv_until(int client, int delimiter, char *bytes, size_t max);

/* Receives what comes next, 1 to max bytes; 0 at the end or after a reset. */
size_t client_recv_some(int client, void *bytes, size_t max);

/* Expects the end of the stream and not one byte before it. */
void client_expect_end(int client);

/* Expects these very bytes. */
void client_expect(int client, const void *bytes, size_t n);
void client_expect_text(int client, const char *text);

/* True when there is something to read within so many milliseconds. */
bool client_readable(int client, int milliseconds);

void client_half_close(int client); /* the peer sees the end; still reads */
void client_reset(int client);      /* the peer sees ECONNRESET */
void client_close(int client);

/* ---------------------------------------------------------------- files */

/* Makes a name for a file that does not exist, in a directory of this test
 * binary that is removed when it ends. Names are short enough for sockets. */
#define TEMP_PATH 64
void temp_path(char path[TEMP_PATH], const char *name);

/* Reads a file as a string that the caller frees. */
char *read_whole_file(const char *path);
void write_whole_file(const char *path, const char *text);

/* --------------------------------------------------------------- output */

/* Compares what a program printed with an expected.txt:
 *
 *   lines match exactly and in order;
 *   {*} in a line matches any run of characters;
 *   the lines between a line "#{" and a line "#}" match in any order;
 *   other lines that begin with "# ", or are only "#", are comments.
 *
 * Path is relative to the top directory. */
void expect_output(const char *path, const char *actual);

/* The same with the expected text itself; NULL when it matches, else a message
 * that says where it does not, which the caller frees. */
char *output_difference(const char *expected, const char *actual);

/* ---------------------------------------------------------------- trace */

/* A span of time on one thread: cat is "handler", "poll" or "initiate". */
struct trace_slice {
  double ts, dur; /* microseconds */
  char name[64];
  char on[32];  /* "strand 1", "context 1"; "" unless it is a handler */
  char part[8]; /* of ax_run_on "work" and "home", else "" */
  char cat[16];
  int tid;
  long op, by, err, n;
};

/* An instant, from lesson_say or ax_trace_mark. */
struct trace_mark {
  double ts;
  char name[128];
  int tid;
};

/* An operation was pushed to the executor where its handler is to run. */
struct trace_ready {
  double ts;
  char name[64], on[32], part[8];
  int tid;
  long op;
};

/* One end of an arrow: phase 's' at the initiation, 'f' at the handler. */
struct trace_flow {
  char phase;
  char name[64];
  int tid;
  double ts;
  long id;
};

struct trace_thread {
  char name[32];
  int tid;
};

/* Slices and marks in order of time, the others in that of the file. */
struct trace {
  struct trace_slice *slices;
  size_t slice_count;
  struct trace_mark *marks;
  size_t mark_count;
  struct trace_ready *ready;
  size_t ready_count;
  struct trace_flow *flows;
  size_t flow_count;
  struct trace_thread *threads;
  size_t thread_count;
};

/* Reads a trace; fails when the file is not valid JSON as a whole. */
struct trace *trace_load(const char *path);
void trace_free(struct trace *trace);

/* NULL, or where the text stops being JSON. */
const char *json_error(const char *text);

/* The nth (from 0) handler slice of that name, in order of time; fails when
 * there are fewer. `on` may be NULL: anywhere. */
struct trace_slice *trace_find(struct trace *trace, const char *name,
                               const char *on, size_t nth);
/* How many handler slices have that name; NULL: any name or executor. */
size_t trace_count(struct trace *trace, const char *name, const char *on);

/* The nth mark that contains `text`, in order of time. */
struct trace_mark *trace_find_mark(struct trace *trace, const char *text,
                                   size_t nth);
size_t trace_count_marks(struct trace *trace, const char *text);

/* How many butlers there were, by the names of the threads. */
size_t trace_butlers(const struct trace *trace);

/* The last name of a thread, or "". */
const char *trace_thread_name(const struct trace *trace, int tid);

double slice_end(const struct trace_slice *slice);

/* Both ran at one moment; touching ends do not count. */
bool slices_overlap(const struct trace_slice *a, const struct trace_slice *b);

/* How many pairs of handler slices on executor `on` overlap. */
size_t trace_overlaps(struct trace *trace, const char *on);

#endif
