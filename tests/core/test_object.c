/* Objects: the reference count that everything shared begins with. */
#include "support.h"

#include <stdlib.h>

struct thing {
  ax_obj obj;
  int *destroyed;
  pthread_t by;
};

static void destroy_thing(void *object) {
  struct thing *thing = object;
  thing->by = pthread_self();
  ++*thing->destroyed;
}

static void an_object_is_destroyed_with_its_last_reference(void **state) {
  int destroyed = 0;
  struct thing thing = {.destroyed = &destroyed};
  ax_obj_init(&thing.obj, destroy_thing);
  ax_ref(&thing);
  ax_ref(&thing);
  ax_unref(&thing);
  ax_unref(&thing);
  assert_int_equal(destroyed, 0);
  ax_unref(&thing);
  assert_int_equal(destroyed, 1);
}

static void taking_a_reference_returns_the_object(void **state) {
  int destroyed = 0;
  struct thing thing = {.destroyed = &destroyed};
  ax_obj_init(&thing.obj, destroy_thing);
  assert_ptr_equal(ax_ref(&thing), &thing);
  ax_unref(&thing);
  ax_unref(&thing);
}

static void no_object_may_be_referenced(void **state) {
  assert_null(ax_ref(NULL));
  ax_unref(NULL);
}

static void objects_alive_are_counted(void **state) {
  int destroyed = 0;
  struct thing one = {.destroyed = &destroyed}, two = one;
  size_t before = ax_live().objects;
  ax_obj_init(&one.obj, destroy_thing);
  ax_obj_init(&two.obj, destroy_thing);
  assert_int_equal(ax_live().objects, before + 2);
  ax_unref(ax_ref(&one));
  assert_int_equal(ax_live().objects, before + 2);
  ax_unref(&one);
  assert_int_equal(ax_live().objects, before + 1);
  ax_unref(&two);
  assert_int_equal(ax_live().objects, before);
}

static void destroy_and_free(void *object) {
  ++*((struct thing *)object)->destroyed;
  free(object);
}

static void destroying_may_free_the_object(void **state) {
  int destroyed = 0;
  struct thing *thing = calloc(1, sizeof *thing);
  assert_non_null(thing);
  thing->destroyed = &destroyed;
  ax_obj_init(&thing->obj, destroy_and_free);
  ax_unref(thing);
  assert_int_equal(destroyed, 1);
}

static void *let_go(void *thing) {
  ax_unref(thing);
  return NULL;
}

static void the_thread_that_lets_go_last_destroys(void **state) {
  int destroyed = 0;
  struct thing thing = {.destroyed = &destroyed};
  ax_obj_init(&thing.obj, destroy_thing);
  pthread_t thread = thread_start(let_go, &thing);
  thread_join(thread);
  assert_int_equal(destroyed, 1);
  assert_true(pthread_equal(thing.by, thread));
}

static void *take_and_let_go(void *thing) {
  for (int i = 0; i < 20000; i++)
    ax_unref(ax_ref(thing));
  ax_unref(thing);
  return NULL;
}

/* The plain counter in destroy_thing and ThreadSanitizer see whether the last
 * reference really comes after all the others. */
static void references_may_be_taken_on_many_threads(void **state) {
  int destroyed = 0;
  struct thing thing = {.destroyed = &destroyed};
  ax_obj_init(&thing.obj, destroy_thing);
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++)
    threads[i] = thread_start(take_and_let_go, ax_ref(&thing));
  ax_unref(&thing);
  for (size_t i = 0; i < 4; i++)
    thread_join(threads[i]);
  assert_int_equal(destroyed, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(an_object_is_destroyed_with_its_last_reference),
      clean_test(taking_a_reference_returns_the_object),
      clean_test(no_object_may_be_referenced),
      clean_test(objects_alive_are_counted),
      clean_test(destroying_may_free_the_object),
      clean_test(the_thread_that_lets_go_last_destroys),
      clean_test(references_may_be_taken_on_many_threads),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
