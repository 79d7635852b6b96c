/* store.c: a table of entries, each with a timer of its own.
 *
 * A SET never changes an entry but takes its place. So the alarm of an old one
 * that comes too late to be cancelled finds that it is out, and harms nothing.
 */
#include "store.h"
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

/* Where the entry of that key is, or would be. */
static struct entry **find(struct store *st, const char *key, size_t n) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ (unsigned char)key[i]) * 16777619u;
  struct entry **at = &st->buckets[hash % BUCKETS];
  while (*at && ((*at)->key_n != n || memcmp((*at)->key, key, n) != 0))
    at = &(*at)->next;
  return at;
}

/* The store's reference goes, and that of the pending wait soon. */
static void take_out(struct entry **at) {
  struct entry *e = *at;
  *at = e->next;
  e->in = false;
  e->store->count--;
  if (e->timer)
    ax_timer_cancel(e->timer);
  ax_unref(e);
}

/* In the store's strand; `err` may be 0 even after the cancel in take_out. */
static void on_expired(void *arg, int err, size_t n) {
  struct entry *e = arg;
  if (!err && e->in)
    take_out(find(e->store, e->key, e->key_n));
}

static void expire_after(struct entry *e, ax_time life) {
  e->timer = ax_timer_new(e->store->strand);
  ax_timer_expires_after(e->timer, life);
  ax_timer_wait(e->timer, ax_keep(e, ax_call(on_expired, e)));
}

static int put(struct request *r, struct entry **at) {
  struct entry *e = r->entry;
  if (!*at && r->store->count == r->store->limit)
    return UV_ENOSPC;
  if (*at)
    take_out(at);
  e->key_n = r->key_n;
  memcpy(e->key, r->key, r->key_n);
  e->next = *at;
  *at = ax_ref(e);
  e->in = true;
  r->store->count++;
  if (r->life)
    expire_after(e, r->life);
  return 0;
}

int store_work(void *arg) {
  struct request *r = arg;
  struct entry **at = find(r->store, r->key, r->key_n);
  r->count = r->store->count;
  if (r->verb == SET)
    return put(r, at);
  if (r->verb == COUNT)
    return 0;
  if (!*at)
    return UV_ENOENT;
  if (r->verb == GET)
    r->entry = ax_ref(*at);
  else
    take_out(at);
  return 0;
}

static void entry_destroy(void *object) {
  struct entry *e = object;
  ax_unref(e->timer);
  free(e);
}

struct entry *entry_new(struct store *st, size_t n) {
  struct entry *e = malloc(sizeof *e + n + 1);
  if (!e)
    return NULL;
  *e = (struct entry){.store = st, .n = n};
  ax_obj_init(&e->obj, entry_destroy);
  return e;
}

void store_init(struct store *st, ax_context *context, size_t limit) {
  *st = (struct store){.strand = ax_strand_new(context), .limit = limit};
}

void store_free(struct store *st) {
  for (int i = 0; i < BUCKETS; i++)
    for (struct entry *e = st->buckets[i], *next; e; e = next) {
      next = e->next;
      ax_unref(e);
    }
  ax_unref(st->strand);
}
