/* Says: James left while something was still on the table */
/* The exercise of lesson 4: James stays while there is something to come, has
 * each cup washed later, and leaves when all is done. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

struct order {
  ax_context *context;
  const char *drink;
};

/* Two seconds of work. */
static void wash(void *arg, int err, size_t n) {
  struct order *order = arg;
  lesson_work(2);
  lesson_say("the cup of the %s is clean", order->drink);
}

static void serve(void *arg, int err, size_t n) {
  struct order *order = arg;
  lesson_say("the %s is served", order->drink);
  /* todo: Have the cup washed: by `wash`, with this order, on its context. Not
   * now and not here: the line below has to come first. */
  ax_post(order->context, ax_call(wash, order));
  /* done */
  lesson_say("enjoy the %s", order->drink);
}

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

static pthread_t hire(ax_context *context) {
  pthread_t thread;
  int error = pthread_create(&thread, NULL, butler, context);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  return thread;
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "A butler who waits for orders."};
  lesson_cli(&cli, argc, argv);

  ax_context *context = ax_context_new();
  struct order lemonade = {context, "lemonade"}, tea = {context, "tea"};

  /* todo: James comes before the first order does. Give him a reason to stay.
   */
  ax_work_begin(context);
  /* done */
  pthread_t james = hire(context);

  lesson_work(1);
  ax_post(context, ax_call(serve, &lemonade));
  lesson_work(1);
  ax_post(context, ax_call(serve, &tea));
  lesson_say("no more orders");

  /* todo: Let him leave, but not before the last cup is clean. */
  ax_stop(context);
  /* done */
  pthread_join(james, NULL);
  lesson_say("James has left");

  ax_context_free(context);
  return 0;
}
