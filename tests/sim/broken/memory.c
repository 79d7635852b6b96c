/* memory.c: blocks that are used after they were freed, or beside them; and
 * what is right. Another thread frees, so the report has to name that one. */
#include "broken.h"

#include <unistd.h>

enum { COUNT = 8 };

static int *block; /* COUNT of them */
static int copy[COUNT];
static volatile int sink;

static int *allocate(size_t size) {
  return calloc(1, size); /* allocated: freed_* */
}

static void *free_block(void *arg) {
  free(block); /* freed: freed_* */
  return NULL;
}

static void free_elsewhere(void) {
  block = allocate(COUNT * sizeof *block);
  join(start(free_block, NULL));
}

/* ------------------------------------------------------ used after a free */

PROGRAM(freed_read, "freed memory is read") {
  free_elsewhere();
  sink = block[3]; /* here: freed_read */
}

PROGRAM(freed_write, "freed memory is written") {
  free_elsewhere();
  block[3] = 1; /* here: freed_write */
}

PROGRAM(freed_atomic, "an atomic operation on freed memory") {
  free_elsewhere();
  __atomic_fetch_add(&block[3], 1, __ATOMIC_RELAXED); /* here: freed_atomic */
}

PROGRAM(freed_memcpy, "memcpy from freed memory") {
  free_elsewhere();
  memcpy(copy, block, sizeof copy); /* here: freed_memcpy */
}

PROGRAM(freed_memset, "memset of freed memory") {
  free_elsewhere();
  memset(block, 0, sizeof copy); /* here: freed_memset */
}

PROGRAM(freed_structure, "a structure in freed memory is assigned") {
  struct eight {
    int numbers[COUNT];
  };
  free_elsewhere();
  *(struct eight *)copy = *(struct eight *)block; /* here: freed_structure */
}

PROGRAM(freed_input, "read(2) into freed memory") {
  int ends[2];
  CHECK(pipe(ends) == 0 && write(ends[1], "12345678", 8) == 8);
  free_elsewhere();
  sink = (int)read(ends[0], block, 8); /* here: freed_input */
}

PROGRAM(freed_output, "write(2) from freed memory") {
  int ends[2];
  CHECK(pipe(ends) == 0);
  free_elsewhere();
  sink = (int)write(ends[1], block, 8); /* here: freed_output */
}

static void *free_and_write(void *fd) {
  free_block(NULL);
  CHECK(write(*(int *)fd, "12345678", 8) == 8);
  return NULL;
}

PROGRAM(freed_input_late, "memory is freed while a read(2) into it waits") {
  int ends[2];
  CHECK(pipe(ends) == 0);
  block = allocate(COUNT * sizeof *block);
  pthread_t thread = start(free_and_write, &ends[1]);
  sink = (int)read(ends[0], block, 8); /* here: freed_input_late */
  join(thread);
}

PROGRAM(freed_mutex, "a mutex in freed memory is locked") {
  block = allocate(sizeof(pthread_mutex_t));
  join(start(free_block, NULL));
  pthread_mutex_lock((pthread_mutex_t *)block); /* here: freed_mutex */
}

PROGRAM(freed_twice, "memory is freed twice") {
  free_elsewhere();
  free(block); /* here: freed_twice */
}

PROGRAM(moved_read, "memory is read after realloc has moved it") {
  int *old = calloc(COUNT, sizeof *old);           /* allocated: moved_read */
  block = realloc(old, 2 * COUNT * sizeof *block); /* freed: moved_read */
  sink = old[3];                                   /* here: moved_read */
}

/* --------------------------------------------------------- beside a block */

static char *take(size_t size) {
  return malloc(size); /* allocated: beside_* */
}

PROGRAM(beside_end, "a byte behind a block of 32 is read") {
  sink = take(32)[32]; /* here: beside_end */
}

PROGRAM(beside_odd_end, "a byte behind a block of 10 is read") {
  sink = take(10)[10]; /* here: beside_odd_end */
}

PROGRAM(beside_far, "a byte further behind a block of 32 is read") {
  sink = take(32)[52]; /* here: beside_far */
}

PROGRAM(aligned_end, "a byte behind a block at a multiple of 256 is read") {
  char *aligned = aligned_alloc(256, 256); /* allocated: aligned_end */
  take(1);
  sink = aligned[256 + 100]; /* here: aligned_end */
}

PROGRAM(before_begin, "the byte before a block is read") {
  sink = take(32)[-1]; /* here: before_begin */
}

PROGRAM(beside_empty, "the first byte of an empty block is read") {
  sink = *take(0); /* here: beside_empty */
}

PROGRAM(beside_across, "memset from one block into the next") {
  char *first = take(32), *second = take(32);
  memset(first, 0, (size_t)(second - first) + 1); /* here: beside_across */
}

PROGRAM(block_addresses, "blocks lie at the same address in every run") {
  printf("%p\n", (void *)take(10));
  printf("%p\n", (void *)take(10));
}

PROGRAM(memory_unset,
        "no mistake: what malloc gives is not zero, calloc's is") {
  char *bytes = take(10), *zeros = calloc(1, 10);
  printf("%d %d\n", bytes[9] == 0, zeros[9] == 0);
}

PROGRAM(beside_nothing,
        "no mistake: each byte of blocks of every size is used") {
  for (size_t size = 0; size < 70; size++) {
    char *bytes = take(size);
    for (size_t i = 0; i < size; i++)
      bytes[i] = 1;
    bytes = realloc(bytes, size + 7);
    bytes[size + 6] = 1;
    memset(bytes, 1, size + 7);
    free(bytes);
  }
}
