/* Lesson 14: there and back.
 *
 * The recipe book stays in the kitchen, and only the kitchen's butler reads in
 * it. The beach's butler leaves an order there and goes on; the answer comes
 * home to him. Once by hand, with two posts, and once with ax_run_on. */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>
#include <string.h>

/* region: order */
/* Goes from one thread to the other; never do both have it. */
struct order {
  ax_context *beach;
  ax_strand *book; /* on the kitchen's context */
  const char *flavour;
  const char *recipe; /* the answer ... */
  int err;            /* ... or why there is none */
};

/* Who this thread is. */
static _Thread_local const char *me = "T0";

/* In order->book: takes its time, and answers. */
static int look_up(void *arg) {
  struct order *order = arg;
  lesson_say("%s looks up %s in the book", me, order->flavour);
  lesson_work(3);
  if (strcmp(order->flavour, "purple") != 0)
    return UV_ENOENT;
  order->recipe = "two scoops, one cherry";
  return 0;
}
/* end: order */

/* region: answer */
/* On the beach. */
static void on_answer(void *arg, int err, size_t n) {
  const struct order *order = arg;
  const char *answer = err ? uv_strerror(err) : order->recipe;
  lesson_say("%s hears of %s: %s", me, order->flavour, answer);
}
/* end: answer */

static void order_green(struct order *order);

/* region: by-hand */
/* On the beach again. */
static void on_back(void *arg, int err, size_t n) {
  struct order *order = arg;
  ax_work_end(order->beach);
  on_answer(order, order->err, 0);
  order_green(order);
}

/* In order->book. */
static void on_there(void *arg, int err, size_t n) {
  struct order *order = arg;
  order->err = look_up(order);
  ax_post(order->beach, ax_call(on_back, order));
}

/* On the beach. While the order is away the beach has no other work, and its
 * butler would go home. So this counts the order as work. */
static void order_purple(void *arg, int err, size_t n) {
  struct order *order = arg;
  order->flavour = "purple";
  lesson_say("%s orders purple, with two posts", me);
  ax_work_begin(order->beach);
  ax_post(order->book, ax_call(on_there, order));
}
/* end: by-hand */

/* region: run-on */
/* On the beach. */
static void order_green(struct order *order) {
  order->flavour = "green";
  lesson_say("%s orders green, with ax_run_on", me);
  ax_run_on(order->book, look_up, order, ax_call(on_answer, order));
}
/* end: run-on */

static void on_susie(void *arg, int err, size_t n) {
  lesson_say("%s serves Susie meanwhile", me);
}

static void *kitchen_butler(void *kitchen) {
  me = "T1";
  ax_run(kitchen);
  return NULL;
}

int main(int argc, char **argv) {
  struct lesson_cli cli = {.about = "Orders go to another context and back."};
  lesson_cli(&cli, argc, argv);
  /* region: places */
  ax_context *beach = ax_context_new(), *kitchen = ax_context_new();
  struct order order = {.beach = beach, .book = ax_strand_new(kitchen)};
  ax_timer *susie = ax_timer_new(beach);
  ax_timer_expires_after(susie, lesson_seconds(1));
  ax_timer_wait(susie, ax_call(on_susie, NULL));
  ax_post(beach, ax_call(order_purple, &order));
  /* end: places */

  /* region: run */
  pthread_t jeeves;
  ax_work_begin(kitchen); /* it stays open while there is no order */
  int error = pthread_create(&jeeves, NULL, kitchen_butler, kitchen);
  lesson_must("hire a butler", uv_translate_sys_error(error));
  ax_run(beach);
  lesson_say("%s has nothing left to do", me);
  ax_work_end(kitchen);
  pthread_join(jeeves, NULL);
  /* end: run */

  ax_unref(susie);
  ax_unref(order.book);
  ax_context_free(kitchen);
  ax_context_free(beach);
  return 0;
}
