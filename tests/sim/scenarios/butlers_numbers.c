/* Butlers that come and go: each has a number of its own while it is inside. */
#include "scenario.h"

enum { BUTLERS = 3, ROUNDS = 3 };

static ax_context *context;
static bool taken[BUTLERS + 1]; /* by a handler that runs */

/* A data race, too, if two butlers have one number. */
static void on_numbered(void *arg, int err, size_t n) {
  int number = ax_butler();
  CHECK(number >= 1 && number <= BUTLERS && !taken[number]);
  taken[number] = true;
  CHECK(taken[number]);
  taken[number] = false;
}

static void *come_and_go(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    ax_post(context, ax_call(on_numbered, NULL));
    if (some(0, 1))
      ax_run(context);
    else
      ax_poll(context);
    CHECK(ax_butler() == 0);
  }
  return NULL;
}

SCENARIO(butlers_numbers, "no two butlers inside have one number") {
  pthread_t threads[BUTLERS];
  context = ax_context_new();
  for (int i = 0; i < BUTLERS; i++)
    threads[i] = start_thread(come_and_go, NULL);
  for (int i = 0; i < BUTLERS; i++)
    join_thread(threads[i]);
  ax_run(context);
  end(context);
}
