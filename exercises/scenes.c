/* scenes.c: runs the scenes of a check, and tells how they went. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
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
      used += (size_t)snprintf(to + used, room - used,
                               *at == '\n' ? "\\n" : "\\r");
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

/* The first lines of a sanitizer's report are those that tell. */
static void show_words(void) {
  const char *at = serve_words();
  if (!*at)
    return;
  printf("\n    The server's standard error:\n");
  for (int i = 0; i < 30 && *at; i++) {
    size_t n = strcspn(at, "\n");
    printf("      %.*s\n", (int)n, at);
    at += n + (at[n] == '\n');
  }
  if (*at)
    printf("      ...\n");
}

/* What a tool found has a lesson of its own, whatever the scene. */
static const char *lesson_of(const char *words) {
  static const char *const known[][2] = {
      {"heap-use-after-free", "lesson 10, \"What breaks\": a session without a "
                              "keep"},
      {"LeakSanitizer", "lesson 10, \"The idea\": it needs no owner"},
      {"data race", "lesson 5, \"The idea\", and lesson 13: two circles"},
      {"buffer-overflow", "lesson 7, \"The idea\": sizes, and lesson 12: a "
                          "size is a claim"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strstr(words, known[i][0]))
      return known[i][1];
  return scene->again;
}

/* In the report. */
static void show_peer(const struct peer *p, const char *seen) {
  char text[1000];
  peer_sent(p, text, sizeof text);
  printf("    sent      by %s: %s\n", peer_called(p), text);
  peer_seen(p, text, sizeof text);
  if (seen)
    printf("    seen      %s\n", seen);
  printf(seen ? "              (%s)\n" : "    seen      %s\n", text);
}

/* A server that died explains why a client saw what it saw. It may be about to.
 */
static bool show_death(void) {
  int status;
  for (int i = 0; i < 100; i++, pause_for(0.01)) {
    if (serve_ended(&status)) {
      printf("    and       the server has ended, with status %d\n", status);
      return true;
    }
    if (!strstr(serve_words(), "Sanitizer"))
      return false;
  }
  return false;
}

static void end_scene(int status) {
  serve_kill();
  remove_all(directory, 2);
  exit(status);
}

_Noreturn void wrong(const struct peer *p, const char *seen,
                     const char *expected, ...) {
  pause_for(0.05);
  va_list list;
  va_start(list, expected);
  if (p)
    show_peer(p, seen);
  else
    printf("    seen      %s\n", seen ? seen : "nothing of it");
  printf("    expected  ");
  vprintf(expected, list);
  printf("\n");
  va_end(list);
  show_death();
  printf("    again     %s\n", lesson_of(serve_words()));
  show_words();
  end_scene(1);
  abort();
}

_Noreturn void give_up(const char *what) {
  printf("    the check itself has not enough: %s: %s\n", what,
         strerror(errno));
  end_scene(3);
  abort();
}

static void on_signal(int signo) {
  serve_kill();
  _exit(128 + signo);
}

static void play(FILE *report) {
  dup2(fileno(report), 1);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  signal(SIGALRM, on_signal);
  signal(SIGPIPE, SIG_IGN);
  alarm(LIMIT);
  strcpy(directory, "/tmp/check.XXXXXX");
  if (!mkdtemp(directory))
    give_up("a directory in /tmp");
  scene->play();
  serve_end();
  end_scene(0);
}

/* ------------------------------------------------------------- all of them */

struct run {
  const struct scene *scene;
  FILE *report;
  pid_t pid;
  int status;
};

static void start(struct run *run) {
  run->report = tmpfile();
  fflush(NULL);
  run->pid = run->report ? fork() : -1;
  if (run->pid < 0) {
    perror("check: cannot start a scene");
    exit(3);
  }
  if (run->pid)
    return;
  scene = run->scene;
  play(run->report);
}

static void reap(struct run *runs, size_t count) {
  int how;
  pid_t pid = wait(&how);
  for (size_t i = 0; i < count; i++)
    if (runs[i].pid == pid)
      runs[i].status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static void play_all(struct run *runs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (i >= AT_ONCE)
      reap(runs, count);
    start(&runs[i]);
  }
  for (size_t i = 0; i < count && i < AT_ONCE; i++)
    reap(runs, count);
}

static void show_report(struct run *run) {
  char text[4096];
  rewind(run->report);
  printf("\n  %s\n", run->scene->tries);
  for (size_t n; (n = fread(text, 1, sizeof text, run->report)) > 0;)
    fwrite(text, 1, n, stdout);
  if (run->status > 128)
    printf("    seen      no end of it within %d s\n", LIMIT);
}

/* The first that fails is reported in full: the others may follow from it. */
static int tell(const char *name, struct run *runs, size_t count) {
  struct run *first = NULL;
  size_t good = 0;
  for (size_t i = 0; i < count; i++) {
    printf("  %s %s\n", runs[i].status ? "  wrong" : "     ok",
           runs[i].scene->tries);
    good += runs[i].status == 0;
    if (runs[i].status && !first)
      first = &runs[i];
  }
  printf("check-%s: %zu of %zu scenes are right\n", name, good, count);
  if (!first)
    return 0;
  printf("\nThe first that is not:\n");
  show_report(first);
  return 1;
}

int check_main(const char *name, const struct scene *scenes, size_t count,
               int argc, char **argv) {
  struct run runs[64] = {{0}};
  size_t chosen = 0;
  if (argc < 2 || argc > 3 || count > 64) {
    fprintf(stderr, "usage: check-%s PROGRAM [WORD OF A SCENE]\n", name);
    return 2;
  }
  serve_program = argv[1];
  for (size_t i = 0; i < count; i++)
    if (argc == 2 || strstr(scenes[i].tries, argv[2]))
      runs[chosen++].scene = &scenes[i];
  if (!chosen) {
    fprintf(stderr, "check-%s: no scene has '%s'\n", name, argv[2]);
    return 2;
  }
  play_all(runs, chosen);
  return tell(name, runs, chosen);
}
