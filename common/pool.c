/* pool.c: memory of operations and posted handlers.
 *
 * Both come and go by the million. So each thread keeps some spare pieces and
 * takes and gives without lock or malloc. When it has too many, or none, a
 * chain of them goes to the depot, or comes from there, with one lock for
 * AX__CHAIN pieces; a lock for each costs a post from outside 40 ns more
 * (micro-outside1). A butler who goes home, and a thread that ends, gives all
 * back. New memory comes in slabs and stays: what was needed once will be
 * needed again.
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

static struct depot {
  size_t size; /* of a piece */
  ax__mutex lock;
  struct ax__spare *chains;
  atomic_size_t out; /* pieces that are not here */
} depots[AX__KINDS];

static pthread_key_t thread_end;

/* A chain of new pieces. */
static struct ax__spare *carve(size_t size) {
  size_t count = AX__CHECKED ? 1 : SLAB / size;
  char *slab = ax__alloc(count * size);
  struct ax__spare *chain = NULL;
  for (size_t length = 1; length <= count; length++) {
    struct ax__spare *piece = (void *)(slab + (count - length) * size);
    *piece = (struct ax__spare){chain, NULL, length};
    chain = piece;
  }
  return chain;
}

static struct ax__chain fetch(struct depot *depot) {
  ax__lock(&depot->lock);
  struct ax__spare *top = depot->chains;
  if (top)
    depot->chains = top->below;
  else
    top = carve(depot->size);
  ax__unlock(&depot->lock);
  depot->out += top->length;
  return (struct ax__chain){top, top->length};
}

static void store(struct depot *depot, struct ax__chain chain) {
  depot->out -= chain.count;
  chain.top->length = chain.count;
  ax__lock(&depot->lock);
  chain.top->below = depot->chains;
  depot->chains = chain.top;
  ax__unlock(&depot->lock);
}

void *ax__take_slowly(enum ax__kind kind) {
  pthread_setspecific(thread_end, &ax__self);
  ax__self.spares[kind] = fetch(&depots[kind]);
  return ax__take(kind);
}

void ax__give_slowly(enum ax__kind kind, void *piece) {
  struct ax__chain *all = &ax__self.spares[kind], half = {all->top, AX__CHAIN};
  struct ax__spare *last = half.top;
  if (AX__CHECKED) {
    depots[kind].out--;
    free(piece);
    return;
  }
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

size_t ax__pool_in_use(void) {
  size_t count = 0;
  for (int kind = 0; kind < AX__KINDS; kind++)
    count += depots[kind].out - ax__self.spares[kind].count;
  return count;
}
