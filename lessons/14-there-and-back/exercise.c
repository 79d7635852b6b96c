/* The exercise of lesson 14: two hops, and an error on each. An order goes from
 * the beach to the kitchen for its recipe, comes home, and goes to the cellar
 * for ice. If there is no recipe the cellar is not asked, and whatever goes
 * wrong is heard on the beach. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>
#include <string.h>

static ax_context *beach, *kitchen, *cellar;
static ax_strand *book, *ice; /* in the kitchen, and in the cellar */

static _Thread_local const char *me = "the beach";

/* Goes from one thread to the other; never do two have it. */
struct order {
  const char *flavour;
  int scoops;
};

/* In the book's strand: 0, or UV_ENOENT when there is no recipe. */
static int look_up(void *arg) {
  struct order *order = arg;
  lesson_say("%s: looks up %s", me, order->flavour);
  lesson_work(2);
  if (strcmp(order->flavour, "green") == 0)
    return UV_ENOENT;
  order->scoops = 2;
  return 0;
}

/* In the ice's strand: 0, or UV_ENOSPC when there is not enough ice left. */
static int take_ice(void *arg) {
  static int left = 3;
  const struct order *order = arg;
  lesson_say("%s: %d scoops for %s", me, order->scoops, order->flavour);
  lesson_work(3);
  if (left < order->scoops)
    return UV_ENOSPC;
  left -= order->scoops;
  return 0;
}

/* On the beach: this is the end of each order. `err` says why it failed. */
static void on_served(void *arg, int err, size_t n) {
  const struct order *order = arg;
  lesson_say("%s: %s is %s", me, order->flavour,
             err ? uv_err_name(err) : "served");
}

/* On the beach, with the answer of the kitchen. */
static void on_recipe(void *arg, int err, size_t n) {
  struct order *order = arg;
  /* todo: with a recipe the order hops to the ice, and take_ice is run there.
   * on_served gets the result, on the beach. Without one the order ends here,
   * and on_served gets the error. */
  if (err)
    on_served(order, err, 0);
  else
    ax_run_on(ice, take_ice, order, ax_call(on_served, order));
  /* given: on_served(order, 0, 0); */
  /* done */
}

/* On the beach. */
static void take_order(void *arg, int err, size_t n) {
  ax_run_on(book, look_up, arg, ax_call(on_recipe, arg));
}

static void *kitchen_butler(void *arg) {
  me = "the kitchen";
  ax_run(kitchen);
  return NULL;
}

static void *cellar_butler(void *arg) {
  me = "the cellar";
  ax_run(cellar);
  return NULL;
}

static pthread_t hire(void *butler(void *), ax_context *place) {
  pthread_t thread;
  ax_work_begin(place); /* it stays open while there is no order */
  lesson_must("hire a butler", uv_translate_sys_error(pthread_create(
                                   &thread, NULL, butler, NULL)));
  return thread;
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Orders hop twice, and some of them fail."};
  lesson_cli(&cli, argc, argv);
  struct order orders[] = {{"purple", 0}, {"green", 0}, {"orange", 0}};
  beach = ax_context_new();
  kitchen = ax_context_new();
  cellar = ax_context_new();
  book = ax_strand_new(kitchen);
  ice = ax_strand_new(cellar);
  for (int i = 0; i < 3; i++)
    ax_post(beach, ax_call(take_order, &orders[i]));
  pthread_t jeeves = hire(kitchen_butler, kitchen);
  pthread_t alfred = hire(cellar_butler, cellar);
  ax_run(beach);
  lesson_say("%s: nothing left to do", me);
  ax_work_end(kitchen);
  ax_work_end(cellar);
  pthread_join(jeeves, NULL);
  pthread_join(alfred, NULL);
  ax_unref(book);
  ax_unref(ice);
  ax_context_free(cellar);
  ax_context_free(kitchen);
  ax_context_free(beach);
  return 0;
}
