/* scenes.c: runs the scenes of a check, and tells how they went. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 4, LIMIT = 90 /* seconds for a scene */ };

static const struct scene *scene; /* the one of this process */
static char directory[32];

double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pause_for(double seconds) {
  struct timespec t = {(time_t)seconds,
                       (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

void quote(char *to, size_t room, const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  size_t used = 0;
  to[used++] = '"';
  for (; n > 0 && used + 12 < room; n--, at++)
    if (*at == '\n' || *at == '\r')
      used +=
          (size_t)snprintf(to + used, room - used, *at == '\n' ? "\\n" : "\\r");
    else if (*at < ' ' || *at > '~')
      used += (size_t)snprintf(to + used, room - used, "\\x%02x", *at);
    else
      to[used++] = (char)*at;
  snprintf(to + used, room - used, n ? "\"..." : "\"");
}

const char *scene_path(const char *name) {
  static char path[4][64];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
  return path[turn];
}

/* ------------------------------------------------------------- one of them */

/* Also what the scene has made in directories of its own, one level deep. */
static void remove_all(const char *path, int depth) {
  DIR *dir = opendir(path);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    char inner[400];
    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3)
      continue;
    if (unlink(inner) && depth > 0)
      remove_all(inner, depth - 1);
  }
  if (dir)
    closedir(dir);
  rmdir(path);
}

/* What a tool found, and a reset, have a lesson of their own, whatever the
 * scene. */
static const struct {
  const char *words;
  struct reading again;
} findings[] = {
    {"heap-use-after-free",
     READ("lessons/10-echo", "The idea",
          "`ax_keep(s, ...)` makes the pending operation hold a reference, "
          "from the initiating call until its handler has returned.")},
    {"LeakSanitizer",
     READ("lessons/10-echo", "The idea",
          "A handler that initiates nothing more lets the last reference go, "
          "and `session_destroy` runs.")},
    {"data race",
     READ("lessons/05-strand", "What breaks",
          "A strand protects data only if every handler that touches it is on "
          "the strand.")},
    {"buffer-overflow",
     READ("lessons/12-framing", "The idea",
          "Check a limit before you take memory, and you bound what one client "
          "can cost.")},
    {"hold up nobody else",
     READ("lessons/10-echo", "The idea",
          "A session that waits is a struct of a kilobyte in memory and an "
          "operation in the core; nobody stands in a call for it.")},
    {"which is no reset",
     READ("lessons/12-framing", "The idea",
          "When `close` finds bytes that nobody has read, the kernel takes "
          "that for an accident: it drops what it has still to send, and sends "
          "a *reset*, which reaches the client as an error.")},
};

enum { FINDINGS = sizeof findings / sizeof *findings };

const struct reading *check_others;
static const struct reading *part;

void read_other(const struct reading *other) { part = other; }

static const struct reading *to_read(const char *expected) {
  const char *words = serve_words();
  for (int i = 0; i < FINDINGS; i++)
    if (strstr(words, findings[i].words) || strstr(expected, findings[i].words))
      return &findings[i].again;
  return part ? part : &scene->again;
}

static void show_reading(const char *expected) {
  const struct reading *r = to_read(expected);
  printf("\nRead again in %s, \"%s\":\n    \"", r->readme, r->heading);
  size_t column = 5;
  for (const char *at = r->sentence; *at; column++, at++)
    if (*at == ' ' && column + 1 + strcspn(at + 1, " ") > 76) {
      printf("\n    ");
      column = 3;
    } else {
      putchar(*at);
    }
  printf("\"\n");
}

/* Of a stack only what is the learner's tells something. */
static bool tells(const char *line, size_t n) {
  static const char *const others[] = {" common/", "libsanitizer", ".so",
                                       "====",     "nptl/",        "csu/"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (memmem(line, n, others[i], strlen(others[i])))
      return false;
  return n > 0;
}

static void show_words(void) {
  const char *at = serve_words();
  if (*at)
    printf("\nThe server complained:\n");
  for (int shown = 0; shown < 14 && *at;) {
    size_t n = strcspn(at, "\n");
    if (tells(at, n)) {
      printf("    %.*s\n", (int)(n < 110 ? n : 110), at);
      shown++;
    }
    at += n + (at[n] == '\n');
  }
}

/* What was said on the connection, and after it what else was seen. */
static void show_peer(const struct peer *p, const char *seen) {
  char text[2000];
  peer_sent(p, text, sizeof text);
  printf("\nSent by %s:\n    %s\n", peer_called(p), text);
  peer_seen(p, text, sizeof text);
  printf("\nSeen:\n    %s\n", text);
  if (seen)
    printf("    %s\n", seen);
}

/* A server that died explains why a client saw what it saw. It may be about to:
 * a sanitizer takes its time to report. */
static void show_death(void) {
  int status;
  for (int i = 0; i < 200; i++, pause_for(0.01)) {
    if (serve_ended(&status)) {
      printf("    The server has ended, with status %d.\n", status);
      return;
    }
    if (i > 10 && !strstr(serve_words(), "Sanitizer"))
      return;
  }
}

static void kill_server(void) {
  if (serve_pid)
    kill(serve_pid, SIGKILL);
}

static void end_scene(int status) {
  kill_server();
  exit(status);
}

_Noreturn void wrong(const struct peer *p, const char *seen,
                     const char *expected, ...) {
  char text[1000];
  va_list list;
  va_start(list, expected);
  vsnprintf(text, sizeof text, expected, list);
  va_end(list);
  if (p)
    show_peer(p, seen);
  else
    printf("\nSeen:\n    %s\n", seen ? seen : "nothing of it");
  show_death();
  printf("\nExpected:\n    %s\n", text);
  show_words();
  show_reading(text);
  end_scene(1);
  abort();
}

_Noreturn void give_up(const char *what) {
  printf("\nThe check itself goes wrong: %s: %s\n", what, strerror(errno));
  end_scene(3);
  abort();
}

static void on_signal(int signo) {
  kill_server();
  _exit(128 + signo);
}

static void play(FILE *report) {
  dup2(fileno(report), 1);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  signal(SIGALRM, on_signal);
  signal(SIGPIPE, SIG_IGN);
  alarm(LIMIT);
  scene->play();
  serve_end();
  end_scene(0);
}

/* ------------------------------------------------------------- all of them */

struct run {
  const struct scene *scene;
  FILE *report;
  char directory[sizeof directory];
  pid_t pid;
  enum { OPEN = -1, GOOD, WRONG, TOO_LONG } status;
};

static void start(struct run *run) {
  run->report = tmpfile();
  strcpy(run->directory, "/tmp/check.XXXXXX");
  fflush(NULL);
  run->pid = run->report && mkdtemp(run->directory) ? fork() : -1;
  if (run->pid < 0) {
    perror("check: cannot start a scene");
    exit(3);
  }
  if (run->pid)
    return;
  scene = run->scene;
  strcpy(directory, run->directory);
  play(run->report);
}

/* Those behind one that is wrong need not end: it is the one to be told of. */
static void stop(struct run *from, const struct run *end) {
  for (struct run *run = from; run < end; run++)
    if (run->pid && run->status == OPEN)
      kill(run->pid, SIGTERM);
}

static void reap(struct run *runs, size_t count) {
  int how;
  pid_t pid;
  while ((pid = wait(&how)) < 0 && errno == EINTR)
    ;
  for (struct run *run = runs; run < runs + count; run++)
    if (run->pid == pid)
      remove_all(run->directory, 2);
  for (struct run *run = runs; run < runs + count; run++)
    if (run->pid == pid && WIFSIGNALED(how))
      run->status = TOO_LONG;
    else if (run->pid == pid && WEXITSTATUS(how) != 128 + SIGTERM)
      run->status = WEXITSTATUS(how) == 0               ? GOOD
                    : WEXITSTATUS(how) == 128 + SIGALRM ? TOO_LONG
                                                        : WRONG;
}

static struct run *first_wrong(struct run *runs, size_t count) {
  for (struct run *run = runs; run < runs + count; run++)
    if (run->status > GOOD)
      return run;
  return NULL;
}

/* Ctrl-C ends the scenes, and what is left of them is removed then. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int signo) { interrupted = signo; }

/* Once one is wrong no other is begun. */
static bool may_begin(struct run *runs, size_t count) {
  return !interrupted && !first_wrong(runs, count);
}

static void play_all(struct run *runs, size_t count) {
  signal(SIGINT, on_interrupt);
  signal(SIGTERM, on_interrupt);
  size_t begun = 0, ended = 0;
  while (ended < begun || (begun < count && may_begin(runs, count)))
    if (begun < count && begun - ended < AT_ONCE && may_begin(runs, count)) {
      start(&runs[begun++]);
    } else {
      reap(runs, begun);
      ended++;
      if (first_wrong(runs, begun))
        stop(first_wrong(runs, begun) + 1, runs + begun);
      if (interrupted)
        stop(runs, runs + begun);
    }
  if (interrupted)
    exit(128 + interrupted);
}

static void show_report(const char *name, const struct run *run) {
  char text[4096];
  printf("\nNot yet: %s.\n", run->scene->tries);
  rewind(run->report);
  for (size_t n; (n = fread(text, 1, sizeof text, run->report)) > 0;)
    fwrite(text, 1, n, stdout);
  if (run->status == TOO_LONG)
    printf("\nSeen:\n    It has no end: it was ended after %d s.\n", LIMIT);
  printf("\nSee it again: make check-%s SCENE='%s'\n", name, run->scene->tries);
  printf("A hint:       make hint-%s\n", name);
}

/* The first that is wrong is reported: the others may follow from it. */
static int tell(const char *name, struct run *runs, size_t count) {
  static const char *const words[] = {"  -  ", "   ok", "wrong", "wrong"};
  const struct run *first = first_wrong(runs, count);
  if (!first) {
    printf(count == 1 ? "  It goes well.\n" : "  All %zu scenes go well.\n",
           count);
    return 0;
  }
  for (size_t i = 0; i < count; i++)
    printf("  %s %s\n", words[runs[i].status + 1], runs[i].scene->tries);
  show_report(name, first);
  return 1;
}

static void print_reading(const struct reading *r) {
  printf("%s\t%s\t%s\n", r->readme, r->heading, r->sentence);
}

static int print_readings(const struct scene *scenes, size_t count) {
  for (size_t i = 0; i < FINDINGS; i++)
    print_reading(&findings[i].again);
  for (size_t i = 0; i < count; i++)
    print_reading(&scenes[i].again);
  for (const struct reading *r = check_others; r && r->readme; r++)
    print_reading(r);
  return 0;
}

static size_t choose(struct run *runs, const struct scene *scenes, size_t count,
                     const char *word) {
  size_t chosen = 0;
  for (size_t i = 0; i < count; i++)
    if (!word || strstr(scenes[i].tries, word))
      runs[chosen++] = (struct run){.scene = &scenes[i], .status = OPEN};
  return chosen;
}

int check_main(const char *name, const struct scene *scenes, size_t count,
               int argc, char **argv) {
  struct run runs[64] = {{0}};
  if (argc < 2 || argc > 3 || count > 64) {
    fprintf(stderr, "usage: check-%s PROGRAM [WORD OF A SCENE]\n", name);
    return 2;
  }
  if (strcmp(argv[1], "--readings") == 0)
    return print_readings(scenes, count);
  serve_program = argv[1];
  size_t chosen = choose(runs, scenes, count, argc == 3 ? argv[2] : NULL);
  if (!chosen) {
    fprintf(stderr, "check-%s: no scene has '%s'\n", name, argv[2]);
    return 2;
  }
  play_all(runs, chosen);
  return tell(name, runs, chosen);
}
