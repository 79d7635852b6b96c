/* References: whoever gives the last one back destroys the object, once.
 *
 * Threads give back what they hold while butlers run the handlers whose
 * operations hold it, too. A session counts its own ends; the simulator sees
 * memory that is used after it was freed, and end() what was never freed. */
#include "scenario.h"

#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_timer *timer;
static ax_stream *stream;
static int peer;
static char byte[1];
static atomic_int ran, destroyed;

/* An object of the user, which tokens keep. It holds an object of the core. */
struct session {
  ax_obj obj;
  ax_stream *stream;
  atomic_int alive;
};

static void session_destroy(void *object) {
  struct session *session = object;
  CHECK(atomic_fetch_sub(&session->alive, 1) == 1);
  ax_unref(session->stream);
  free(session);
  destroyed++;
}

static struct session *session_new(void) {
  struct session *session = calloc(1, sizeof *session);
  CHECK(session);
  ax_obj_init(&session->obj, session_destroy);
  session->alive = 1;
  session->stream = ax_stream_new(context);
  return session;
}

static void on_session(void *arg, int err, size_t n) {
  struct session *session = arg;
  CHECK(session->alive == 1);
  CHECK(destroyed == 0);
  ran++;
}

static ax_token kept_by(struct session *session) {
  return ax_keep(session, ax_call(on_session, session));
}

static void *release(void *object) {
  ax_unref(object);
  return NULL;
}

/* Two threads give back what they hold while butlers serve. */
static void release_beside(void *one, void *other, int butlers) {
  pthread_t threads[] = {start_thread(release, one),
                         start_thread(release, other)};
  serve(context, butlers);
  for (int i = 0; i < 2; i++)
    join_thread(threads[i]);
}

/* --------------------------------------------------------------- keeps */

SCENARIO(refs_keep, "what several tokens keep is destroyed once, after all of "
                    "their handlers") {
  context = ax_context_new();
  strand = ax_strand_new(context);
  struct session *session = session_new();
  for (int i = 0; i < 4; i++)
    ax_post(i % 2 ? strand : context, kept_by(session));
  release_beside(session, strand, 2);
  CHECK(ran == 4 && destroyed == 1);
  end(context);
}

/* Begins another operation that keeps the same session, three times. */
static void on_again(void *arg, int err, size_t n) {
  on_session(arg, err, n);
  if (ran < 4)
    ax_post(context, ax_keep(arg, ax_call(on_again, arg)));
}

SCENARIO(refs_chain, "what a chain of handlers keeps is destroyed after the "
                     "last one") {
  context = ax_context_new();
  strand = ax_strand_new(context);
  struct session *session = session_new();
  ax_post(strand, ax_keep(session, ax_call(on_again, session)));
  release_beside(session, strand, 2);
  CHECK(ran == 4 && destroyed == 1);
  end(context);
}

/* ------------------------------------------------------------- objects */

SCENARIO(refs_objects, "a timer and a stream that threads release live until "
                       "their handlers have run") {
  context = ax_context_new();
  struct session *session = session_new();
  timer = ax_timer_new(context);
  stream = ax_stream_new(context);
  peer = connect_end(stream);
  ax_timer_expires_after(timer, AX_MS(0.1));
  ax_timer_wait(timer, kept_by(session));
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), kept_by(session));
  CHECK(write(peer, "x", 1) == 1);
  ax_unref(session);
  release_beside(timer, stream, 2);
  CHECK(ran == 2 && destroyed == 1);
  close(peer);
  end(context);
}

/* The peer sees the end of the stream when the stream has gone. */
static void *read_to_the_end(void *arg) {
  char bytes[4];
  CHECK(read(peer, bytes, sizeof bytes) == 0);
  return NULL;
}

static void on_gone(void *arg, int err, size_t n) {
  CHECK(err == 0 && n == 1);
  ran++;
}

SCENARIO(refs_last_operation,
         "the last operation on a released stream closes it") {
  context = ax_context_new();
  stream = ax_stream_new(context);
  peer = connect_end(stream);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_gone, NULL));
  CHECK(write(peer, "x", 1) == 1);
  pthread_t reader = start_thread(read_to_the_end, NULL);
  release_beside(stream, NULL, 2);
  join_thread(reader);
  CHECK(ran == 1);
  close(peer);
  end(context);
}

/* The strand holds the one below it, and both hold the context. */
SCENARIO(refs_strands, "strands that threads release live until their handlers "
                       "have run") {
  context = ax_context_new();
  strand = ax_strand_new(context);
  ax_strand *inner = ax_strand_new(strand);
  struct session *session = session_new();
  for (int i = 0; i < 4; i++)
    ax_post(i % 2 ? inner : strand, kept_by(session));
  ax_unref(session);
  release_beside(inner, strand, 2);
  CHECK(ran == 4 && destroyed == 1);
  end(context);
}

/* --------------------------------------- objects that nobody waits for */

/* Makes and releases beside a butler, who has the loop. */
static void *make_and_release(void *arg) {
  for (int i = 0; i < 3; i++) {
    ax_stream *s = ax_stream_new(context);
    close(connect_end(s));
    ax_timer *t = ax_timer_new(context);
    ax_timer_expires_after(t, 0);
    ax_unref(s);
    ax_unref(t);
  }
  ax_work_end(context);
  return NULL;
}

SCENARIO(refs_in_passing, "objects that are made and released beside a butler "
                          "who sleeps leave nothing") {
  pthread_t threads[2];
  context = ax_context_new();
  for (int i = 0; i < 2; i++) {
    ax_work_begin(context);
    threads[i] = start_thread(make_and_release, NULL);
  }
  serve(context, 1);
  for (int i = 0; i < 2; i++)
    join_thread(threads[i]);
  end(context);
}

/* -------------------------------------------- used by the last who has it */

/* The operation's reference to the timer is the last one, and still there. */
static void on_last_timer(void *arg, int err, size_t n) {
  ax_timer_expires_after(arg, AX_MS(0.1));
  if (++ran < 4)
    ax_timer_wait(arg, ax_call(on_last_timer, arg));
}

SCENARIO(refs_used,
         "a handler may use its object though nobody else holds it") {
  context = ax_context_new();
  timer = ax_timer_new(context);
  ax_timer_wait(timer, ax_call(on_last_timer, timer));
  ax_unref(timer);
  serve(context, some(1, 2));
  CHECK(ran == 4);
  end(context);
}
