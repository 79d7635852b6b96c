/* customer.c: the circle of a customer.
 *
 *     length -> request -> ask ... answer -> sent -> length
 *
 * One operation is pending at a time, and it keeps the customer, as in lesson
 * 10. So the circle needs no strand, wherever one of its steps is done. */
#include "customer.h"
#include "../12-framing/linger.h"
#include "interpreter.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

atomic_long customers_served, customers_alive;

struct customer {
  ax_obj obj;
  const struct shop *shop;
  ax_stream *stream;
  unsigned char length[2];
  struct question question; /* the frame that came, and the one that goes */
};

static void on_answer(void *arg, int err, size_t n);
static void refuse(struct customer *c);

/* ------------------------------------------------------------ three ways */

/* region: ask */
/* A request has come. Each way ends in on_answer, on a butler of the
 * customers. */
static void ask(struct customer *c) {
  struct question *q = &c->question;
  ax_token token = ax_keep(c, ax_call(on_answer, c));
  ax_op *op;
  switch (c->shop->way) {
  /* region: ways */
  case BLOCKING: /* figure 2: the butler goes himself */
    on_answer(c, interpreter_ask(q), 0);
    break;
  case WRAPPED: /* figure 3: he takes a form along */
    op = ax_initiate(c->shop->executor, token);
    ax_complete(op, interpreter_ask(q), 0);
    break;
  case STRAND: /* figure 4: the tent has a butler of its own */
    ax_run_on(c->shop->python, interpreter_ask, q, token);
    break;
    /* end: ways */
  }
}
/* end: ask */

/* --------------------------------------------------------------- the circle */

static void on_length(void *arg, int err, size_t n);

static void read_length(struct customer *c) {
  ax_stream_read(c->stream, AX_SEQ(AX_BUF(c->length)),
                 ax_keep(c, ax_call(on_length, c)));
}

static void on_request(void *arg, int err, size_t n) {
  if (!err)
    ask(arg);
}

static void on_length(void *arg, int err, size_t n) {
  struct customer *c = arg;
  struct question *q = &c->question;
  if (err)
    return;
  q->request_size = (size_t)c->length[0] << 8 | c->length[1];
  q->request = malloc(q->request_size + 1); /* of 0 bytes it might be NULL */
  if (!q->request) {
    snprintf(q->why, sizeof q->why, "no memory for %zu bytes", q->request_size);
    refuse(c);
    return;
  }
  ax_stream_read(c->stream, AX_SEQ(ax_buffer(q->request, q->request_size)),
                 ax_keep(c, ax_call(on_request, c)));
}

/* A customer who thinks holds no frame. */
static void drop_frames(struct question *q) {
  free(q->request);
  free(q->answer);
  q->request = q->answer = NULL;
}

static void on_sent(void *arg, int err, size_t n) {
  struct customer *c = arg;
  drop_frames(&c->question);
  if (!err)
    read_length(c);
}

static void send_answer(struct customer *c) {
  const struct question *q = &c->question;
  c->length[0] = (unsigned char)(q->answer_size >> 8);
  c->length[1] = (unsigned char)q->answer_size;
  ax_stream_write(
      c->stream,
      AX_CSEQ(AX_CBUF(c->length), ax_cbuffer(q->answer, q->answer_size)),
      ax_keep(c, ax_call(on_sent, c)));
}

/* ------------------------------------------------------------- no answer */

/* region: refuse */
/* A frame has no room for "that went wrong", so the client gets the end of the
 * stream instead, behind the answers that were sent before; the log gets the
 * reason. */
static void refuse(struct customer *c) {
  char peer[AX_ENDPOINT_TEXT];
  lesson_peer(c->stream, peer);
  lesson_log("closed %s: %s", peer, c->question.why);
  drop_frames(&c->question);
  linger(c->stream, c->shop->executor);
}

static void on_answer(void *arg, int err, size_t n) {
  struct customer *c = arg;
  if (err)
    refuse(c);
  else
    send_answer(c);
}
/* end: refuse */

/* ------------------------------------------------------- beginning and end */

static void customer_destroy(void *object) {
  struct customer *c = object;
  drop_frames(&c->question);
  ax_unref(c->stream); /* closes it */
  free(c);
  customers_alive--;
}

void customer_connected(void *shop, ax_stream *stream) {
  struct customer *c = malloc(sizeof *c);
  if (!c) {
    lesson_log("out of memory: a client is sent away");
    ax_unref(stream);
    return;
  }
  *c = (struct customer){.shop = shop, .stream = stream};
  ax_obj_init(&c->obj, customer_destroy);
  customers_served++;
  customers_alive++;
  read_length(c);
  ax_unref(c);
}
