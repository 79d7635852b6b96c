/* load_talk.c: what is under way between those who talk and all others.
 *
 * A sender keeps at most `window` lines under way: a line is until everybody
 * else has it. So those under way are remembered, and a line that came is
 * compared with the one that should have come, byte by byte; only when they
 * differ is it read, to say what happened to it.
 *
 * With --rate so many lines a second are said, whatever comes back: latency
 * then counts from the moment when a line was due, so that a server that falls
 * behind cannot hide it by making the senders wait. */
#include "load_talk.h"
#include "net.h"

#include <stdio.h>
#include <string.h>

/* A line under way, and how many have it; one sender's stand in a ring. */
struct line {
  struct words words;
  long received;
  uint64_t sent_at;
};

struct sender {
  struct line *ring;    /* [window] */
  uint32_t first, next; /* under way: from first up to, not with, next */
};

static const struct options *options;
static const struct language *language;
static struct sender *senders;
static long under_way;
static char *portion; /* of a sender's lines */
static struct window window;

/* --------------------------------------------------------------- sending */

static bool window_is_full(const struct sender *s) {
  return s->next - s->first >= (uint32_t)options->window;
}

static const struct words *next_line(uint32_t number, uint64_t time) {
  struct sender *s = &senders[number];
  struct line *line = &s->ring[s->next % (uint32_t)options->window];
  language->compose(&line->words, number, s->next++);
  line->received = 0;
  line->sent_at = time;
  under_way++;
  return &line->words;
}

/* One send for as much of the window as is free, or for a burst of it. */
static void send_window(uint32_t number) {
  size_t n = 0;
  long burst = options->burst ? options->burst : options->window;
  for (; !window_is_full(&senders[number]) && burst > 0; burst--) {
    const struct words *words = next_line(number, now());
    memcpy(portion + n, words->said, words->said_size);
    n += words->said_size;
  }
  if (n > 0)
    client_send(&clients[number], portion, n);
}

/* What is due by now, the senders in turn. */
static void send_due(void) {
  static uint64_t count, begin;
  if (!begin)
    begin = now();
  for (;;) {
    uint32_t number = (uint32_t)(count % (uint64_t)options->senders);
    uint64_t due = begin + count * 1000000000 / (uint64_t)options->rate;
    if (now() < due || window_is_full(&senders[number]))
      return;
    count++;
    const struct words *words = next_line(number, due);
    client_send(&clients[number], words->said, words->said_size);
  }
}

static void send_more(void) {
  for (long i = 0; i < options->senders && !options->rate; i++)
    send_window((uint32_t)i);
  if (options->rate)
    send_due();
}

/* ------------------------------------------------------------- receiving */

void talk_unexpected(struct client *c, uint32_t from, uint32_t seq) {
  if (from == c->number || from >= (uint32_t)options->senders) {
    gone_wrong(c, "its own line came back, or that of one who says nothing");
  } else if ((int32_t)(seq - c->next[from]) < 0) {
    gone_wrong(c, "a line is doubled, or later than its successor");
  } else {
    gone_wrong(c, "lines before this one are lost, or later");
    c->next[from] = seq + 1;
  }
}

void talk_hear(struct client *c, const char *bytes, size_t size,
               uint64_t time) {
  uint32_t from = language->sender(bytes, size);
  bool known = from < (uint32_t)options->senders && from != c->number;
  struct sender *s = &senders[known ? from : 0];
  uint32_t seq = c->next[known ? from : 0];
  struct line *line = &s->ring[seq % (uint32_t)options->window];
  if (!known || seq - s->first >= s->next - s->first ||
      size != line->words.heard_size ||
      memcmp(bytes, line->words.heard, size) != 0) {
    language->other(c, bytes, size);
    return;
  }
  c->next[from]++;
  window_add(&window, time - line->sent_at);
  if (++line->received < options->clients - 1)
    return;
  s->first++;
  under_way--;
}

/* ------------------------------------------------------------- the phases */

static void sender_init(struct sender *s) {
  s->ring = net_alloc((size_t)options->window * sizeof *s->ring);
  for (long i = 0; i < options->window; i++) {
    s->ring[i].words.said = net_alloc(language->longest);
    s->ring[i].words.heard = net_alloc(language->longest);
  }
}

void talk_init(const struct options *o, const struct language *spoken) {
  options = o;
  language = spoken;
  senders = net_alloc((size_t)o->senders * sizeof *senders);
  portion = net_alloc((size_t)o->window * language->longest);
  for (long i = 0; i < o->senders; i++)
    sender_init(&senders[i]);
  for (long i = 0; i < o->clients; i++)
    clients[i].next = net_alloc((size_t)o->senders * sizeof *clients[i].next);
}

static void finish(void) {
  for (uint64_t end = now() + 30000000000; under_way > 0 && now() < end;)
    people_turn(100);
  if (under_way > 0)
    complain("%ld lines did not reach everybody\n", under_way);
  wrong += under_way;
  people_turn(100); /* nothing more may come */
}

void talk(const char *name) {
  window_init(&window, options->seconds, options->pid);
  while (window_step(&window) && !wrong) {
    send_more();
    people_turn(options->rate ? 0 : 100); /* it has a processor of its own */
  }
  finish();
  printf("case=%s clients=%ld senders=%ld window=%ld rate_set=%ld size=%ld ",
         name, options->clients, options->senders, options->window,
         options->rate, options->size);
  window_print(&window, "deliveries");
  printf(" wrong=%ld\n", wrong);
}
