/* store.h: keys and values for a time. All of it is touched in store->strand
 * alone; the functions that are an ax_work_fn are for ax_run_on. */
#ifndef STORE_H
#define STORE_H

#include "ax.h"

enum { KEY_MAX = 250, VALUE_MAX = 1 << 20, BUCKETS = 4096 };

struct store {
  ax_strand *strand;
  size_t count, limit; /* keys */
  struct entry *buckets[BUCKETS];
};

/* A key and its value, which nobody changes once they are in the store. So a
 * session may send the value while the store has another one for that key: who
 * has a reference has the bytes. */
struct entry {
  ax_obj obj;
  struct store *store;
  struct entry *next; /* in its bucket */
  bool in;            /* the store has it */
  ax_timer *timer;    /* NULL: it stays */
  size_t key_n, n;
  char key[KEY_MAX];
  char value[]; /* and a byte for the LF that comes behind it */
};

/* What a session wants of the store, and what it gets. */
struct request {
  struct store *store;
  enum verb { GET, SET, DEL, COUNT, QUIT } verb;
  char key[KEY_MAX];
  size_t key_n;
  ax_time life;        /* of a SET; 0: for ever */
  struct entry *entry; /* to be set, or found; a reference */
  size_t count;
};

void store_init(struct store *store, ax_context *context, size_t limit);

/* When the context is gone. */
void store_free(struct store *store);

/* An entry for a value of n bytes, which the caller fills. NULL: no memory. */
struct entry *entry_new(struct store *store, size_t n);

/* Does what a request wants: 0, UV_ENOENT, or UV_ENOSPC for one key too many.
 * An ax_work_fn for store->strand. */
int store_work(void *request);

#endif
