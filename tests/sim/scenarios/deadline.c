/* An operation against its timer, as a program races them: both are pending on
 * one strand, the first handler cancels the other operation, and that may be
 * too late. Then both get 0, and a flag decides. */
#include "scenario.h"

#include <unistd.h>

static ax_context *context;
static ax_strand *strand;
static ax_stream *stream;
static ax_timer *timer;
static char bytes[4];

static ax_token in_strand(ax_token token) { return ax_on(strand, token); }

static int open_race(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
  stream = ax_stream_new(context);
  timer = ax_timer_new(context);
  return connect_end(stream);
}

static void close_race(int peer) {
  close(peer);
  ax_unref(timer);
  ax_unref(stream);
  ax_unref(strand);
  end(context);
}

/* --------------------------------------------------------------- the flag */

static bool decided; /* on the strand, like the counts */
static int handlers, wins;

/* A flag that is taken away: `if (err)` in the place of this. */
static bool too_late(int err) {
  CHECK(ax_inside(strand));
  CHECK(err == 0 || err == UV_ECANCELED);
  handlers++;
  bool late = decided;
  decided = true;
  return late;
}

static void on_read(void *arg, int err, size_t n) {
  if (too_late(err))
    return;
  CHECK(err == 0 && n == 1);
  wins++;
  ax_timer_cancel(timer);
}

static void on_time(void *arg, int err, size_t n) {
  if (too_late(err))
    return;
  CHECK(err == 0);
  wins++;
  ax_stream_cancel(stream);
}

/* On the strand: on_read may run before the timer has been set. */
static void on_start(void *arg, int err, size_t n) {
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(bytes)),
                      in_strand(ax_call(on_read, NULL)));
  ax_timer_expires_after(timer, AX_MS(0.2));
  ax_timer_wait(timer, in_strand(ax_call(on_time, NULL)));
}

static void *say_a_word(void *peer) {
  sleep_for(AX_MS(0.2));
  CHECK(write(number_of(peer), "x", 1) == 1);
  return NULL;
}

SCENARIO(deadline_flag, "an operation and its timer may both get 0, and one of "
                        "them has won") {
  int peer = open_race();
  ax_post(strand, ax_call(on_start, NULL));
  pthread_t thread = start_thread(say_a_word, as_arg(peer));
  serve(context, some(1, 3));
  join_thread(thread);
  CHECK(handlers == 2);
  CHECK(wins == 1);
  close_race(peer);
}

/* ------------------------------------------------- a deadline that moves */

enum { WORDS = 3 };
static const ax_time LIMIT = AX_MS(0.3);

static ax_time deadline; /* on the strand, as all that follows */
static bool over;
static int words, alarms;

static void read_word(void);
static void watch(void);

/* The alarm's handler may be on its way with 0. */
static void end_session(void) {
  CHECK(!over);
  over = true;
  ax_timer_cancel(timer);
  ax_stream_close(stream);
}

static void on_word(void *arg, int err, size_t n) {
  CHECK(ax_inside(strand));
  if (over)
    return;
  if (err) {
    CHECK(err == UV_EOF);
    end_session();
    return;
  }
  words += (int)n;
  read_word();
}

static void read_word(void) {
  deadline = ax_now() + LIMIT;
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(bytes)),
                      in_strand(ax_call(on_word, NULL)));
}

/* It is the only one, however often the deadline has moved. */
static void on_alarm(void *arg, int err, size_t n) {
  CHECK(ax_inside(strand));
  CHECK(--alarms == 0);
  if (err || over)
    return;
  if (ax_now() < deadline)
    watch();
  else
    end_session();
}

static void watch(void) {
  alarms++;
  CHECK(ax_timer_expires_at(timer, deadline) == 0);
  ax_timer_wait(timer, in_strand(ax_call(on_alarm, NULL)));
}

static void on_session(void *arg, int err, size_t n) {
  read_word();
  watch();
}

/* The server may have closed. */
static void *say_words(void *peer) {
  for (int i = 0; i < WORDS; i++) {
    sleep_for(AX_MS(0.2));
    (void)!write(number_of(peer), "x", 1);
  }
  sleep_for(AX_MS(0.3));
  CHECK(close(number_of(peer)) == 0);
  return NULL;
}

SCENARIO(deadline_moves, "a session that moves its deadline ends once, by its "
                         "client or by its alarm") {
  int peer = open_race();
  ax_post(strand, ax_call(on_session, NULL));
  pthread_t thread = start_thread(say_words, as_arg(peer));
  serve(context, some(1, 3));
  join_thread(thread);
  CHECK(over && alarms == 0 && words <= WORDS);
  close_race(-1);
}
