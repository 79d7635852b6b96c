/* stdio.c: who prints.
 *
 * Inside the C library a stream's lock is never met by two threads, for only
 * one runs, and there are no points in between. So the lock is ours: it is
 * taken by flockfile and by each call that prints, and before it stands a
 * point, for two threads may print in either order. */
#undef __OPTIMIZE__ /* or the header defines some of it, too */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

static struct lock {
  FILE *file;
  int owner, depth;
} locks[16];

static struct lock *lock_of(FILE *file) {
  for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
    if (!locks[i].file)
      locks[i].file = file;
    if (locks[i].file == file)
      return &locks[i];
  }
  return &locks[0]; /* a seventeenth shares */
}

static void lock(FILE *file, const char *what, const void *pc) {
  struct lock *l = lock_of(file);
  if (!sim_mine())
    return;
  sim_drain();
  sim_point(what, file, pc);
  while (l->depth && l->owner != sim.current->id)
    sim_wait(l, "waits to print", SIM_NEVER);
  l->owner = sim.current->id;
  l->depth++;
}

static void unlock(FILE *file) {
  struct lock *l = lock_of(file);
  if (!sim_mine())
    return;
  sim_drain();
  if (--l->depth == 0)
    sim_wake_all(l);
}

void flockfile(FILE *file) { lock(file, "locks a stream", SIM_PC); }

void funlockfile(FILE *file) {
  unlock(file);
  if (sim_mine())
    sim_point("has unlocked a stream", file, SIM_PC);
}

/* ---------------------------------------------------------- what prints */

static int print(FILE *file, const char *format, va_list args, const void *pc) {
  lock(file, "prints", pc);
  int n = SIM_REAL(vfprintf)(file, format, args);
  unlock(file);
  return n;
}

int vfprintf(FILE *restrict file, const char *restrict format, va_list args) {
  return print(file, format, args, SIM_PC);
}

int vprintf(const char *restrict format, va_list args) {
  return print(stdout, format, args, SIM_PC);
}

int fprintf(FILE *restrict file, const char *restrict format, ...) {
  va_list args;
  va_start(args, format);
  int n = print(file, format, args, SIM_PC);
  va_end(args);
  return n;
}

int printf(const char *restrict format, ...) {
  va_list args;
  va_start(args, format);
  int n = print(stdout, format, args, SIM_PC);
  va_end(args);
  return n;
}

size_t fwrite(const void *restrict bytes, size_t size, size_t count,
              FILE *restrict file) {
  lock(file, "prints", SIM_PC);
  size_t n = SIM_REAL(fwrite)(bytes, size, count, file);
  unlock(file);
  return n;
}

int fputs(const char *restrict text, FILE *restrict file) {
  lock(file, "prints", SIM_PC);
  int n = SIM_REAL(fputs)(text, file);
  unlock(file);
  return n;
}

int puts(const char *text) {
  lock(stdout, "prints", SIM_PC);
  int n = SIM_REAL(puts)(text);
  unlock(stdout);
  return n;
}

static int print_char(int c, FILE *file, const void *pc) {
  lock(file, "prints", pc);
  int n = putc_unlocked(c, file);
  unlock(file);
  return n;
}

int fputc(int c, FILE *file) { return print_char(c, file, SIM_PC); }
int putc(int c, FILE *file) { return print_char(c, file, SIM_PC); }
int putchar(int c) { return print_char(c, stdout, SIM_PC); }

int fflush(FILE *file) {
  if (file)
    lock(file, "flushes a stream", SIM_PC);
  int err = SIM_REAL(fflush)(file);
  if (file)
    unlock(file);
  return err;
}
