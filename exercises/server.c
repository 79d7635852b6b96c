/* server.c: the learner's server as a process: its start, its words, its end.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *serve_program;
int serve_port;

pid_t serve_pid;
static char out[64], err[64]; /* the files that it writes to */

/* What it has written to one of them; good until the next call. */
static const char *read_words(const char *path) {
  static char text[1 << 16];
  FILE *file = fopen(path, "r");
  size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file)
    fclose(file);
  text[n] = '\0';
  return text;
}

const char *serve_words(void) { return read_words(err); }

/* True when it has ended; `status` is then 0, another exit status, or 128 and
 * the signal that killed it. */
bool serve_ended(int *status) {
  int how;
  if (serve_pid == 0 || waitpid(serve_pid, &how, WNOHANG) != serve_pid)
    return false;
  serve_pid = 0;
  *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
  return true;
}

void serve_alive(void) {
  int status;
  if (!serve_ended(&status))
    return;
  char seen[80];
  snprintf(seen, sizeof seen, "the server has ended, with status %d", status);
  wrong(NULL, seen, "it goes on serving");
}

/* ------------------------------------------------------------------- start */

static void run(const char *speed, char *const argv[]) {
  int to = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int errors = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  setenv("LESSON_SPEED", speed, 1);
  signal(SIGPIPE, SIG_DFL);
  dup2(to, 1);
  dup2(errors, 2);
  execv(argv[0], argv);
  perror(argv[0]);
  _exit(126);
}

static void await_listening(void) {
  const char *line = NULL;
  for (double end = now() + PATIENCE; !line; pause_for(0.002)) {
    int status;
    char seen[80];
    if (serve_ended(&status)) {
      snprintf(seen, sizeof seen, "it ended with status %d", status);
      wrong(NULL, seen, "\"listening on 127.0.0.1:PORT\", and no end");
    }
    if (now() > end)
      wrong(NULL, NULL, "\"listening on 127.0.0.1:PORT\" on a line of its own");
    line = strstr(read_words(out), "listening on 127.0.0.1:");
    if (line && !strchr(line, '\n'))
      line = NULL;
  }
  serve_port = atoi(strchr(line, ':') + 1);
}

static char door[80]; /* the second endpoint, or none */

void serve_also_at(const char *path) {
  snprintf(door, sizeof door, "unix:%s", path);
}

void serve_with(const char *speed, const char *const *options) {
  char *argv[20] = {(char *)serve_program, "--butlers", "2"};
  size_t count = 3;
  while (*options)
    argv[count++] = (char *)*options++;
  argv[count++] = "127.0.0.1:0";
  if (*door)
    argv[count++] = door;
  snprintf(out, sizeof out, "%s", scene_path("out"));
  snprintf(err, sizeof err, "%s", scene_path("err"));
  fflush(NULL);
  /* A signal that ends the scene must know of the server, or of none. */
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = serve_pid = fork();
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (pid < 0)
    give_up("a process");
  if (pid == 0)
    run(speed, argv);
  await_listening();
}

/* --------------------------------------------------------------------- end */

static int await_end(void) {
  int status;
  for (double end = now() + PATIENCE; !serve_ended(&status); pause_for(0.002))
    if (now() > end)
      wrong(NULL, "it goes on", "SIGTERM ends the server soon");
  return status;
}

static const char *last_line(char *text) {
  size_t n = strlen(text);
  if (n > 0)
    text[n - 1] = '\0';
  char *end = strrchr(text, '\n');
  return end ? end + 1 : text;
}

void serve_signal(void) {
  serve_alive();
  kill(serve_pid, SIGTERM);
}

void serve_end(void) {
  if (serve_pid == 0)
    return;
  serve_signal();
  serve_await_end();
}

/* What a sanitizer says at the end is about all of the scene. */
static void expect_status(int status, const char *line) {
  char seen[400];
  if (strstr(serve_words(), "LeakSanitizer"))
    snprintf(seen, sizeof seen,
             "memory was never freed, and the last line is \"%.200s\"", line);
  else if (strstr(serve_words(), "Sanitizer"))
    snprintf(seen, sizeof seen, "a sanitizer has found something, see below");
  else
    snprintf(seen, sizeof seen, "after SIGTERM it ended with status %d",
             status);
  if (status != 0)
    wrong(NULL, seen,
          "SIGTERM ends the server with status 0, and all is released then");
}

void serve_await_end(void) {
  int status = await_end();
  char seen[300], words[1 << 16];
  snprintf(words, sizeof words, "%s", read_words(out));
  const char *line = last_line(words);
  long served, alive = -1;
  expect_status(status, line);
  sscanf(line, "sessions served: %ld, alive: %ld", &served, &alive);
  snprintf(seen, sizeof seen, "its last line is \"%.200s\"", line);
  if (alive != 0)
    wrong(NULL, seen, "\"sessions served: N, alive: 0\" as its last line");
}

/* ------------------------------------------------------- seen from outside */

long serve_descriptors(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd", (int)serve_pid);
  DIR *directory = opendir(path);
  if (!directory)
    return -1;
  long count = 0;
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

long serve_memory(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", (int)serve_pid);
  const char *line = strstr(read_words(path), "VmRSS:");
  return line ? atol(line + 6) : -1;
}

void serve_expect_descriptors(long before) {
  char seen[100];
  double end = now() + PATIENCE;
  if (serve_descriptors() < 0) {
    pause_for(0.3);
    return;
  }
  for (long are; (are = serve_descriptors()) > before; pause_for(0.005)) {
    serve_alive();
    snprintf(seen, sizeof seen, "%ld descriptors more than before them",
             are - before);
    if (now() > end)
      wrong(NULL, seen,
            "when its clients have gone, the server has closed their sockets "
            "and files");
  }
}
