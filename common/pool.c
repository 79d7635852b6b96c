/* pool.c: memory of operations and posted handlers.
 *
 * Both come and go by the million. So each thread keeps some spare pieces and
 * takes and gives without latch or malloc. When it has too many, or none, a
 * chain of CHAIN goes to the depot, or comes from there, with the latch closed
 * once: a post from outside costs 19 ns so, and 275 with chains of one
 * (micro-outside1). A thread that ends gives all back. New memory comes in
 * slabs and stays: what was needed once will be needed again.
 *
 * Sanitizers see malloc and free for every single piece instead. */
#include "core.h"

enum { CHAIN = 128, MOST = AX__CHECKED ? 1 : 2 * CHAIN };

_Thread_local struct ax__self ax__self;

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
  size_t size; /* of a piece */
  ax__latch latch;
  struct ax__spare *chains;
  atomic_size_t out; /* pieces that are not here */
} depots[AX__KINDS];

static pthread_key_t thread_end;

/* A chain of new pieces. */
static struct ax__spare *carve(size_t size) {
  char *slab = ax__alloc(MOST * size);
  struct ax__spare *chain = NULL;
  for (size_t length = 1; length <= MOST; length++) {
    struct ax__spare *piece = (void *)(slab + (MOST - length) * size);
    *piece = (struct ax__spare){chain, NULL, length};
    chain = piece;
  }
  return chain;
}

static void store(struct depot *depot, struct ax__spare *top, size_t length) {
  depot->out -= length;
  top->length = length;
  ax__latch_close(&depot->latch);
  top->below = depot->chains;
  depot->chains = top;
  ax__latch_open(&depot->latch);
}

void *ax__take_slowly(enum ax__kind kind) {
  struct depot *depot = &depots[kind];
  ax__latch_close(&depot->latch);
  struct ax__spare *top = depot->chains;
  if (top)
    depot->chains = top->below;
  ax__latch_open(&depot->latch);
  if (!top)
    top = carve(depot->size);
  depot->out += top->length;
  ax__self.spares[kind] = (struct ax__chain){top, MOST - top->length};
  pthread_setspecific(thread_end, &ax__self);
  return ax__take(kind);
}

/* What is left of a chain that is full. */
static struct ax__spare *store_half(struct depot *depot,
                                    struct ax__spare *half) {
  struct ax__spare *last = half;
  for (int i = 1; i < CHAIN; i++)
    last = last->next;
  struct ax__spare *rest = last->next;
  last->next = NULL;
  store(depot, half, CHAIN);
  return rest;
}

/* There is no room, as at a thread's first. */
void ax__give_slowly(enum ax__kind kind, void *piece) {
  struct ax__chain *all = &ax__self.spares[kind];
  if (AX__CHECKED) {
    depots[kind].out--;
    free(piece);
    return;
  }
  all->room = all->top ? CHAIN : MOST;
  if (all->top)
    all->top = store_half(&depots[kind], all->top);
  pthread_setspecific(thread_end, &ax__self);
  ax__give(kind, piece);
}

/* All that this thread has spare; called at its end, too. */
static void give_back(void *self) {
  for (int kind = 0; kind < AX__KINDS; kind++) {
    struct ax__chain *all = &ax__self.spares[kind];
    if (all->top)
      store(&depots[kind], all->top, MOST - all->room);
    *all = (struct ax__chain){0};
  }
}

void ax__pool_open(void) {
  ax__must(pthread_key_create(&thread_end, give_back));
  depots[AX__OP].size = sizeof(ax_op);
  depots[AX__WAIT].size = offsetof(ax_op, with);
  depots[AX__POST].size = ax__tracing() ? sizeof(struct ax__post)
                                        : offsetof(struct ax__post, origin);
}

size_t ax__pool_in_use(void) {
  size_t in_use = 0;
  give_back(NULL);
  for (int kind = 0; kind < AX__KINDS; kind++)
    in_use += depots[kind].out;
  return in_use;
}
