/* The exercise of lesson 15: a second resource. Guests want a fortune, and then
 * a picture. Neither the fortune teller nor the photographer is made for two at
 * a time, and each needs a while. Meanwhile the beach wants to hear its echo.
 */
#include "ax.h"
#include "lesson.h"

#include <pthread.h>

/* What there is one of: it does not keep people apart by itself. */
struct tent {
  const char *who;
  double takes; /* seconds */
  int inside;
};

static struct tent teller = {"the fortune teller", 3, 0};
static struct tent photographer = {"the photographer", 4, 0};

static ax_context *beach, *aside; /* aside has two butlers */
static ax_strand *to_teller, *to_photographer;

struct guest {
  const char *name;
};

static void visit(struct tent *tent) {
  if (++tent->inside > 1)
    lesson_say("two at once are with %s", tent->who);
  lesson_work(tent->takes);
  tent->inside--;
}

/* Work: each blocks until it is done, on whichever butler it is. */
static int tell_fortune(void *guest) {
  visit(&teller);
  return 0;
}

static int take_picture(void *guest) {
  visit(&photographer);
  return 0;
}

/* On the beach. */
static void on_picture(void *arg, int err, size_t n) {
  const struct guest *guest = arg;
  lesson_say("%s has a picture", guest->name);
}

/* On the beach. */
static void on_fortune(void *arg, int err, size_t n) {
  struct guest *guest = arg;
  lesson_say("%s knows the future", guest->name);
  /* todo: here the beach's own butler goes to the photographer and waits. Have
   * one of aside's go, by a strand. on_picture is for the beach. */
  ax_run_on(to_photographer, take_picture, guest, ax_call(on_picture, guest));
  /* given: on_picture(guest, take_picture(guest), 0); */
  /* done */
}

/* On the beach. */
static void on_guest(void *guest, int err, size_t n) {
  ax_run_on(to_teller, tell_fortune, guest, ax_call(on_fortune, guest));
}

/* ----------------------------------------- the echo; nothing is to do here */

static int echoes, late;

/* Every second, and it counts those that came late. */
static void on_echo(void *arg, int err, size_t n) {
  ax_timer *timer = arg;
  if (ax_now() > ax_timer_expiry(timer) + lesson_seconds(0.5))
    late++;
  if (++echoes == 12)
    return;
  ax_timer_expires_at(timer, ax_timer_expiry(timer) + lesson_seconds(1));
  ax_timer_wait(timer, ax_call(on_echo, timer));
}

static void *butler(void *arg) {
  ax_run(aside);
  return NULL;
}

int main(int argc, char **argv) {
  static struct guest guests[] = {{"Ann"}, {"Bob"}, {"Cid"}};
  struct lesson_cli cli = {.about = "Two tents beside the beach."};
  lesson_cli(&cli, argc, argv);
  beach = ax_context_new();
  aside = ax_context_new();
  to_teller = ax_strand_new(aside);
  /* todo: how does one get to the photographer? */
  to_photographer = ax_strand_new(aside);
  /* done */
  ax_timer *echo = ax_timer_new(beach);
  ax_timer_expires_after(echo, lesson_seconds(1));
  ax_timer_wait(echo, ax_call(on_echo, echo));
  for (int i = 0; i < 3; i++)
    ax_post(beach, ax_call(on_guest, &guests[i]));

  pthread_t butlers[2];
  ax_work_begin(aside); /* they stay while nobody is there */
  for (int i = 0; i < 2; i++)
    lesson_must("hire a butler", uv_translate_sys_error(pthread_create(
                                     &butlers[i], NULL, butler, NULL)));
  ax_run(beach);
  lesson_say("echoes: %d, late: %d", echoes, late);
  ax_work_end(aside);
  for (int i = 0; i < 2; i++)
    pthread_join(butlers[i], NULL);
  ax_unref(echo);
  ax_unref(to_teller);
  ax_unref(to_photographer); /* NULL is allowed */
  ax_context_free(aside);
  ax_context_free(beach);
  return 0;
}
