/* load_chat.c: some clients of a chat send packets, and all others shall get
 * every one of them.
 *
 * A packet says who sent it, its number, and a checksum of all of it; then
 * come filling and a NUL, and no NUL before. A sender keeps at most `window`
 * packets under way: a packet is until everybody else has it. So those under
 * way are remembered, and a packet that came is compared with the one that
 * should have come, byte by byte; only when they differ is it read, to say
 * what happened to it.
 *
 * With --rate so many packets a second are sent, whatever comes back: latency
 * then counts from the moment when a packet was due, so that a server that
 * falls behind cannot hide it by making the senders wait.
 *
 * Before that comes a roll call: a client's connection stands before the
 * server knows of it, and until then it would miss packets rightly. So each
 * client says hello until the first one has heard it. */
#include "load.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { DIGITS = 5, HEAD = 4 * DIGITS, BUFFER = 256 << 10 };
enum { HELLO = 1, PACKET = 2 };

struct client {
  int fd;
  uint32_t number;
  uint32_t *next; /* by sender: the packet that shall come next */
  char *begun;    /* the beginning of a packet, and its length */
  size_t begun_size;
  bool heard; /* its hello has reached client 0 */
};

/* A packet under way, and how many have it; one sender's stand in a ring. */
struct packet {
  char *bytes;
  long received;
  uint64_t sent_at;
};

struct sender {
  struct packet *ring;  /* [window] */
  uint32_t first, next; /* under way: from first up to, not with, next */
};

static const struct options *options;
static int epoll;
static size_t size;
static struct client *clients;
static struct sender *senders;
static long heard, under_way, wrong;
static struct window window;

/* --------------------------------------------------------------- packets */

/* 32 bits in five bytes that are never zero. */
static void put_number(char *at, uint32_t value) {
  for (int i = 0; i < DIGITS; i++, value >>= 7)
    at[i] = (char)(value | 0x80);
}

static uint32_t get_number(const char *at) {
  uint32_t value = 0;
  for (int i = DIGITS - 1; i >= 0; i--)
    value = value << 7 | ((unsigned char)at[i] & 0x7f);
  return value;
}

/* FNV-1a of all that stands before and behind the checksum itself. */
static uint32_t checksum(const char *packet) {
  uint32_t sum = 2166136261U;
  for (size_t i = 0; i < size; i++)
    if (i < 3 * DIGITS || i >= HEAD)
      sum = (sum ^ (unsigned char)packet[i]) * 16777619U;
  return sum;
}

static void compose(char *packet, uint32_t kind, uint32_t from, uint32_t seq) {
  put_number(packet, kind);
  put_number(packet + DIGITS, from);
  put_number(packet + 2 * DIGITS, seq);
  memset(packet + HEAD, 'a' + (int)(seq % 26), size - HEAD - 1);
  packet[size - 1] = '\0';
  put_number(packet + 3 * DIGITS, checksum(packet));
}

static bool whole(const char *packet) {
  return packet[size - 1] == '\0' &&
         get_number(packet + 3 * DIGITS) == checksum(packet);
}

/* --------------------------------------------------------------- sending */

static void send_all(struct client *c, const char *bytes, size_t n) {
  if (send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n)
    return;
  fprintf(stderr, "a server that reads takes %zu bytes at once\n", n);
  exit(2);
}

static bool window_is_full(const struct sender *s) {
  return s->next - s->first >= (uint32_t)options->window;
}

static struct packet *next_packet(uint32_t number, uint64_t time) {
  struct sender *s = &senders[number];
  struct packet *packet = &s->ring[s->next % (uint32_t)options->window];
  compose(packet->bytes, PACKET, number, s->next++);
  packet->received = 0;
  packet->sent_at = time;
  under_way++;
  return packet;
}

/* One send for as much of the window as is free, or for a burst of it. */
static void send_window(uint32_t number) {
  static char bytes[BUFFER];
  size_t n = 0;
  long burst = options->burst ? options->burst : options->window;
  for (; !window_is_full(&senders[number]) && burst > 0; burst--, n += size)
    memcpy(bytes + n, next_packet(number, now())->bytes, size);
  if (n > 0)
    send_all(&clients[number], bytes, n);
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
    send_all(&clients[number], next_packet(number, due)->bytes, size);
  }
}

static void send_more(void) {
  for (long i = 0; i < options->senders && !options->rate; i++)
    send_window((uint32_t)i);
  if (options->rate)
    send_due();
}

/* ------------------------------------------------------------- receiving */

static void gone_wrong(const struct client *c, const char *what,
                       const char *packet) {
  wrong++;
  complain("client %u: %s (sender %u, number %u)\n", c->number, what,
           get_number(packet + DIGITS), get_number(packet + 2 * DIGITS));
}

/* A packet that is not the one expected: what is it? */
static void examine(struct client *c, const char *packet) {
  uint32_t from = get_number(packet + DIGITS);
  uint32_t seq = get_number(packet + 2 * DIGITS);
  if (!whole(packet) || from >= (uint32_t)options->clients) {
    gone_wrong(c, "torn", packet);
  } else if (get_number(packet) == HELLO) {
    if (c->number == 0 && !clients[from].heard)
      heard++;
    clients[from].heard |= c->number == 0;
  } else if (from == c->number) {
    gone_wrong(c, "its own packet came back", packet);
  } else if ((int32_t)(seq - c->next[from]) < 0) {
    gone_wrong(c, "doubled, or later than its successor", packet);
  } else {
    gone_wrong(c, "others before it are lost, or later", packet);
    c->next[from] = seq + 1;
  }
}

static void take(struct client *c, const char *bytes, uint64_t time) {
  uint32_t from = get_number(bytes + DIGITS);
  bool known = from < (uint32_t)options->senders && from != c->number;
  struct sender *s = &senders[known ? from : 0];
  uint32_t seq = c->next[known ? from : 0];
  struct packet *packet = &s->ring[seq % (uint32_t)options->window];
  if (!known || seq - s->first >= s->next - s->first ||
      memcmp(bytes, packet->bytes, size) != 0) {
    examine(c, bytes);
    return;
  }
  c->next[from]++;
  window_add(&window, time - packet->sent_at);
  if (++packet->received < options->clients - 1)
    return;
  s->first++;
  under_way--;
}

static void receive(struct client *c) {
  static char buffer[BUFFER];
  memcpy(buffer, c->begun, c->begun_size);
  ssize_t n = recv(c->fd, buffer + c->begun_size, BUFFER - c->begun_size, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    complain("client %u: connection lost\n", c->number);
    wrong++;
    close(c->fd);
    return;
  }
  uint64_t time = now();
  size_t left = c->begun_size + (size_t)n;
  const char *bytes = buffer;
  for (; left >= size; left -= size, bytes += size)
    take(c, bytes, time);
  memcpy(c->begun, bytes, left);
  c->begun_size = left;
}

static void turn(int timeout) {
  static struct epoll_event events[1024];
  int count = epoll_wait(epoll, events, 1024, timeout);
  for (int i = 0; i < count; i++)
    receive(events[i].data.ptr);
}

/* ------------------------------------------------------------- the phases */

static void client_init(struct client *c, uint32_t number) {
  ax_endpoint endpoint = net_endpoint(options->endpoint);
  c->number = number;
  c->fd = net_connect(&endpoint);
  c->next = net_alloc((size_t)options->senders * sizeof *c->next);
  c->begun = net_alloc(size);
  net_watch(epoll, c->fd, EPOLLIN, c);
}

static void sender_init(struct sender *s) {
  s->ring = net_alloc((size_t)options->window * sizeof *s->ring);
  for (long i = 0; i < options->window; i++)
    s->ring[i].bytes = net_alloc(size);
}

static void say_hello(void) {
  char *hello = net_alloc(size);
  for (long i = 1; i < options->clients; i++)
    if (!clients[i].heard) {
      compose(hello, HELLO, clients[i].number, 0);
      send_all(&clients[i], hello, size);
    }
  free(hello);
}

static void roll_call(void) {
  uint64_t end = now() + 10000000000;
  for (uint64_t again = 0; heard < options->clients - 1; turn(100)) {
    if (now() > again) {
      say_hello();
      again = now() + 500000000;
    }
    if (now() > end) {
      fprintf(stderr, "the server does not hand out packets\n");
      exit(2);
    }
  }
}

static void talk(void) {
  window_init(&window, options->seconds, options->pid);
  while (window_step(&window) && !wrong) {
    send_more();
    turn(options->rate ? 0 : 100); /* it has a processor of its own */
  }
  for (uint64_t end = now() + 30000000000; under_way > 0 && now() < end;)
    turn(100);
  if (under_way > 0)
    complain("%ld packets did not reach everybody\n", under_way);
  wrong += under_way;
  turn(100); /* nothing more may come */
}

long load_chat(const struct options *o) {
  options = o;
  size = (size_t)o->size;
  if (o->clients < 2 || o->senders > o->clients || size <= HEAD ||
      size * (size_t)o->window > BUFFER) {
    fprintf(stderr, "these numbers make no chat\n");
    exit(2);
  }
  epoll = net_epoll();
  clients = net_alloc((size_t)o->clients * sizeof *clients);
  senders = net_alloc((size_t)o->senders * sizeof *senders);
  for (long i = 0; i < o->senders; i++)
    sender_init(&senders[i]);
  for (long i = 0; i < o->clients; i++)
    client_init(&clients[i], (uint32_t)i);
  roll_call();
  talk();
  printf("case=chat clients=%ld senders=%ld window=%ld rate_set=%ld size=%ld ",
         o->clients, o->senders, o->window, o->rate, o->size);
  window_print(&window, "deliveries");
  printf(" wrong=%ld\n", wrong);
  return wrong;
}
