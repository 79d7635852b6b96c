/* The trace: what AX_TRACE makes the core write. Each scene is played by this
 * same program in a process of its own, and its trace read back here. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char awkward[] = "on \"quoted\" \\ \t\n\x01 \xc3\xbc name";

/* ------------------------------------------------------------------ scenes */

struct scene {
  ax_context *context;
  ax_strand *strand;
  ax_timer *timer;
  ax_stream *stream;
  char bytes[5];
};

static void on_posted(void *arg, int err, size_t n) {
  ax_trace_mark("in posted");
}

static void on_expired(void *arg, int err, size_t n) {
  struct scene *scene = arg;
  ax_trace_mark("expired enter");
  ax_post(scene->context, ax_call(on_posted, scene));
  pause_before(deadline(), "the slice to be seen");
  ax_trace_mark("expired leave");
}

static void on_cancelled(void *arg, int err, size_t n) {}
static void on_read(void *arg, int err, size_t n) {}

static void play_one_butler(void) {
  struct scene scene = {.context = ax_context_new()};
  int ends[2];
  scene.strand = ax_strand_new(scene.context);
  scene.timer = ax_timer_new(scene.context);
  scene.stream = ax_stream_new(scene.context);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
      ax_stream_open_fd(scene.stream, ends[0]) != 0)
    exit(3);
  ax_timer *other = ax_timer_new(scene.context);
  ax_timer_expires_after(other, AX_SECONDS(3600));
  ax_timer_wait(other, ax_call(on_cancelled, &scene));
  ax_timer_cancel(other);
  ax_timer_expires_after(scene.timer, AX_MS(30));
  ax_timer_wait(scene.timer, ax_on(scene.strand, ax_call(on_expired, &scene)));
  ax_stream_read(scene.stream, AX_SEQ(AX_BUF(scene.bytes)),
                 ax_call(on_read, &scene));
  client_send(ends[1], "hello", 5);
  ax_run(scene.context);
  close(ends[0]);
  close(ends[1]);
  ax_unref(other);
  ax_unref(scene.timer);
  ax_unref(scene.stream);
  ax_unref(scene.strand);
  ax_context_free(scene.context);
}

static atomic_int arrived;

static void on_meet(void *arg, int err, size_t n) {
  ax_trace_mark(arg);
  atomic_fetch_add(&arrived, 1);
  wait_until(atomic_load(&arrived) == 2);
  pause_before(deadline(), "the slice to be seen");
}

/* Two handlers that are at work at the same moment. */
static void play_two_butlers(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_meet, "first"));
  ax_post(context, ax_call(on_meet, "second"));
  butlers_join(butlers_start(context, 2));
  ax_context_free(context);
}

static void play_awkward_names(void) {
  char longest[3000];
  memset(longest, '"', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  ax_context *context = ax_context_new();
  ax_token token = ax_call(on_posted, NULL);
  token.name = awkward;
  ax_post(context, token);
  token.name = longest;
  ax_post(context, token);
  token.name = NULL;
  ax_post(context, token);
  token.name = "";
  ax_post(context, token);
  ax_trace_mark(awkward);
  ax_trace_mark(longest);
  ax_trace_mark("");
  ax_run(context);
  ax_context_free(context);
}

static int be_there(void *arg) { return 0; }

static void play_there_and_back(void) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_run_on(strand, be_there, NULL, ax_on(context, ax_call(on_posted, NULL)));
  ax_run(context);
  ax_unref(strand);
  ax_context_free(context);
}

static void on_brief(void *arg, int err, size_t n) {
  pause_before(deadline(), "the wait to be seen");
}

static void play_strand(void) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  ax_post(strand, ax_call(on_brief, NULL));
  ax_post(strand, ax_call(on_brief, NULL));
  butlers_join(butlers_start(context, 2));
  ax_unref(strand);
  ax_context_free(context);
}

static void play_no_work(void) {
  ax_context *context = ax_context_new();
  butlers_join(butlers_start(context, 1));
  ax_context_free(context);
}

static void play_polls(void) {
  ax_context *context = ax_context_new();
  for (int i = 0; i < 5; i++)
    ax_poll(context);
  ax_context_free(context);
}

static void play_nothing(void) { ax_context_free(ax_context_new()); }

/* Before there is any context. */
static void play_mark(void) { ax_trace_mark("alone"); }

enum { MARKERS = 4, MARKS = 300 };

static void *mark_often(void *arg) {
  for (int i = 0; i < MARKS; i++) {
    ax_trace_mark("mark");
    ax_post(arg, ax_call(on_posted, NULL));
  }
  return NULL;
}

static void play_many_threads(void) {
  pthread_t threads[MARKERS];
  ax_context *context = ax_context_new();
  ax_work_begin(context);
  struct butlers *butlers = butlers_start(context, 2);
  for (int i = 0; i < MARKERS; i++)
    threads[i] = thread_start(mark_often, context);
  for (int i = 0; i < MARKERS; i++)
    thread_join(threads[i]);
  ax_work_end(context);
  butlers_join(butlers);
  ax_context_free(context);
}

static void on_exit_now(void *arg, int err, size_t n) { exit(0); }

/* As a program that has seen enough, with handlers and butlers about. */
static void play_exit(void) {
  ax_context *context = ax_context_new();
  ax_post(context, ax_call(on_posted, NULL));
  ax_post(context, ax_call(on_exit_now, NULL));
  ax_run(context);
}

static const struct {
  const char *name;
  void (*play)(void);
} scenes[] = {
    {"one butler", play_one_butler},
    {"two butlers", play_two_butlers},
    {"awkward names", play_awkward_names},
    {"there and back", play_there_and_back},
    {"strand", play_strand},
    {"no work", play_no_work},
    {"polls", play_polls},
    {"nothing", play_nothing},
    {"mark", play_mark},
    {"many threads", play_many_threads},
    {"exit", play_exit},
};

static int play(const char *name) {
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
    if (strcmp(scenes[i].name, name) == 0) {
      scenes[i].play();
      return 0;
    }
  return 2;
}

/* ---------------------------------------------------------------- the tests */

static char *own_path;

static void run_scene(const char *name, const char *path) {
  char *argv[] = {own_path, (char *)name, NULL};
  struct program_options options = {.trace = path};
  struct program *program = program_exec(argv, &options);
  int status = program_wait(program);
  if (status != 0)
    give_up("the scene \"%s\" ended with %d:\n%s", name, status,
            program_err(program));
  program_free(program);
}

static struct trace *trace_of(const char *name) {
  char path[TEMP_PATH];
  temp_path(path, "trace");
  run_scene(name, path);
  return trace_load(path);
}

static void every_scene_is_json_with_one_event_on_a_line(void **state) {
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    char path[TEMP_PATH];
    temp_path(path, "trace");
    run_scene(scenes[i].name, path);
    if (scenes[i].play == play_mark && access(path, F_OK) != 0)
      continue; /* there was no context to open it */
    trace_free(trace_load(path));
    char *text = read_whole_file(path);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
      if (line[0] == '[' || line[0] == ']')
        continue;
      char *comma = line + strlen(line) - 1;
      if (*comma == ',')
        *comma = 0;
      if (*line == ',')
        line++;
      if (*line != '{' || json_error(line) || !strstr(line, "\"pid\":1,"))
        give_up("%s: no event: %s", scenes[i].name, line);
    }
    free(text);
  }
}

static void every_handler_is_a_slice(void **state) {
  struct trace *trace = trace_of("one butler");
  assert_int_equal(trace_count(trace, NULL, NULL), 4);
  struct trace_slice *expired = trace_find(trace, "on_expired", NULL, 0);
  struct trace_slice *posted = trace_find(trace, "on_posted", NULL, 0);
  struct trace_slice *cancelled = trace_find(trace, "on_cancelled", NULL, 0);
  struct trace_slice *read = trace_find(trace, "on_read", NULL, 0);
  assert_memory_equal(expired->on, "strand ", 7);
  assert_memory_equal(posted->on, "context ", 8);
  assert_true(atoi(expired->on + 7) > 0 && atoi(posted->on + 8) > 0);
  assert_string_equal(posted->on, read->on);
  assert_int_equal(expired->err, 0);
  assert_int_equal(cancelled->err, UV_ECANCELED);
  assert_int_equal(read->n, 5);
  assert_true(expired->dur >= 1000);
  assert_false(slices_overlap(expired, posted));
  assert_true(slice_end(expired) <= posted->ts + 0.01);
  trace_free(trace);
}

static void a_slice_tells_which_operation_initiated_it(void **state) {
  struct trace *trace = trace_of("one butler");
  struct trace_slice *expired = trace_find(trace, "on_expired", NULL, 0);
  struct trace_slice *posted = trace_find(trace, "on_posted", NULL, 0);
  struct trace_slice *read = trace_find(trace, "on_read", NULL, 0);
  assert_int_equal(posted->by, expired->op);
  assert_int_equal(expired->by, 0);
  assert_int_equal(read->by, 0);
  for (size_t i = 0; i < trace->slice_count; i++)
    for (size_t j = 0; j < i; j++)
      assert_true(strcmp(trace->slices[i].cat, "handler") != 0 ||
                  strcmp(trace->slices[j].cat, "handler") != 0 ||
                  trace->slices[i].op != trace->slices[j].op);
  trace_free(trace);
}

static struct trace_flow *find_flow(struct trace *trace, char phase, long id) {
  struct trace_flow *found = NULL;
  for (size_t i = 0; i < trace->flow_count; i++)
    if (trace->flows[i].phase == phase && trace->flows[i].id == id) {
      if (found)
        give_up("operation %ld has several ends '%c' of its arrow", id, phase);
      found = &trace->flows[i];
    }
  if (!found)
    give_up("operation %ld has no end '%c' of its arrow", id, phase);
  return found;
}

/* Viewers leave out an arrow that begins outside. */
static bool is_within_a_slice(struct trace *trace, struct trace_flow *flow) {
  for (size_t i = 0; i < trace->slice_count; i++) {
    struct trace_slice *slice = &trace->slices[i];
    if (slice->tid == flow->tid && flow->ts >= slice->ts - 0.01 &&
        flow->ts <= slice_end(slice))
      return true;
  }
  return false;
}

static void an_arrow_leads_from_initiation_to_handler(void **state) {
  static const char *const played[] = {"one butler", "two butlers"};
  for (int i = 0; i < 2; i++) {
    struct trace *trace = trace_of(played[i]);
    for (size_t k = 0; k < trace->slice_count; k++) {
      struct trace_slice *slice = &trace->slices[k];
      if (strcmp(slice->cat, "handler") != 0)
        continue;
      struct trace_flow *from = find_flow(trace, 's', slice->op);
      struct trace_flow *to = find_flow(trace, 'f', slice->op);
      assert_string_equal(from->name, slice->name);
      assert_string_equal(to->name, slice->name);
      assert_true(from->ts <= to->ts);
      assert_true(is_within_a_slice(trace, from));
      assert_true(to->ts >= slice->ts - 0.01 && to->ts <= slice_end(slice));
      assert_int_equal(to->tid, slice->tid);
    }
    trace_free(trace);
  }
}

/* Two slices, and one arrow that leads to both. */
static void an_arrow_goes_there_and_back(void **state) {
  struct trace *trace = trace_of("there and back");
  struct trace_slice *there = trace_find(trace, NULL, NULL, 0);
  struct trace_slice *back = trace_find(trace, NULL, NULL, 1);
  assert_int_equal(there->op, back->op);
  double begin = find_flow(trace, 's', back->op)->ts;
  double on = find_flow(trace, 't', back->op)->ts;
  double end = find_flow(trace, 'f', back->op)->ts;
  assert_true(begin <= on && on <= slice_end(there));
  assert_true(on <= end && end <= slice_end(back));
  trace_free(trace);
}

/* The operation became ready so often, and the last time there. */
static struct trace_ready *find_ready(struct trace *trace, long op,
                                      size_t times) {
  struct trace_ready *found = NULL;
  size_t count = 0;
  for (size_t i = 0; i < trace->ready_count; i++)
    if (trace->ready[i].op == op) {
      found = &trace->ready[i];
      count++;
    }
  assert_int_equal(count, times);
  return found;
}

static void
an_operation_is_ready_before_its_handler_and_says_where(void **state) {
  static const char *const played[] = {"one butler", "two butlers",
                                       "many threads", "awkward names"};
  for (int i = 0; i < 4; i++) {
    struct trace *trace = trace_of(played[i]);
    size_t handlers = trace_count(trace, NULL, NULL);
    assert_int_equal(trace->ready_count, handlers);
    /* Many have many: to look for each would take long. */
    for (size_t k = 0; k < handlers && k < 50; k++) {
      struct trace_slice *slice = trace_find(trace, NULL, NULL, k);
      struct trace_ready *ready = find_ready(trace, slice->op, 1);
      assert_true(ready->ts <= slice->ts + 0.01);
      assert_string_equal(ready->on, slice->on);
      assert_string_equal(ready->name, slice->name);
      assert_string_equal(ready->part, "");
      assert_string_equal(slice->part, "");
    }
    trace_free(trace);
  }
}

/* A strand keeps the second from running, and none is ready before its end. */
static void from_ready_to_the_handler_an_operation_waits(void **state) {
  struct trace *trace = trace_of("strand");
  struct trace_slice *first = trace_find(trace, "on_brief", "strand 1", 0);
  struct trace_slice *second = trace_find(trace, "on_brief", "strand 1", 1);
  struct trace_ready *ready = find_ready(trace, second->op, 1);
  assert_true(ready->ts < slice_end(first));
  assert_true(second->ts - ready->ts >= 1000);
  trace_free(trace);
}

static void work_and_its_way_home_are_told_apart(void **state) {
  struct trace *trace = trace_of("there and back");
  struct trace_slice *there = trace_find(trace, NULL, "strand 1", 0);
  struct trace_slice *back = trace_find(trace, NULL, "context 1", 0);
  assert_string_equal(there->part, "work");
  assert_string_equal(back->part, "home");
  struct trace_ready *home = find_ready(trace, back->op, 2);
  assert_string_equal(home->on, "context 1");
  assert_string_equal(home->part, "home");
  assert_true(home->ts >= slice_end(there));
  assert_string_equal(trace->ready[0].on, "strand 1");
  assert_string_equal(trace->ready[0].part, "work");
  trace_free(trace);
}

static void a_mark_is_within_the_handler_that_made_it(void **state) {
  struct trace *trace = trace_of("one butler");
  struct trace_slice *expired = trace_find(trace, "on_expired", NULL, 0);
  struct trace_mark *enter = trace_find_mark(trace, "expired enter", 0);
  struct trace_mark *leave = trace_find_mark(trace, "expired leave", 0);
  assert_int_equal(trace_count_marks(trace, "expired"), 2);
  assert_true(enter->ts >= expired->ts && leave->ts <= slice_end(expired));
  assert_true(leave->ts - enter->ts >= 1000);
  assert_int_equal(enter->tid, expired->tid);
  trace_free(trace);
}

static void butlers_have_names(void **state) {
  struct trace *trace = trace_of("two butlers");
  struct trace_slice *one = trace_find(trace, "on_meet", NULL, 0);
  struct trace_slice *two = trace_find(trace, "on_meet", NULL, 1);
  assert_int_not_equal(one->tid, two->tid);
  const char *first = trace_thread_name(trace, one->tid);
  const char *second = trace_thread_name(trace, two->tid);
  assert_memory_equal(first, "butler ", 7);
  assert_memory_equal(second, "butler ", 7);
  assert_int_equal(atoi(first + 7) + atoi(second + 7), 1 + 2);
  trace_free(trace);
}

/* Neither initiates or runs anything. */
static void threads_without_work_have_names_too(void **state) {
  struct trace *trace = trace_of("no work");
  assert_int_equal(trace->slice_count, 0);
  assert_string_equal(trace_thread_name(trace, 1), "main");
  assert_string_equal(trace_thread_name(trace, 2), "butler 1");
  trace_free(trace);
}

static void a_name_is_written_once(void **state) {
  struct trace *trace = trace_of("polls");
  assert_int_equal(trace->thread_count, 2);
  assert_string_equal(trace_thread_name(trace, 1), "butler 1");
  trace_free(trace);
}

static void main_initiates(void **state) {
  struct trace *trace = trace_of("two butlers");
  size_t count = 0;
  for (size_t i = 0; i < trace->slice_count; i++)
    if (strcmp(trace->slices[i].cat, "initiate") == 0) {
      assert_string_equal(trace_thread_name(trace, trace->slices[i].tid),
                          "main");
      count++;
    }
  assert_int_equal(count, 2);
  trace_free(trace);
}

static void handlers_that_run_together_overlap(void **state) {
  struct trace *trace = trace_of("two butlers");
  struct trace_slice *one = trace_find(trace, "on_meet", NULL, 0);
  struct trace_slice *two = trace_find(trace, "on_meet", NULL, 1);
  assert_true(slices_overlap(one, two));
  assert_int_equal(trace_overlaps(trace, one->on), 1);
  trace_free(trace);
}

static bool is_poll(const struct trace_slice *slice) {
  return strcmp(slice->cat, "poll") == 0;
}

/* While a butler polls it runs no handler, and nobody else polls. */
static void
polls_overlap_neither_each_other_nor_handlers_of_their_thread(void **state) {
  static const char *const played[] = {"one butler", "two butlers",
                                       "many threads"};
  for (int i = 0; i < 3; i++) {
    struct trace *trace = trace_of(played[i]);
    for (size_t a = 0; a < trace->slice_count; a++)
      for (size_t b = 0; is_poll(&trace->slices[a]) && b < a; b++) {
        struct trace_slice *one = &trace->slices[a], *two = &trace->slices[b];
        if ((is_poll(two) || one->tid == two->tid) && slices_overlap(one, two))
          give_up("%s: a poll at %.3f overlaps %s at %.3f", played[i], one->ts,
                  two->name, two->ts);
      }
    trace_free(trace);
  }
}

static double longest_poll(void) {
  struct trace *trace = trace_of("one butler");
  double longest = 0;
  for (size_t i = 0; i < trace->slice_count; i++)
    if (is_poll(&trace->slices[i]) && trace->slices[i].dur > longest)
      longest = trace->slices[i].dur;
  trace_free(trace);
  return longest;
}

/* A timer of 30 ms; on a busy machine the wait may begin late. */
static void a_wait_is_a_long_poll(void **state) {
  double longest = 0;
  for (int chances = 5; chances && longest < 10000; chances--)
    longest = longest_poll();
  assert_true(longest >= 10000);
}

static void names_are_written_as_they_are(void **state) {
  struct trace *trace = trace_of("awkward names");
  assert_int_equal(trace_count(trace, awkward, NULL), 1);
  assert_int_equal(trace_count(trace, NULL, NULL), 4);
  assert_int_equal(trace_count_marks(trace, awkward), 1);
  trace_free(trace);
}

static void nothing_is_an_empty_trace(void **state) {
  struct trace *trace = trace_of("nothing");
  assert_int_equal(trace->slice_count, 0);
  assert_int_equal(trace->mark_count, 0);
  trace_free(trace);
}

static void nothing_is_lost_between_many_threads(void **state) {
  struct trace *trace = trace_of("many threads");
  assert_int_equal(trace_count_marks(trace, "mark"), MARKERS * MARKS);
  assert_int_equal(trace_count_marks(trace, "in posted"), MARKERS * MARKS);
  assert_int_equal(trace_count(trace, "on_posted", NULL), MARKERS * MARKS);
  trace_free(trace);
}

static void a_trace_is_whole_when_the_program_exits(void **state) {
  struct trace *trace = trace_of("exit");
  assert_int_equal(trace_count(trace, "on_posted", NULL), 1);
  trace_free(trace);
}

static void without_a_file_there_is_no_trace(void **state) {
  run_scene("one butler", NULL);
  run_scene("one butler", "");
  run_scene("two butlers", NULL);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_scene_is_json_with_one_event_on_a_line),
      cmocka_unit_test(every_handler_is_a_slice),
      cmocka_unit_test(a_slice_tells_which_operation_initiated_it),
      cmocka_unit_test(an_arrow_leads_from_initiation_to_handler),
      cmocka_unit_test(an_arrow_goes_there_and_back),
      cmocka_unit_test(an_operation_is_ready_before_its_handler_and_says_where),
      cmocka_unit_test(from_ready_to_the_handler_an_operation_waits),
      cmocka_unit_test(work_and_its_way_home_are_told_apart),
      cmocka_unit_test(a_mark_is_within_the_handler_that_made_it),
      cmocka_unit_test(butlers_have_names),
      cmocka_unit_test(threads_without_work_have_names_too),
      cmocka_unit_test(a_name_is_written_once),
      cmocka_unit_test(main_initiates),
      cmocka_unit_test(handlers_that_run_together_overlap),
      cmocka_unit_test(
          polls_overlap_neither_each_other_nor_handlers_of_their_thread),
      cmocka_unit_test(a_wait_is_a_long_poll),
      cmocka_unit_test(names_are_written_as_they_are),
      cmocka_unit_test(nothing_is_an_empty_trace),
      cmocka_unit_test(nothing_is_lost_between_many_threads),
      cmocka_unit_test(a_trace_is_whole_when_the_program_exits),
      cmocka_unit_test(without_a_file_there_is_no_trace),
  };
  if (argc > 1)
    return play(argv[1]);
  own_path = argv[0];
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
