/* micro.c: the cost of the core's own machinery, without any kernel I/O.
 *
 *     micro CASE        prints "core/CASE operations_per_second"
 *
 * LIVE=1 in the environment puts a listening socket on the context first, as
 * every server has one. Timers are counted per second of CPU time, all other
 * handlers per second that passed. micro_asio.cpp is the same on Boost.Asio,
 * micro_uv.c what of it there is on raw libuv. */
#include "ax.h"
#include "measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLERS = 2000000, WAVE = 1000, CHAINS = 8, STRANDS = 4 };
enum { ARMED = 100000, ROUNDS = 10, FIRED = 200000 };

static ax_context *context;
static ax_strand *strands[STRANDS];

static void nothing(void *arg, int err, size_t n) {}

static void *butler(void *arg) {
  ax_run(context);
  return NULL;
}

/* Runs the context with so many butlers; operations per second. */
static double run(int butlers, double operations) {
  pthread_t other;
  ax_time begin = ax_now();
  if (butlers == 2 && pthread_create(&other, NULL, butler, NULL))
    abort();
  ax_run(context);
  if (butlers == 2)
    pthread_join(other, NULL);
  return operations * 1e9 / (double)(ax_now() - begin);
}

/* ---------------------------------------------------------------- posting */

static void post_all(void *arg, int err, size_t n) {
  for (int i = 0; i < HANDLERS; i++)
    ax_post(context, ax_call(nothing, NULL));
}

static double post(int butlers) {
  ax_post(context, ax_call(post_all, NULL));
  return run(butlers, HANDLERS);
}

/* Waves: the last handler of each posts the next. */
static void post_wave(void *arg, int err, size_t n) {
  static int left = HANDLERS;
  for (int i = 1; i < WAVE; i++)
    ax_post(context, ax_call(nothing, NULL));
  if ((left -= WAVE) > 0)
    ax_post(context, ax_call(post_wave, NULL));
}

static double wave(int butlers) {
  ax_post(context, ax_call(post_wave, NULL));
  return run(butlers, HANDLERS);
}

/* A chain: each handler posts the next one to its executor. */
struct chain {
  ax_executor *executor;
  int left;
};

static void ping(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  if (--chain->left > 0)
    ax_post(chain->executor, ax_call(ping, chain));
}

static double chains(int butlers, int count, int per_executor) {
  static struct chain all[CHAINS * STRANDS];
  for (int i = 0; i < count; i++) {
    ax_executor *executor = per_executor ? strands[i / per_executor] : context;
    all[i] = (struct chain){executor, HANDLERS / count};
    ax_post(executor, ax_call(ping, &all[i]));
  }
  return run(butlers, HANDLERS);
}

/* From a thread that is no butler, while one runs. */
static void *outsider(void *arg) {
  post_all(NULL, 0, 0);
  ax_work_end(context);
  return NULL;
}

static double outside(void) {
  pthread_t thread;
  ax_work_begin(context);
  if (pthread_create(&thread, NULL, outsider, NULL))
    abort();
  double rate = run(1, HANDLERS);
  pthread_join(thread, NULL);
  return rate;
}

static void post_to_strands(void *arg, int err, size_t n) {
  for (int i = 0; i < HANDLERS; i++)
    ax_post(strands[i % STRANDS], ax_call(nothing, NULL));
}

static double strand(int butlers) {
  ax_post(context, ax_call(post_to_strands, NULL));
  return run(butlers, HANDLERS);
}

/* ----------------------------------------------------------------- timers */

static double timer_cancel(void) {
  static ax_timer *timers[ARMED];
  for (int i = 0; i < ARMED; i++)
    timers[i] = ax_timer_new(context);
  uint64_t begin = cpu_of_self();
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ARMED; i++) {
      ax_timer_expires_after(timers[i], AX_SECONDS(60) +
                                            (ax_time)(i * 997 % ARMED) * 1000);
      ax_timer_wait(timers[i], ax_call(nothing, NULL));
    }
    for (int i = 0; i < ARMED; i++)
      ax_timer_cancel(timers[i]);
    ax_run(context);
  }
  double rate = ARMED * ROUNDS * 1e9 / (double)(cpu_of_self() - begin);
  for (int i = 0; i < ARMED; i++)
    ax_unref(timers[i]);
  return rate;
}

static struct due {
  ax_timer *timer;
  ax_time at;
} dues[FIRED];
static struct spread late;

static void on_due(void *arg, int err, size_t n) {
  const struct due *due = arg;
  spread_add(&late, ax_now() - due->at);
}

static double timer_fire(void) {
  for (int i = 0; i < FIRED; i++)
    dues[i].timer = ax_timer_new(context);
  uint64_t begin = cpu_of_self();
  ax_time first = ax_now() + AX_MS(150);
  for (int i = 0; i < FIRED; i++) {
    struct due *due = &dues[i];
    due->at = first + (ax_time)((uint64_t)i * 7919 % FIRED) * 1000;
    ax_time now = ax_now(); /* if it took so long to get here: at once */
    ax_timer_expires_after(due->timer, due->at > now ? due->at - now : 0);
    ax_timer_wait(due->timer, ax_call(on_due, due));
  }
  ax_run(context);
  double rate = FIRED * 1e9 / (double)(cpu_of_self() - begin);
  for (int i = 0; i < FIRED; i++)
    ax_unref(dues[i].timer);
  spread_print_late(&late);
  return rate;
}

/* ------------------------------------------------------------------ cases */

static double run_case(const char *name) {
  static const char *const names[] = {
      "post1",   "wave1",        "ping1",        "outside1",
      "strand1", "post2",        "ping2",        "strand2",
      "ping8x2", "strandchain2", "timer_cancel", "timer_fire"};
  size_t i = 0;
  while (i < sizeof names / sizeof *names && strcmp(name, names[i]) != 0)
    i++;
  switch (i) {
  case 0:
    return post(1);
  case 1:
    return wave(1);
  case 2:
    return chains(1, 1, 0);
  case 3:
    return outside();
  case 4:
    return strand(1);
  case 5:
    return post(2);
  case 6:
    return chains(2, 1, 0);
  case 7:
    return strand(2);
  case 8:
    return chains(2, CHAINS, 0);
  case 9:
    return chains(2, CHAINS * STRANDS, CHAINS);
  case 10:
    return timer_cancel();
  case 11:
    return timer_fire();
  default:
    return 0;
  }
}

/* A listening socket in the loop, which is no work of the context's. */
static uv_tcp_t live;

static void on_connection(uv_stream_t *listener, int status) {}

static void go_live(void) {
  struct sockaddr_in any;
  uv_ip4_addr("127.0.0.1", 0, &any);
  if (uv_tcp_init(ax_context_loop(context), &live) ||
      uv_tcp_bind(&live, (const struct sockaddr *)&any, 0) ||
      uv_listen((uv_stream_t *)&live, 16, on_connection))
    abort();
}

int main(int argc, char **argv) {
  const char *text = getenv("LIVE");
  bool is_live = text && strcmp(text, "1") == 0;
  context = ax_context_new();
  for (int i = 0; i < STRANDS; i++)
    strands[i] = ax_strand_new(context);
  if (is_live)
    go_live();
  double rate = argc == 2 ? run_case(argv[1]) : 0;
  if (is_live)
    uv_close((uv_handle_t *)&live, NULL);
  for (int i = 0; i < STRANDS; i++)
    ax_unref(strands[i]);
  ax_context_free(context);
  if (rate == 0) {
    fprintf(stderr, "usage: micro CASE (see micro.c)\n");
    return 3;
  }
  printf("core/%s %.0f\n", argv[1], rate);
  return 0;
}
