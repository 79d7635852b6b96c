/* memory.c: memory that is used once, and what the compiler calls before plain
 * accesses.
 *
 * Every block is new and lies at the same address in every run. Freed memory is
 * never used again, so each access to it can be told from a good one: a byte
 * of shadow for each 16 says how many of them may be touched. Beside a block
 * none may be, either.
 *
 * A plain access is a point in half of the runs; in the others each 256th is,
 * so that a loop that waits for a plain variable ends. */
#include "sim.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALLERS = 3, UNIT = 16 };

/* The shadow of a unit: so many of its bytes, from 1 to UNIT, may be touched.
 * Or it is freed, or the only one of an empty block. */
enum { BESIDE, FREED = UNIT + 1, EMPTY };

/* Before each block. */
struct block {
  size_t size;
  const void *from[CALLERS]; /* who took it, and who gave it back, */
  const void *freed[CALLERS];
  int thread; /* ... which was of this id */
} __attribute__((aligned(UNIT)));

static char *const arena = (char *)0x200000000;
static const size_t arena_size = (size_t)1 << 34;
static uint8_t *shadow;
static atomic_size_t used;

static void *reserve(void *at, size_t size, int flags) {
  void *memory =
      mmap(at, size, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  static const char text[] =
      "sim: no 17 GiB of addresses for its memory (ulimit -v?)\n";
  if (memory == MAP_FAILED && write(2, text, sizeof text - 1))
    _exit(1);
  return memory;
}

/* The first one is taken before any other thread exists. */
static void open_arena(void) {
  if (shadow)
    return;
  reserve(arena, arena_size, MAP_FIXED_NOREPLACE);
  shadow = reserve(NULL, arena_size / UNIT, 0);
}

/* Before a run, its parent may have taken some more or less. */
void sim_open_memory(void) {
  static const size_t begin = 1 << 20;
  open_arena();
  if (used < begin)
    used = begin;
}

static uint8_t *shadow_of(const volatile void *at) {
  size_t offset = (size_t)((const volatile char *)at - arena);
  return offset < arena_size && shadow ? shadow + offset / UNIT : NULL;
}

static struct block *block_of(const void *memory) {
  return (struct block *)memory - 1;
}

/* ------------------------------------------------------------ the callers */

/* Follows the frame pointers, as long as they lie on this stack. */
static void note_callers(const void *callers[CALLERS], const void *frame) {
  const char *end = sim_self ? sim_self->stack_end : NULL, *at = frame;
  for (int i = 0; i < CALLERS; i++) {
    void *const *here = (void *const *)(const void *)at;
    callers[i] = at && at < end ? here[1] : NULL;
    bool up = callers[i] && (const char *)here[0] > at;
    at = up ? (const char *)here[0] : NULL;
  }
}

#define FRAME __builtin_frame_address(0)

/* ------------------------------------------------------- taking and giving */

static size_t whole(size_t size) { return (size + UNIT - 1) / UNIT * UNIT; }

/* An empty block has a unit, too: the address must be its own. */
static void mark_usable(size_t at, size_t size) {
  memset(shadow + at / UNIT, UNIT, size / UNIT);
  if (size % UNIT || !size)
    shadow[(at + size) / UNIT] = (uint8_t)(size ? size % UNIT : EMPTY);
}

/* Zero, for it is new. A unit stays free behind it. */
static void *take(size_t size, size_t alignment, const void *frame) {
  open_arena();
  if (alignment < UNIT)
    alignment = UNIT;
  if (size > arena_size / 2) {
    errno = ENOMEM;
    return NULL;
  }
  size_t room = sizeof(struct block) + alignment + whole(size) + UNIT;
  size_t start = atomic_fetch_add(&used, whole(room));
  size_t at = start + sizeof(struct block) + alignment - 1;
  at -= at % alignment;
  if (start + whole(room) > arena_size)
    abort();
  struct block *block = block_of(arena + at);
  block->size = size;
  note_callers(block->from, frame);
  mark_usable(at, size);
  return arena + at;
}

_Noreturn static void fail_at(const void *at, const char *what) {
  sim.suspect = at;
  sim_fail("%s", what);
}

/* Nobody may rely on what is in it; more than that costs too much time. */
static void *unset(void *memory, size_t size) {
  return memory ? memset(memory, 0xA5, size < 65536 ? size : 65536) : NULL;
}

static void give(void *memory, const void *frame) {
  uint8_t *state = shadow_of(memory);
  if (!state)
    return; /* the loader's, from before */
  if (sim_mine() && *state == FREED)
    fail_at(memory, "memory is freed that was freed before");
  if (sim_mine())
    sim_drain();
  struct block *block = block_of(memory);
  size_t units = block->size ? whole(block->size) / UNIT : 1;
  note_callers(block->freed, frame);
  block->thread = sim_self ? sim_self->id : 0;
  memset(state, FREED, units);
}

void *malloc(size_t size) { return unset(take(size, UNIT, FRAME), size); }

void free(void *memory) {
  if (memory)
    give(memory, FRAME);
}

void *calloc(size_t count, size_t size) {
  size_t all;
  if (__builtin_mul_overflow(count, size, &all))
    all = SIZE_MAX;
  return take(all, UNIT, FRAME);
}

static void *resize(void *memory, size_t size, const void *frame) {
  void *taken = unset(take(size, UNIT, frame), size);
  if (taken && memory) {
    size_t old = block_of(memory)->size;
    memcpy(taken, memory, old < size ? old : size);
    give(memory, frame);
  }
  return taken;
}

void *realloc(void *memory, size_t size) { return resize(memory, size, FRAME); }

void *reallocarray(void *memory, size_t count, size_t size) {
  size_t all;
  if (__builtin_mul_overflow(count, size, &all))
    all = SIZE_MAX;
  return resize(memory, all, FRAME);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return unset(take(size, alignment, FRAME), size);
}

void *memalign(size_t alignment, size_t size) {
  return unset(take(size, alignment, FRAME), size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  void *taken = take(size, alignment, FRAME);
  if (!taken)
    return ENOMEM;
  *memory = unset(taken, size);
  return 0;
}

size_t malloc_usable_size(void *memory) {
  return memory ? block_of(memory)->size : 0;
}

/* --------------------------------------------------------------- checking */

static struct block *find_block(const char *at) {
  if (at > arena + used)
    at = arena + used;
  for (const char *unit = at - (at - arena) % UNIT; unit > arena; unit -= UNIT)
    if (*shadow_of(unit) != BESIDE && *shadow_of(unit - UNIT) == BESIDE)
      return block_of(unit);
  return NULL;
}

static void tell_callers(const char *what, const void *const *callers) {
  struct sim_place places[CALLERS];
  sim_find_places(callers, places, CALLERS);
  for (int i = 0; i < CALLERS && callers[i]; i++)
    sim_say("     %s %s\n", i ? "    called by" : what, places[i].text);
}

void sim_tell_block(const void *at) {
  const struct block *block = shadow_of(at) ? find_block(at) : NULL;
  if (!block)
    return;
  bool freed = *shadow_of(block + 1) == FREED;
  sim_say("   It is byte %td of a block of %zu,\n",
          (const char *)at - (const char *)(block + 1), block->size);
  tell_callers("allocated by", block->from);
  if (freed)
    tell_callers("    freed by", block->freed);
  if (freed)
    sim_say("     on thread %d\n", block->thread);
}

static void check_byte(const volatile char *at, const char *what,
                       const void *pc) {
  const uint8_t *state = shadow_of(at);
  if (!state || (*state <= UNIT && (uintptr_t)at % UNIT < *state))
    return;
  bool freed = *state == FREED;
  sim_note(what, (const void *)at, pc);
  fail_at((const void *)at, freed ? "memory is used after it was freed"
                                  : "memory beside a block is used");
}

void sim_check(const volatile void *at, size_t size, const char *what,
               const void *pc) {
  const volatile char *byte = at;
  if (!sim_mine() || !size || !shadow_of(at))
    return;
  for (size_t i = 0; i < size; i += UNIT)
    check_byte(byte + i, what, pc);
  check_byte(byte + size - 1, what, pc);
}

/* ----------------------------------------------------- the compiler's names */

/* What this thread has stored atomically at the same place comes first. */
static void drain_if_near(const volatile char *at, size_t size) {
  for (int i = 0; i < sim_self->store_count; i++) {
    const volatile char *store = sim_self->stores[i].at;
    if (store < at + size && at < store + sim_self->stores[i].size) {
      sim_drain();
      return;
    }
  }
}

/* True if it was a point. */
static bool arrive(const void *at, size_t size, const char *what,
                   const void *pc) {
  if (!sim_mine())
    return false;
  sim_check(at, size, what, pc);
  drain_if_near(at, size);
  if (--sim.plain > 0)
    return false;
  sim.plain = sim.plain_gap;
  sim_point(what, at, pc);
  return true;
}

static void read_at(const void *at, size_t size, const void *pc) {
  if (arrive(at, size, "reads", pc))
    sim_reads(at);
}

static void write_at(void *at, size_t size, const void *pc) {
  if (arrive(at, size, "writes", pc))
    sim_writes(at);
}

#define ACCESS(size)                                                           \
  void __tsan_read##size(void *at) { read_at(at, size, SIM_PC); }              \
  void __tsan_write##size(void *at) { write_at(at, size, SIM_PC); }            \
  void __tsan_unaligned_read##size(void *at) { read_at(at, size, SIM_PC); }    \
  void __tsan_unaligned_write##size(void *at) { write_at(at, size, SIM_PC); }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_read_range(void *at, unsigned long size) {
  read_at(at, size, SIM_PC);
}

void __tsan_write_range(void *at, unsigned long size) {
  write_at(at, size, SIM_PC);
}

/* The linker puts these in the place of the functions. */
void *__wrap_memcpy(void *to, const void *from, size_t size) {
  arrive(from, size, "copies from", SIM_PC);
  arrive(to, size, "copies to", SIM_PC);
  return memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size) {
  arrive(from, size, "copies from", SIM_PC);
  arrive(to, size, "copies to", SIM_PC);
  return memmove(to, from, size);
}

void *__wrap_memset(void *at, int value, size_t size) {
  arrive(at, size, "fills", SIM_PC);
  return memset(at, value, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size) {
  return __wrap_memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size) {
  return __wrap_memmove(to, from, size);
}

void *__tsan_memset(void *at, int value, size_t size) {
  return __wrap_memset(at, value, size);
}

void __tsan_init(void) {}
void __tsan_func_entry(void *caller) {}
void __tsan_func_exit(void) {}
