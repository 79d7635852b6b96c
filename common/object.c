/* object.c: reference counts, and the count of all that is alive.
 *
 * The last reference may be given back on any thread, so the decrement that
 * reaches zero has to see everything the others did before theirs: release on
 * the way down, acquire by the last. */
#include "ax.h"
#include "pool.h"

static atomic_size_t live_objects;

void ax_obj_init(ax_obj *object, void (*destroy)(void *object)) {
  atomic_init(&object->refs, 1);
  object->destroy = destroy;
  atomic_fetch_add_explicit(&live_objects, 1, memory_order_relaxed);
}

void *ax_ref(void *object) {
  ax_obj *obj = object;
  if (obj)
    ax__add(&obj->refs, 1);
  return object;
}

void ax_unref(void *object) {
  ax_obj *obj = object;
  if (!obj)
    return;
  size_t before = ax__add(&obj->refs, (size_t)-1);
  assert(before > 0 && "ax_unref of something that is gone already");
  if (before > 1)
    return;
  atomic_fetch_sub_explicit(&live_objects, 1, memory_order_relaxed);
  obj->destroy(object);
}

ax_census ax_live(void) {
  return (ax_census){atomic_load(&live_objects), ax__pool_in_use()};
}
