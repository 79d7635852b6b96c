/* load_chat.c: the packets of the chat.
 *
 * A packet says who sent it, its number, and a checksum of all of it; then
 * come filling and a NUL, and no NUL before.
 *
 * The talk begins with a roll call: a client's connection stands before the
 * server knows of it, and until then it would miss packets rightly. So each
 * client says hello until the first one has heard it. */
#include "load_talk.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 5, HEAD = 4 * DIGITS, MOST = 256 << 10 };
enum { HELLO = 1, PACKET = 2 };
enum { HEARD = 1 }; /* a stage: its hello has reached client 0 */

static const struct options *options;
static size_t size;
static long heard;

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

static void write_packet(char *packet, uint32_t kind, uint32_t from,
                         uint32_t seq) {
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

/* -------------------------------------------------------------- language */

static void compose(struct words *words, uint32_t from, uint32_t seq) {
  write_packet(words->said, PACKET, from, seq);
  memcpy(words->heard, words->said, size);
  words->said_size = words->heard_size = size;
}

static uint32_t sender(const char *packet, size_t n) {
  return get_number(packet + DIGITS);
}

static void other(struct client *c, const char *packet, size_t n) {
  uint32_t from = get_number(packet + DIGITS);
  if (!whole(packet) || from >= (uint32_t)options->clients) {
    gone_wrong(c, "a packet is torn");
  } else if (get_number(packet) == HELLO) {
    if (c->number == 0 && clients[from].stage != HEARD)
      heard++;
    if (c->number == 0)
      clients[from].stage = HEARD;
  } else {
    talk_unexpected(c, from, get_number(packet + 2 * DIGITS));
  }
}

static size_t measure(const char *bytes, size_t n) {
  return n < size ? 0 : size;
}

/* ------------------------------------------------------------- the phases */

static void say_hello(void) {
  char *hello = net_alloc(size);
  for (long i = 1; i < options->clients; i++)
    if (clients[i].stage != HEARD) {
      write_packet(hello, HELLO, clients[i].number, 0);
      client_send(&clients[i], hello, size);
    }
  free(hello);
}

static void roll_call(void) {
  uint64_t end = now() + 10000000000;
  for (uint64_t again = 0; heard < options->clients - 1; people_turn(100)) {
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

long load_chat(const struct options *o) {
  options = o;
  size = (size_t)o->size;
  if (o->clients < 2 || o->senders > o->clients || size <= HEAD ||
      size * (size_t)o->window > MOST) {
    fprintf(stderr, "these numbers make no chat\n");
    exit(2);
  }
  people_init(o, &(struct protocol){size, measure, talk_hear, NULL});
  talk_init(o, &(struct language){size, compose, sender, other});
  for (long i = 0; i < o->clients; i++)
    client_connect(&clients[i]);
  roll_call();
  talk("chat");
  return wrong;
}
