/* pool.c: where the blocks of pool.h come from.
 *
 * When a thread has too many spare blocks, or none, a chain of CHAIN goes to
 * the depot or comes from there, under one lock. A thread that ends gives all
 * back. New memory comes in slabs and stays: what was needed once will be
 * needed again.
 *
 * Sanitizers see malloc and free for every single block instead. */
#include "pool.h"

#include <stdio.h>

enum { CHAIN = 128, MOST = AX__CHECKED ? 1 : 2 * CHAIN };

static struct ax__pool none;
_Thread_local struct ax__pool *ax__pool = &none;

void *ax__resize(void *memory, size_t size) {
  void *resized = realloc(memory, size);
  if (!resized) {
    fprintf(stderr, "ax: out of memory for %zu bytes\n", size);
    abort();
  }
  return resized;
}

void *ax__alloc(size_t size) { return ax__resize(NULL, size); }

static struct depot {
  ax__spinlock lock;
  struct ax__block *chains;
  atomic_size_t out; /* blocks that are not here */
} depots[AX__SIZES];

static pthread_key_t thread_end;

/* A chain of new blocks. */
static struct ax__block *carve(size_t size) {
  char *slab = ax__alloc(MOST * size);
  struct ax__block *chain = NULL;
  for (size_t length = 1; length <= MOST; length++) {
    struct ax__block *block = (void *)(slab + (MOST - length) * size);
    *block = (struct ax__block){chain, NULL, length};
    chain = block;
  }
  return chain;
}

static void store(struct depot *depot, struct ax__block *top, size_t length) {
  depot->out -= length;
  top->length = length;
  ax__spin_lock(&depot->lock);
  top->below = depot->chains;
  depot->chains = top;
  ax__spin_unlock(&depot->lock);
}

/* The calling thread's own. Also asks the key, because while the thread ends
 * the variable may be as it was at the beginning. */
static struct ax__pool *mine(void) {
  if (ax__pool != &none)
    return ax__pool;
  ax__pool = pthread_getspecific(thread_end);
  if (!ax__pool) {
    ax__pool = ax__alloc(sizeof *ax__pool);
    *ax__pool = (struct ax__pool){.scratch = NULL};
    ax__must(pthread_setspecific(thread_end, ax__pool));
  }
  return ax__pool;
}

void *ax__take_slowly(int number) {
  struct depot *depot = &depots[number];
  struct ax__spares *all = &mine()->spares[number];
  if (all->top)
    return ax__take(number);
  ax__spin_lock(&depot->lock);
  struct ax__block *top = depot->chains;
  if (top)
    depot->chains = top->below;
  ax__spin_unlock(&depot->lock);
  if (!top)
    top = carve(ax__size_of_block[number]);
  depot->out += top->length;
  *all = (struct ax__spares){top, MOST - top->length};
  return ax__take(number);
}

/* What is left of a chain that is full. */
static struct ax__block *store_half(struct depot *depot,
                                    struct ax__block *half) {
  struct ax__block *last = half;
  for (int i = 1; i < CHAIN; i++)
    last = last->next;
  struct ax__block *rest = last->next;
  last->next = NULL;
  store(depot, half, CHAIN);
  return rest;
}

/* There is no room, as when a thread gives its first. */
void ax__give_slowly(int number, void *block) {
  if (AX__CHECKED || number == AX__LARGE) {
    depots[number].out--;
    free(block);
    return;
  }
  struct ax__spares *all = &mine()->spares[number];
  if (!all->room) {
    all->room = all->top ? CHAIN : MOST;
    if (all->top)
      all->top = store_half(&depots[number], all->top);
  }
  ax__give(number, block);
}

void *ax__take_large(size_t size) {
  depots[AX__LARGE].out++;
  return ax__alloc(size);
}

char *ax__scratch(void) {
  struct ax__pool *pool = mine();
  if (!pool->scratch)
    pool->scratch = ax__alloc(AX__SCRATCH);
  return pool->scratch;
}

/* All that a thread has spare. */
static void give_back(struct ax__pool *pool) {
  for (int number = 0; number < AX__LARGE; number++) {
    struct ax__spares *all = &pool->spares[number];
    if (!all->top)
      continue;
    store(&depots[number], all->top, MOST - all->room);
    *all = (struct ax__spares){0};
  }
}

static void on_thread_end(void *value) {
  struct ax__pool *pool = value;
  give_back(pool);
  free(pool->scratch);
  free(pool);
  ax__pool = &none;
}

void ax__pool_open(void) {
  ax__must(pthread_key_create(&thread_end, on_thread_end));
}

size_t ax__pool_in_use(void) {
  size_t in_use = 0;
  give_back(ax__pool);
  for (int number = 0; number < AX__SIZES; number++)
    in_use += depots[number].out;
  return in_use;
}
