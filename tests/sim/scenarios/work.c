/* Work: ax_run returns when none is left, on every butler, and not before.
 *
 * The last piece of work ends on a thread that is no butler: at once, when the
 * butlers may be in any state, and late, when all of them have gone to sleep.
 * A butler that nobody wakes is a deadlock; one that returns too early misses
 * what its scenario checks after ax_run. */
#include "scenario.h"

#include <unistd.h>

static ax_context *context;
static atomic_int ran;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 0);
  ran++;
}

static void *end_work(void *arg) {
  ax_work_end(context);
  return NULL;
}

static void *end_work_late(void *arg) {
  sleep_for(AX_MS(20));
  ax_work_end(context);
  return NULL;
}

static void last_work(int butlers, void *(*end_it)(void *)) {
  context = ax_context_new();
  ax_work_begin(context);
  pthread_t thread = start_thread(end_it, NULL);
  serve(context, butlers);
  join_thread(thread);
  end(context);
}

SCENARIO(work_ends, "all butlers return when the last work ends elsewhere") {
  last_work(some(1, 3), end_work);
}

SCENARIO(work_ends_late,
         "all butlers who doze return when the last work ends elsewhere") {
  last_work(some(1, 3), end_work_late);
}

SCENARIO(work_many_ends, "work that several threads end is counted right") {
  pthread_t threads[3];
  context = ax_context_new();
  for (int i = 0; i < 3; i++) {
    ax_work_begin(context);
    threads[i] = start_thread(end_work, NULL);
  }
  serve(context, 2);
  for (int i = 0; i < 3; i++)
    join_thread(threads[i]);
  end(context);
}

/* --------------------------------------------- what ax_run has to wait for */

static void *complete(void *op) {
  ax_complete(op, 0, 0);
  return NULL;
}

static void *complete_late(void *op) {
  sleep_for(AX_MS(20));
  return complete(op);
}

static void wait_for_own(void *(*complete_it)(void *)) {
  context = ax_context_new();
  ax_op *op = ax_initiate(context, ax_call(on_ran, NULL));
  pthread_t thread = start_thread(complete_it, op);
  ax_run(context);
  CHECK(ran == 1);
  join_thread(thread);
  end(context);
}

SCENARIO(work_own_operation,
         "ax_run returns after the handler of an operation of one's own") {
  wait_for_own(some(0, 1) ? complete : complete_late);
}

SCENARIO(work_own_operations,
         "operations completed on several threads run their handlers once") {
  pthread_t threads[3];
  context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  for (int i = 0; i < 3; i++)
    threads[i] = start_thread(
        complete, ax_initiate(i ? strand : context, ax_call(on_ran, NULL)));
  ax_unref(strand);
  serve(context, 2);
  CHECK(ran == 3);
  for (int i = 0; i < 3; i++)
    join_thread(threads[i]);
  end(context);
}

/* Begins the next operation and completes it elsewhere, three times. */
static void on_next(void *threads, int err, size_t n) {
  int number = atomic_fetch_add(&ran, 1);
  if (number < 3)
    ((pthread_t *)threads)[number] =
        start_thread(complete, ax_initiate(context, ax_call(on_next, threads)));
}

SCENARIO(work_in_turns, "ax_run waits while each handler begins one more "
                        "operation") {
  pthread_t threads[3];
  context = ax_context_new();
  ax_post(context, ax_call(on_next, threads));
  serve(context, 2);
  CHECK(ran == 4);
  for (int i = 0; i < 3; i++)
    join_thread(threads[i]);
  end(context);
}

static char byte[1];

static void on_byte(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1 && byte[0] == 'x');
  ran++;
}

static void *write_late(void *fd) {
  sleep_for(AX_MS(20));
  CHECK(write(*(int *)fd, "x", 1) == 1);
  return NULL;
}

SCENARIO(work_pending_read, "ax_run returns after the handler of a read") {
  context = ax_context_new();
  ax_stream *stream = ax_stream_new(context);
  int peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_byte, NULL));
  pthread_t thread = start_thread(write_late, &peer);
  ax_run(context);
  CHECK(ran == 1);
  join_thread(thread);
  close(peer);
  ax_unref(stream);
  end(context);
}

/* -------------------------------------------------- begun in a handler */

/* Goes on as work when its handler has returned. */
static void on_begin(void *thread, int err, size_t n) {
  ax_work_begin(context);
  *(pthread_t *)thread = start_thread(end_work_late, NULL);
}

SCENARIO(work_begun_in_a_handler,
         "work that a handler begins keeps all butlers") {
  pthread_t thread;
  context = ax_context_new();
  ax_post(context, ax_call(on_begin, &thread));
  serve(context, 2);
  join_thread(thread);
  end(context);
}

/* -------------------------------------------------------------- again */

SCENARIO(work_run_again, "ax_run may be called again after it returned") {
  context = ax_context_new();
  for (int i = 0; i < 3; i++) {
    ax_post(context, ax_call(on_ran, NULL));
    serve(context, 2);
    CHECK(ran == i + 1);
  }
  CHECK(ax_run(context) == 0);
  end(context);
}

/* Each runs until its own handler has run, whoever ran that. */
static void *post_and_run(void *arg) {
  int own = 0;
  for (int i = 0; i < 3; i++) {
    ax_post(context, ax_call(on_ran, NULL));
    own += (int)ax_run(context);
  }
  *(int *)arg = own;
  return NULL;
}

SCENARIO(work_count, "ax_run returns how many handlers its thread has run") {
  int own[2];
  context = ax_context_new();
  pthread_t other = start_thread(post_and_run, &own[0]);
  post_and_run(&own[1]);
  join_thread(other);
  CHECK(ran == 6 && own[0] + own[1] == 6);
  end(context);
}
