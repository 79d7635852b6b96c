/* report.c: what went wrong, in words.
 *
 * The run is over then. Each thread is asked for its stack, which it notes
 * itself while it waits for its baton; binutils' addr2line finds names and
 * lines. */
#include "sim.h"

#include <execinfo.h>
#include <link.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void sim_say(const char *format, ...) {
  char text[1000];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t left = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
  for (const char *at = text; left > 0;) {
    long written = syscall(SYS_write, 2, at, left);
    if (written <= 0)
      return;
    at += written;
    left -= (size_t)written;
  }
}

/* ----------------------------------------------------------------- places */

static int note_bias(struct dl_phdr_info *info, size_t size, void *bias) {
  *(uintptr_t *)bias = info->dlpi_addr;
  return 1; /* the first is the program itself */
}

extern const char __executable_start, etext;

static bool in_program(const void *pc) {
  return (const char *)pc > &__executable_start && (const char *)pc < &etext;
}

/* Addresses behind a call belong to the line after it, so one less. */
static FILE *ask_for_places(const void *const *pcs, int count) {
  char command[4000], program[400] = "";
  uintptr_t bias = 0;
  dl_iterate_phdr(note_bias, &bias);
  if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
    return NULL;
  int n = snprintf(command, sizeof command, "addr2line -afi -e '%s'", program);
  for (int i = 0; i < count && n < (int)sizeof command - 30; i++)
    n += snprintf(command + n, sizeof command - (size_t)n, " %#lx",
                  in_program(pcs[i]) ? (uintptr_t)pcs[i] - bias - 1 : 0);
  snprintf(command + n, sizeof command - (size_t)n, " 2>/dev/null");
  return popen(command, "r");
}

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Of a library the function is known, if that. */
static void find_in_library(const void *pc, struct sim_place *place) {
  Dl_info info;
  if (!pc || !dladdr(pc, &info))
    snprintf(place->text, sizeof place->text, "an unknown place");
  else if (info.dli_sname)
    snprintf(place->text, sizeof place->text, "%s (%s)", info.dli_sname,
             base_of(info.dli_fname));
  else
    snprintf(place->text, sizeof place->text, "%s", base_of(info.dli_fname));
  place->ours = true;
}

static void find_in_program(char *function, char *line,
                            struct sim_place *place) {
  function[strcspn(function, "\n")] = '\0';
  line[strcspn(line, " \n")] = '\0';
  static const char home[] = "tests/sim/"; /* not its directories */
  const char *ours = strstr(line, home);
  place->ours = *line == '?' || (ours && !strchr(ours + strlen(home), '/'));
  snprintf(place->text, sizeof place->text, "%s (%s)", function, base_of(line));
}

/* What is inlined from a header stands for the function that it is in. */
static bool is_in_header(const struct sim_place *place) {
  return strstr(place->text, ".h:");
}

/* The answer is an address in a line, then a function and its line, and again
 * for each function that this one is inlined in. */
static void read_places(FILE *answer, struct sim_place *places, int count) {
  char function[200], line[1000];
  int at = -1;
  bool found = false;
  while (fgets(function, sizeof function, answer)) {
    if (strncmp(function, "0x", 2) == 0) {
      at++;
      found = false;
    } else if (fgets(line, sizeof line, answer) && at < count && !found) {
      find_in_program(function, line, &places[at]);
      found = !is_in_header(&places[at]);
    }
  }
}

static void find_some(const void *const *pcs, struct sim_place *places,
                      int count) {
  FILE *answer = ask_for_places(pcs, count);
  for (int i = 0; i < count; i++)
    places[i] = (struct sim_place){"an unknown place (is addr2line there?)", 0};
  if (answer) {
    read_places(answer, places, count);
    pclose(answer);
  }
  for (int i = 0; i < count; i++)
    if (!answer || !in_program(pcs[i]))
      find_in_library(pcs[i], &places[i]);
}

void sim_find_places(const void *const *pcs, struct sim_place *places,
                     int count) {
  enum { AT_ONCE = 64 };
  for (int i = 0; i < count; i += AT_ONCE)
    find_some(pcs + i, places + i, count - i < AT_ONCE ? count - i : AT_ONCE);
}

/* ---------------------------------------------------------------- threads */

void sim_note_frames(void) {
  sim_self->frame_count = backtrace(
      sim_self->frames, sizeof sim_self->frames / sizeof *sim_self->frames);
}

/* It waits for its baton: gets it, notes, and gives it back. */
static void ask_for_frames(struct sim_thread *thread) {
  sim.teller = sim_self;
  atomic_store(&thread->baton, 1);
  syscall(SYS_futex, &thread->baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  while (!atomic_load(&sim_self->baton))
    syscall(SYS_futex, &sim_self->baton, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  atomic_store(&sim_self->baton, 0);
}

static void tell_stack(const struct sim_thread *thread) {
  struct sim_place places[64];
  const void *const *frames = (const void *const *)thread->frames;
  sim_find_places(frames, places, thread->frame_count);
  for (int i = 0, told = 0; i < thread->frame_count && told < SIM_FRAMES; i++)
    if (!places[i].ours)
      sim_say("   %s %s\n", told++ ? "  called by" : "in", places[i].text);
}

static void tell_steps(const struct sim_thread *thread) {
  struct sim_place places[SIM_STEPS];
  const void *pcs[SIM_STEPS];
  unsigned long count = thread->step_count;
  unsigned long from = count > SIM_STEPS ? count - SIM_STEPS : 0;
  for (unsigned long i = from; i < count; i++)
    pcs[i - from] = thread->steps[i % SIM_STEPS].pc;
  sim_find_places(pcs, places, (int)(count - from));
  for (unsigned long i = from; i < count; i++)
    sim_say("   %-32s %s\n", thread->steps[i % SIM_STEPS].what,
            places[i - from].text);
}

static void tell_waiting(const struct sim_thread *thread) {
  sim_say("   %s", thread->why);
  for (int i = 0; i < sim.count; i++)
    if (thread->on == &sim.threads[i])
      sim_say(" thread %d", i);
  sim_tell_owner(thread);
  if (thread->deadline != SIM_NEVER)
    sim_say(" until second %.3f", (double)thread->deadline / 1e9 - 1);
  sim_say("\n");
}

static struct sim_place place_of_function(void *(*run)(void *)) {
  struct sim_place place;
  const char *begin;
  memcpy(&begin, &run, sizeof begin);
  const void *inside = begin + 1;
  sim_find_places(&inside, &place, 1);
  return place;
}

static void tell_thread(struct sim_thread *thread) {
  struct sim_place place = {"main", false};
  if (thread->run)
    place = place_of_function(thread->run);
  bool ended = thread->state == SIM_ENDED;
  sim_say("\nthread %d, %s%s\n", thread->id, place.text,
          ended ? ", has ended" : "");
  if (ended)
    return;
  if (thread->state == SIM_WAITING)
    tell_waiting(thread);
  if (thread == sim_self)
    sim_note_frames();
  else
    ask_for_frames(thread);
  tell_stack(thread);
  sim_say("   its last steps:\n");
  tell_steps(thread);
}

/* -------------------------------------------------------------- the report */

static void report(const char *reason) {
  sim_say("SEED=%llu: %s\nin second %.3f, after %llu steps, on thread %d\n",
          (unsigned long long)sim.seed, reason, (double)sim.now / 1e9 - 1,
          (unsigned long long)sim.steps, sim.current->id);
  sim_tell_block(sim.suspect);
  for (int i = 0; i < sim.count; i++)
    tell_thread(&sim.threads[i]);
}

void sim_fail(const char *format, ...) {
  char reason[200];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  sim.on = false;
  fflush(stdout);
  if (sim.result)
    memcpy(sim.result->reason, reason, sizeof reason);
  if (!sim.quiet)
    report(reason);
  _exit(SIM_FAILED);
}
