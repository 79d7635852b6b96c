/* Freeing a context: what is pending is dropped, no handler runs any more, and
 * what a token keeps is released. Objects may outlive their context.
 *
 * `kept` counts the objects that tokens keep and that are not yet destroyed. */
#include "scenario.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static ax_context *context;
static atomic_int ran, kept;

static void on_ran(void *arg, int err, size_t n) { ran++; }

static void kept_destroy(void *object) {
  kept--;
  free(object);
}

/* A token whose keep has only this one reference. */
static ax_token keeping(void **keep) {
  ax_obj *object = malloc(sizeof *object);
  CHECK(object);
  ax_obj_init(object, kept_destroy);
  kept++;
  *keep = object;
  return ax_keep(object, ax_call(on_ran, NULL));
}

/* ------------------------------------------------ all kinds, all pending */

static ax_strand *strand;
static ax_timer *timer;
static ax_stream *stream;
static ax_signals *signals;
static int peer;
static char bytes[4];

static void open_objects(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  timer = ax_timer_new(context);
  stream = ax_stream_new(strand);
  signals = ax_signals_new(context);
  peer = connect_end(stream);
  ax_timer_expires_after(timer, AX_SECONDS(3600));
  CHECK(ax_signals_add(signals, SIGUSR1) == 0);
}

static int do_nothing(void *arg) { return 0; }

/* The kinds that stay pending however long butlers serve. */
static void initiate_pending(void) {
  void *keep[5];
  ax_timer_wait(timer, keeping(&keep[0]));
  ax_timer_wait(timer, ax_on(strand, keeping(&keep[1])));
  ax_stream_read(stream, AX_SEQ(AX_BUF(bytes)), keeping(&keep[2]));
  ax_signals_wait(signals, keeping(&keep[3]));
  ax_initiate(strand, keeping(&keep[4]));
  for (int i = 0; i < 5; i++)
    ax_unref(keep[i]);
}

/* The kinds that are ready at once. */
static void initiate_ready(void) {
  void *keep[3];
  ax_post(context, keeping(&keep[0]));
  ax_post(strand, keeping(&keep[1]));
  ax_run_on(context, do_nothing, NULL, keeping(&keep[2]));
  for (int i = 0; i < 3; i++)
    ax_unref(keep[i]);
}

static void release_objects(void) {
  ax_unref(timer);
  ax_unref(stream);
  ax_unref(signals);
  ax_unref(strand);
  close(peer);
}

static void check_nothing_is_kept(void) {
  CHECK(kept == 0);
  end(NULL);
}

static void *stop(void *arg) {
  ax_stop(context);
  return NULL;
}

SCENARIO(free_pending, "what is pending or ready is dropped with its context") {
  open_objects();
  initiate_pending();
  initiate_ready();
  release_objects();
  ax_context_free(context);
  CHECK(ran == 0);
  check_nothing_is_kept();
}

SCENARIO(free_after_stop, "what a stop has left is dropped with the context") {
  open_objects();
  initiate_pending();
  initiate_ready();
  pthread_t stopper = start_thread(stop, NULL);
  CHECK(write(peer, "ab", 2) == 2);
  serve(context, 2);
  join_thread(stopper);
  release_objects();
  ax_context_free(context);
  CHECK(ran <= 3);
  check_nothing_is_kept();
}

SCENARIO(free_before_objects, "objects may be released after their context") {
  open_objects();
  initiate_pending();
  ax_context_free(context);
  CHECK(kept == 0);
  release_objects();
  CHECK(ran == 0);
  check_nothing_is_kept();
}

SCENARIO(free_closes, "the peer of a stream sees its end with its context") {
  open_objects();
  initiate_pending();
  pthread_t stopper = start_thread(stop, NULL);
  serve(context, 1);
  join_thread(stopper);
  ax_context_free(context);
  CHECK(recv(peer, bytes, 1, MSG_DONTWAIT) == 0);
  release_objects();
  check_nothing_is_kept();
}

/* ---------------------------------------------- what is dropped calls back */

static void talkative_destroy(void *object) {
  ax_post(context, ax_call(on_ran, NULL));
  ax_post(strand, ax_call(on_ran, NULL));
  ax_timer_cancel(timer);
  ax_timer_wait(timer, ax_call(on_ran, NULL));
  ax_stream_close(stream);
  kept_destroy(object);
}

SCENARIO(free_calls_back,
         "what is destroyed with a context may call its functions") {
  void *keep;
  open_objects();
  ax_timer_wait(timer, keeping(&keep));
  ((ax_obj *)keep)->destroy = talkative_destroy;
  ax_unref(keep);
  ax_context_free(context);
  release_objects();
  CHECK(ran == 0);
  check_nothing_is_kept();
}

static void *post_one(void *executor) {
  void *keep;
  ax_post(executor, keeping(&keep));
  ax_unref(keep);
  return NULL;
}

SCENARIO(free_before_nested,
         "what is posted to a strand over a strand is dropped when their "
         "context is gone") {
  context = ax_context_new();
  strand = ax_strand_new(context);
  ax_strand *upper = ax_strand_new(strand);
  pthread_t thread = start_thread(post_one, upper);
  ax_context_free(context);
  join_thread(thread);
  post_one(upper);
  ax_unref(upper);
  ax_unref(strand);
  CHECK(ran == 0);
  check_nothing_is_kept();
}

static void posting_destroy(void *object) {
  ax_post(strand, ax_call(on_ran, NULL));
  kept_destroy(object);
}

static void *free_it(void *arg) {
  ax_context_free(context);
  return NULL;
}

SCENARIO(free_calls_back_strand,
         "what a strand drops with its context may post to the strand") {
  void *keep;
  context = ax_context_new();
  strand = ax_strand_new(context);
  ax_post(strand, keeping(&keep));
  ((ax_obj *)keep)->destroy = posting_destroy;
  ax_unref(keep);
  join_thread(start_thread(free_it, NULL));
  ax_unref(strand);
  CHECK(ran == 0);
  check_nothing_is_kept();
}

/* ------------------------------------------------- freed by its butlers */

static atomic_int inside = 2;

/* The last one to return frees the context at once. */
static void *serve_and_free(void *arg) {
  ax_run(context);
  if (atomic_fetch_sub(&inside, 1) == 1)
    ax_context_free(context);
  return NULL;
}

SCENARIO(free_by_the_last,
         "the last butler to return may free the context at once") {
  context = ax_context_new();
  timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(0.2));
  ax_timer_wait(timer, ax_call(on_ran, NULL));
  ax_unref(timer);
  ax_post(context, ax_call(on_ran, NULL));
  pthread_t other = start_thread(serve_and_free, NULL);
  serve_and_free(NULL);
  join_thread(other);
  CHECK(ran == 2);
  check_nothing_is_kept();
}
