/* Strands: handlers that never overlap and keep their order, law 8. */
#include "support.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PRODUCERS = 4, POSTS = 4000, STRANDS = 3 };

/* Plain variables, guarded by a strand alone: ThreadSanitizer sees when it
 * does not. `busy` sees it also where that does not look. */
struct guarded {
  ax_executor *strand;
  long count;
  int busy;
  long overlaps;
  long disorder;
  long next[PRODUCERS]; /* what each producer's next number has to be */
};

struct parcel {
  struct guarded *guarded;
  int producer;
  long number;
};

static void enter(struct guarded *guarded) {
  guarded->overlaps += guarded->busy++ != 0;
  guarded->count++;
}

static void leave(struct guarded *guarded) {
  guarded->overlaps += --guarded->busy != 0;
}

static void on_parcel(void *arg, int err, size_t n) {
  struct parcel *parcel = arg;
  struct guarded *guarded = parcel->guarded;
  enter(guarded);
  guarded->disorder += !ax_inside(guarded->strand);
  guarded->disorder += parcel->number != guarded->next[parcel->producer]++;
  leave(guarded);
  free(parcel);
}

static void send_parcel(struct guarded *guarded, int producer, long number) {
  struct parcel *parcel = malloc(sizeof *parcel);
  if (!parcel)
    give_up("out of memory");
  *parcel = (struct parcel){guarded, producer, number};
  ax_post(guarded->strand, ax_call(on_parcel, parcel));
}

struct producer {
  struct guarded *guarded; /* STRANDS of them */
  int number;
};

static void *produce(void *arg) {
  struct producer *producer = arg;
  for (long i = 0; i < POSTS; i++)
    for (int s = 0; s < STRANDS; s++)
      send_parcel(&producer->guarded[s], producer->number, i);
  return NULL;
}

/* Many threads post to several strands while butlers serve them. */
static void try_order(ax_context *context, struct guarded guarded[STRANDS],
                      size_t butler_count) {
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, butler_count);
  for (int i = 0; i < PRODUCERS; i++) {
    producers[i] = (struct producer){guarded, i};
    threads[i] = thread_start(produce, &producers[i]);
  }
  for (int i = 0; i < PRODUCERS; i++)
    thread_join(threads[i]);
  ax_work_end(context);
  assert_int_equal(butlers_join(butlers), PRODUCERS * POSTS * STRANDS);
  for (int s = 0; s < STRANDS; s++) {
    assert_int_equal(guarded[s].count, PRODUCERS * POSTS);
    assert_int_equal(guarded[s].overlaps, 0);
    assert_int_equal(guarded[s].disorder, 0);
  }
}

static void
handlers_of_one_strand_never_overlap_and_keep_their_order(void **state) {
  for (size_t butlers = 1; butlers <= 3; butlers++) {
    struct guarded guarded[STRANDS] = {0};
    ax_context *context = ax_context_new();
    for (int s = 0; s < STRANDS; s++)
      guarded[s].strand = ax_strand_new(context);
    try_order(context, guarded, butlers);
    for (int s = 0; s < STRANDS; s++)
      ax_unref(guarded[s].strand);
    ax_context_free(context);
  }
}

static void a_strand_over_a_strand_keeps_the_order_as_well(void **state) {
  struct guarded guarded[STRANDS] = {0};
  ax_context *context = ax_context_new();
  ax_strand *below = ax_strand_new(context);
  guarded[0].strand = ax_strand_new(below);
  guarded[1].strand = ax_strand_new(guarded[0].strand);
  guarded[2].strand = ax_strand_new(context);
  try_order(context, guarded, 2);
  for (int s = 0; s < STRANDS; s++)
    ax_unref(guarded[s].strand);
  ax_unref(below);
  ax_context_free(context);
}

/* ----------------------------------------------------------------- nesting */

static void on_guarded(void *arg, int err, size_t n) {
  struct guarded *guarded = arg;
  enter(guarded);
  leave(guarded);
}

/* All on the strand below, so one guard serves for all three. */
static void strands_over_one_strand_never_overlap_each_other(void **state) {
  struct guarded guarded = {0};
  ax_context *context = ax_context_new();
  ax_strand *below = ax_strand_new(context);
  ax_strand *one = ax_strand_new(below), *two = ax_strand_new(below);
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 3);
  for (int i = 0; i < 3000; i++) {
    ax_post(one, ax_call(on_guarded, &guarded));
    ax_post(two, ax_call(on_guarded, &guarded));
    ax_post(below, ax_call(on_guarded, &guarded));
  }
  ax_work_end(context);
  assert_int_equal(butlers_join(butlers), 9000);
  assert_int_equal(guarded.overlaps, 0);
  assert_int_equal(guarded.count, 9000);
  ax_unref(one);
  ax_unref(two);
  ax_unref(below);
  ax_context_free(context);
}

struct place {
  ax_executor *strand, *below, *other, *context;
  bool in_strand, in_below, in_other, in_context;
};

static void on_place(void *arg, int err, size_t n) {
  struct place *place = arg;
  place->in_strand = ax_inside(place->strand);
  place->in_below = ax_inside(place->below);
  place->in_other = ax_inside(place->other);
  place->in_context = ax_inside(place->context);
}

static void a_handler_is_inside_its_strand_and_all_below(void **state) {
  ax_context *context = ax_context_new();
  struct place place = {.context = context};
  place.below = ax_strand_new(context);
  place.strand = ax_strand_new(place.below);
  place.other = ax_strand_new(place.below);
  assert_false(ax_inside(place.strand));
  ax_post(place.strand, ax_call(on_place, &place));
  ax_run(context);
  assert_true(place.in_strand && place.in_below && place.in_context);
  assert_false(place.in_other);
  ax_post(place.below, ax_call(on_place, &place));
  ax_run(context);
  assert_true(!place.in_strand && place.in_below && place.in_context);
  ax_post(context, ax_call(on_place, &place));
  ax_run(context);
  assert_true(!place.in_strand && !place.in_below && place.in_context);
  ax_unref(place.strand);
  ax_unref(place.other);
  ax_unref(place.below);
  ax_context_free(context);
}

/* ---------------------------------------------------------------- dispatch */

struct call {
  ax_executor *to;
  struct seen seen;
  bool done_inside;
};

static void on_dispatch(void *arg, int err, size_t n) {
  struct call *call = arg;
  INITIATE(ax_dispatch(call->to, ax_call(on_seen, &call->seen)));
  call->done_inside = atomic_load(&call->seen.calls) == 1;
}

/* From a handler of `from` to `to`: true when it ran within the call. */
static bool dispatch_is_a_call(ax_executor *from, ax_executor *to) {
  struct call call = {.to = to, .seen.where = to};
  ax_post(from, ax_call(on_dispatch, &call));
  ax_run(from);
  assert_int_equal(call.seen.calls, 1);
  assert_true(call.seen.inside);
  return call.done_inside;
}

static void dispatch_runs_at_once_only_when_inside(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *below = ax_strand_new(context);
  ax_strand *strand = ax_strand_new(below), *other = ax_strand_new(context);
  assert_true(dispatch_is_a_call(strand, strand));
  assert_true(dispatch_is_a_call(strand, below));
  assert_true(dispatch_is_a_call(strand, context));
  assert_false(dispatch_is_a_call(strand, other));
  assert_false(dispatch_is_a_call(below, strand));
  assert_false(dispatch_is_a_call(context, strand));
  ax_unref(strand);
  ax_unref(other);
  ax_unref(below);
  ax_context_free(context);
}

static void on_dispatch_and_post(void *arg, int err, size_t n) {
  struct seen *seen = arg;
  ax_strand *strand = seen[0].where;
  ax_post(strand, ax_call(on_seen, &seen[0]));
  ax_dispatch(strand, ax_call(on_seen, &seen[1]));
  ax_post(strand, ax_call(on_seen, &seen[2]));
}

static void dispatch_goes_before_what_was_posted(void **state) {
  struct seen seen[3] = {0};
  ax_context *context = ax_context_new();
  seen[0].where = ax_strand_new(context);
  ax_post(seen[0].where, ax_call(on_dispatch_and_post, seen));
  ax_run(context);
  assert_true(seen[1].turn < seen[0].turn && seen[0].turn < seen[2].turn);
  ax_unref(seen[0].where);
  ax_context_free(context);
}

/* -------------------------------------------------------------- fair shares */

struct endless {
  ax_executor *executor;
  atomic_bool over;
};

static void on_endless(void *arg, int err, size_t n) {
  struct endless *endless = arg;
  if (!atomic_load(&endless->over))
    ax_post(endless->executor, ax_call(on_endless, endless));
}

static void on_over(void *arg, int err, size_t n) {
  atomic_store(&((struct endless *)arg)->over, true);
}

/* One butler, and a strand that never runs dry: `begin` starts what has to
 * run all the same. */
static void try_endless(void (*begin)(ax_context *, struct endless *)) {
  ax_context *context = ax_context_new();
  struct endless endless = {.executor = ax_strand_new(context)};
  for (int i = 0; i < 3; i++)
    ax_post(endless.executor, ax_call(on_endless, &endless));
  begin(context, &endless);
  ax_run(context);
  assert_true(endless.over);
  ax_unref(endless.executor);
  ax_context_free(context);
}

static void by_post(ax_context *context, struct endless *endless) {
  ax_post(context, ax_call(on_over, endless));
}

static void by_strand(ax_context *context, struct endless *endless) {
  ax_strand *strand = ax_strand_new(context);
  ax_post(strand, ax_call(on_over, endless));
  ax_unref(strand);
}

static void by_strand_above(ax_context *context, struct endless *endless) {
  ax_strand *strand = ax_strand_new(endless->executor);
  ax_post(strand, ax_call(on_over, endless));
  ax_unref(strand);
}

static void by_timer(ax_context *context, struct endless *endless) {
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(3));
  ax_timer_wait(timer, ax_call(on_over, endless));
  ax_unref(timer);
}

static void by_read(ax_context *context, struct endless *endless) {
  static char byte;
  int ends[2];
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  ax_stream_read(stream, AX_SEQ(ax_buffer(&byte, 1)),
                 ax_call(on_over, endless));
  client_send(ends[1], "a", 1);
  close(ends[0]);
  close(ends[1]);
  ax_unref(stream);
}

static void a_strand_that_feeds_itself_starves_nobody(void **state) {
  try_endless(by_post);
  try_endless(by_strand);
  try_endless(by_strand_above);
  try_endless(by_timer);
  try_endless(by_read);
}

struct long_queue {
  long ran, ran_when_seen;
};

static void on_long(void *arg, int err, size_t n) {
  ((struct long_queue *)arg)->ran++;
}

/* One more handler of the strand behind each: the queue gets no shorter. */
static void on_long_and_more(void *arg, int err, size_t n) {
  void **args = arg;
  struct long_queue *queue = args[0];
  if (queue->ran++ < 100000)
    ax_post(args[1], ax_call(on_long_and_more, args));
}

static void on_look(void *arg, int err, size_t n) {
  struct long_queue *queue = arg;
  queue->ran_when_seen = queue->ran;
}

/* A turn ends with what was waiting when it began. */
static void a_turn_ends_though_the_strand_goes_on(void **state) {
  struct long_queue queue = {0};
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  void *args[] = {&queue, strand};
  for (int i = 0; i < 10; i++)
    ax_post(strand, ax_call(on_long_and_more, args));
  ax_post(context, ax_call(on_look, &queue));
  ax_run(context);
  assert_in_range(queue.ran_when_seen, 1, 1000);
  ax_unref(strand);
  ax_context_free(context);
}

/* --------------------------------------------------------------- the rest */

static void a_strand_is_held_by_what_waits_on_it(void **state) {
  struct long_queue queue = {0};
  ax_context *context = ax_context_new();
  size_t before = ax_live().objects;
  ax_strand *below = ax_strand_new(context);
  ax_strand *strand = ax_strand_new(below);
  ax_unref(below);
  for (int i = 0; i < 10; i++)
    ax_post(strand, ax_call(on_long, &queue));
  ax_unref(strand);
  ax_run(context);
  assert_int_equal(queue.ran, 10);
  assert_int_equal(ax_live().objects, before);
  ax_context_free(context);
}

/* Two operations hold a strand, nobody else does, and two threads complete
 * them at once: the strand may be gone before both calls have returned. */
struct pair {
  ax_op *ops[2];
  atomic_int round, done;
};

enum { PAIRS = 20000, NO_MORE = PAIRS + 1 };

static void *complete_second(void *arg) {
  struct pair *pair = arg;
  for (int round = 1;; round++) {
    while (atomic_load(&pair->round) < round)
      continue;
    if (atomic_load(&pair->round) == NO_MORE)
      return NULL;
    ax_complete(pair->ops[1], 0, 0);
    atomic_store(&pair->done, round);
  }
}

static void on_one_of_two(void *arg, int err, size_t n) {
  int *count = arg;
  if (++*count == 2)
    free(count);
}

static void a_strand_goes_with_its_last_handler(void **state) {
  struct pair pair = {.round = 0};
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  pthread_t thread = thread_start(complete_second, &pair);
  double end = seconds() + 0.5;
  for (int round = 1; round <= PAIRS && seconds() < end; round++) {
    int *count = calloc(1, sizeof *count); /* guarded by the strand */
    ax_strand *strand = ax_strand_new(context);
    for (int i = 0; i < 2; i++)
      pair.ops[i] = ax_initiate(strand, ax_call(on_one_of_two, count));
    ax_unref(strand);
    atomic_store(&pair.round, round);
    ax_complete(pair.ops[0], 0, 0);
    while (atomic_load(&pair.done) < round)
      continue;
  }
  atomic_store(&pair.round, NO_MORE);
  thread_join(thread);
  ax_work_end(context);
  butlers_join(butlers);
  ax_context_free(context);
}

static void a_strand_with_nothing_to_do_is_no_work(void **state) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  assert_int_equal(ax_run(context), 0);
  ax_unref(strand);
  ax_context_free(context);
}

struct swap {
  ax_strand *strands[2];
  struct guarded guarded[2];
  int left[2];
};

/* In swap->strands[0] and [1] in turn. */
static void on_swap_one(void *arg, int err, size_t n);
static void on_swap_zero(void *arg, int err, size_t n) {
  struct swap *swap = arg;
  enter(&swap->guarded[0]);
  if (swap->left[0]-- > 0)
    ax_post(swap->strands[1], ax_call(on_swap_one, swap));
  leave(&swap->guarded[0]);
}
static void on_swap_one(void *arg, int err, size_t n) {
  struct swap *swap = arg;
  enter(&swap->guarded[1]);
  if (swap->left[1]-- > 0)
    ax_post(swap->strands[0], ax_call(on_swap_zero, swap));
  leave(&swap->guarded[1]);
}

static void two_strands_may_post_to_each_other(void **state) {
  struct swap swap = {.left = {5000, 5000}};
  ax_context *context = ax_context_new();
  for (int i = 0; i < 2; i++)
    swap.strands[i] = ax_strand_new(context);
  for (int i = 0; i < 8; i++)
    ax_post(swap.strands[i % 2],
            ax_call(i % 2 ? on_swap_one : on_swap_zero, &swap));
  butlers_join(butlers_start(context, 2));
  assert_true(swap.guarded[0].count >= 5000);
  assert_int_equal(swap.guarded[0].overlaps + swap.guarded[1].overlaps, 0);
  for (int i = 0; i < 2; i++)
    ax_unref(swap.strands[i]);
  ax_context_free(context);
}

/* Reads, timers and posts meet on one strand with two butlers. */
struct session {
  ax_strand *strand;
  ax_stream *stream;
  ax_timer *timer;
  struct guarded guarded;
  char bytes[7];
  size_t left;
  int ticks;
};

static void on_tick(void *arg, int err, size_t n) {
  struct session *session = arg;
  enter(&session->guarded);
  session->ticks++;
  if (session->left) {
    ax_timer_expires_after(session->timer, AX_MS(0.1));
    ax_timer_wait(session->timer,
                  ax_on(session->strand, ax_call(on_tick, session)));
  }
  leave(&session->guarded);
}

static void on_bytes(void *arg, int err, size_t n) {
  struct session *session = arg;
  enter(&session->guarded);
  session->left -= err ? session->left : n;
  if (session->left)
    ax_stream_read_some(session->stream, AX_SEQ(AX_BUF(session->bytes)),
                        ax_on(session->strand, ax_call(on_bytes, session)));
  leave(&session->guarded);
}

static void handlers_of_all_kinds_do_not_overlap_on_a_strand(void **state) {
  enum { BYTES = 20000 };
  struct session session = {.left = BYTES};
  int ends[2];
  ax_context *context = ax_context_new();
  session.strand = ax_strand_new(context);
  session.stream = ax_stream_new(context);
  session.timer = ax_timer_new(context);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(session.stream, ends[0]), 0);
  ax_post(session.strand, ax_call(on_bytes, &session));
  ax_post(session.strand, ax_call(on_tick, &session));
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 0; i < BYTES / 10; i++) {
    client_send(ends[1], "0123456789", 10);
    ax_post(session.strand, ax_call(on_guarded, &session.guarded));
  }
  butlers_join(butlers);
  assert_int_equal(session.left, 0);
  assert_int_equal(session.guarded.overlaps, 0);
  assert_true(session.guarded.count > BYTES / 10 + BYTES / 100);
  close(ends[0]);
  close(ends[1]);
  ax_unref(session.stream);
  ax_unref(session.timer);
  ax_unref(session.strand);
  ax_context_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(handlers_of_one_strand_never_overlap_and_keep_their_order),
      clean_test(a_strand_over_a_strand_keeps_the_order_as_well),
      clean_test(strands_over_one_strand_never_overlap_each_other),
      clean_test(a_handler_is_inside_its_strand_and_all_below),
      clean_test(dispatch_runs_at_once_only_when_inside),
      clean_test(dispatch_goes_before_what_was_posted),
      clean_test(a_strand_that_feeds_itself_starves_nobody),
      clean_test(a_turn_ends_though_the_strand_goes_on),
      clean_test(a_strand_is_held_by_what_waits_on_it),
      clean_test(a_strand_goes_with_its_last_handler),
      clean_test(a_strand_with_nothing_to_do_is_no_work),
      clean_test(two_strands_may_post_to_each_other),
      clean_test(handlers_of_all_kinds_do_not_overlap_on_a_strand),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
