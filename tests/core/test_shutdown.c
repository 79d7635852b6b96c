/* A context is freed with everything pending: no handler runs, nothing leaks.
 * Every operation by itself is in test_laws.c; here they come together. */
#include "pool.h"
#include "world.h"

#include <fcntl.h>

/* A session as programs have them: it owns its stream and timer, and pending
 * operations keep it alive. */
struct session {
  ax_obj obj;
  ax_strand *strand;
  ax_stream *stream;
  ax_timer *timer;
  ax_context *elsewhere; /* may be NULL */
  int *destroyed, *calls;
  char bytes[16];
};

static void destroy_session(void *object) {
  struct session *session = object;
  ++*session->destroyed;
  if (session->elsewhere)
    ax_post(session->elsewhere, ax_call(on_seen, NULL));
  ax_stream_close(session->stream);
  ax_timer_cancel(session->timer);
  ax_unref(session->stream);
  ax_unref(session->timer);
  ax_unref(session->strand);
  free(session);
}

static void on_session(void *arg, int err, size_t n) {
  struct session *session = arg;
  ++*session->calls;
}

/* Reads and waits, and then only those operations hold it. */
static void session_begin(ax_context *context, int fd, int *destroyed,
                          int *calls, ax_context *elsewhere) {
  struct session *session = calloc(1, sizeof *session);
  assert_non_null(session);
  ax_obj_init(&session->obj, destroy_session);
  session->destroyed = destroyed;
  session->calls = calls;
  session->elsewhere = elsewhere;
  session->strand = ax_strand_new(context);
  session->stream = ax_stream_new(session->strand);
  session->timer = ax_timer_new(session->strand);
  assert_int_equal(ax_stream_open_fd(session->stream, fd), 0);
  close(fd);
  ax_timer_expires_after(session->timer, AX_SECONDS(3600));
  ax_token token = ax_keep(session, ax_call(on_session, session));
  ax_stream_read(session->stream, AX_SEQ(AX_BUF(session->bytes)), token);
  ax_timer_wait(session->timer, token);
  ax_post(session->strand, token);
  ax_unref(session);
}

static void sessions_that_own_themselves_go_with_the_context(void **state) {
  enum { SESSIONS = 20 };
  for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
    int destroyed = 0, calls = 0, peers[SESSIONS];
    ax_context *context = ax_context_new();
    ax_context *other = elsewhere ? ax_context_new() : NULL;
    for (int i = 0; i < SESSIONS; i++) {
      int ends[2];
      assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
      peers[i] = ends[1];
      session_begin(context, ends[0], &destroyed, &calls, other);
    }
    ax_context_free(context);
    assert_int_equal(destroyed, SESSIONS);
    assert_int_equal(calls, 0);
    for (int i = 0; i < SESSIONS; i++) {
      client_expect_end(peers[i]);
      close(peers[i]);
    }
    ax_context_free(other);
  }
}

/* The same after some have run, and with butlers in between. */
static void sessions_go_with_a_context_that_was_stopped(void **state) {
  enum { SESSIONS = 20 };
  int destroyed = 0, calls = 0, peers[SESSIONS];
  ax_context *context = ax_context_new();
  for (int i = 0; i < SESSIONS; i++) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    peers[i] = ends[1];
    client_send_text(peers[i], "half a message"); /* of 16 bytes */
    session_begin(context, ends[0], &destroyed, &calls, NULL);
  }
  struct butlers *butlers = butlers_start(context, 1);
  for (double end = seconds() + 0.005; seconds() < end;)
    pause_before(deadline(), "some work");
  for (int i = 0; i < SESSIONS; i++)
    client_send_text(peers[i], "more of it");
  ax_stop(context);
  butlers_join(butlers);
  ax_context_free(context);
  assert_int_equal(destroyed, SESSIONS);
  for (int i = 0; i < SESSIONS; i++)
    close(peers[i]);
}

static void everything_may_be_pending_at_once(void **state) {
  for (int variant = 0; variant < 4; variant++) {
    struct seen seen = {0};
    ax_context *context = ax_context_new();
    struct world *worlds[COUNT(that_stay) + COUNT(that_end)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(that_stay); i++) {
      worlds[count] = world_on(context, variant & 1);
      that_stay[i].initiate(worlds[count++], ax_call(on_seen, &seen));
    }
    for (size_t i = 0; i < COUNT(that_end); i++) {
      worlds[count] = world_on(context, variant & 1);
      that_end[i].initiate(worlds[count++], ax_call(on_seen, &seen));
    }
    for (size_t i = 0; i < count && variant & 2; i++)
      world_release(worlds[i]);
    ax_context_free(context);
    assert_int_equal(seen.calls, 0);
    for (size_t i = 0; i < count; i++)
      world_free(worlds[i]);
  }
}

/* Ready handlers of strands over strands, some begun and then stopped. */
static void on_stop(void *arg, int err, size_t n) { ax_stop(arg); }

static void handlers_that_wait_on_strands_are_dropped(void **state) {
  for (int run = 0; run < 2; run++) {
    struct seen seen = {0};
    ax_context *context = ax_context_new();
    ax_strand *one = ax_strand_new(context), *two = ax_strand_new(one);
    ax_strand *three = ax_strand_new(two);
    if (run)
      ax_post(three, ax_call(on_stop, context));
    for (int i = 0; i < 10; i++) {
      ax_post(one, ax_call(on_seen, &seen));
      ax_post(two, ax_call(on_seen, &seen));
      ax_post(three, ax_call(on_seen, &seen));
    }
    if (run)
      ax_run(context);
    ax_unref(one);
    ax_unref(two);
    ax_unref(three);
    int before = seen.calls;
    ax_context_free(context);
    assert_int_equal(seen.calls, before);
    assert_true(before < 30);
  }
}

struct chain {
  ax_obj obj;
  ax_context *context;
  int *destroyed;
};

static void destroy_chain(void *object) {
  struct chain *chain = object;
  ++*chain->destroyed;
  free(chain);
}

/* What is dropped holds what holds what is dropped. */
static void objects_that_hold_one_another_are_all_destroyed(void **state) {
  int destroyed = 0;
  ax_context *context = ax_context_new();
  for (int i = 0; i < 100; i++) {
    struct chain *chain = calloc(1, sizeof *chain);
    assert_non_null(chain);
    ax_obj_init(&chain->obj, destroy_chain);
    chain->destroyed = &destroyed;
    ax_timer *timer = ax_timer_new(context);
    ax_timer_expires_after(timer, AX_SECONDS(i));
    ax_timer_wait(timer, ax_keep(chain, ax_call(on_seen, NULL)));
    ax_timer_wait(timer, ax_keep(timer, ax_call(on_seen, NULL)));
    ax_initiate(context, ax_keep(chain, ax_call(on_seen, NULL)));
    ax_unref(chain);
    ax_unref(timer);
  }
  ax_context_free(context);
  assert_int_equal(destroyed, 100);
}

/* Objects that somebody still holds may only be released then. */
static void objects_may_be_released_after_their_context(void **state) {
  for (int strand = 0; strand < 2; strand++) {
    struct world *world = world_new(strand);
    struct seen seen = {0};
    do_read_until_for_ever(world, ax_call(on_seen, &seen));
    do_wait_for_ever(world, ax_call(on_seen, &seen));
    do_accept_for_ever(world, ax_call(on_seen, &seen));
    do_signal_for_ever(world, ax_call(on_seen, &seen));
    ax_context_free(world->context);
    world->own = false;
    assert_int_equal(seen.calls, 0);
    world_free(world);
    assert_int_equal(seen.calls, 0);
  }
}

static void on_token_elsewhere(void *arg, int err, size_t n) { ++*(int *)arg; }

/* Pending on one context, with its handler on another: either may go first. */
static void handlers_on_other_contexts_are_dropped_too(void **state) {
  for (int other_first = 0; other_first < 2; other_first++)
    for (size_t i = 0; i < COUNT(that_stay); i++) {
      int calls = 0;
      struct world *world = world_new(false);
      ax_context *other = ax_context_new();
      ax_strand *strand = ax_strand_new(other);
      that_stay[i].initiate(world, ax_on(i % 2 ? strand : other,
                                         ax_call(on_token_elsewhere, &calls)));
      ax_unref(strand);
      if (other_first)
        ax_context_free(other);
      world_free(world);
      if (!other_first)
        ax_context_free(other);
      assert_int_equal(calls, 0);
    }
}

static void *free_it(void *context) {
  ax_context_free(context);
  return NULL;
}

static void a_context_may_be_freed_on_another_thread(void **state) {
  struct seen seen = {0};
  struct world *world = world_new(true);
  do_read_for_ever(world, ax_call(on_seen, &seen));
  do_wait_for_ever(world, ax_call(on_seen, &seen));
  do_post(world, ax_call(on_seen, &seen));
  thread_join(thread_start(free_it, world->context));
  world->own = false;
  world_free(world);
  assert_int_equal(seen.calls, 0);
}

static void no_context_may_be_freed(void **state) { ax_context_free(NULL); }

static void contexts_come_and_go(void **state) {
  for (int i = 0; i < 100; i++) {
    struct seen seen = {0};
    ax_context *context = ax_context_new();
    ax_post(context, ax_call(on_seen, &seen));
    if (i % 2)
      butlers_join(butlers_start(context, 3));
    ax_context_free(context);
  }
}

/* Ends the work of the contexts that it is handed. */
struct ender {
  _Atomic(ax_context *) context;
  void (*end)(ax_executor *executor);
  atomic_bool over;
};

static void *end_each(void *arg) {
  struct ender *ender = arg;
  while (!atomic_load(&ender->over)) {
    ax_context *context = atomic_exchange(&ender->context, NULL);
    if (context)
      ender->end(context);
  }
  return NULL;
}

/* On his round a butler needs no bell to look up. */
static void on_wait_for_stop(void *context, int err, size_t n) {
  while (!ax_stopped(context))
    continue;
}

static void free_each(void (*end_function)(ax_executor *executor)) {
  struct ender ender = {.end = end_function};
  pthread_t thread = thread_start(end_each, &ender);
  double end = seconds() + 0.2;
  for (int round = 0; round < 2000 && seconds() < end; round++) {
    ax_context *context = ax_context_new();
    ax_work_begin(context);
    if (end_function == ax_stop)
      ax_post(context, ax_call(on_wait_for_stop, context));
    atomic_store(&ender.context, context);
    ax_run(context);
    ax_context_free(context);
  }
  atomic_store(&ender.over, true);
  thread_join(thread);
}

/* Whoever lets the butlers go does not touch the context after that. */
static void a_context_may_be_freed_as_soon_as_run_has_returned(void **state) {
  free_each(ax_stop);
  free_each(ax_work_end);
}

/* The last reference to a stream is let go of on another context, which the
 * one of the stream knows nothing of. */
static void end_streams_elsewhere(ax_context *other) {
  enum { STREAMS = 16 };
  static char bytes[STREAMS];
  int peers[STREAMS];
  ax_context *context = ax_context_new();
  for (int i = 0; i < STREAMS; i++) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ax_stream *stream = ax_stream_new(context);
    assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
    close(ends[0]);
    peers[i] = ends[1];
    ax_stream_read_some(stream, AX_SEQ(ax_buffer(&bytes[i], 1)),
                        ax_on(other, (ax_token){0}));
    ax_unref(stream);
  }
  for (int i = 0; i < STREAMS; i++)
    close(peers[i]);
  ax_run(context);
  ax_context_free(context);
}

static void a_context_may_be_freed_while_its_streams_end_elsewhere(void **s) {
  ax_context *other = ax_context_new();
  ax_work_begin(other);
  struct butlers *butlers = butlers_start(other, 1);
  double end = seconds() + 0.5;
  for (int round = 0; round < 300 && seconds() < end; round++)
    end_streams_elsewhere(other);
  ax_work_end(other);
  butlers_join(butlers);
  ax_context_free(other);
}

/* What completes to a context that is gone is dropped, and may hold the last
 * reference to the stream whose events are just looked at. */
static void a_stream_may_go_with_what_is_dropped(void **state) {
  static char bytes[1 << 20];
  for (int reading = 0; reading < 2; reading++) {
    int ends[2];
    struct seen seen = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[0], "x", 1), 1); /* so that a close resets */
    ax_context *context = ax_context_new(), *other = ax_context_new();
    ax_stream *stream = ax_stream_new(context);
    assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
    close(ends[0]);
    ax_token token = ax_on(other, ax_call(on_seen, &seen));
    if (reading)
      ax_stream_read_some(stream, AX_SEQ(AX_BUF(bytes)), token);
    else
      ax_stream_write(stream, AX_CSEQ(AX_CBUF(bytes)), token);
    ax_unref(stream);
    ax_context_free(other);
    close(ends[1]);
    ax_run(context);
    ax_context_free(context);
    assert_int_equal(atomic_load(&seen.calls), 0);
  }
}

static int count_one(void *arg) {
  atomic_fetch_add((atomic_int *)arg, 1);
  return 0;
}

/* Work that was sent elsewhere comes home to a context that is freed. */
static void a_context_may_be_freed_while_its_work_ends_elsewhere(void **state) {
  ax_context *other = ax_context_new();
  ax_work_begin(other);
  struct butlers *butlers = butlers_start(other, 1);
  struct seen seen = {0};
  double end = seconds() + 0.5;
  for (int round = 0; round < 2000 && seconds() < end; round++) {
    ax_context *context = ax_context_new();
    atomic_int done = 0;
    for (int i = 0; i < 64; i++)
      ax_run_on(other, count_one, &done,
                ax_on(context, ax_call(on_seen, &seen)));
    while (atomic_load(&done) < round % 64)
      continue; /* not long: so that the rest ends at the same moment */
    ax_context_free(context);
    wait_until(atomic_load(&done) == 64);
  }
  ax_work_end(other);
  butlers_join(butlers);
  ax_context_free(other);
  assert_int_equal(atomic_load(&seen.calls), 0);
}

/* No handler runs, and what it held is gone. */
static void a_post_to_a_context_that_is_gone_is_dropped(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_timer *timer = ax_timer_new(strand);
  ax_context_free(context);
  size_t objects = ax_live().objects;
  ax_obj *held = malloc(sizeof *held);
  ax_obj_init(held, free);
  ax_post(strand, ax_keep(held, ax_call(on_seen, &seen)));
  ax_dispatch(strand, ax_keep(held, ax_call(on_seen, &seen)));
  ax_timer_wait(timer, ax_keep(held, ax_call(on_seen, &seen)));
  ax_unref(held);
  assert_int_equal(ax_live().objects, objects);
  assert_int_equal(ax_live().operations, 0);
  assert_int_equal(atomic_load(&seen.calls), 0);
  ax_unref(timer);
  ax_unref(strand);
}

/* Operations of `near` with handlers on `far` and on a strand of it, which
 * keeps the memory while `far` is freed. */
struct border {
  ax_context *near, *far;
  ax_strand *strand;
  ax_timer *timer;
  ax_stream *stream;
  void *kept;
  int peer, destroyed;
  char byte;
  struct seen seen, home;
};

static ax_token over_border(struct border *border, ax_executor *executor) {
  return ax_on(executor,
               ax_keep(border->kept, ax_call(on_seen, &border->seen)));
}

static void border_open(struct border *border) {
  struct chain *kept = calloc(1, sizeof *kept);
  *border = (struct border){ax_context_new(), ax_context_new(), .kept = kept};
  ax_obj_init(&kept->obj, destroy_chain);
  kept->destroyed = &border->destroyed;
  border->strand = ax_strand_new(border->far);
  border->timer = ax_timer_new(border->near);
  border->stream = ax_stream_new(border->near);
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(border->stream, ends[0]), 0);
  close(ends[0]);
  border->peer = ends[1];
  ax_timer_expires_after(border->timer, AX_SECONDS(3600));
  ax_timer_wait(border->timer, over_border(border, border->strand));
  ax_timer_wait(border->timer, over_border(border, border->far));
  ax_stream_read_some(border->stream, AX_SEQ(ax_buffer(&border->byte, 1)),
                      over_border(border, border->strand));
}

/* What pends still ends, and then nothing is left. */
static void border_close(struct border *border) {
  ax_timer_cancel(border->timer);
  ax_stream_close(border->stream);
  ax_run(border->near);
  ax_unref(border->kept);
  assert_int_equal(border->destroyed, 1);
  assert_int_equal(atomic_load(&border->seen.calls), 0);
  close(border->peer);
  ax_unref(border->stream);
  ax_unref(border->timer);
  ax_unref(border->strand);
  ax_context_free(border->near);
}

static void *cross_timer(void *arg) {
  struct border *border = arg;
  ax_timer_cancel(border->timer);
  ax_timer_wait(border->timer, over_border(border, border->strand));
  return NULL;
}

static void *cross_stream(void *arg) {
  struct border *border = arg;
  ax_stream_close(border->stream);
  return NULL;
}

static void *cross_post(void *arg) {
  struct border *border = arg;
  ax_post(border->strand, over_border(border, NULL));
  ax_dispatch(border->strand, over_border(border, border->strand));
  return NULL;
}

static int do_zero(void *arg) { return 0; }

static void *cross_run_on(void *arg) {
  struct border *border = arg;
  ax_run_on(border->strand, do_zero, NULL,
            ax_on(border->near,
                  ax_keep(border->kept, ax_call(on_seen, &border->home))));
  ax_run_on(border->near, do_zero, NULL, over_border(border, border->strand));
  return NULL;
}

static void free_beside(void *(*cross)(void *arg)) {
  double end = seconds() + 0.1;
  for (int round = 0; round < 300 && seconds() < end; round++) {
    struct border border;
    border_open(&border);
    pthread_t thread = thread_start(cross, &border);
    for (volatile int i = 0; i < round % 50 * 400; i = i + 1)
      continue;
    ax_context_free(border.far);
    thread_join(thread);
    border_close(&border);
    if (cross == cross_run_on)
      expect_seen(&border.home, "run_on", UV_ECANCELED);
  }
}

static void a_context_may_be_freed_while_others_complete_to_it(void **state) {
  free_beside(cross_timer);
  free_beside(cross_stream);
  free_beside(cross_post);
  free_beside(cross_run_on);
}

/* It begins too late, and is given back when it is completed. */
static void an_operation_of_a_context_that_is_gone_is_dropped(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_context_free(context);
  size_t objects = ax_live().objects;
  ax_obj *held = malloc(sizeof *held);
  ax_obj_init(held, free);
  ax_op *op = ax_initiate(strand, ax_keep(held, ax_call(on_seen, &seen)));
  ax_unref(held);
  assert_int_equal(ax_live().objects, objects + 1);
  ax_complete(op, 0, 0);
  assert_int_equal(ax_live().objects, objects);
  assert_int_equal(ax_live().operations, 0);
  assert_int_equal(atomic_load(&seen.calls), 0);
  ax_unref(strand);
}

/* Each handler ends the work of the context it is on. */
struct brief {
  ax_context *context;
  ax_stream *stream;
  _Atomic(ax_context *) home;
};

static void on_brief(void *home, int err, size_t n) { ax_work_end(home); }

static void on_write_for(void *arg, int err, size_t n) {
  struct brief *brief = arg;
  ax_context *home = atomic_exchange(&brief->home, NULL);
  if (home)
    ax_stream_write(brief->stream, AX_CSEQ(ax_cstring("x")),
                    ax_on(home, ax_call(on_brief, home)));
  if (!ax_stopped(brief->context))
    ax_post(brief->context, ax_call(on_write_for, brief));
}

/* A write that is done in the call is nothing to be counted, and its handler is
 * on a context that is freed as soon as it has run. */
static void a_context_may_be_freed_after_what_ends_at_once(void **state) {
  struct brief brief = {.context = ax_context_new()};
  int null = open("/dev/null", O_WRONLY);
  brief.stream = ax_stream_new(brief.context);
  assert_int_equal(ax_stream_open_fd(brief.stream, null), 0);
  close(null);
  ax_post(brief.context, ax_call(on_write_for, &brief));
  struct butlers *butlers = butlers_start(brief.context, 1);
  double end = seconds() + 0.5;
  for (int round = 0; round < 5000 && seconds() < end; round++) {
    ax_context *home = ax_context_new();
    ax_work_begin(home);
    atomic_store(&brief.home, home);
    ax_run(home);
    ax_context_free(home);
  }
  ax_stop(brief.context);
  butlers_join(butlers);
  ax_unref(brief.stream);
  ax_context_free(brief.context);
}

/* A context that ends takes no orders, but leaves nobody waiting. */
struct late {
  ax_obj obj;
  ax_signals *signals;
  ax_strand *strand;
  struct seen *seen;
};

static void destroy_late(void *object) {
  struct late *late = object;
  ax_signals_add(late->signals, SIGUSR1);
  ax_dispatch(late->strand, ax_call(on_seen, late->seen));
  free(late);
}

static void what_is_destroyed_at_the_end_may_order(void **state) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_signals *signals = ax_signals_new(context);
  struct late *late = malloc(sizeof *late);
  ax_obj_init(&late->obj, destroy_late);
  late->signals = signals;
  late->strand = ax_strand_new(context);
  late->seen = &seen;
  assert_int_equal(ax_signals_add(signals, SIGUSR2), 0);
  ax_post(late->strand, ax_keep(late, ax_call(on_seen, &seen)));
  ax_unref(late->strand); /* it is there while that waits on it */
  ax_unref(late);
  ax_context_free(context);
  ax_unref(signals);
  assert_int_equal(atomic_load(&seen.calls), 0);
}

/* One that, when it is destroyed, ends a context or closes a stream, and lets
 * go of another stream. */
struct legacy {
  ax_obj obj;
  ax_context *ends;
  ax_stream *closes, *holds;
};

static void destroy_legacy(void *object) {
  struct legacy *legacy = object;
  ax_context_free(legacy->ends);
  if (legacy->closes)
    ax_stream_close(legacy->closes);
  ax_unref(legacy->closes);
  ax_unref(legacy->holds);
  free(legacy);
}

/* A pending read of `stream`, on `executor`, with such a one. */
static void leave(ax_stream *stream, ax_executor *executor,
                  struct legacy start) {
  static char byte[1];
  struct legacy *legacy = malloc(sizeof *legacy);
  *legacy = start;
  ax_obj_init(&legacy->obj, destroy_legacy);
  ax_stream_read_some(stream, AX_SEQ(AX_BUF(byte)),
                      ax_on(executor, ax_keep(legacy, ax_call(on_seen, NULL))));
  ax_unref(legacy);
}

static ax_stream *stream_of(ax_context *context) {
  int ends[2];
  ax_stream *stream = ax_stream_new(context);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  close(ends[0]);
  close(ends[1]);
  return stream;
}

static void the_end_of_one_context_may_be_that_of_another(void **state) {
  ax_context *one = ax_context_new(), *other = ax_context_new();
  ax_stream *stream = stream_of(one);
  leave(stream, one, (struct legacy){.ends = other, .holds = stream_of(one)});
  ax_unref(stream);
  ax_context_free(one);
}

static void the_end_of_a_context_may_come_back_to_it(void **state) {
  ax_context *one = ax_context_new(), *other = ax_context_new();
  ax_stream *a = stream_of(one), *b = stream_of(other);
  leave(a, other, (struct legacy){.holds = stream_of(other)});
  leave(b, other, (struct legacy){.closes = a});
  ax_unref(b);
  ax_context_free(other);
  ax_context_free(one);
}

/* Closed in the last handler; the loop had no time to finish closing. */
static void on_close_all(void *arg, int err, size_t n) {
  struct world *world = arg;
  ax_stream_close(world->stream);
  ax_acceptor_close(world->acceptor);
  world_release(world);
}

static void what_the_last_handler_closes_is_closed(void **state) {
  struct world *world = world_new(false);
  do_accept_for_ever(world, ax_call(on_seen, &world->other));
  ax_post(world->context, ax_call(on_close_all, world));
  ax_run(world->context);
  client_expect_end(world->peer);
  world_free(world);
}

/* While the other butler sleeps in the loop, who is the one to close it. */
static void on_close_later(void *arg, int err, size_t n) {
  for (double end = seconds() + 0.001; seconds() < end;)
    pause_before(deadline(), "the other butler to sleep");
  ax_stream_close(arg);
}

static void what_was_closed_is_closed_when_run_returns(void **state) {
  for (int round = 0; round < 200; round++) {
    ax_context *context = ax_context_new();
    ax_stream *stream = stream_of(context);
    int fd = ax_stream_fd(stream);
    ax_post(context, ax_call(on_close_later, stream));
    struct butlers *butlers = butlers_start(context, 1);
    ax_run(context);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    butlers_join(butlers);
    ax_unref(stream);
    ax_context_free(context);
  }
}

static void on_add(void *arg, int err, size_t n) {
  atomic_fetch_add((atomic_int *)arg, 1);
}

/* Butlers who have left do not keep memory of operations. */
static void butlers_give_back_their_spare_memory(void **state) {
  enum { POSTS = 5000 };
  atomic_int count = 0;
  ax_context *context = ax_context_new();
  for (int i = 0; i < POSTS; i++)
    ax_post(context, ax_call(on_seen, NULL));
  ax_stop(context);
  ax_context_free(context);
  context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 1; i < POSTS; i++)
    ax_post(context, ax_call(on_add, &count));
  ax_work_end(context);
  assert_int_equal(butlers_join(butlers), POSTS - 1);
  assert_int_equal(ax_live().operations, 0);
  ax_context_free(context);
}

/* macOS frees the variables of a thread before it calls what the thread wants
 * to be called at its end. What is read after that is as at the beginning. */
static void *lose_variables(void *arg) {
  struct ax__pool *at_first = ax__pool;
  for (int i = 0; i < 2; i++) {
    ax_post(arg, ax_call(on_seen, NULL));
    ax__pool = at_first;
  }
  return NULL;
}

static void a_thread_without_variables_gives_back_its_memory(void **state) {
  ax_context *context = ax_context_new();
  thread_join(thread_start(lose_variables, context));
  ax_context_free(context);
  assert_int_equal(ax_live().operations, 0);
}

/* ------------------------------------ sockets end with the context, objects
 * not
 */

static void the_peer_of_a_stream_that_is_held_sees_the_end(void **state) {
  for (int pending = 0; pending < 2; pending++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    if (pending)
      ax_stream_read_some(world->stream, AX_SEQ(AX_BUF(world->bytes)),
                          ax_call(on_seen, &seen));
    ax_context_free(world->context);
    world->own = false;
    client_expect_end(world->peer);
    assert_int_equal(ax_stream_fd(world->stream), -1);
    assert_int_equal(seen.calls, 0);
    world_free(world);
  }
}

static void an_acceptor_that_is_held_listens_no_longer(void **state) {
  for (int pending = 0; pending < 2; pending++) {
    struct seen seen = {0};
    char text[AX_ENDPOINT_TEXT];
    struct world *world = world_new(true);
    ax_endpoint_format(&world->listening, text);
    if (pending)
      ax_acceptor_accept(world->acceptor, world->shut, ax_call(on_seen, &seen));
    ax_context_free(world->context);
    world->own = false;
    assert_int_equal(client_try_connect(text), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(ax_acceptor_fd(world->acceptor), -1);
    assert_int_equal(seen.calls, 0);
    world_free(world);
  }
}

static void the_file_of_an_acceptor_that_is_held_is_removed(void **state) {
  char path[TEMP_PATH];
  ax_endpoint endpoint;
  temp_path(path, "held");
  ax_endpoint_parse(path, &endpoint);
  ax_context *context = ax_context_new();
  ax_acceptor *acceptor = ax_acceptor_new(context);
  assert_int_equal(ax_acceptor_listen(acceptor, &endpoint), 0);
  assert_int_equal(access(path, F_OK), 0);
  ax_context_free(context);
  assert_int_equal(access(path, F_OK), -1);
  write_whole_file(path, "of somebody else");
  ax_unref(acceptor);
  assert_int_equal(access(path, F_OK), 0);
}

/* A connection in the making, and both ends of a pair. */
static void whatever_stream_is_held_is_closed(void **state) {
  size_t before = open_descriptors();
  struct seen seen = {0};
  struct world *world = world_new(false);
  size_t open = open_descriptors();
  ax_stream *one = ax_stream_new(world->context);
  ax_stream *other = ax_stream_new(world->context);
  assert_int_equal(ax_stream_pair(one, other), 0);
  ax_stream_connect(world->shut, &world->open, ax_call(on_seen, &seen));
  assert_int_equal(open_descriptors(), open + 3);
  ax_context_free(world->context);
  world->own = false;
  assert_int_equal(ax_stream_fd(one), -1);
  assert_int_equal(ax_stream_fd(other), -1);
  assert_int_equal(ax_stream_fd(world->shut), -1);
  assert_int_equal(open_descriptors(), before + 2); /* peer and target */
  ax_unref(one);
  ax_unref(other);
  world_free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      clean_test(sessions_that_own_themselves_go_with_the_context),
      clean_test(sessions_go_with_a_context_that_was_stopped),
      clean_test(everything_may_be_pending_at_once),
      clean_test(handlers_that_wait_on_strands_are_dropped),
      clean_test(objects_that_hold_one_another_are_all_destroyed),
      clean_test(objects_may_be_released_after_their_context),
      clean_test(handlers_on_other_contexts_are_dropped_too),
      clean_test(a_context_may_be_freed_on_another_thread),
      clean_test(no_context_may_be_freed),
      clean_test(contexts_come_and_go),
      clean_test(a_context_may_be_freed_as_soon_as_run_has_returned),
      clean_test(a_context_may_be_freed_while_its_streams_end_elsewhere),
      clean_test(a_context_may_be_freed_while_its_work_ends_elsewhere),
      clean_test(a_stream_may_go_with_what_is_dropped),
      clean_test(the_end_of_one_context_may_be_that_of_another),
      clean_test(the_end_of_a_context_may_come_back_to_it),
      clean_test(what_was_closed_is_closed_when_run_returns),
      clean_test(a_context_may_be_freed_after_what_ends_at_once),
      clean_test(a_post_to_a_context_that_is_gone_is_dropped),
      clean_test(what_is_destroyed_at_the_end_may_order),
      clean_test(what_the_last_handler_closes_is_closed),
      clean_test(butlers_give_back_their_spare_memory),
      clean_test(a_thread_without_variables_gives_back_its_memory),
      clean_test(a_context_may_be_freed_while_others_complete_to_it),
      clean_test(an_operation_of_a_context_that_is_gone_is_dropped),
      clean_test(the_peer_of_a_stream_that_is_held_sees_the_end),
      clean_test(an_acceptor_that_is_held_listens_no_longer),
      clean_test(the_file_of_an_acceptor_that_is_held_is_removed),
      clean_test(whatever_stream_is_held_is_closed),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
