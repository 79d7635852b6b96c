/* Freeing a context to which operations of another one complete.
 *
 * The object is on `near`, its handler on `far`. The butlers of `near` may
 * complete the operation at any moment, also while `far` is freed. Either
 * `far` never had a butler, and then no handler runs, or its own thread frees
 * it as soon as ax_run has returned, and then the handler has run: ax_run waits
 * for what is pending. */
#include "gate.h"

#include <unistd.h>

static ax_context *near, *far;
static atomic_int ran, kept;

static void on_ran(void *arg, int err, size_t n) {
  CHECK(ax_inside(far));
  ran++;
}

static void kept_destroy(void *object) {
  kept--;
  free(object);
}

/* The handler is on `executor`, and the keep has only this one reference. */
static ax_token to(ax_executor *executor, void **keep) {
  ax_obj *object = malloc(sizeof *object);
  CHECK(object);
  ax_obj_init(object, kept_destroy);
  kept++;
  *keep = object;
  return ax_on(executor, ax_keep(object, ax_call(on_ran, NULL)));
}

static void open_both(void) {
  near = ax_context_new();
  far = ax_context_new();
}

static void close_both(void) {
  ax_context_free(near);
  CHECK(kept == 0);
  end(NULL);
}

/* ------------------------------------------- the operations of this file */

static ax_timer *timers[3];
static ax_stream *stream;
static int peer;
static char byte[1];

/* To the context, to a strand of it, and to the context again. */
static void wait_for_timers(void) {
  void *keep;
  ax_strand *strand = ax_strand_new(far);
  for (int i = 0; i < 3; i++) {
    timers[i] = ax_timer_new(near);
    ax_timer_expires_after(timers[i], AX_MS(0.05) * (ax_time)i);
    ax_timer_wait(timers[i], to(i == 1 ? strand : far, &keep));
    ax_unref(keep);
  }
  ax_unref(strand);
}

static void release_timers(void) {
  for (int i = 0; i < 3; i++)
    ax_unref(timers[i]);
}

static void read_byte(void) {
  void *keep;
  stream = ax_stream_new(near);
  peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), to(far, &keep));
  ax_unref(keep);
  CHECK(write(peer, "x", 1) == 1);
}

static void release_stream(void) {
  close(peer);
  ax_unref(stream);
}

/* ----------------------------------------------- freed before any butler */

/* Frees `far` while a butler of `near` completes to it. */
static void free_while_completing(void) {
  pthread_t butler = start_butler(near);
  ax_context_free(far);
  join_thread(butler);
  CHECK(ran == 0);
}

SCENARIO(free_beside_timers,
         "timers that expire while the context of their handlers is freed "
         "release what they keep") {
  open_both();
  wait_for_timers();
  free_while_completing();
  release_timers();
  close_both();
}

SCENARIO(free_beside_read, "a read that completes while the context of its "
                           "handler is freed releases what it keeps") {
  open_both();
  read_byte();
  free_while_completing();
  release_stream();
  close_both();
}

SCENARIO(free_before_timers, "timers that expire when the context of their "
                             "handlers is gone let ax_run return") {
  open_both();
  wait_for_timers();
  ax_context_free(far);
  serve(near, 2);
  CHECK(ran == 0 && kept == 0);
  release_timers();
  close_both();
}

/* ------------------------------------------------- freed by its own butler */

static int expected;

/* The only butler of `far`. */
static void *serve_and_free(void *arg) {
  ax_run(far);
  CHECK(ran == expected);
  ax_context_free(far);
  return NULL;
}

static void free_after_completing(int handlers) {
  expected = handlers;
  pthread_t butler = start_thread(serve_and_free, NULL);
  serve(near, 2);
  join_thread(butler);
}

SCENARIO(free_after_timers, "a context may be freed as soon as the timers of "
                            "another one have completed to it") {
  open_both();
  wait_for_timers();
  free_after_completing(3);
  release_timers();
  close_both();
}

SCENARIO(free_after_read, "a context may be freed as soon as the read of "
                          "another one has completed to it") {
  open_both();
  read_byte();
  free_after_completing(1);
  release_stream();
  close_both();
}

/* On `near`. */
static void on_complete(void *op, int err, size_t n) { ax_complete(op, 0, 0); }

SCENARIO(free_after_own,
         "a context may be freed as soon as a butler of another "
         "one has completed its operation") {
  void *keep;
  open_both();
  ax_op *op = ax_initiate(far, to(far, &keep));
  ax_unref(keep);
  ax_post(near, ax_call(on_complete, op));
  free_after_completing(1);
  close_both();
}

/* ------------------------------------------------------- home is freed */

static struct gate begun = GATE, freed = GATE;

/* On `near`, while `far` is freed. */
static int work(void *arg) {
  gate_open(&begun);
  gate_pass(&freed);
  return 0;
}

SCENARIO(free_home, "work whose home is freed meanwhile is dropped when it has "
                    "been done") {
  void *keep;
  open_both();
  ax_run_on(near, work, NULL, to(far, &keep));
  ax_unref(keep);
  ax_work_begin(near);
  pthread_t butler = start_butler(near);
  gate_pass(&begun);
  ax_context_free(far);
  gate_open(&freed);
  ax_work_end(near);
  join_thread(butler);
  CHECK(ran == 0);
  close_both();
}

/* --------------------------------------------------- objects of each other */

static ax_stream *streams[2];

SCENARIO(free_each_other, "two contexts with operations of each other may be "
                          "freed one after the other") {
  void *keep[2];
  static char bytes[2];
  open_both();
  for (int i = 0; i < 2; i++)
    streams[i] = ax_stream_new(i ? near : far);
  connect_pair(streams[0], streams[1]);
  for (int i = 0; i < 2; i++) {
    ax_stream_read_some(streams[i], AX_SEQ(ax_buffer(&bytes[i], 1)),
                        to(i ? far : near, &keep[i]));
    ax_unref(keep[i]);
    ax_unref(streams[i]);
  }
  ax_context_free(far);
  CHECK(ran == 0);
  close_both();
}

/* ------------------------------------------- what ends, or begins, meanwhile
 */

static ax_strand *strand; /* of `far`; it keeps the memory */
static atomic_int given_up;

/* On `near`, unless there is no need to. */
static void on_given_up(void *arg, int err, size_t n) {
  CHECK(err == UV_ECANCELED && ax_inside(near));
  given_up++;
}

static int work_never(void *arg) {
  CHECK(!"work is done on a context that nobody serves");
  return 0;
}

static int work_at_near(void *arg) { return 0; }

static void *cancel_timers(void *arg) {
  for (int i = 0; i < 3; i++)
    ax_timer_cancel(timers[i]);
  return NULL;
}

static void *move_timers(void *arg) {
  void *keep;
  for (int i = 0; i < 3; i++) {
    ax_timer_expires_after(timers[i], 0);
    ax_timer_wait(timers[i], to(i == 1 ? strand : far, &keep));
    ax_unref(keep);
  }
  return NULL;
}

static void *close_stream(void *arg) {
  ax_stream_close(stream);
  return NULL;
}

static void *cancel_stream(void *arg) {
  ax_stream_cancel(stream);
  return NULL;
}

static void *post_to_strand(void *arg) {
  void *keep;
  ax_token token = to(strand, &keep);
  ax_post(strand, token);
  ax_dispatch(near, token);
  ax_unref(keep);
  return NULL;
}

static void *run_on_strand(void *arg) {
  void *keep;
  ax_token token = to(near, &keep);
  token.fn = on_given_up;
  ax_run_on(strand, work_never, NULL, token);
  ax_run_on(far, work_never, NULL, token);
  ax_unref(keep);
  return NULL;
}

static void *run_on_near(void *arg) {
  void *keep[2];
  ax_run_on(near, work_at_near, NULL, to(strand, &keep[0]));
  ax_run_on(near, work_at_near, NULL, to(far, &keep[1]));
  ax_unref(keep[0]);
  ax_unref(keep[1]);
  return NULL;
}

static void *end_stream(void *arg) {
  ax_unref(stream);
  return NULL;
}

/* Does it while `far` is freed, and `near` may have a butler. */
static void free_beside(void *(*beside)(void *)) {
  bool butler = some(0, 1);
  pthread_t thread = start_thread(beside, NULL);
  pthread_t other = butler ? start_butler(near) : thread;
  ax_context_free(far);
  join_thread(thread);
  if (butler)
    join_thread(other);
  serve(near, 1);
  CHECK(ran == 0);
}

static void open_with_strand(void) {
  open_both();
  strand = ax_strand_new(far);
}

static void close_with_strand(void) {
  ax_unref(strand);
  close_both();
}

SCENARIO(free_beside_cancel, "waits that are cancelled while the context of "
                             "their handlers is freed release what they keep") {
  open_with_strand();
  wait_for_timers();
  free_beside(cancel_timers);
  release_timers();
  close_with_strand();
}

SCENARIO(free_beside_wait, "waits that begin while the context of their "
                           "handlers is freed release what they keep") {
  open_with_strand();
  wait_for_timers();
  free_beside(move_timers);
  release_timers();
  close_with_strand();
}

SCENARIO(free_beside_close, "a read that a close or a cancel ends while the "
                            "context of its handler is freed is dropped") {
  open_with_strand();
  read_byte();
  free_beside(some(0, 1) ? close_stream : cancel_stream);
  release_stream();
  close_with_strand();
}

SCENARIO(free_beside_post, "what is posted while its context is freed is "
                           "dropped, and what it keeps released") {
  open_with_strand();
  free_beside(post_to_strand);
  close_with_strand();
}

SCENARIO(free_beside_run_on, "work that is sent to a context while it is freed "
                             "ends at home, once, with ECANCELED") {
  open_with_strand();
  free_beside(run_on_strand);
  CHECK(given_up == 2);
  close_with_strand();
}

SCENARIO(free_beside_home, "work that comes home while that is freed is "
                           "dropped, and what it keeps released") {
  open_with_strand();
  free_beside(run_on_near);
  close_with_strand();
}

SCENARIO(free_beside_release, "the last reference to a stream may go while its "
                              "context is freed") {
  open_with_strand();
  stream = ax_stream_new(strand);
  peer = connect_end(stream);
  free_beside(end_stream);
  close(peer);
  close_with_strand();
}

/* A context that may be at its end takes the operation, and gives it back. */
static void *complete_late(void *arg) {
  void *keep;
  ax_op *op = ax_initiate(strand, to(strand, &keep));
  ax_unref(keep);
  ax_complete(op, 0, 0);
  return NULL;
}

SCENARIO(free_before_own, "an operation that begins when its context is gone "
                          "is dropped when it is completed") {
  open_with_strand();
  ax_context_free(far);
  pthread_t thread = start_thread(complete_late, NULL);
  complete_late(NULL);
  join_thread(thread);
  CHECK(ran == 0 && kept == 0);
  close_with_strand();
}
