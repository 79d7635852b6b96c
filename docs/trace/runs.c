/* runs.c: what happened, from the events of a trace.
 *
 * A slice is written when its handler ends. Of a handler that has not ended,
 * because the program exits in it or waits for ever, there is the end of its
 * arrow alone; where it runs is what its readiness says. */
#include "events.h"

#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- sorting */

/* By two numbers. */
static int order(double a, double b, double then_a, double then_b) {
  if (a != b)
    return a < b ? -1 : 1;
  return (then_a > then_b) - (then_a < then_b);
}

#define COMPARE(name, type, one, other)                                        \
  static int name(const void *a, const void *b) {                              \
    const struct type *x = a, *y = b;                                          \
    return order(x->one, y->one, x->other, y->other);                          \
  }
COMPARE(by_id, op, id, at)
COMPARE(by_begin, run, begin, op)
COMPARE(by_start, span, begin, op)
COMPARE(by_operation, span, op, begin)
COMPARE(by_thread, thread, tid, renamed)

/* Of one operation in order of time, a slice before the end of its arrow. */
static int by_op(const void *a, const void *b) {
  const struct run *x = a, *y = b;
  int differ = order(x->op, y->op, x->begin, y->begin);
  return differ ? differ : (int)y->whole - (int)x->whole;
}

#define SORT(list, order)                                                      \
  ((list).count ? qsort((list).at, (list).count, sizeof *(list).at, order)     \
                : (void)0)

/* The first element of a sorted list that is not before `key`. */
#define FIRST_FROM(result, list, key, member)                                  \
  do {                                                                         \
    size_t low = 0, high = (list).count;                                       \
    while (low < high) {                                                       \
      size_t middle = low + (high - low) / 2;                                  \
      if ((list).at[middle].member < (key))                                    \
        low = middle + 1;                                                      \
      else                                                                     \
        high = middle;                                                         \
    }                                                                          \
    (result) = low;                                                            \
  } while (0)

struct op *trace_op(const struct trace *trace, double id) {
  size_t i;
  FIRST_FROM(i, trace->ops, id, id);
  return i < trace->ops.count && trace->ops.at[i].id == id ? &trace->ops.at[i]
                                                           : NULL;
}

struct thread *trace_thread(const struct trace *trace, double tid) {
  size_t i;
  FIRST_FROM(i, trace->threads, tid, tid);
  return i < trace->threads.count && trace->threads.at[i].tid == tid
             ? &trace->threads.at[i]
             : NULL;
}

/* -------------------------------------------------------------- one event */

static bool is(const char *text, const char *word) {
  return strcmp(text, word) == 0;
}

/* Also one that has no name, or none yet. */
static void add_thread(struct trace *trace, const struct event *event) {
  struct thread *thread = APPEND(trace->threads);
  bool names = is(event->ph, "M");
  *thread = (struct thread){event->tid, names ? event->label : "", "",
                            names ? event->ts : -1, 0};
}

static void add_run(struct trace *trace, const struct event *event, double op) {
  struct run *run = APPEND(trace->runs);
  bool whole = is(event->ph, "X");
  *run = (struct run){.op = op,
                      .begin = event->ts,
                      .end = event->ts + event->dur,
                      .ready = -1,
                      .tid = event->tid,
                      .err = event->err,
                      .n = event->n,
                      .by = event->by,
                      .name = event->name,
                      .on = event->on,
                      .part = is(event->ph, "t") ? "work" : event->part,
                      .whole = whole};
}

static void add_span(struct span *span, const struct event *event) {
  *span = (struct span){event->ts, event->ts + event->dur, event->op,
                        event->tid, event->on};
}

static void add_event(struct trace *trace, const struct event *event) {
  const char *ph = event->ph, *cat = event->cat;
  double end = event->ts + event->dur;
  trace->end = end > trace->end ? end : trace->end;
  if (!is(ph, "M") || is(event->name, "thread_name"))
    add_thread(trace, event);
  if (is(ph, "s") && is(cat, "flow"))
    *(struct op *)APPEND(trace->ops) =
        (struct op){.id = event->id, .at = event->ts, .tid = event->tid};
  else if ((is(ph, "f") || is(ph, "t")) && is(cat, "flow"))
    add_run(trace, event, event->id);
  else if (is(ph, "X") && is(cat, "handler"))
    add_run(trace, event, event->op);
  else if (is(ph, "X") && is(cat, "poll"))
    add_span(APPEND(trace->polls), event);
  else if (is(ph, "i") && is(cat, "ready"))
    add_span(APPEND(trace->waits), event);
}

/* -------------------------------------------------- what belongs together */

/* Where there is a slice, the end of its arrow has done its part. */
static void drop_arrows(struct trace *trace) {
  size_t kept = 0;
  struct run *runs = trace->runs.at;
  for (size_t i = 0; i < trace->runs.count; i++) {
    struct run *last = kept ? &runs[kept - 1] : NULL;
    if (!last || runs[i].whole || !last->whole || last->op != runs[i].op ||
        last->begin != runs[i].begin)
      runs[kept++] = runs[i];
  }
  trace->runs.count = kept;
}

/* Both lists are sorted by operation and time. What nobody has run waits until
 * the end. */
static void join_waits(struct trace *trace) {
  struct run *run = trace->runs.at, *end = run + trace->runs.count;
  for (size_t i = 0; i < trace->waits.count; i++) {
    struct span *wait = &trace->waits.at[i];
    while (run < end && order(run->op, wait->op, run->begin, wait->begin) < 0)
      run++;
    wait->end = trace->end;
    if (run == end || run->op != wait->op)
      continue;
    wait->end = run->begin;
    run->ready = wait->begin;
    run->on = *run->on ? run->on : wait->on;
    run++;
  }
}

static void end_runs(struct trace *trace) {
  for (size_t i = 0; i < trace->runs.count; i++)
    if (!trace->runs.at[i].whole)
      trace->runs.at[i].end = trace->end;
}

static void join_threads(struct trace *trace) {
  size_t kept = 0;
  struct thread *threads = trace->threads.at;
  for (size_t i = 0; i < trace->threads.count; i++) {
    struct thread *last = kept ? &threads[kept - 1] : NULL;
    if (!last || last->tid != threads[i].tid) {
      threads[kept++] = threads[i];
    } else if (*threads[i].name && !is(last->name, threads[i].name)) {
      last->first = *last->first ? last->first : last->name;
      last->name = threads[i].name;
      last->renamed = threads[i].renamed;
    }
  }
  trace->threads.count = kept;
}

/* Operations of which the trace has not the beginning get one of their own. */
static void join_ops(struct trace *trace) {
  size_t begun = trace->ops.count, kept = 0;
  SORT(trace->ops, by_id);
  for (size_t i = 0; i < begun; i++)
    if (!kept || trace->ops.at[kept - 1].id != trace->ops.at[i].id)
      trace->ops.at[kept++] = trace->ops.at[i];
  trace->ops.count = kept;
  for (size_t i = 0; i < trace->runs.count; i++) {
    struct run *run = &trace->runs.at[i];
    struct trace known = {.ops = {trace->ops.at, kept}};
    bool same = i && run[-1].op == run->op;
    if (!same && !trace_op(&known, run->op))
      *(struct op *)APPEND(trace->ops) =
          (struct op){.id = run->op, .at = run->begin, .tid = -1};
  }
  SORT(trace->ops, by_id);
}

static void count_runs(struct trace *trace) {
  for (size_t i = 0; i < trace->runs.count; i++)
    trace_thread(trace, trace->runs.at[i].tid)->runs++;
}

void trace_free(struct trace *trace) {
  free(trace->ops.at);
  free(trace->runs.at);
  free(trace->waits.at);
  free(trace->polls.at);
  free(trace->threads.at);
}

struct trace trace_of(const struct events *events) {
  struct trace trace = {0};
  for (size_t i = 0; i < events->count; i++)
    add_event(&trace, &events->at[i]);
  SORT(trace.runs, by_op);
  SORT(trace.waits, by_operation);
  SORT(trace.threads, by_thread);
  drop_arrows(&trace);
  join_waits(&trace);
  end_runs(&trace);
  join_threads(&trace);
  join_ops(&trace);
  count_runs(&trace);
  SORT(trace.runs, by_begin);
  SORT(trace.waits, by_start);
  SORT(trace.polls, by_start);
  return trace;
}
