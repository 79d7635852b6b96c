/* The outbox of lesson 17: senders that wait for one who is behind, and a
 * receiver that reads, or does not.
 *
 * Two senders on strands of their own have some chunks for two receivers. Each
 * asks before it puts one in, as the chat of lesson 18 does. A lost wake-up
 * would leave a sender waiting, and the run would not end. */
#include "scenario.h"

#include "../../../lessons/17-feed/outbox.h"

enum { SENDERS = 2, RECEIVERS = 2, CHUNKS = 6, SIZE = 3000 };

struct receiver {
  ax_obj obj;
  struct outbox outbox;
  ax_stream *far; /* the other end, ... */
  ax_strand *far_strand;
  uint8_t in[SIZE]; /* ... which reads a chunk at a time */
  int heard[SENDERS];
  bool deaf, cut_off;
};

struct sender {
  ax_obj obj;
  ax_strand *strand;
  struct outbox_waiter waiter;
  int number, said;
};

static ax_context *context;
static struct receiver *receivers[RECEIVERS];
static struct sender senders[SENDERS];
static atomic_int unheard; /* chunks that somebody has still to read */

static void on_broken(void *owner, const char *why) {
  struct receiver *r = owner;
  CHECK(ax_inside(r->outbox.strand));
  CHECK(r->deaf && why);
  r->cut_off = true;
  outbox_end(&r->outbox, NULL);
}

/* Some seeds have a machine on which each step takes milliseconds, and who
 * reads there needs some patience. */
static struct outbox_rules rules = {.mark = 2 * SIZE,
                                    .limit = 12 * SIZE,
                                    .patience = AX_SECONDS(60),
                                    .broken = on_broken};

/* ------------------------------------------------------------ receivers */

static void receiver_destroy(void *object) {
  struct receiver *r = object;
  outbox_free(&r->outbox);
  ax_unref(r->far);
  ax_unref(r->far_strand);
  free(r);
}

static void on_chunk(void *arg, int err, size_t n);

static void read_chunk(struct receiver *r) {
  ax_stream_read(r->far, AX_SEQ(AX_BUF(r->in)),
                 ax_on(r->far_strand, ax_keep(r, ax_call(on_chunk, r))));
}

/* Each sender's chunks come whole and in order. */
static void on_chunk(void *arg, int err, size_t n) {
  struct receiver *r = arg;
  CHECK(err == 0 && n == SIZE);
  int who = r->in[0], number = r->in[SIZE - 1];
  CHECK(who < SENDERS && number == r->heard[who]++);
  bool more = r->heard[0] + r->heard[1] < SENDERS * CHUNKS;
  atomic_fetch_sub(&unheard, 1);
  if (more)
    read_chunk(r);
}

static void small_buffer(ax_stream *stream) {
  int size = 1; /* the least there is */
  setsockopt(ax_stream_fd(stream), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static struct receiver *receiver_new(bool deaf) {
  struct receiver *r = calloc(1, sizeof *r);
  ax_stream *near = ax_stream_new(context);
  CHECK(r != NULL);
  ax_obj_init(&r->obj, receiver_destroy);
  r->deaf = deaf;
  r->far = ax_stream_new(context);
  r->far_strand = ax_strand_new(context);
  connect_pair(near, r->far);
  outbox_init(&r->outbox, &rules, r, near, context);
  small_buffer(near);
  if (!deaf)
    read_chunk(r);
  return r;
}

/* -------------------------------------------------------------- senders */

static void speak(void *arg, int err, size_t n);

/* As `hold` in lesson 18. */
static bool hold(struct sender *s) {
  if (!outbox_anyone_behind(&rules))
    return false;
  s->waiter.op = ax_initiate(s->strand, ax_call(speak, s));
  for (int i = 0; i < RECEIVERS; i++)
    if (outbox_wait(&receivers[i]->outbox, &s->waiter))
      return true;
  ax_complete(s->waiter.op, 0, 0);
  return true;
}

static void speak(void *arg, int err, size_t n) {
  struct sender *s = arg;
  CHECK(ax_inside(s->strand) && err == 0);
  if (s->said == CHUNKS || hold(s))
    return;
  struct chunk *chunk = chunk_new(NULL, SIZE);
  memset(chunk->bytes, 0, SIZE);
  chunk->bytes[0] = (char)s->number;
  chunk->bytes[SIZE - 1] = (char)s->said++;
  for (int i = 0; i < RECEIVERS; i++)
    outbox_send(&receivers[i]->outbox, chunk);
  ax_unref(chunk);
  ax_post(s->strand, ax_call(speak, s));
}

/* -------------------------------------------------------------- the run */

static void talk(int deaf) {
  context = ax_context_new();
  atomic_store(&unheard, (RECEIVERS - deaf) * SENDERS * CHUNKS);
  for (int i = 0; i < RECEIVERS; i++)
    receivers[i] = receiver_new(i < deaf);
  for (int i = 0; i < SENDERS; i++) {
    senders[i] = (struct sender){.strand = ax_strand_new(context), .number = i};
    ax_post(senders[i].strand, ax_call(speak, &senders[i]));
  }
  serve(context, some(1, 3));
  for (int i = 0; i < SENDERS; i++) {
    CHECK(senders[i].said == CHUNKS);
    ax_unref(senders[i].strand);
  }
  CHECK(atomic_load(&unheard) == 0 && atomic_load(&rules.behind) == 0);
  for (int i = 0; i < RECEIVERS; i++) {
    CHECK(receivers[i]->cut_off == receivers[i]->deaf);
    ax_unref(receivers[i]);
  }
  end(context);
}

SCENARIO(outbox_wait_and_wake,
         "senders that wait for an outbox go on, and nothing is lost") {
  talk(0);
}

SCENARIO(outbox_deaf, "who does not read is cut off, and the others hear all") {
  talk(1);
}
