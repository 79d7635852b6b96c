/* Strands as the guard of data: plain memory that several handlers change.
 *
 * The ledger has two accounts and a count of entries, which agree only between
 * two handlers. Each handler leaves the processor in the middle, so a handler
 * that overlaps it finds the accounts in disagreement. */
#include "scenario.h"

#include <sched.h>
#include <unistd.h>

static ax_context *context;
static ax_strand *strand;

static struct ledger {
  long debit, credit, entries;
} ledger; /* on the strand */

static void add_entry(void) {
  struct ledger before = ledger;
  CHECK(ax_inside(strand));
  CHECK(before.debit == before.entries && before.credit == before.entries);
  ledger.debit = before.debit + 1;
  sched_yield();
  ledger.credit = before.credit + 1;
  sched_yield();
  ledger.entries = before.entries + 1;
}

/* On the strand. */
static void on_entry(void *arg, int err, size_t n) {
  CHECK(err == 0);
  add_entry();
}

static void open_strand(void) {
  context = ax_context_new();
  strand = ax_strand_new(context);
}

static void close_strand(void) {
  ax_unref(strand);
  end(context);
}

enum { ENTRIES = 5 };

static void *post_entries(void *arg) {
  for (int i = 0; i < ENTRIES; i++)
    ax_post(strand, ax_call(on_entry, NULL));
  return NULL;
}

SCENARIO(strand_ledger, "memory that only handlers of a strand touch is right "
                        "after each of them") {
  open_strand();
  pthread_t poster = start_thread(post_entries, NULL);
  post_entries(NULL);
  serve(context, 3);
  join_thread(poster);
  serve(context, 2);
  CHECK(ledger.entries == 2 * ENTRIES);
  close_strand();
}

/* ------------------------------------------------ handlers of all kinds */

static ax_timer *timer;
static ax_stream *stream;
static char byte[1];

static void *complete(void *op) {
  ax_complete(op, 0, 0);
  return NULL;
}

static void *post_one(void *arg) {
  ax_post(strand, ax_call(on_entry, NULL));
  return NULL;
}

static int do_nothing(void *arg) { return 0; }

/* Each completes on the strand, and only the stream is the strand's own. */
static void initiate_all_kinds(void) {
  timer = ax_timer_new(context);
  stream = ax_stream_new(strand);
  int peer = connect_end(stream);
  ax_timer_expires_after(timer, AX_MS(0.1));
  ax_timer_wait(timer, ax_on(strand, ax_call(on_entry, NULL)));
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)), ax_call(on_entry, NULL));
  CHECK(write(peer, "x", 1) == 1);
  close(peer);
  ax_stream_write(stream, AX_CSEQ(ax_cbuffer(NULL, 0)),
                  ax_call(on_entry, NULL));
  ax_run_on(context, do_nothing, NULL, ax_on(strand, ax_call(on_entry, NULL)));
}

SCENARIO(strand_all_kinds,
         "handlers of all kinds of operations do not overlap on a strand") {
  open_strand();
  initiate_all_kinds();
  ax_op *op = ax_initiate(strand, ax_call(on_entry, NULL));
  pthread_t completer = start_thread(complete, op);
  pthread_t poster = start_thread(post_one, NULL);
  serve(context, 2);
  join_thread(completer);
  join_thread(poster);
  serve(context, 2);
  CHECK(ledger.entries == 6);
  ax_unref(timer);
  ax_unref(stream);
  close_strand();
}

/* ---------------------------------------------------------------- stop */

static int next_number; /* on the strand */

/* On the strand; number 2 stops in the middle of a turn. */
static void on_number(void *arg, int err, size_t n) {
  int number = number_of(arg);
  CHECK(number == next_number++);
  if (number == 2)
    ax_stop(context);
}

static void post_numbers(int first, int count) {
  for (int i = first; i < first + count; i++)
    ax_post(strand, ax_call(on_number, as_arg(i)));
}

SCENARIO(strand_stop,
         "stop leaves the handlers of a strand in order for the next run") {
  open_strand();
  post_numbers(0, 5);
  serve(context, 2);
  CHECK(next_number == 3);
  post_numbers(5, 2);
  ax_restart(context);
  serve(context, 2);
  CHECK(next_number == 7);
  close_strand();
}

/* On the strand, before the handlers 1 and 2: what it posts comes after them.
 */
static void on_post_and_stop(void *arg, int err, size_t n) {
  next_number = 11;
  post_numbers(13, 1);
  ax_stop(context);
}

SCENARIO(strand_stop_and_post,
         "what a handler posts before a stop comes after what waited") {
  open_strand();
  ax_post(strand, ax_call(on_post_and_stop, NULL));
  post_numbers(11, 2);
  serve(context, 2);
  ax_restart(context);
  serve(context, 2);
  CHECK(next_number == 14);
  close_strand();
}

static void *stop(void *arg) {
  ax_stop(context);
  return NULL;
}

SCENARIO(strand_stop_outside, "stop from outside leaves the handlers of a "
                              "strand in order, wherever it comes") {
  open_strand();
  next_number = 10;
  post_numbers(10, 6);
  pthread_t stopper = start_thread(stop, NULL);
  serve(context, 2);
  join_thread(stopper);
  post_numbers(16, 2);
  ax_restart(context);
  serve(context, 2);
  CHECK(next_number == 18);
  close_strand();
}

/* ------------------------------------------------------------ dispatch */

static _Thread_local bool dispatching;
static atomic_int dispatched;

/* On the strand, where dispatch runs it at once. */
static void on_inner(void *arg, int err, size_t n) {
  CHECK(dispatching && ax_inside(strand));
  dispatched++;
}

static void on_outer(void *arg, int err, size_t n) {
  int before = dispatched;
  dispatching = true;
  ax_dispatch(strand, ax_call(on_inner, NULL));
  dispatching = false;
  CHECK(dispatched == before + 1);
}

SCENARIO(strand_dispatch_inside,
         "dispatch on the strand runs the handler at once") {
  open_strand();
  for (int i = 0; i < 3; i++)
    ax_post(strand, ax_call(on_outer, NULL));
  serve(context, 2);
  CHECK(dispatched == 3);
  close_strand();
}

/* On the strand, but never inside a call of ax_dispatch. */
static void on_posted(void *arg, int err, size_t n) {
  CHECK(!dispatching && ax_inside(strand) && ax_butler() != 0);
  CHECK(number_of(arg) == dispatched++);
}

static void *dispatch_three(void *arg) {
  dispatching = true;
  for (int i = 0; i < 3; i++)
    ax_dispatch(strand, ax_call(on_posted, as_arg(i)));
  dispatching = false;
  return NULL;
}

/* On the context, beside the strand. */
static void on_dispatch(void *arg, int err, size_t n) { dispatch_three(arg); }

SCENARIO(strand_dispatch_outside, "dispatch from a thread that is no butler "
                                  "posts to the strand, in order") {
  open_strand();
  ax_work_begin(context);
  pthread_t butler = start_butler(context);
  dispatch_three(NULL);
  ax_work_end(context);
  join_thread(butler);
  CHECK(dispatched == 3);
  close_strand();
}

SCENARIO(strand_dispatch_beside,
         "dispatch from another handler posts to the strand, in order") {
  open_strand();
  ax_post(context, ax_call(on_dispatch, NULL));
  serve(context, 2);
  CHECK(dispatched == 3);
  close_strand();
}

/* ---------------------------------------------------------- starvation */

static bool other_ran; /* one butler only */

static void on_other(void *arg, int err, size_t n) { other_ran = true; }

static void on_again(void *arg, int err, size_t n) {
  if (!other_ran)
    ax_post(strand, ax_call(on_again, NULL));
}

SCENARIO(strand_feeds_itself,
         "a strand that feeds itself lets another handler run") {
  open_strand();
  ax_post(strand, ax_call(on_again, NULL));
  ax_post(context, ax_call(on_other, NULL));
  serve(context, 1);
  CHECK(other_ran);
  close_strand();
}
