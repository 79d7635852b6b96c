/* peers.h: what the tests of server lessons share.
 *
 *   server   a server lesson with all its endpoints, and its closing line
 *   peer     a client that never blocks: one thread serves a crowd of them
 *
 * Clients that talk one after the other are those of support.h. */
#ifndef PEERS_H
#define PEERS_H

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* -------------------------------------------------------------- servers */

enum { MAX_LISTENING = 8 };

struct server {
  struct program *program;
  char endpoint[ENDPOINT_TEXT]; /* the first one */
  char more[MAX_LISTENING - 1][ENDPOINT_TEXT];
  long descriptors; /* that it has open without clients; -1: unknown */
};

#define LISTENING "listening on "

/* The nth (from 0) line "listening on ...", waited for. */
static inline void find_endpoint(struct program *program, size_t nth,
                                 char endpoint[ENDPOINT_TEXT]) {
  for (double end = deadline();; pause_before(end, LISTENING)) {
    program_wait_for(program, LISTENING);
    const char *at = strstr(program_out(program), LISTENING);
    for (size_t i = 0; at && i < nth; i++)
      at = strstr(at + 1, LISTENING);
    size_t length = at ? strcspn(at, "\n") : 0;
    if (!at || at[length] != '\n')
      continue;
    length -= strlen(LISTENING);
    assert_true(length < ENDPOINT_TEXT);
    memcpy(endpoint, at + strlen(LISTENING), length);
    endpoint[length] = 0;
    return;
  }
}

/* Waits until it listens on all its endpoints. */
static inline struct server listening(struct program *program,
                                      const struct program_options *options) {
  struct server server = {.program = program};
  size_t endpoints = 0;
  for (size_t i = 0; options->args[i]; i++)
    endpoints += strchr(options->args[i], ':') || strchr(options->args[i], '/');
  assert_true(endpoints > 0 && endpoints <= MAX_LISTENING);
  find_endpoint(program, 0, server.endpoint);
  for (size_t i = 1; i < endpoints; i++)
    find_endpoint(program, i, server.more[i - 1]);
  server.descriptors = program_descriptors(program);
  return server;
}

/* Starts a server lesson. */
static inline struct server serve_with(int number,
                                       struct program_options options) {
  return listening(program_start(number, &options), &options);
}

#define serve(number, ...)                                                     \
  serve_with(number, (struct program_options){.args = {__VA_ARGS__}})

/* Starts a server lesson that may have so many descriptors and no more. */
static inline struct server serve_limited(long descriptors, int number,
                                          struct program_options options) {
  char limit[64];
  snprintf(limit, sizeof limit, "ulimit -n %ld && exec \"$0\" \"$@\"",
           descriptors);
  const char *argv[16] = {"/bin/sh", "-c", limit, lesson_path(number)};
  memcpy(argv + 4, options.args, sizeof options.args - sizeof *argv);
  return listening(program_exec((char *const *)argv, &options), &options);
}

/* "4" for 4; good until the next call. */
static inline const char *number_text(long number) {
  static char text[24];
  snprintf(text, sizeof text, "%ld", number);
  return text;
}

/* A socket that listens, for a server to inherit as "fd:N". */
static inline int listening_socket(void) {
  struct sockaddr_in any = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
  assert_int_equal(listen(fd, 8), 0);
  return fd;
}

/* Waits until no client is left: everything of them has been given back. */
static inline void wait_until_empty(const struct server *server) {
  wait_until(program_descriptors(server->program) == server->descriptors);
}

/* Its last line says how many it served, of what; none may be alive. */
static inline long closing_line(struct server *server, const char *noun) {
  const char *out = program_out(server->program);
  size_t length = strlen(out);
  if (length == 0 || out[length - 1] != '\n')
    give_up("no closing line:\n%s", out);
  size_t begin = length - 1;
  while (begin > 0 && out[begin - 1] != '\n')
    begin--;
  const char *colon = strchr(out + begin, ':');
  long served = colon ? strtol(colon + 1, NULL, 10) : 0;
  char expected[64];
  snprintf(expected, sizeof expected, "%s served: %ld, alive: 0\n", noun,
           served);
  assert_string_equal(out + begin, expected);
  return served;
}

/* Ends it by a signal (0: it was sent one): exit status 0, on standard error
 * these lines (as in expected.txt), none alive. Returns how many it served. */
static inline long end_server_with(struct server *server, int signo,
                                   const char *noun, const char *errors) {
  if (signo)
    program_signal(server->program, signo);
  int status = program_wait(server->program);
  if (status != 0) {
    fputs(program_err(server->program), stderr); /* too long for cmocka */
    give_up("it ended with %d\n--- its output:\n%s", status,
            program_out(server->program));
  }
  char *found = output_difference(errors, program_err(server->program));
  if (found)
    give_up("its errors: %s\n--- all of them:\n%s", found,
            program_err(server->program));
  long served = closing_line(server, noun);
  program_free(server->program);
  return served;
}

static inline void end_server(struct server *server, const char *noun,
                              long served) {
  long actual = end_server_with(server, SIGTERM, noun, "");
  assert_int_equal(actual, served);
}

/* CPU seconds that a process has used; -1 when the system does not tell. */
static inline double program_cpu(const struct program *program) {
  char path[64], line[1024] = "";
  unsigned long user, system;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)program_pid(program));
  FILE *file = fopen(path, "r");
  if (!file)
    return -1;
  size_t length = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[length] = 0;
  const char *at = strrchr(line, ')'); /* behind the name: fields 3 to 15 */
  assert_non_null(at);
  assert_int_equal(sscanf(at,
                          ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                          " %lu %lu",
                          &user, &system),
                   2);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* It has nothing to do, but for what it may have begun, and does nothing for
 * that time: it does not spin. */
static inline void expect_rest(const struct program *program, double span) {
  for (int chances = 10;; chances--) {
    double cpu = program_cpu(program), begin = seconds();
    wait_until(seconds() - begin > span);
    double used = program_cpu(program) - cpu, passed = seconds() - begin;
    if (used <= 0.02 + 0.2 * passed)
      return;
    if (chances == 1)
      give_up("%.2f s of CPU in %.2f s of rest", used, passed);
  }
}

/* Stops it as Ctrl-Z would, and returns when it has stopped. */
static inline void freeze(const struct program *program) {
  int status;
  kill(program_pid(program), SIGSTOP);
  assert_int_equal(waitpid(program_pid(program), &status, WUNTRACED),
                   program_pid(program));
  assert_true(WIFSTOPPED(status));
}

/* Never for one that may be ending: the leak check at its end relies on a stop
 * that this would undo. */
static inline void thaw(const struct program *program) {
  kill(program_pid(program), SIGCONT);
}

/* --------------------------------------------------------------- limits */

/* Lets this process and those it starts have so many descriptors, or as many
 * as the system allows; returns how many. */
static inline size_t allow_descriptors(size_t wanted) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  return limit.rlim_cur < wanted ? (size_t)limit.rlim_cur : wanted;
}

/* ------------------------------------------------------- slow readers */

/* Connects to "127.0.0.1:80" as client_connect, but its system keeps little: so
 * it takes bytes from the server's as they are read. */
static inline int slow_connect(const char *endpoint) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), size = 8192;
  address.sin_port =
      htons((uint16_t)strtol(strrchr(endpoint, ':') + 1, NULL, 10));
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size),
                   0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* One that reads so many bytes a second, and not more when it had to wait. */
struct slow_reader {
  int fd;
  double rate, due; /* due: when it may read the next piece */
  size_t got;
};

/* Reads what it may read by now. */
static inline void slow_read(struct slow_reader *reader) {
  static char bytes[4096];
  while (reader->due <= seconds()) {
    ssize_t n = recv(reader->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
      reader->due = seconds() + 0.001;
    else
      reader->due += (double)n / reader->rate;
    reader->got += n > 0 ? (size_t)n : 0;
  }
}

/* ---------------------------------------------------------------- peers */

/* A client of a crowd. First in a struct of your own when it needs more. */
struct peer {
  int fd;          /* does not block; -1: there is none */
  const char *out; /* to be sent ... */
  size_t left;     /* ... so many bytes ... */
  size_t gulp;     /* ... at most this many at once; 0: all */
  bool deaf;       /* it does not read */
  bool ended;      /* the server has closed, or reset */
  void (*got)(struct peer *peer, const char *bytes, size_t n);
};

static inline void peer_connect(struct peer *peer, const char *endpoint) {
  peer->fd = client_connect(endpoint);
  peer->ended = false;
  fcntl(peer->fd, F_SETFL, fcntl(peer->fd, F_GETFL) | O_NONBLOCK);
}

static inline void peer_close(struct peer *peer) {
  if (peer->fd != -1)
    close(peer->fd);
  peer->fd = -1;
  peer->left = 0;
}

static inline bool peer_gone(int error) {
  return error == ECONNRESET || error == EPIPE;
}

static inline void peer_write(struct peer *peer) {
  size_t n = peer->gulp && peer->gulp < peer->left ? peer->gulp : peer->left;
  ssize_t sent = send(peer->fd, peer->out, n, MSG_NOSIGNAL);
  if (sent < 0 && peer_gone(errno))
    peer->left = 0; /* reading will tell */
  if (sent < 0)
    return;
  peer->out += sent;
  peer->left -= (size_t)sent;
}

static inline void peer_read(struct peer *peer) {
  static char bytes[65536];
  ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
  if (n > 0)
    peer->got(peer, bytes, (size_t)n);
  else if (n == 0 || peer_gone(errno))
    peer->ended = true;
}

static inline struct pollfd peer_wants(const struct peer *peer) {
  short events = (short)((peer->left ? POLLOUT : 0) | //
                         (peer->deaf ? 0 : POLLIN));
  bool out = peer->fd == -1 || peer->ended || !events;
  return (struct pollfd){.fd = out ? -1 : peer->fd, .events = events};
}

/* Waits until something can be moved, a tenth of a second at most, and moves
 * it. Peers may be made and closed between two turns. */
static inline void peers_turn(struct peer *const *peers, size_t count) {
  struct pollfd *wants = calloc(count + 1, sizeof *wants);
  assert_non_null(wants);
  for (size_t i = 0; i < count; i++)
    wants[i] = peer_wants(peers[i]);
  poll(wants, (nfds_t)count, 100);
  for (size_t i = 0; i < count; i++) {
    if (wants[i].revents & (POLLIN | POLLHUP | POLLERR) && !peers[i]->deaf)
      peer_read(peers[i]);
    if (wants[i].revents & POLLOUT && peers[i]->left)
      peer_write(peers[i]);
  }
  free(wants);
}

/* Turns until the condition holds; fails after SUPPORT_DEADLINE. */
#define peers_until(peers, count, condition)                                   \
  for (double end_ = deadline(); !(condition);) {                              \
    if (seconds() > end_)                                                      \
      give_up("waited %d seconds for %s", SUPPORT_DEADLINE, #condition);       \
    peers_turn(peers, count);                                                  \
  }

/* -------------------------------------------------------- wrong usage */

static inline size_t lines_in(const char *text) {
  size_t count = 0;
  for (; *text; text++)
    count += *text == '\n';
  return count;
}

/* The program refuses these arguments: nothing on standard output, one line
 * that contains `what` on standard error. */
static inline void refuses(int number, struct program_options options,
                           int status, const char *what) {
  struct program *program = program_run(number, &options, status);
  const char *error = program_err(program);
  if (lines_in(error) != 1 || !strstr(error, what))
    give_up("no clear line about \"%s\":\n%s", what, error);
  assert_string_equal(program_out(program), "");
  program_free(program);
}

#define expect_refusal(number, status, what, ...)                              \
  refuses(number, (struct program_options){.args = {__VA_ARGS__}}, status, what)

/* What it has printed, all of it in one place. */
static inline const char *program_says(struct program *program) {
  const char *out = program_out(program), *err = program_err(program);
  assert_true(!*out || !*err);
  return *out ? out : err;
}

/* Its client's usage, as an answer to that word, or to none at all. */
static inline void expect_client_usage(int number, char *word, int status) {
  char path[520], usage[64];
  snprintf(path, sizeof path, "%s-client", lesson_path(number));
  snprintf(usage, sizeof usage, "usage: lesson%d-client ", number);
  char *argv[] = {path, word, NULL};
  struct program *client = program_exec(argv, NULL);
  assert_int_equal(program_wait(client), status);
  const char *other = status ? program_out(client) : program_err(client);
  assert_string_equal(other, "");
  assert_int_equal(strncmp(program_says(client), usage, strlen(usage)), 0);
  program_free(client);
}

/* What every server lesson says of a wrong command line, and its client. */
static inline void expect_usage(int number, const char *const *mentions) {
  struct program_options help = {.args = {"--help"}};
  struct program *program = program_run(number, &help, 0);
  assert_string_equal(program_err(program), "");
  assert_int_equal(strncmp(program_out(program), "usage: ", 7), 0);
  for (; *mentions; mentions++)
    assert_non_null(strstr(program_out(program), *mentions));
  program_free(program);
  expect_refusal(number, 2, "--nonsense", "--nonsense");
  expect_refusal(number, 2, "--nonsense", "--nonsense=3", "127.0.0.1:0");
  expect_refusal(number, 2, "-x", "-x");
  expect_refusal(number, 2, "--butlers", "--butlers");
  static const char *const bad[] = {"0", "-1", "65", "two", "2x", "", "1e1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_refusal(number, 2, "--butlers", "--butlers", bad[i], "127.0.0.1:0");
  static const char *const nowhere[] = {
      "127.0.0.1", "127.0.0.1:",   "127.0.0.1:x", "127.0.0.1:65536", "[::1:80",
      "::1:80",    "1.2.3.4.5:80", "unix:",       "127.0.0.1:-1",    "fd:",
      "fd:x",      "fd:-1",        "fd:3x"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
    expect_refusal(number, 2, nowhere[i], nowhere[i]);
  expect_client_usage(number, "--help", 0);
  expect_client_usage(number, "--nonsense", 2);
  expect_client_usage(number, NULL, 2);
}

static inline struct program *demo_start(int number, const char *dir,
                                         const char *option) {
  char script[64];
  snprintf(script, sizeof script, "%s/demo.sh", dir);
  const char *argv[] = {"/bin/sh", script, lesson_path(number), option, NULL};
  return program_exec((char *const *)argv, NULL);
}

/* With that option the server ends at once, and its demo likewise. */
static inline void expect_same_end(int number, const char *dir,
                                   const char *option) {
  struct program_options options = {.args = {option}};
  struct program *server = program_start(number, &options);
  struct program *demo = demo_start(number, dir, option);
  assert_int_equal(program_wait(demo), program_wait(server));
  assert_string_equal(program_says(demo), program_says(server));
  program_free(server);
  program_free(demo);
}

/* The demo prints what its expected.txt says. */
static inline void expect_demo(int number, const char *dir) {
  char expected[64];
  snprintf(expected, sizeof expected, "%s/expected.txt", dir);
  struct program *demo = demo_start(number, dir, NULL);
  int status = program_wait(demo);
  if (status != 0)
    give_up("its demo ended with %d:\n%s%s", status, program_out(demo),
            program_err(demo));
  expect_output(expected, program_out(demo));
  assert_string_equal(program_err(demo), "");
  program_free(demo);
  expect_same_end(number, dir, "--help");
  expect_same_end(number, dir, "--nonsense");
}

#endif
