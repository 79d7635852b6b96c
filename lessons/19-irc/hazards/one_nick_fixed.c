/* The twin of one_nick.c: look and deed are one handler of one strand. */
#include "lesson.h"

#include <pthread.h>
#include <stdio.h>

enum { NICKS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int owners[NICKS]; /* under the lock */

static bool is_taken(const int *nick) {
  pthread_mutex_lock(&lock);
  bool taken = *nick > 0;
  pthread_mutex_unlock(&lock);
  return taken;
}

static void take(int *nick) {
  pthread_mutex_lock(&lock);
  ++*nick;
  pthread_mutex_unlock(&lock);
}

/* In the hall. */
static void do_nick(void *nick, int err, size_t n) {
  if (!is_taken(nick))
    take(nick);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_strand *hall = ax_strand_new(context);
  for (int i = 0; i < NICKS; i++) {
    ax_post(hall, ax_call(do_nick, &owners[i]));
    ax_post(hall, ax_call(do_nick, &owners[i]));
  }
  lesson_run(context, 2);
  int most = 0;
  for (int i = 0; i < NICKS; i++)
    most = owners[i] > most ? owners[i] : most;
  printf("%s\n",
         most > 1 ? "a nick has two owners" : "each nick has one owner");
  ax_unref(hall);
  ax_context_free(context);
}
