/* The laws of ax.h tried on every initiating function there is. What each
 * object does beyond that is in the test named after it. */
#include "world.h"

#include <stdio.h>
#include <sys/resource.h>

/* ------------------------------------------------- law 1: once, and outside */

/* Where the initiating call is made. */
enum place { BEFORE_RUN, IN_A_HANDLER, IN_A_STRAND, BESIDE_A_BUTLER, PLACES };
static const char *const place_names[] = {"before ax_run", "in a handler",
                                          "in a strand", "beside a butler"};

struct trial {
  const struct initiation *initiation;
  struct world *world;
  ax_token token;
};

static void on_trial(void *arg, int err, size_t n) {
  const struct trial *trial = arg;
  INITIATE(trial->initiation->initiate(trial->world, trial->token));
}

/* Initiates at that place and runs the context until no work is left. */
static void initiate_and_run(struct trial *trial, enum place place) {
  ax_context *context = trial->world->context;
  ax_strand *strand = ax_strand_new(context);
  struct butlers *butlers = NULL;
  if (place == IN_A_HANDLER || place == IN_A_STRAND)
    ax_post(place == IN_A_STRAND ? strand : context, ax_call(on_trial, trial));
  if (place == BESIDE_A_BUTLER) {
    ax_work_begin(context);
    butlers = butlers_start(context, 1);
  }
  if (place == BEFORE_RUN || place == BESIDE_A_BUTLER)
    on_trial(trial, 0, 0);
  if (place == BESIDE_A_BUTLER)
    ax_work_end(context);
  ax_run(context);
  if (butlers)
    butlers_join(butlers);
  ax_unref(strand);
}

static void expect_once(const struct initiation *i, const struct seen *seen,
                        const char *where) {
  char what[128];
  snprintf(what, sizeof what, "%s, %s", i->what, where);
  bool other = i->or_err && seen->err == i->or_err;
  expect_seen(seen, what, other ? i->or_err : i->err);
}

static void try_once(const struct initiation *initiation, enum place place) {
  struct seen seen = {0};
  struct world *world = world_new(false);
  struct trial trial = {initiation, world, ax_call(on_seen, &seen)};
  initiate_and_run(&trial, place);
  expect_once(initiation, &seen, place_names[place]);
  world_free(world);
}

static void a_handler_runs_once_and_never_inside_its_call(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++)
    for (int place = 0; place < PLACES; place++)
      /* Beside a butler the first of two reads may have ended already. */
      if (place != BESIDE_A_BUTLER || that_end[i].err != UV_EBUSY)
        try_once(&that_end[i], place);
}

static void a_handler_runs_once_with_many_butlers(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    that_end[i].initiate(world, ax_call(on_seen, &seen));
    butlers_join(butlers_start(world->context, 3));
    expect_once(&that_end[i], &seen, "with three butlers");
    world_free(world);
  }
}

/* ------------------------------------------------------ law 2: on executors */

static void expect_inside(const struct seen *seen, const char *what,
                          const char *where) {
  if (!seen->inside)
    give_up("%s: the handler did not run on %s", what, where);
}

static void a_handler_runs_on_the_executor_of_its_token(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct world *world = world_new(false);
    ax_strand *strand = ax_strand_new(world->context);
    struct seen seen = {.where = strand};
    that_end[i].initiate(world, ax_on(strand, ax_call(on_seen, &seen)));
    butlers_join(butlers_start(world->context, 2));
    expect_once(&that_end[i], &seen, "on a strand");
    expect_inside(&seen, that_end[i].what, "the strand of its token");
    ax_unref(strand);
    world_free(world);
  }
}

static void a_handler_runs_on_the_executor_of_its_object(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct world *world = world_new(true);
    struct seen seen = {.where = world->home};
    that_end[i].initiate(world, ax_call(on_seen, &seen));
    ax_run(world->context);
    expect_once(&that_end[i], &seen, "with objects on a strand");
    expect_inside(&seen, that_end[i].what, "the strand of its object");
    world_free(world);
  }
}

/* The other context has a guard, a butler, and nothing else. */
static void a_handler_runs_on_the_context_of_its_token(void **state) {
  ax_context *other = ax_context_new();
  ax_work_begin(other);
  struct butlers *butlers = butlers_start(other, 1);
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct world *world = world_new(false);
    struct seen seen = {.where = other};
    that_end[i].initiate(world, ax_on(other, ax_call(on_seen, &seen)));
    ax_run(world->context);
    wait_until(atomic_load(&seen.calls));
    expect_inside(&seen, that_end[i].what, "the context of its token");
    expect_once(&that_end[i], &seen, "on another context");
    world_free(world);
  }
  ax_work_end(other);
  butlers_join(butlers);
  ax_context_free(other);
}

static void a_pending_operation_is_work_where_its_handler_runs(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct world *world = world_new(false);
    ax_context *other = ax_context_new();
    struct seen seen = {0};
    that_end[i].initiate(world, ax_on(other, ax_call(on_seen, &seen)));
    struct butlers *butlers = butlers_start(world->context, 1);
    ax_run(other);
    expect_once(&that_end[i], &seen, "on another context");
    butlers_join(butlers);
    world_free(world);
    ax_context_free(other);
  }
}

/* It is pending no more where its object is, and nobody serves the other. */
static void a_handler_elsewhere_does_not_keep_run_from_returning(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct world *world = world_new(false);
    ax_context *other = ax_context_new();
    struct seen seen = {.where = other};
    that_end[i].initiate(world, ax_on(other, ax_call(on_seen, &seen)));
    ax_run(world->context);
    if (atomic_load(&seen.calls))
      give_up("%s: the handler ran where its object is", that_end[i].what);
    ax_run(other);
    expect_once(&that_end[i], &seen, "on a context that is served later");
    expect_inside(&seen, that_end[i].what, "the context of its token");
    world_free(world);
    ax_context_free(other);
  }
}

/* True if butlers of the context wait for more to come. */
static void expect_butlers(ax_context *context, const char *what) {
  for (int i = 0; i < 2; i++) {
    struct seen posted = {0};
    ax_post(context, ax_call(on_seen, &posted));
    for (double end = deadline(); !atomic_load(&posted.calls);)
      pause_before(end, what);
  }
}

/* But an operation of one's own has no object. */
static void a_pending_operation_keeps_both_contexts_going(void **state) {
  for (size_t i = 0; i < COUNT(that_stay); i++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    ax_context *other = ax_context_new();
    that_stay[i].initiate(world, ax_on(other, ax_call(on_seen, &seen)));
    struct butlers *theirs = butlers_start(other, 1), *ours = NULL;
    if (that_stay[i].initiate != do_own_for_ever) {
      ours = butlers_start(world->context, 1);
      expect_butlers(world->context, that_stay[i].what);
    }
    expect_butlers(other, that_stay[i].what);
    ax_stop(world->context);
    ax_stop(other);
    butlers_join(theirs);
    if (ours)
      butlers_join(ours);
    assert_int_equal(seen.calls, 0);
    world_free(world);
    ax_context_free(other);
  }
}

/* ------------------------------------------- law 3: memory comes back before
 */

/* Each handler initiates the next. */
struct chain {
  struct world *world;
  const struct initiation *initiation;
  size_t left;
  size_t most; /* operations in the second half */
};

static void on_link(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  if (chain->left-- == 0)
    return;
  chain->initiation->initiate(chain->world, ax_call(on_link, chain));
  size_t operations = ax_live().operations;
  if (operations > chain->most)
    chain->most = operations;
}

static size_t most_operations(const struct initiation *i, size_t links) {
  struct world *world = world_new(false);
  size_t before = ax_live().operations;
  struct chain chain = {world, i, links, 0};
  ax_post(world->context, ax_call(on_link, &chain));
  ax_run(world->context);
  world_free(world);
  return chain.most - before;
}

/* The handler finds the memory of its own operation free, so one is enough. */
static void a_handler_may_have_the_memory_of_its_operation(void **state) {
  static const struct initiation chains[] = {
      INITIATION(post, 0),          INITIATION(wait_for_the_past, 0),
      INITIATION(read, 0),          INITIATION(read_nothing, 0),
      INITIATION(write_nothing, 0), INITIATION(read_on_nothing, UV_EBADF),
      INITIATION(own, 0),           INITIATION(run_on, 0),
  };
  for (size_t i = 0; i < COUNT(chains); i++) {
    size_t most = most_operations(&chains[i], 20);
    if (most != 1)
      give_up("%s: %zu operations at once", chains[i].what, most);
  }
}

/* These can follow one another in one world. */
static void a_chain_of_operations_reuses_their_memory(void **state) {
  static const struct initiation chains[] = {
      INITIATION(post, 0),
      INITIATION(wait_for_the_past, 0),
      INITIATION(wait_cancelled, UV_ECANCELED),
      INITIATION(read, 0),
      INITIATION(read_nothing, 0),
      INITIATION(read_cancelled, UV_ECANCELED),
      INITIATION(read_on_nothing, UV_EBADF),
      INITIATION(read_until_buffered, 0),
      INITIATION(write_nothing, 0),
      INITIATION(wait_to_write, 0),
      INITIATION(wait_to_read_cancelled, UV_ECANCELED),
      INITIATION(accept_cancelled, UV_ECANCELED),
      INITIATION(signal_cancelled, UV_ECANCELED),
      INITIATION(resolve_number, 0),
      INITIATION(own, 0),
      INITIATION(run_on, 0),
  };
  for (size_t i = 0; i < COUNT(chains); i++) {
    size_t few = most_operations(&chains[i], 20);
    size_t many = most_operations(&chains[i], 3000);
    if (many > few)
      give_up("%s: %zu operations are alive after 20 rounds, %zu after 3000",
              chains[i].what, few, many);
  }
}

static void a_long_chain_of_posts_needs_the_memory_of_a_short_one(void **s) {
  static const struct initiation post = INITIATION(post, 0);
  assert_true(most_operations(&post, 100000) <= most_operations(&post, 20));
}

/* ---------------------------------------------------- law 4: what is held */

struct kept {
  ax_obj obj;
  int *destroyed;
  atomic_bool alive;
  bool alive_at_end;
  int calls;
};

static void destroy_kept(void *object) {
  struct kept *kept = object;
  ++*kept->destroyed;
  free(kept);
}

static struct kept *kept_new(int *destroyed) {
  struct kept *kept = calloc(1, sizeof *kept);
  if (!kept)
    give_up("out of memory");
  kept->destroyed = destroyed;
  ax_obj_init(&kept->obj, destroy_kept);
  return kept;
}

struct witness {
  struct kept *kept;
  int destroyed;
  int calls;
  int destroyed_before_end;
};

static void on_witness(void *arg, int err, size_t n) {
  struct witness *witness = arg;
  witness->calls++;
  witness->destroyed_before_end = witness->destroyed;
  witness->kept->calls++; /* the address sanitizer looks on */
}

static void witness_init(struct witness *witness) {
  *witness = (struct witness){0};
  witness->kept = kept_new(&witness->destroyed);
}

static ax_token witness_token(struct witness *witness) {
  return ax_keep(witness->kept, ax_call(on_witness, witness));
}

static void what_a_token_keeps_is_released_after_its_handler(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct witness witness;
    witness_init(&witness);
    struct world *world = world_new(false);
    that_end[i].initiate(world, witness_token(&witness));
    ax_unref(witness.kept);
    ax_run(world->context);
    if (witness.calls != 1 || witness.destroyed_before_end ||
        witness.destroyed != 1)
      give_up("%s: %d calls, destroyed %d times before the end and %d in all",
              that_end[i].what, witness.calls, witness.destroyed_before_end,
              witness.destroyed);
    world_free(world);
  }
}

static void a_token_without_a_function_ends_like_any_other(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    int destroyed = 0;
    struct kept *kept = kept_new(&destroyed);
    struct world *world = world_new(true);
    that_end[i].initiate(world, ax_keep(kept, (ax_token){0}));
    ax_unref(kept);
    ax_run(world->context);
    if (destroyed != 1)
      give_up("%s: what its token keeps was destroyed %d times",
              that_end[i].what, destroyed);
    world_free(world);
  }
}

/* Objects and strands go when nobody else holds them; the operation does, so
 * it ends as if they were still in the caller's hands. */
static void objects_may_be_released_while_an_operation_is_pending(void **s) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct seen seen = {0};
    struct world *world = world_new(true);
    ax_strand *strand = ax_strand_new(world->context);
    that_end[i].initiate(world, ax_on(strand, ax_call(on_seen, &seen)));
    ax_unref(strand);
    world_release(world);
    ax_run(world->context);
    expect_once(&that_end[i], &seen, "with its objects released");
    world_free(world);
  }
}

static void the_last_operation_releases_its_object(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct seen seen = {0};
    size_t before = ax_live().objects;
    struct world *world = world_new(true);
    that_end[i].initiate(world, ax_call(on_seen, &seen));
    world_release(world);
    ax_run(world->context);
    ax_run(world->context);
    size_t left = ax_live().objects - before;
    if (left != 1) /* the context */
      give_up("%s: %zu objects are left after it", that_end[i].what, left - 1);
    world_free(world);
  }
}

/* ------------------------------------------------ tokens without a function */

static void initiate_for_nobody(const struct initiation *i, int place) {
  struct witness witness;
  witness_init(&witness);
  size_t operations = ax_live().operations;
  struct world *world = world_new(place % 2);
  ax_strand *strand = ax_strand_new(world->context);
  ax_token token = {.executor = place / 2 ? strand : NULL};
  i->initiate(world, ax_keep(witness.kept, token));
  ax_unref(witness.kept);
  if (witness.destroyed)
    give_up("%s: nothing was kept", i->what);
  ax_run(world->context);
  if (witness.destroyed != 1)
    give_up("%s: kept after it has ended", i->what);
  ax_unref(strand);
  world_free(world);
  assert_int_equal(ax_live().operations, operations);
}

static void a_token_without_a_function_is_for_nobody(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++)
    for (int place = 0; place < 4; place++)
      initiate_for_nobody(&that_end[i], place);
}

/* Nor does it stop what runs, and it is no handler that ran. */
static void an_empty_token_completes_like_any_other(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    that_end[i].initiate(world, (ax_token){0});
    size_t handlers = ax_run(world->context);
    bool works = that_end[i].initiate == do_run_on; /* which counts */
    if (handlers != (size_t)atomic_load(&world->other.calls) + works)
      give_up("%s: %zu handlers", that_end[i].what, handlers);
    ax_post(world->context, (ax_token){0});
    ax_dispatch(world->context, (ax_token){0});
    assert_int_equal(ax_run(world->context), 0);
    ax_post(world->context, ax_call(on_seen, &seen));
    assert_int_equal(ax_run(world->context), 1);
    expect_seen(&seen, "a handler behind it", 0);
    world_free(world);
  }
}

/* Whatever stays pending is dropped as if somebody waited for it. */
static void what_is_pending_for_nobody_is_dropped(void **state) {
  for (size_t i = 0; i < COUNT(that_stay); i++) {
    struct witness witness;
    witness_init(&witness);
    struct world *world = world_new(true);
    that_stay[i].initiate(world, ax_keep(witness.kept, (ax_token){0}));
    ax_unref(witness.kept);
    ax_poll(world->context);
    assert_int_equal(witness.destroyed, 0);
    ax_context_free(world->context);
    world->own = false;
    assert_int_equal(witness.destroyed, 1);
    world_free(world);
  }
}

static int count_work(void *arg) {
  ++*(int *)arg;
  return 0;
}

static void what_is_initiated_for_nobody_is_done(void **state) {
  int done = 0;
  struct world *world = world_new(false);
  world_connect(world);
  world_say(world, "hello");
  ax_stream *other = ax_stream_new(world->context);
  ax_stream_read(world->stream, AX_SEQ(ax_buffer(world->bytes, 5)),
                 (ax_token){0});
  ax_stream_write(world->stream, AX_CSEQ(ax_cstring("hello")), (ax_token){0});
  ax_stream_connect(world->shut, &world->open, (ax_token){0});
  ax_acceptor_accept(world->acceptor, other, (ax_token){0});
  ax_resolve(world->home, "127.1:80", world->found, 2, (ax_token){0});
  ax_run_on(world->home, count_work, &done, (ax_token){0});
  ax_run(world->context);
  assert_memory_equal(world->bytes, "hello", 5);
  client_expect_text(world->peer, "hello");
  assert_true(ax_stream_fd(world->shut) >= 0 && ax_stream_fd(other) >= 0);
  assert_int_equal(world->found[0].addr.ss_family, AF_INET);
  assert_int_equal(done, 1);
  ax_unref(other);
  world_free(world);
}

/* ------------------------------------- laws 4 and 6: what is pending, and free
 */

static void on_never(void *arg, int err, size_t n) {
  struct witness *witness = arg;
  witness->calls++;
}

/* Frees a context in which the operation is pending, and expects silence. */
static void free_while_pending(const struct initiation *i, bool released,
                               bool started) {
  struct witness witness;
  witness_init(&witness);
  struct world *world = world_new(true);
  ax_token token = ax_keep(witness.kept, ax_call(on_never, &witness));
  i->initiate(world, token);
  ax_unref(witness.kept);
  if (started) { /* let the loop have it, too */
    ax_post(world->context, ax_call(on_seen, &world->other));
    struct butlers *butlers = butlers_start(world->context, 1);
    wait_until(atomic_load(&world->other.calls));
    ax_stop(world->context);
    butlers_join(butlers);
  }
  if (released)
    world_release(world);
  if (witness.destroyed)
    give_up("%s: not pending, or nothing was kept", i->what);
  ax_context_free(world->context);
  world->context = NULL;
  if (witness.calls || witness.destroyed != 1)
    give_up("%s: after the context was freed %d handlers had run and what "
            "they keep was destroyed %d times",
            i->what, witness.calls, witness.destroyed);
  world_free(world);
}

static void a_freed_context_drops_what_is_pending(void **state) {
  for (size_t i = 0; i < COUNT(that_stay); i++)
    for (int variant = 0; variant < 4; variant++)
      free_while_pending(&that_stay[i], variant & 1, variant & 2);
}

static void a_freed_context_drops_what_is_ready(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++)
    for (int released = 0; released < 2; released++)
      free_while_pending(&that_end[i], released, false);
}

static void pending_operations_keep_run_from_returning(void **state) {
  for (size_t i = 0; i < COUNT(that_stay); i++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    that_stay[i].initiate(world, ax_call(on_seen, &seen));
    struct butlers *butlers = butlers_start(world->context, 2);
    struct seen posted = {0};
    ax_post(world->context, ax_call(on_seen, &posted));
    wait_until(atomic_load(&posted.calls));
    atomic_store(&posted.calls, 0); /* they would have gone home by now */
    ax_post(world->context, ax_call(on_seen, &posted));
    wait_until(atomic_load(&posted.calls));
    if (atomic_load(&seen.calls))
      give_up("%s: the handler ran", that_stay[i].what);
    ax_stop(world->context);
    butlers_join(butlers);
    world_free(world);
  }
}

static void ended_operations_let_run_return(void **state) {
  for (size_t i = 0; i < COUNT(that_end); i++) {
    struct seen seen = {0};
    struct world *world = world_new(false);
    that_end[i].initiate(world, ax_call(on_seen, &seen));
    ax_run(world->context);
    assert_false(ax_stopped(world->context));
    assert_int_equal(ax_run(world->context), 0);
    world_free(world);
  }
}

/* -------------------------------------------------- law 9: from any thread */

struct crowd {
  struct world *world;
  const struct initiation *initiation;
  struct seen seen;
};

static void *initiate_alone(void *arg) {
  struct crowd *crowd = arg;
  crowd->initiation->initiate(crowd->world, ax_call(on_seen, &crowd->seen));
  return NULL;
}

/* All kinds at once on one context, each object used by one thread: what the
 * core shares between them is seen by ThreadSanitizer. Signals come to all the
 * worlds, so the errors differ from those of a world that is alone. */
static void many_threads_may_initiate_at_once(void **state) {
  struct crowd crowd[COUNT(that_end)] = {0};
  pthread_t threads[COUNT(that_end)];
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (size_t i = 0; i < COUNT(that_end); i++) {
    crowd[i].initiation = &that_end[i];
    crowd[i].world = world_on(context, false);
  }
  for (size_t i = 0; i < COUNT(that_end); i++)
    threads[i] = thread_start(initiate_alone, &crowd[i]);
  for (size_t i = 0; i < COUNT(that_end); i++)
    thread_join(threads[i]);
  ax_work_end(context);
  butlers_join(butlers);
  for (size_t i = 0; i < COUNT(that_end); i++) {
    expect_seen(&crowd[i].seen, that_end[i].what, crowd[i].seen.err);
    world_free(crowd[i].world);
  }
  ax_context_free(context);
}

/* --------------------------------------------------- law 12: out of memory */

/* Runs in a process of its own, as all the rest does. */
static void limit_memory(void) {
  struct rlimit limit = {128 << 20, 128 << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0)
    exit(1);
}

/* Posts until there is no memory left. */
static void eat_all_memory(void) {
  ax_context *context = ax_context_new();
  limit_memory();
  for (int i = 0; i < 10000000; i++)
    ax_post(context, ax_call(on_seen, NULL));
}

static void *volatile last_taken; /* and not given back */

/* Takes what there is, and lets libuv ask for more. */
static void starve_libuv(void) {
  ax_context *context = ax_context_new();
  uv_loop_t loop;
  limit_memory();
  for (size_t size = 1 << 20; size >= 16; size /= 2)
    while ((last_taken = malloc(size)))
      continue;
  if (uv_loop_init(&loop) == UV_ENOMEM)
    abort();
  ax_context_free(context);
}

/* ------------------------------------------------------- what is a mistake */

static void free_a_strand(void) {
  ax_context_free(ax_strand_new(ax_context_new()));
}

static void on_free(void *context, int err, size_t n) {
  ax_context_free(context);
}

static void free_in_a_handler(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_free, context));
  ax_run(context);
}

static void free_beside_a_butler(void) {
  struct seen seen = {0};
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  ax_post(context, ax_call(on_seen, &seen));
  butlers_start(context, 1);
  wait_until(atomic_load(&seen.calls));
  ax_context_free(context);
}

static void on_run(void *context, int err, size_t n) { ax_run(context); }

static void run_in_a_handler(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_run, context));
  ax_run(context);
}

static void run_in_a_strand(void) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_post(strand, ax_call(on_run, strand));
  ax_run(context);
}

static void on_poll(void *context, int err, size_t n) { ax_poll(context); }

static void poll_in_a_handler(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_poll, context));
  ax_poll(context);
}

/* Around a handler of another context. */
static ax_context *around;

static void on_run_around(void *arg, int err, size_t n) { ax_run(around); }

static void on_run_within(void *inner, int err, size_t n) {
  ax_post(inner, ax_call(on_run_around, NULL));
  ax_run(inner);
}

static void run_around_a_handler(void) {
  around = ax_context_new();
  ax_post(around, ax_call(on_run_within, ax_context_new()));
  ax_run(around);
}

static void on_uv_timer_run(uv_timer_t *timer) { ax_run(timer->data); }

static void run_in_a_callback(void) {
  ax_context *context = ax_context_new();
  uv_timer_t timer = {.data = context};
  uv_timer_init(ax_context_loop(context), &timer);
  uv_timer_start(&timer, on_uv_timer_run, 1, 0);
  ax_work_begin(context);
  ax_run(context);
}

static void end_work_never_begun(void) { ax_work_end(ax_context_new()); }

static void end_work_twice(void) {
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  ax_work_end(context);
  ax_work_end(context);
}

static void unref_a_context(void) { ax_unref(ax_context_new()); }

static void on_unref(void *object) {}

static void unref_twice(void) {
  static ax_obj object;
  ax_obj_init(&object, on_unref);
  ax_unref(&object);
  ax_unref(&object);
}

/* Each aborts with these words on standard error. */
static const struct mistake {
  const char *name;
  void (*make)(void);
  const char *words;
  bool of_memory;
} mistakes[] = {
    {"eat_all_memory", eat_all_memory, "ax: out of memory for", true},
    {"starve_libuv", starve_libuv, "ax: libuv is out of memory for", true},
    {"free_a_strand", free_a_strand, "ax_context_free of a strand", false},
    {"free_in_a_handler", free_in_a_handler,
     "ax_context_free while a butler is inside", false},
    {"free_beside_a_butler", free_beside_a_butler,
     "ax_context_free while a butler is inside", false},
    {"run_in_a_handler", run_in_a_handler, "ax_run in a handler", false},
    {"run_in_a_strand", run_in_a_strand, "ax_run in a handler", false},
    {"poll_in_a_handler", poll_in_a_handler, "ax_run in a handler", false},
    {"run_around_a_handler", run_around_a_handler, "ax_run in a handler",
     false},
    {"run_in_a_callback", run_in_a_callback, "ax_run in a callback", false},
    {"end_work_never_begun", end_work_never_begun,
     "ax_work_end without ax_work_begin", false},
    {"end_work_twice", end_work_twice, "ax_work_end without ax_work_begin",
     false},
    {"unref_a_context", unref_a_context, "ax_unref of a context", false},
    {"unref_twice", unref_twice, "ax_unref of something that is gone", false},
};

/* In the child; returns its exit status, if it comes to that. */
static int make_mistake(const char *name) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  for (size_t i = 0; i < COUNT(mistakes); i++)
    if (strcmp(mistakes[i].name, name) == 0)
      mistakes[i].make();
  return 3;
}

static char *own_path;

static void expect_abort(const struct mistake *mistake) {
  char *argv[] = {own_path, (char *)mistake->name, NULL};
  struct program *program = program_exec(argv, NULL);
  int status = program_wait(program);
  if (status != 128 + SIGABRT || !strstr(program_err(program), mistake->words))
    give_up("%s: exit status %d, and it says: %s", mistake->name, status,
            program_err(program));
  program_free(program);
}

static void out_of_memory_aborts_with_a_message(void **state) {
  if (SANITIZED)
    skip();
  for (size_t i = 0; i < COUNT(mistakes); i++)
    if (mistakes[i].of_memory)
      expect_abort(&mistakes[i]);
}

static void a_mistake_aborts_with_a_message(void **state) {
  for (size_t i = 0; i < COUNT(mistakes); i++)
    if (!mistakes[i].of_memory)
      expect_abort(&mistakes[i]);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      clean_test(a_handler_runs_once_and_never_inside_its_call),
      clean_test(a_handler_runs_once_with_many_butlers),
      clean_test(a_handler_runs_on_the_executor_of_its_token),
      clean_test(a_handler_runs_on_the_executor_of_its_object),
      clean_test(a_handler_runs_on_the_context_of_its_token),
      clean_test(a_pending_operation_is_work_where_its_handler_runs),
      clean_test(a_handler_may_have_the_memory_of_its_operation),
      clean_test(a_chain_of_operations_reuses_their_memory),
      clean_test(a_long_chain_of_posts_needs_the_memory_of_a_short_one),
      clean_test(what_a_token_keeps_is_released_after_its_handler),
      clean_test(objects_may_be_released_while_an_operation_is_pending),
      clean_test(the_last_operation_releases_its_object),
      clean_test(a_token_without_a_function_is_for_nobody),
      clean_test(an_empty_token_completes_like_any_other),
      clean_test(what_is_pending_for_nobody_is_dropped),
      clean_test(what_is_initiated_for_nobody_is_done),
      clean_test(a_freed_context_drops_what_is_pending),
      clean_test(a_freed_context_drops_what_is_ready),
      clean_test(pending_operations_keep_run_from_returning),
      clean_test(ended_operations_let_run_return),
      clean_test(many_threads_may_initiate_at_once),
      clean_test(a_handler_elsewhere_does_not_keep_run_from_returning),
      clean_test(a_pending_operation_keeps_both_contexts_going),
      clean_test(a_token_without_a_function_ends_like_any_other),
      clean_test(out_of_memory_aborts_with_a_message),
      clean_test(a_mistake_aborts_with_a_message),
  };
  own_path = argv[0];
  if (argc > 1)
    return make_mistake(argv[1]);
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
