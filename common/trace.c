/* trace.c: what happened, as Chrome trace events.
 *
 * One event a line, written under one lock: tracing is for looking, and the
 * order of lines is worth more than speed. Times are microseconds since the
 * trace began. Off, all that remains is the test of ax__trace_on. */
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

atomic_bool ax__trace_on;

static struct {
  FILE *file;
  ax_time begin;
  ax__mutex lock;
} trace;
static atomic_uint_fast64_t operations;
static atomic_int threads;

/* --------------------------------------------------------------- writing */

static int thread_id(void) {
  if (!ax__self.trace_id)
    ax__self.trace_id = atomic_fetch_add(&threads, 1) + 1;
  return ax__self.trace_id;
}

static void put_quoted(const char *text) {
  putc('"', trace.file);
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
      fprintf(trace.file, "\\u%04x", *text);
    else
      putc(*text, trace.file);
  putc('"', trace.file);
}

__attribute__((format(printf, 4, 5))) static void
event(const char *phase, const char *name, ax_time at, const char *format,
      ...) {
  va_list rest;
  va_start(rest, format);
  ax__lock(&trace.lock);
  if (ax__tracing()) { /* else the program is ending */
    fprintf(trace.file,
            ",\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"name\":",
            phase, thread_id(), (double)(at - trace.begin) / 1e3);
    put_quoted(name);
    vfprintf(trace.file, format, rest);
    putc('}', trace.file);
  }
  ax__unlock(&trace.lock);
  va_end(rest);
}

/* A thread that gets another name later has that one. */
static void name_thread(const char *name) {
  event("M", "thread_name", ax_now(), ",\"args\":{\"name\":\"%s\"}", name);
}

static void close_trace(void) {
  ax__lock(&trace.lock);
  atomic_store(&ax__trace_on, false);
  fputs("\n]\n", trace.file);
  if (fclose(trace.file))
    perror("AX_TRACE");
  ax__unlock(&trace.lock);
}

void ax__trace_open(void) {
  const char *path = getenv("AX_TRACE");
  if (!path || !*path)
    return;
  trace.file = fopen(path, "w");
  if (!trace.file) {
    perror(path);
    exit(2);
  }
  fputs("[\n{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\","
        "\"args\":{\"name\":\"proactor\"}}",
        trace.file);
  ax__mutex_init(&trace.lock);
  trace.begin = ax_now();
  atomic_store(&ax__trace_on, true);
  name_thread("main");
  atexit(close_trace);
}

/* ---------------------------------------------------------------- events */

static void slice(const char *name, const char *kind, ax_time begin) {
  event("X", name, begin, ",\"cat\":\"%s\",\"dur\":%.3f", kind,
        (double)(ax_now() - begin) / 1e3);
}

/* Where no handler runs, as in main, the call is a slice of its own: an arrow
 * begins in a slice. */
struct ax__origin ax__trace_initiated(ax_fn *fn, const char *name) {
  struct ax__origin origin = {name ? name : "operation",
                              atomic_fetch_add(&operations, 1) + 1,
                              ax__self.op};
  ax_time now = ax_now();
  if (fn)
    event("s", origin.name, now, ",\"cat\":\"flow\",\"id\":%" PRIu64,
          origin.id);
  if (fn && !origin.by)
    slice("initiate", "initiate", now);
  return origin;
}

/* What tells where a handler runs, in the arguments of an event. */
#define ON ",\"on\":\"%s %u\"%s%s%s"
#define ON_ARGS(executor, part)                                                \
  (executor)->kind, (executor)->number, (part) ? ",\"part\":\"" : "",          \
      (part) ? (part) : "", (part) ? "\"" : ""

void ax__trace_ready(const struct ax__origin *origin, const ax_executor *on,
                     const char *part) {
  event("i", origin->name, ax_now(),
        ",\"s\":\"t\",\"cat\":\"ready\",\"args\":{\"op\":%" PRIu64 ON "}",
        origin->id, ON_ARGS(on, part));
}

void ax__trace_butler(void) {
  char name[32];
  if (ax__self.named == ax__self.butler)
    return; /* as one who calls ax_poll again and again */
  ax__self.named = ax__self.butler;
  snprintf(name, sizeof name, "butler %d", ax__self.butler);
  name_thread(name);
}

void ax__trace_polled(ax_time begin) { slice("poll", "poll", begin); }

void ax__trace_begin(struct ax__slice *slice, const struct ax__origin *origin,
                     const char *part) {
  *slice = (struct ax__slice){ax_now(), *origin, ax__self.op,
                              ax__self.inside->executor, part};
  bool goes_on = part && strcmp(part, AX__WORK) == 0;
  ax__self.op = origin->id;
  event(goes_on ? "t" : "f", origin->name, slice->begin,
        ",\"bp\":\"e\",\"cat\":\"flow\",\"id\":%" PRIu64, origin->id);
}

void ax__trace_end(const struct ax__slice *slice, int err, size_t n) {
  ax__self.op = slice->outer;
  event("X", slice->origin.name, slice->begin,
        ",\"cat\":\"handler\",\"dur\":%.3f,\"args\":{\"op\":%" PRIu64
        ",\"by\":%" PRIu64 ON ",\"err\":%d,\"n\":%zu}",
        (double)(ax_now() - slice->begin) / 1e3, slice->origin.id,
        slice->origin.by, ON_ARGS(slice->on, slice->part), err, n);
}

void ax_trace_mark(const char *text) {
  if (ax__tracing())
    event("i", text, ax_now(), ",\"s\":\"t\",\"cat\":\"mark\"");
}
