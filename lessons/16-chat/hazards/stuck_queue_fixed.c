/* The twin of stuck_queue.c: an error ends all that waited. */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

struct message {
  STAILQ_ENTRY(message) next;
};

struct client {
  ax_stream *stream;
  STAILQ_HEAD(queue, message) queue; /* the first is being written */
  int queued;
  bool gone;
};

static void pop_front(struct client *c) {
  struct message *m = STAILQ_FIRST(&c->queue);
  STAILQ_REMOVE_HEAD(&c->queue, next);
  c->queued--;
  free(m);
}

static void send_done(void *arg, int err, size_t n);

static void start_send(struct client *c) {
  ax_stream_write(c->stream, AX_CSEQ(ax_cstring("all the news")),
                  ax_call(send_done, c));
}

static void send_done(void *arg, int err, size_t n) {
  struct client *c = arg;
  c->gone = err != 0;
  do
    pop_front(c);
  while (err && !STAILQ_EMPTY(&c->queue));
  if (!STAILQ_EMPTY(&c->queue))
    start_send(c);
}

static void queue_message(struct client *c) {
  if (c->gone)
    return;
  bool write_in_progress = !STAILQ_EMPTY(&c->queue);
  struct message *m = lesson_alloc(sizeof *m);
  STAILQ_INSERT_TAIL(&c->queue, m, next);
  c->queued++;
  if (!write_in_progress)
    start_send(c);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_stream *laptop = ax_stream_new(context);
  struct client c = {.stream = ax_stream_new(context)};
  STAILQ_INIT(&c.queue);
  lesson_must("connect", ax_stream_pair(c.stream, laptop));
  ax_stream_close(laptop);
  for (int i = 0; i < 1000; i++) {
    queue_message(&c);
    ax_poll(context);
  }
  printf("%d messages wait for one who has gone\n", c.queued);
  while (!STAILQ_EMPTY(&c.queue))
    pop_front(&c);
  ax_unref(laptop);
  ax_unref(c.stream);
  ax_context_free(context);
}
