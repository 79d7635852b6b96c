/* The twin of unbounded.c: who makes others wait waits. */
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { PACKET = 1024, PACKETS = 4096, LIMIT = 64 * PACKET };

struct packet {
  STAILQ_ENTRY(packet) next;
  char bytes[PACKET];
};

static struct {
  ax_context *context;
  ax_stream *sleeper;
  STAILQ_HEAD(queue, packet) queue; /* the first is being written */
  size_t queued;                    /* bytes */
  int said;
  bool waits; /* the talker */
} room;

static void on_sent(void *arg, int err, size_t n);
static void on_packet(void *arg, int err, size_t n);

static void read_on(void) {
  room.waits = room.queued > LIMIT;
  if (room.said < PACKETS && !room.waits)
    ax_post(room.context, ax_call(on_packet, NULL));
}

static void send_first(void) {
  ax_cbuf bytes = AX_CBUF(STAILQ_FIRST(&room.queue)->bytes);
  ax_stream_write(room.sleeper, AX_CSEQ(bytes), ax_call(on_sent, NULL));
}

static void on_sent(void *arg, int err, size_t n) {
  struct packet *packet = STAILQ_FIRST(&room.queue);
  STAILQ_REMOVE_HEAD(&room.queue, next);
  room.queued -= PACKET;
  free(packet);
  if (room.waits)
    read_on();
  if (!STAILQ_EMPTY(&room.queue))
    send_first();
}

/* The talker has said a packet, and the next one is there already. */
static void on_packet(void *arg, int err, size_t n) {
  struct packet *packet = lesson_alloc(sizeof *packet);
  bool first = STAILQ_EMPTY(&room.queue);
  memset(packet->bytes, '.', PACKET);
  STAILQ_INSERT_TAIL(&room.queue, packet, next);
  room.queued += PACKET;
  room.said++;
  if (first)
    send_first();
  read_on();
}

int main(void) {
  room.context = ax_context_new();
  room.sleeper = ax_stream_new(room.context);
  ax_stream *laptop = ax_stream_new(room.context);
  STAILQ_INIT(&room.queue);
  lesson_must("connect", ax_stream_pair(room.sleeper, laptop));
  read_on();
  ax_poll(room.context);
  printf("%zu of %d KiB wait\n", room.queued / 1024, room.said);
  room.said = PACKETS;
  ax_stream_close(room.sleeper);
  ax_run(room.context);
  ax_unref(laptop);
  ax_unref(room.sleeper);
  ax_context_free(room.context);
}
