/* pool.h: memory for operations and posted handlers, in blocks of a few sizes.
 *
 * Both come and go by the million. So each thread keeps some spare blocks and
 * takes and gives without a lock; pool.c moves whole chains of them between
 * threads. */
#ifndef AX_POOL_H
#define AX_POOL_H

#include "thread.h"

#include <stddef.h>

/* malloc and realloc that say what failed and abort. */
void *ax__alloc(size_t size);
void *ax__resize(void *memory, size_t size);

/* The sizes: a posted handler, a wait for a timer, ... and any other, which
 * comes from malloc. */
enum { AX__LARGE = 4, AX__SIZES };
static const size_t ax__size_of_block[AX__LARGE] = {40, 112, 144, 208};

/* The number of the smallest size that fits; known when it is compiled. None is
 * needed for more than 208 bytes. */
static inline int ax__block_for(size_t size) {
  assert(size <= 208);
  return size <= 40 ? 0 : size <= 112 ? 1 : size <= 144 ? 2 : 3;
}

/* A block that nobody uses. */
struct ax__block {
  struct ax__block *next, *below;
  size_t length;
};

/* What a thread has spare of one size. */
struct ax__spares {
  struct ax__block *top;
  size_t room; /* for so many more */
};

/* What a thread has of the pool, on the heap: macOS frees thread-local
 * variables before it calls the function that gives the spares back. */
struct ax__pool {
  struct ax__spares spares[AX__SIZES]; /* none of number AX__LARGE */
  char *scratch;
};

/* Never NULL: a thread begins with one that is empty and has no room. */
extern _Thread_local struct ax__pool *ax__pool;

void *ax__take_slowly(int number);
void ax__give_slowly(int number, void *memory);

static inline void *ax__take(int number) {
  struct ax__spares *spares = &ax__pool->spares[number];
  struct ax__block *block = spares->top;
  if (!block)
    return ax__take_slowly(number);
  spares->top = block->next;
  spares->room++;
  return block;
}

static inline void ax__give(int number, void *memory) {
  struct ax__spares *spares = &ax__pool->spares[number];
  struct ax__block *block = memory;
  if (AX__CHECKED || !spares->room) {
    ax__give_slowly(number, memory);
    return;
  }
  block->next = spares->top;
  spares->top = block;
  spares->room--;
}

/* Takes a block of number AX__LARGE. */
void *ax__take_large(size_t size);

void ax__pool_open(void);     /* before the first of all, once */
size_t ax__pool_in_use(void); /* blocks; also those spare on other threads */

/* 64 KiB of the calling thread's own, to read into; freed when it ends. */
enum { AX__SCRATCH = 65536 };
char *ax__scratch(void);

#endif
