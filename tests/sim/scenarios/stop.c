/* Stop: every butler returns soon, and what it leaves behind is there for the
 * next run.
 *
 * Most scenarios begin with a work guard, so only the stop can make the butlers
 * return. */
#include "scenario.h"

#include <unistd.h>

static ax_context *context;
static atomic_int ran;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(err == 0);
  ran++;
}

static void *stop(void *arg) {
  ax_stop(context);
  return NULL;
}

/* The butlers have gone to sleep by then. */
static void *stop_late_from_outside(void *arg) {
  sleep_for(AX_MS(20));
  return stop(arg);
}

static void open_context(void) {
  context = ax_context_new();
  ax_work_begin(context);
}

static void close_context(void) {
  ax_work_end(context);
  end(context);
}

/* Serves what a stop has left, and ends. */
static void serve_the_rest(int butlers) {
  ax_restart(context);
  ax_work_end(context);
  serve(context, butlers);
  end(context);
}

/* Serves until it was stopped; a thread does that. */
static void serve_and_stop(int butlers, void *(*stop_it)(void *)) {
  pthread_t thread = start_thread(stop_it, NULL);
  serve(context, butlers);
  join_thread(thread);
  CHECK(ax_stopped(context));
}

static void stopped_from_outside(int butlers, void *(*stop_it)(void *)) {
  open_context();
  serve_and_stop(butlers, stop_it);
  close_context();
}

SCENARIO(stop_early, "stop from outside makes all butlers return") {
  stopped_from_outside(some(1, 3), stop);
}

SCENARIO(stop_late,
         "stop from outside makes all butlers return who sleep or doze") {
  stopped_from_outside(some(1, 3), stop_late_from_outside);
}

SCENARIO(stop_twice, "two threads may stop at the same time") {
  open_context();
  pthread_t other = start_thread(stop, NULL);
  serve_and_stop(3, stop);
  join_thread(other);
  close_context();
}

/* The stop that counts is the last one. */
static void *stop_and_restart(void *arg) {
  ax_stop(context);
  ax_restart(context);
  return stop(arg);
}

SCENARIO(stop_restart_stop,
         "stop makes all butlers return though it was taken back once") {
  stopped_from_outside(3, stop_and_restart);
}

/* ---------------------------------------------------------- in a handler */

static void on_stop(void *arg, int err, size_t n) { ax_stop(context); }

static void stopped_in_a_handler(int butlers) {
  open_context();
  ax_post(context, ax_call(on_ran, NULL));
  ax_post(context, ax_call(on_stop, NULL));
  for (int i = 0; i < 3; i++)
    ax_post(context, ax_call(on_ran, NULL));
  serve(context, butlers);
  CHECK(ax_stopped(context));
  serve_the_rest(butlers);
  CHECK(ran == 4);
}

SCENARIO(
    stop_in_a_handler,
    "all butlers return when a handler stops, and leave what has not run") {
  stopped_in_a_handler(some(1, 2));
}

/* --------------------------------------------------- nothing gets lost */

enum { LINKS = 10 };

/* A chain of posts, on the context or on a strand. */
struct chain {
  ax_executor *executor;
  int links;
};

static void on_link(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  if (++chain->links < LINKS)
    ax_post(chain->executor, ax_call(on_link, chain));
}

SCENARIO(stop_and_go_on,
         "chains that a stop interrupts go on after a restart") {
  context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct chain chains[] = {{context, 0}, {strand, 0}};
  for (int i = 0; i < 2; i++)
    ax_post(chains[i].executor, ax_call(on_link, &chains[i]));
  pthread_t thread = start_thread(stop, NULL);
  serve(context, 2);
  join_thread(thread);
  ax_restart(context);
  serve(context, 2);
  for (int i = 0; i < 2; i++)
    CHECK(chains[i].links == LINKS);
  ax_unref(strand);
  end(context);
}

static char byte[1];

static void on_byte(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1);
  ran++;
}

static void *complete(void *op) {
  ax_complete(op, 0, 0);
  return NULL;
}

/* A read, a wait and an operation of one's own are pending when it stops. */
SCENARIO(stop_pending, "what is pending at a stop completes after a restart") {
  context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  ax_timer *timer = ax_timer_new(context);
  int peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_byte, NULL));
  ax_timer_expires_after(timer, AX_MS(1));
  ax_timer_wait(timer, ax_call(on_ran, NULL));
  ax_op *op = ax_initiate(context, ax_call(on_ran, NULL));
  serve_and_stop(2, stop);
  CHECK(write(peer, "x", 1) == 1);
  pthread_t completer = start_thread(complete, op);
  ax_restart(context);
  serve(context, 2);
  CHECK(ran == 3);
  join_thread(completer);
  close(peer);
  ax_unref(stream);
  ax_unref(timer);
  end(context);
}

SCENARIO(stop_before_run, "ax_run after a stop returns at once") {
  open_context();
  ax_post(context, ax_call(on_ran, NULL));
  ax_stop(context);
  serve(context, 2);
  CHECK(ran == 0);
  serve_the_rest(2);
  CHECK(ran == 1);
}

SCENARIO(stop_posted, "what the loop brings gets its turn though each ax_run "
                      "finds a posted stop") {
  context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  int peer = connect_end(stream);
  CHECK(write(peer, "x", 1) == 1);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_byte, NULL));
  for (int i = 0; i < 20 && !ran; i++) {
    ax_post(context, ax_call(on_stop, NULL));
    serve(context, 1);
    ax_restart(context);
  }
  CHECK(ran == 1);
  close(peer);
  ax_unref(stream);
  end(context);
}
