/* The exercise of lesson 18: a limit that is fair. In this small chat all
 * clients share one strand, and a packet is shared by all who still have to get
 * it: it is under way until the last of them has. Of nobody more than
 * UNDER_WAY_MOST packets are under way at a time. Who has so many is not read
 * on, and the others are. */
#include "../10-echo/listener.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum { PACKET = 2048, UNDER_WAY_MOST = 16 };

static ax_strand *strand;  /* all but main runs in it */
static long packets, most; /* that exist; that ever did */
/* todo: one number for all is not fair. Each client has one, under_way. */
/* given: static long under_way_all; */
/* done */

struct packet {
  ax_obj obj;
  struct client *from; /* who said it */
  size_t size;
  char bytes[];
};

/* A packet that waits for one client. */
struct entry {
  STAILQ_ENTRY(entry) next;
  struct packet *packet; /* held */
};

struct client {
  ax_obj obj;
  ax_stream *stream;
  ax_dynbuf in;
  bool here;
  bool waits;     /* it is not read on: too many of its packets are under way */
  long under_way; /* its packets that somebody still has to get */
  STAILQ_HEAD(queue, entry) queue; /* the first is being written */
  LIST_ENTRY(client) others;
};
static LIST_HEAD(clients, client) clients;

static void read_packet(struct client *c);

/* Who was held back may speak again. */
static void wake(struct client *c) {
  if (c->waits && c->here) {
    c->waits = false;
    read_packet(c);
  }
}

/* The last one who had to get it has got it, or has left. */
static void packet_destroy(void *object) {
  struct packet *p = object;
  packets--;
  /* todo: here all are counted together, and everybody is woken. Count those of
   * its sender, wake him alone, and let go of him, who was held by packet_new.
   */
  p->from->under_way--;
  wake(p->from);
  ax_unref(p->from);
  /* given: under_way_all--; */
  /* given: struct client *c; */
  /* given: if (under_way_all < UNDER_WAY_MOST) */
  /* given:   LIST_FOREACH(c, &clients, others) { wake(c); } */
  /* done */
  free(p);
}

static struct packet *packet_new(struct client *from, const void *bytes,
                                 size_t size) {
  struct packet *p = lesson_alloc(sizeof *p + size);
  ax_obj_init(&p->obj, packet_destroy);
  p->size = size;
  memcpy(p->bytes, bytes, size);
  if (++packets > most)
    most = packets;
  /* todo: the packet knows who said it, and is one more of his. He may leave
   * before it has arrived, so it holds him. */
  p->from = ax_ref(from);
  from->under_way++;
  /* given: p->from = NULL; */
  /* given: under_way_all++; */
  /* done */
  return p;
}

static void on_packet(void *arg, int err, size_t n);

static void read_packet(struct client *c) {
  ax_stream_read_until(c->stream, &c->in, '\0',
                       ax_keep(c, ax_call(on_packet, c)));
}

/* A packet was handed out: read on, or wait until some of them have arrived. */
static void go_on(struct client *c) {
  /* todo: who has to wait? Here it is everybody. */
  c->waits = c->under_way >= UNDER_WAY_MOST;
  /* given: c->waits = under_way_all >= UNDER_WAY_MOST; */
  /* done */
  if (!c->waits)
    read_packet(c);
}

/* ------------------------------- the queues; nothing is to do from here on */

static void on_written(void *arg, int err, size_t n);

static void write_front(struct client *c) {
  const struct packet *p = STAILQ_FIRST(&c->queue)->packet;
  ax_stream_write(c->stream, AX_CSEQ(ax_cbuffer(p->bytes, p->size)),
                  ax_keep(c, ax_call(on_written, c)));
}

static void queue_packet(struct client *c, struct packet *p) {
  struct entry *entry = lesson_alloc(sizeof *entry);
  bool first = STAILQ_EMPTY(&c->queue);
  entry->packet = ax_ref(p);
  STAILQ_INSERT_TAIL(&c->queue, entry, next);
  if (first)
    write_front(c);
}

static void pop_front(struct client *c) {
  struct entry *entry = STAILQ_FIRST(&c->queue);
  STAILQ_REMOVE_HEAD(&c->queue, next);
  ax_unref(entry->packet);
  free(entry);
}

static void drop_all(struct client *c) {
  while (!STAILQ_EMPTY(&c->queue))
    pop_front(c);
}

static void leave(struct client *c) {
  if (c->here)
    LIST_REMOVE(c, others);
  c->here = false;
  ax_stream_close(c->stream);
}

/* What was under way to it arrives nowhere any more. */
static void on_written(void *arg, int err, size_t n) {
  struct client *c = arg;
  pop_front(c);
  if (err || !c->here) {
    leave(c);
    drop_all(c);
  } else if (!STAILQ_EMPTY(&c->queue)) {
    write_front(c);
  }
}

static void on_packet(void *arg, int err, size_t n) {
  struct client *c = arg, *other;
  if (err) {
    leave(c);
    return;
  }
  struct packet *p = packet_new(c, ax_dynbuf_data(&c->in).base, n);
  ax_dynbuf_consume(&c->in, n);
  LIST_FOREACH(other, &clients, others) {
    if (other != c)
      queue_packet(other, p);
  }
  ax_unref(p);
  go_on(c);
}

static void client_destroy(void *object) {
  struct client *c = object;
  if (c->here)
    LIST_REMOVE(c, others);
  drop_all(c);
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

/* No butler is left: nobody is woken from here on. */
static void wake_nobody(void) {
  struct client *c;
  LIST_FOREACH(c, &clients, others) { c->waits = false; }
}

/* The context is gone, and its operations. Packets hold those who said them,
 * and clients their packets: whoever is in such a circle is let go here. */
static void drop_the_rest(void) {
  struct client *c;
  while ((c = ax_ref(LIST_FIRST(&clients)))) {
    LIST_REMOVE(c, others);
    c->here = false;
    drop_all(c);
    ax_unref(c);
  }
}

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about =
                               "A chat that holds back who talks too much.",
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
  wake_nobody();
  ax_unref(strand);
  ax_context_free(context);
  drop_the_rest();
  printf("most packets at once: %ld, left: %ld\n", most, packets);
  return 0;
}
