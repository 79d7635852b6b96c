/* Measures the server: eight clients ask the Python function, each as soon as
 * it has the answer, and a ninth one sends echoes, with a pause of 2 ms after
 * each. How long did an echo take to come back?
 *
 *     lesson15-client APP-ENDPOINT ECHO-ENDPOINT MILLISECONDS
 *
 * It prints one line: answers of Python, echoes, and of the echoes the median,
 * the 99th percentile and the longest, in milliseconds. */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKING = 8 };

static const char frame[] = "\0\5hello";
enum { FRAME = sizeof frame - 1 };

struct client {
  ax_endpoint endpoint;
  ax_stream *stream;
  ax_timer *pause; /* the echo's; else NULL */
  ax_time sent;
  size_t answers;
  char back[FRAME];
};

static ax_time span;  /* how long to ask, from the first connection on */
static ax_time end;   /* no more questions after it */
static double *taken; /* by each echo, in milliseconds */

static void send_frame(struct client *c);

static void on_pause_over(void *arg, int err, size_t n) { send_frame(arg); }

static void note_time(const struct client *c) {
  double *longer = realloc(taken, c->answers * sizeof *taken);
  lesson_must("memory", longer ? 0 : UV_ENOMEM);
  taken = longer;
  taken[c->answers - 1] = (double)(ax_now() - c->sent) / 1e6;
}

static void on_answer(void *arg, int err, size_t n) {
  struct client *c = arg;
  lesson_must("read", err);
  lesson_must("length", memcmp(c->back, frame, 2) ? UV_EPROTO : 0);
  c->answers++;
  if (!c->pause) {
    send_frame(c);
    return;
  }
  note_time(c);
  ax_timer_expires_after(c->pause, AX_MS(2));
  ax_timer_wait(c->pause, ax_call(on_pause_over, c));
}

static void on_sent(void *arg, int err, size_t n) { lesson_must("write", err); }

static void send_frame(struct client *c) {
  c->sent = ax_now();
  if (c->sent >= end)
    return;
  ax_stream_write(c->stream, AX_CSEQ(ax_cbuffer(frame, FRAME)),
                  ax_call(on_sent, c));
  ax_stream_read(c->stream, AX_SEQ(AX_BUF(c->back)), ax_call(on_answer, c));
}

static void on_connected(void *arg, int err, size_t n) {
  lesson_must("connect", err);
  if (!end)
    end = ax_now() + span;
  send_frame(arg);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The smallest time that so many hundredths of the echoes do not exceed. */
static double percentile(size_t count, size_t hundredths) {
  return taken[(count * hundredths + 99) / 100 - 1];
}

static void report(const struct client *asking, const struct client *echo) {
  size_t answers = 0, echoes = echo->answers;
  for (int i = 0; i < ASKING; i++)
    answers += asking[i].answers;
  lesson_must("echo", echoes ? 0 : UV_ETIMEDOUT);
  qsort(taken, echoes, sizeof *taken, ascending);
  printf("%8zu %8zu %9.2f %9.2f %9.2f\n", answers, echoes,
         percentile(echoes, 50), percentile(echoes, 99), taken[echoes - 1]);
}

static void run(ax_context *context, struct client clients[ASKING + 1]) {
  for (int i = 0; i <= ASKING; i++) {
    clients[i].stream = ax_stream_new(context);
    ax_stream_connect(clients[i].stream, &clients[i].endpoint,
                      ax_call(on_connected, &clients[i]));
  }
  ax_run(context);
  for (int i = 0; i <= ASKING; i++)
    ax_unref(clients[i].stream);
}

int main(int argc, char **argv) {
  struct client clients[ASKING + 1] = {0}, *echo = &clients[ASKING];
  long milliseconds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
  bool right = milliseconds > 0 &&
               !ax_endpoint_parse(argv[1], &clients[0].endpoint) &&
               !ax_endpoint_parse(argv[2], &echo->endpoint);
  lesson_words(argc, argv, "APP-ENDPOINT ECHO-ENDPOINT MILLISECONDS", right);
  for (int i = 1; i < ASKING; i++)
    clients[i].endpoint = clients[0].endpoint;
  ax_context *context = ax_context_new();
  echo->pause = ax_timer_new(context);
  span = AX_MS(milliseconds);
  run(context, clients);
  report(clients, echo);
  ax_unref(echo->pause);
  ax_context_free(context);
  free(taken);
  return 0;
}
