/* A room full of people, as a load for a chat server: fifty listen, and four of
 * them talk, as fast as they are heard. Ends when everybody has heard all of
 * it. The last one to come in greets the others: when that is heard, all are
 * in the room, and the talk begins.
 *
 *     lesson18-client ENDPOINT PACKETS */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 50, TALKERS = 4, SIZE = 64, AHEAD = 8 };

struct person {
  ax_stream *stream;
  ax_dynbuf out;      /* what he says now */
  long said, may_say; /* packets */
  size_t heard;       /* bytes */
  char part[SIZE];    /* of a packet */
  char cup[32 << 10];
};

static struct person people[PEOPLE], *const last = &people[PEOPLE - 1];
static long packets; /* of each who talks */
static int done;
static ax_context *context;
static ax_endpoint endpoint;

static void say(struct person *p);

/* -------------------------------------------------------------- talking */

static void on_said(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("write", err);
  ax_dynbuf_consume(&p->out, n);
  say(p);
}

/* A packet is who says it, some talk, and a NUL. */
static void compose(struct person *p) {
  char packet[SIZE];
  memset(packet, 'a' + (int)(p->said % 26), sizeof packet);
  packet[0] = (char)('A' + (p - people));
  packet[SIZE - 1] = '\0';
  lesson_must("speak", ax_dynbuf_append(&p->out, AX_CBUF(packet)));
}

/* All that he may say now, with one write. */
static void say(struct person *p) {
  if (ax_dynbuf_data(&p->out).len > 0)
    return; /* he is saying something */
  for (; p->may_say > 0; p->may_say--, p->said++)
    compose(p);
  if (ax_dynbuf_data(&p->out).len > 0)
    ax_stream_write(p->stream, AX_CSEQ(ax_dynbuf_data(&p->out)),
                    ax_call(on_said, p));
}

static void let_say(struct person *p, long count) {
  long left = packets - p->said - p->may_say;
  p->may_say += count < left ? count : left;
  say(p);
}

/* ------------------------------------------------------------- listening */

/* What the others say, and the greeting. */
static size_t bytes_for(const struct person *p) {
  long talkers = p < people + TALKERS ? TALKERS - 1 : TALKERS;
  return (size_t)(talkers * packets + (p < last)) * SIZE;
}

/* The last one hears a packet, so its talker may say another. The first one
 * hears the greeting. */
static void answer(const struct person *p) {
  if (p == last)
    let_say(&people[p->part[0] - 'A'], 1);
  if (p == people && p->part[0] == 'A' + PEOPLE - 1)
    for (int i = 0; i < TALKERS; i++)
      let_say(&people[i], AHEAD);
}

static void hear(struct person *p, const char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    size_t at = (p->heard + i) % SIZE;
    p->part[at] = bytes[i];
    if ((at == SIZE - 1) != (bytes[i] == '\0'))
      lesson_must("a packet", UV_EPROTO);
    if (at == SIZE - 1)
      answer(p);
  }
}

static void listen_to(struct person *p);

static void on_heard(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("read", err);
  hear(p, p->cup, n);
  p->heard += n;
  if (p->heard < bytes_for(p))
    listen_to(p);
  else if (++done == PEOPLE)
    ax_stop(context);
}

static void listen_to(struct person *p) {
  ax_stream_read_some(p->stream, AX_SEQ(AX_BUF(p->cup)), ax_call(on_heard, p));
}

/* ------------------------------------------------------------ coming in */

static void come_in(struct person *p);

/* One after the other, so the server accepts the last one last. */
static void on_connected(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("connect", err);
  listen_to(p);
  if (p < last) {
    come_in(p + 1);
    return;
  }
  p->may_say = 1;
  say(p);
}

static void come_in(struct person *p) {
  p->stream = ax_stream_new(context);
  ax_dynbuf_init(&p->out, (size_t)AHEAD * SIZE);
  ax_stream_connect(p->stream, &endpoint, ax_call(on_connected, p));
}

static bool read_words(int argc, char **argv) {
  if (argc != 3 || ax_endpoint_parse(argv[1], &endpoint))
    return false;
  packets = strtol(argv[2], NULL, 10);
  return packets > 0;
}

int main(int argc, char **argv) {
  lesson_words(argc, argv, "ENDPOINT PACKETS", read_words(argc, argv));
  context = ax_context_new();
  come_in(people);
  ax_run(context);
  for (int i = 0; i < PEOPLE; i++) {
    ax_unref(people[i].stream);
    ax_dynbuf_free(&people[i].out);
  }
  ax_context_free(context);
  size_t bytes = 0;
  for (int i = 0; i < PEOPLE; i++)
    bytes += people[i].heard;
  printf("%zu\n", bytes / SIZE);
  return 0;
}
