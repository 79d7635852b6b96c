/* atomics.c: what the compiler calls in the place of atomic operations.
 *
 * With store buffers (TSO=1) a store that is not sequentially consistent stays
 * with its thread, which sees it, and becomes visible to others some points
 * later, in order: what processors do that are called strong. Whatever else is
 * atomic, and every lock, waits until the buffer is empty.
 *
 * A thread that finds one value in one place again and again waits for somebody
 * to change it. So others run first, and the more often it looks the more time
 * passes: it may be waiting for a thread that is held up. */
#include "sim.h"

enum { SPINS = 8, MOST_DOUBLINGS = 10 };

/* ------------------------------------------------------ memory, by its size */

static uint64_t read_memory(const volatile void *at, int size) {
  switch (size) {
  case 1:
    return __atomic_load_n((const volatile uint8_t *)at, __ATOMIC_SEQ_CST);
  case 2:
    return __atomic_load_n((const volatile uint16_t *)at, __ATOMIC_SEQ_CST);
  case 4:
    return __atomic_load_n((const volatile uint32_t *)at, __ATOMIC_SEQ_CST);
  default:
    return __atomic_load_n((const volatile uint64_t *)at, __ATOMIC_SEQ_CST);
  }
}

/* If it holds `*old`; else *old is what it holds. */
static bool change_memory(volatile void *at, int size, uint64_t *old,
                          uint64_t new) {
  uint8_t old8 = (uint8_t)*old;
  uint16_t old16 = (uint16_t)*old;
  uint32_t old32 = (uint32_t)*old;
  bool done;
  switch (size) {
  case 1:
    done = __atomic_compare_exchange_n((volatile uint8_t *)at, &old8,
                                       (uint8_t) new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
    *old = old8;
    return done;
  case 2:
    done = __atomic_compare_exchange_n((volatile uint16_t *)at, &old16,
                                       (uint16_t) new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
    *old = old16;
    return done;
  case 4:
    done = __atomic_compare_exchange_n((volatile uint32_t *)at, &old32,
                                       (uint32_t) new, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
    *old = old32;
    return done;
  default:
    return __atomic_compare_exchange_n((volatile uint64_t *)at, old, new, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
}

static void write_memory(volatile void *at, int size, uint64_t value) {
  uint64_t old = read_memory(at, size);
  while (!change_memory(at, size, &old, value))
    continue;
}

/* ---------------------------------------------------------- store buffers */

static void flush(int count) {
  struct sim_thread *self = sim_self;
  for (int i = 0; i < count; i++)
    write_memory(self->stores[i].at, self->stores[i].size,
                 self->stores[i].value);
  self->store_count -= count;
  memmove(self->stores, self->stores + count,
          (size_t)self->store_count * sizeof *self->stores);
}

void sim_drain(void) {
  if (sim_self && sim_self->store_count)
    flush(sim_self->store_count);
}

void sim_drain_some(void) {
  int count = sim_self->store_count;
  if (count && sim_random(2))
    flush(1 + (int)sim_random((uint64_t)count));
}

static void buffer(volatile void *at, int size, uint64_t value) {
  struct sim_thread *self = sim_self;
  if (self->store_count == SIM_STORES)
    flush(1);
  self->stores[self->store_count++] = (struct sim_store){at, value, size};
}

/* --------------------------------------------------------- the operations */

static void arrive(const char *what, const volatile void *at, int size,
                   const void *pc) {
  if (!sim_mine())
    return;
  sim_check(at, (size_t)size, what, pc);
  sim_point(what, (const void *)at, pc);
}

static void arrive_to_write(const char *what, const volatile void *at, int size,
                            const void *pc) {
  arrive(what, at, size, pc);
  if (sim_mine())
    sim_writes(at);
}

static uint64_t seen_by_self(const volatile void *at, int size) {
  for (int i = sim_self->store_count - 1; i >= 0; i--)
    if (sim_self->stores[i].at == at)
      return sim_self->stores[i].value;
  return read_memory(at, size);
}

/* After it found this value there, and did not change it. */
static void notice_spinning(const volatile void *at, uint64_t value,
                            const void *pc) {
  struct sim_thread *self = sim_self;
  if (!sim_mine())
    return;
  if (self->spun_at != at || self->spun_value != value)
    self->spins = 0;
  self->spun_at = at;
  self->spun_value = value;
  if (++self->spins % SPINS)
    return;
  int doublings = self->spins / SPINS;
  sim.now +=
      (sim_time)50 << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS);
  sim_yield(pc);
}

static uint64_t load(const volatile void *at, int size, const void *pc) {
  arrive("loads", at, size, pc);
  if (!sim_mine())
    return read_memory(at, size);
  sim_reads(at);
  uint64_t value = seen_by_self(at, size);
  notice_spinning(at, value, pc);
  return value;
}

static void store(volatile void *at, int size, uint64_t value, int order,
                  const void *pc) {
  arrive_to_write("stores", at, size, pc);
  if (sim_mine() && sim.stores && order != __ATOMIC_SEQ_CST) {
    buffer(at, size, value);
    return;
  }
  sim_drain();
  write_memory(at, size, value);
}

enum change { SET, ADD, SUBTRACT, AND, OR, XOR };
static const char *const words[] = {"exchanges", "adds to",   "subtracts from",
                                    "masks",     "sets bits", "flips bits"};

static uint64_t changed(uint64_t old, enum change change, uint64_t by) {
  switch (change) {
  case SET:
    return by;
  case ADD:
    return old + by;
  case SUBTRACT:
    return old - by;
  case AND:
    return old & by;
  case OR:
    return old | by;
  default:
    return old ^ by;
  }
}

static uint64_t change(volatile void *at, int size, enum change how,
                       uint64_t by, const void *pc) {
  arrive_to_write(words[how], at, size, pc);
  sim_drain();
  uint64_t old = read_memory(at, size);
  while (!change_memory(at, size, &old, changed(old, how, by)))
    continue;
  if (changed(old, how, by) == old)
    notice_spinning(at, old, pc);
  return old;
}

/* A weak one may fail for nothing. clang asks for strong ones only. */
static bool exchange_if(volatile void *at, int size, uint64_t *old,
                        uint64_t new, bool weak, const void *pc) {
  arrive_to_write("compares and exchanges", at, size, pc);
  sim_drain();
  if (weak && sim_mine() && sim_random(16) == 0) {
    *old = read_memory(at, size);
    return false;
  }
  if (change_memory(at, size, old, new))
    return true;
  notice_spinning(at, *old, pc);
  return false;
}

/* ----------------------------------------------------- the compiler's names */

#define CHANGE(bits, name, how)                                                \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *at,     \
                                              uint##bits##_t by, int order) {  \
    return (uint##bits##_t)change(at, bits / 8, how, by, SIM_PC);              \
  }

#define EXCHANGE_IF(bits, kind, weak)                                          \
  int __tsan_atomic##bits##_compare_exchange_##kind(                           \
      volatile uint##bits##_t *at, uint##bits##_t *old, uint##bits##_t new,    \
      int order, int failing) {                                                \
    uint64_t was = *old;                                                       \
    bool done = exchange_if(at, bits / 8, &was, new, weak, SIM_PC);            \
    *old = (uint##bits##_t)was;                                                \
    return done;                                                               \
  }

#define ATOMIC(bits)                                                           \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *at, \
                                            int order) {                       \
    return (uint##bits##_t)load(at, bits / 8, SIM_PC);                         \
  }                                                                            \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t *at,                \
                                   uint##bits##_t value, int order) {          \
    store(at, bits / 8, value, order, SIM_PC);                                 \
  }                                                                            \
  CHANGE(bits, exchange, SET)                                                  \
  CHANGE(bits, fetch_add, ADD)                                                 \
  CHANGE(bits, fetch_sub, SUBTRACT)                                            \
  CHANGE(bits, fetch_and, AND)                                                 \
  CHANGE(bits, fetch_or, OR)                                                   \
  CHANGE(bits, fetch_xor, XOR)                                                 \
  EXCHANGE_IF(bits, strong, false)                                             \
  EXCHANGE_IF(bits, weak, true)                                                \
  uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                   \
      volatile uint##bits##_t *at, uint##bits##_t old, uint##bits##_t new,     \
      int order, int failing) {                                                \
    uint64_t was = old;                                                        \
    exchange_if(at, bits / 8, &was, new, false, SIM_PC);                       \
    return (uint##bits##_t)was;                                                \
  }

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order) {
  if (!sim_mine())
    return;
  sim_point("comes to a fence", NULL, SIM_PC);
  if (order == __ATOMIC_SEQ_CST)
    sim_drain();
}

void __tsan_atomic_signal_fence(int order) {}
