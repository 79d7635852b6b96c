/* One end of a connection says something every second, the other end hears it.
 *
 * Both ends use one struct, and two butlers serve them, so all handlers are on
 * one strand. The program ends by itself, when no work is left.
 *
 *     make run NAME=mine      and the same with SANITIZE=thread, or SEED=7
 *     make seeds NAME=mine    every way that it can go
 *     make show NAME=mine     who did what, and when
 *
 * Make it yours, bit by bit, and run it after each step. Where to go on:
 *
 *     a socket in place of the pair       lesson 10   ax_stream_connect
 *     clients that come and go            lesson 10   ax_acceptor, ax_keep
 *     messages of another shape           lesson 12   ax_stream_read
 *     an end on Ctrl-C                    lesson 9    ax_signals
 *     work that takes long                lesson 14   ax_run_on
 *     sending to one who reads slowly     lesson 17   an outbox
 *
 * docs/your-program.md explains the rest. */
#include "ax.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUTLERS = 2, TIMES = 3, LIMIT = 80 };

/* region: state */
/* Only handlers in m->strand touch it, once the butlers run. */
struct mine {
  ax_strand *strand;
  ax_timer *timer;
  ax_stream *mouth, *ear;
  ax_dynbuf heard;
  char text[LIMIT];
  int said;
};
/* end: state */

static void must(const char *what, int err) {
  if (err == 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(err));
  exit(1);
}

/* region: say */
static void wait_a_second(struct mine *m);

/* In m->strand, like all handlers here. */
static void on_said(void *arg, int err, size_t n) {
  struct mine *m = arg;
  must("say something", err);
  m->said++;
  if (m->said < TIMES)
    wait_a_second(m);
  else
    must("end it", ax_stream_shutdown(m->mouth));
}

static void on_second(void *arg, int err, size_t n) {
  struct mine *m = arg;
  must("wait a second", err);
  snprintf(m->text, sizeof m->text, "%d of %d\n", m->said + 1, TIMES);
  ax_stream_write(m->mouth, AX_CSEQ(ax_cstring(m->text)), ax_call(on_said, m));
}

static void wait_a_second(struct mine *m) {
  ax_timer_expires_after(m->timer, AX_SECONDS(1));
  ax_timer_wait(m->timer, ax_call(on_second, m));
}
/* end: say */

/* region: hear */
static void hear_a_line(struct mine *m);

/* Nothing is ordered after the end, so no work is left. */
static void on_line(void *arg, int err, size_t n) {
  struct mine *m = arg;
  if (err == UV_EOF) {
    printf("nothing more to hear\n");
    return;
  }
  must("hear a line", err);
  printf("heard %.*s", (int)n, (const char *)ax_dynbuf_data(&m->heard).base);
  ax_dynbuf_consume(&m->heard, n);
  hear_a_line(m);
}

static void hear_a_line(struct mine *m) {
  ax_stream_read_until(m->ear, &m->heard, '\n', ax_call(on_line, m));
}
/* end: hear */

/* region: butlers */
static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

/* This thread is one of them. */
static void run_butlers(ax_context *context) {
  pthread_t others[BUTLERS - 1];
  for (int i = 0; i < BUTLERS - 1; i++)
    must("hire a butler", -pthread_create(&others[i], NULL, butler, context));
  ax_run(context);
  for (int i = 0; i < BUTLERS - 1; i++)
    pthread_join(others[i], NULL);
}
/* end: butlers */

/* region: main */
int main(void) {
  ax_context *context = ax_context_new();
  ax_strand *strand = ax_strand_new(context);
  struct mine m = {.strand = strand,
                   .timer = ax_timer_new(strand),
                   .mouth = ax_stream_new(strand),
                   .ear = ax_stream_new(strand)};
  ax_dynbuf_init(&m.heard, LIMIT);
  must("make a pair", ax_stream_pair(m.mouth, m.ear));
  wait_a_second(&m);
  hear_a_line(&m);
  run_butlers(context);

  ax_dynbuf_free(&m.heard);
  ax_unref(m.ear);
  ax_unref(m.mouth);
  ax_unref(m.timer);
  ax_unref(strand);
  ax_context_free(context);
  return 0;
}
/* end: main */
