/* pool.c: memory of operations and posted handlers.
 *
 * Both come and go by the million. So each thread keeps some spare pieces and
 * takes and gives without lock or malloc. When it has too many, or none, a
 * chain of them goes to the depot, or comes from there, with one lock for
 * AX__CHAIN pieces; a lock for each costs a post from outside 40 ns more
 * (micro-outside1). A butler gives all back when he goes home, another
 * thread when it ends. New memory comes in slabs, which go back to the system
 * when a context is freed and nothing is in use.
 *
 * Sanitizers see malloc and free for every single piece instead. */
#include "core.h"

enum { SLAB = 16384 };

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

struct slab {
  struct slab *next;
  _Alignas(16) char memory[SLAB - 16];
};

static struct depot {
  size_t size; /* of a piece */
  ax__mutex lock;
  struct ax__spare *chains;
  struct slab *slabs;
  atomic_size_t made;
  size_t stored;
} depots[AX__KINDS];

static pthread_key_t thread_end;

static void on_thread_end(void *self) { ax__pool_forget(); }

void ax__pool_open(void) {
  ax__must(pthread_key_create(&thread_end, on_thread_end));
  for (int kind = 0; kind < AX__KINDS; kind++)
    ax__mutex_init(&depots[kind].lock);
  depots[AX__OP].size = sizeof(ax_op);
  depots[AX__WAIT].size = offsetof(ax_op, with);
  depots[AX__POST].size = ax__tracing() ? sizeof(struct ax__post)
                                        : offsetof(struct ax__post, origin);
}

/* With the lock held: a chain of new pieces. */
static struct ax__spare *carve(struct depot *depot) {
  struct slab *slab = ax__alloc(sizeof *slab);
  slab->next = depot->slabs;
  depot->slabs = slab;
  struct ax__spare *chain = NULL;
  size_t count = sizeof slab->memory / depot->size;
  for (size_t i = count; i-- > 0; chain->length = count - i) {
    struct ax__spare *spare = (void *)(slab->memory + i * depot->size);
    spare->next = chain;
    chain = spare;
  }
  depot->made += count;
  return chain;
}

static struct ax__chain fetch(struct depot *depot) {
  ax__lock(&depot->lock);
  struct ax__spare *top = depot->chains;
  if (top) {
    depot->chains = top->below;
    depot->stored -= top->length;
  } else {
    top = carve(depot);
  }
  ax__unlock(&depot->lock);
  pthread_setspecific(thread_end, &ax__self);
  return (struct ax__chain){top, top->length};
}

static void store(struct depot *depot, struct ax__chain chain) {
  chain.top->length = chain.count;
  ax__lock(&depot->lock);
  chain.top->below = depot->chains;
  depot->chains = chain.top;
  depot->stored += chain.count;
  ax__unlock(&depot->lock);
}

void *ax__take_slowly(enum ax__kind kind) {
  if (AX__CHECKED) {
    atomic_fetch_add(&depots[kind].made, 1);
    return ax__alloc(depots[kind].size);
  }
  ax__self.spares[kind] = fetch(&depots[kind]);
  return ax__take(kind);
}

void ax__give_slowly(enum ax__kind kind, void *piece) {
  if (AX__CHECKED) {
    atomic_fetch_sub(&depots[kind].made, 1);
    free(piece);
    return;
  }
  struct ax__chain *all = &ax__self.spares[kind], half = {all->top, AX__CHAIN};
  struct ax__spare *last = half.top;
  for (int i = 1; i < AX__CHAIN; i++)
    last = last->next;
  *all = (struct ax__chain){last->next, all->count - AX__CHAIN};
  last->next = NULL;
  store(&depots[kind], half);
  ax__give(kind, piece);
}

void ax__pool_forget(void) {
  for (int kind = 0; kind < AX__KINDS; kind++) {
    if (ax__self.spares[kind].top)
      store(&depots[kind], ax__self.spares[kind]);
    ax__self.spares[kind] = (struct ax__chain){0};
  }
}

size_t ax__pool_in_use(void) {
  size_t count = 0;
  for (int kind = 0; kind < AX__KINDS; kind++) {
    ax__lock(&depots[kind].lock);
    count +=
        depots[kind].made - depots[kind].stored - ax__self.spares[kind].count;
    ax__unlock(&depots[kind].lock);
  }
  return count;
}

static void trim(struct depot *depot) {
  ax__lock(&depot->lock);
  struct slab *slab = depot->made == depot->stored ? depot->slabs : NULL;
  if (slab) {
    depot->slabs = NULL;
    depot->chains = NULL;
    depot->made = depot->stored = 0;
  }
  ax__unlock(&depot->lock);
  for (struct slab *next; slab; slab = next) {
    next = slab->next;
    free(slab);
  }
}

void ax__pool_trim(void) {
  if (!ax__self.inside)
    ax__pool_forget();
  for (int kind = 0; kind < AX__KINDS; kind++)
    trim(&depots[kind]);
}
