/* The exercise of lesson 16: a queue with a bound. In this small chat all
 * clients share one strand. What has to wait for a client is in its queue, and
 * the packet in front is being written. No more than QUEUE_MOST may wait behind
 * that one: the oldest of them is dropped then, and the client hears how many
 * it has missed, in their place: "(17 lost)" and a NUL. */
#include "../10-echo/listener.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum { PACKET = 2048, QUEUE_MOST = 64 };

static ax_strand *strand; /* all but main runs in it */
static long most;         /* packets that ever waited for one client */

struct packet {
  STAILQ_ENTRY(packet) next;
  size_t size;
  char bytes[];
};

struct client {
  ax_obj obj;
  ax_stream *stream;
  ax_dynbuf in;
  bool here;
  STAILQ_HEAD(queue, packet) queue; /* the first is being written */
  long length;                      /* of the queue */
  long lost;                        /* dropped behind the first, in a row */
  LIST_ENTRY(client) others;
};
static LIST_HEAD(clients, client) clients;

static struct packet *packet_new(const char *bytes, size_t size) {
  struct packet *p = lesson_alloc(sizeof *p + size);
  p->size = size;
  memcpy(p->bytes, bytes, size);
  return p;
}

static void pop_front(struct client *c) {
  struct packet *p = STAILQ_FIRST(&c->queue);
  STAILQ_REMOVE_HEAD(&c->queue, next);
  c->length--;
  free(p);
}

static void on_written(void *arg, int err, size_t n);

/* Writes the packet in front. */
static void write_front(struct client *c) {
  const struct packet *p = STAILQ_FIRST(&c->queue);
  ax_stream_write(c->stream, AX_CSEQ(ax_cbuffer(p->bytes, p->size)),
                  ax_keep(c, ax_call(on_written, c)));
}

/* todo: a function that drops the oldest packet that waits, and counts it. It
 * is not the one in front: that is being written, so it stays where it is. Not
 * every sys/queue.h has STAILQ_REMOVE_AFTER; all have STAILQ_REMOVE. */
static void drop_oldest(struct client *c) {
  struct packet *oldest = STAILQ_NEXT(STAILQ_FIRST(&c->queue), next);
  STAILQ_REMOVE(&c->queue, oldest, packet, next);
  c->length--;
  c->lost++;
  free(oldest);
}
/* done */

/* Puts a packet at the end, and writes it if none is being written. */
static void queue_packet(struct client *c, struct packet *p) {
  bool first = STAILQ_EMPTY(&c->queue);
  STAILQ_INSERT_TAIL(&c->queue, p, next);
  c->length++;
  if (first)
    write_front(c);
  /* todo: is the queue too long now? */
  if (c->length > QUEUE_MOST + 1)
    drop_oldest(c);
  /* done */
  if (c->length > most)
    most = c->length;
}

static void leave(struct client *c) {
  if (c->here)
    LIST_REMOVE(c, others);
  c->here = false;
  ax_stream_close(c->stream);
}

static void on_written(void *arg, int err, size_t n) {
  struct client *c = arg;
  pop_front(c);
  if (err) {
    leave(c);
    return;
  }
  /* todo: packets may be missing here. Then say so before the next one: a
   * packet with the text "(17 lost)" and a NUL goes to the front of the queue.
   * STAILQ_INSERT_HEAD takes its arguments several times, so give it a variable
   * and no call of packet_new. */
  if (c->lost > 0) {
    char text[32];
    int size = snprintf(text, sizeof text, "(%ld lost)", c->lost);
    struct packet *p = packet_new(text, (size_t)size + 1);
    STAILQ_INSERT_HEAD(&c->queue, p, next);
    c->length++;
    c->lost = 0;
  }
  /* done */
  if (!STAILQ_EMPTY(&c->queue))
    write_front(c);
}

/* -------------------------------- speaking; nothing is to do from here on */

static void on_packet(void *arg, int err, size_t n);

static void read_packet(struct client *c) {
  ax_stream_read_until(c->stream, &c->in, '\0',
                       ax_keep(c, ax_call(on_packet, c)));
}

static void on_packet(void *arg, int err, size_t n) {
  struct client *c = arg, *other;
  if (err) {
    leave(c);
    return;
  }
  LIST_FOREACH(other, &clients, others) {
    if (other != c)
      queue_packet(other, packet_new(ax_dynbuf_data(&c->in).base, n));
  }
  ax_dynbuf_consume(&c->in, n);
  read_packet(c);
}

static void client_destroy(void *object) {
  struct client *c = object;
  if (c->here)
    LIST_REMOVE(c, others);
  while (!STAILQ_EMPTY(&c->queue))
    pop_front(c);
  ax_dynbuf_free(&c->in);
  ax_unref(c->stream);
  free(c);
}

static void on_client(void *arg, ax_stream *stream) {
  struct client *c = lesson_alloc(sizeof *c);
  int size = 4096; /* so that one who sleeps is noticed soon */
  setsockopt(ax_stream_fd(stream), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  *c = (struct client){.stream = stream, .here = true};
  ax_obj_init(&c->obj, client_destroy);
  ax_dynbuf_init(&c->in, PACKET);
  STAILQ_INIT(&c->queue);
  LIST_INSERT_HEAD(&clients, c, others);
  read_packet(c);
  ax_unref(c);
}

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about = "A chat that forgets for who sleeps.",
                           .endpoint = "127.0.0.1:8888",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);
  ax_context *context = ax_context_new();
  strand = ax_strand_new(context);
  struct listener listener;
  listener_start(&listener, strand, &cli.endpoints[0], on_client, NULL);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_unref(strand);
  ax_context_free(context);
  printf("most packets in a queue: %ld\n", most);
  return 0;
}
