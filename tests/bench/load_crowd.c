/* load_crowd.c: people in many channels of an IRC server. In each channel the
 * same ones stay all the time, and two of them talk; the others leave, in this
 * way or that, and come into another channel. Those who stay shall hear every
 * line of their channel once, in the order of its sender, and nobody else's;
 * and of everybody who comes and goes that he did, by turns. Who comes shall
 * hear from some line on all of them, until he leaves.
 *
 * Client i begins in channel i % channels, and is the i / channels-th there. */
#include "load_irc.h"
#include "net.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TALKERS = 2, AT_ONCE = 200 /* who come in at the beginning */ };
enum { PARTING = IRC_STAGES, QUITTING }; /* stages */

struct guest {
  uint32_t next[TALKERS]; /* the line to come; 0: any, it has just come in */
  bool *present;          /* by client; for those who stay */
};

static const struct options *options;
static struct guest *guests;
static uint32_t *said;             /* by client: lines of those who talk */
static uint32_t stayers;           /* in each channel */
static bool begun;                 /* all are in */
static long joins;                 /* heard before that */
static long moves, lines, tidings; /* the last two are still to be heard */
static struct window window;

static uint32_t channels(void) { return (uint32_t)options->channels; }
static uint32_t rank_of(uint32_t number) { return number / channels(); }
static bool stays(uint32_t number) { return rank_of(number) < stayers; }

static uint32_t next_random(uint32_t below) {
  return (uint32_t)random() % below;
}

/* --------------------------------------------------------------- hearing */

static void count_line(struct client *c, uint32_t from, uint32_t seq,
                       uint64_t took) {
  uint32_t *next = &guests[c->number].next[rank_of(from)];
  if (*next && seq != *next)
    gone_wrong(c,
               seq < *next ? "a line is doubled, or late" : "a line is lost");
  *next = seq + 1;
  if (!stays(c->number))
    return;
  lines--;
  window_add(&window, took);
}

/* "... PRIVMSG #c12 :5 123456789": the number of the line, and when it was
 * said. */
static void hear_words(struct client *c, uint32_t from, const char *line,
                       size_t size, uint64_t time) {
  char text[IRC_LINE + 1];
  uint32_t channel, seq;
  uint64_t at;
  snprintf(text, sizeof text, "%.*s", (int)size, line);
  const char *words = strstr(text, " PRIVMSG ");
  if (!words || sscanf(words, " PRIVMSG #c%" SCNu32 " :%" SCNu32 " %" SCNu64,
                       &channel, &seq, &at) != 3)
    gone_wrong(c, "a line is torn");
  else if (rank_of(from) >= TALKERS || channel != from % channels() ||
           channel != c->channel)
    gone_wrong(c, "a line of another channel");
  else
    count_line(c, from, seq, time - at);
}

/* One who stays hears that somebody is there now, or is not any more. */
static void hear_tidings(struct client *c, uint32_t from, bool present) {
  bool *was = &guests[c->number].present[from];
  if (*was == present)
    gone_wrong(c, present ? "one who is here joins" : "one who left leaves");
  *was = present;
  tidings--;
}

static void come_in_elsewhere(struct client *c) {
  c->channel = next_random(channels());
  tidings += stayers;
}

/* The first one who stays heard that he has left: his nick is free. */
static void come_again(struct client *c) {
  if (c->fd != -1)
    client_close(c);
  come_in_elsewhere(c);
  irc_come(c);
}

static void hear_join(struct client *c, uint32_t from) {
  joins++;
  if (c->number == from)
    memset(guests[from].next, 0, sizeof guests[from].next);
  if (begun && stays(c->number))
    hear_tidings(c, from, true);
}

static void hear_leave(struct client *c, uint32_t from, bool quits) {
  if (stays(c->number))
    hear_tidings(c, from, false);
  if (quits && rank_of(c->number) == 0) {
    come_again(&clients[from]);
  } else if (!quits && c->number == from) {
    c->stage = IRC_JOINING;
    come_in_elsewhere(c);
    irc_say(c, "JOIN #c%u", c->channel);
  }
}

static void hear(struct client *c, const char *line, size_t size,
                 uint64_t time) {
  uint32_t from = irc_sender(line, size);
  if (from >= (uint32_t)options->clients)
    irc_hear(c, line, size);
  else if (irc_is(line, size, "PRIVMSG"))
    hear_words(c, from, line, size, time);
  else if (irc_is(line, size, "JOIN"))
    hear_join(c, from);
  else if (irc_is(line, size, "PART") || irc_is(line, size, "QUIT"))
    hear_leave(c, from, irc_is(line, size, "QUIT"));
  else
    gone_wrong(c, "a line that is none of these");
}

static void gone(struct client *c) {
  if (c->stage != QUITTING)
    gone_wrong(c, "connection lost");
}

static void say_something(uint64_t count) {
  uint32_t from = (uint32_t)(count % (channels() * TALKERS));
  irc_say(&clients[from], "PRIVMSG #c%u :%u %" PRIu64, from % channels(),
          ++said[from], now());
  lines += stayers - 1;
}

/* Half of them change the channel; the others say that they quit, or hang up
 * in the middle of a line. */
static void leave(struct client *c) {
  uint32_t how = next_random(4);
  tidings += stayers;
  moves++;
  c->stage = how < 2 ? PARTING : QUITTING;
  if (how < 2) {
    irc_say(c, "PART #c%u", c->channel);
  } else if (how == 2) {
    irc_say(c, "QUIT :off");
  } else {
    client_send(c, "PRIVMSG #c", 10);
    client_close(c);
  }
}

static void somebody_leaves(void) {
  uint32_t first = stayers * channels();
  struct client *c =
      &clients[first + next_random((uint32_t)options->clients - first)];
  if (c->stage == IRC_IN)
    leave(c);
}

/* How often something that happens `rate` times a second is due by now. */
static uint64_t due(uint64_t begin, long rate) {
  return (uint64_t)((double)(now() - begin) / 1e9 * (double)rate);
}

static void live(void) {
  uint64_t begin = now(), words = 0, left = 0;
  window_init(&window, options->seconds, options->pid);
  while (window_step(&window) && !wrong) {
    for (; words < due(begin, options->rate); words++)
      say_something(words);
    for (; left < due(begin, options->moves); left++)
      somebody_leaves();
    people_turn(1);
  }
}

/* ------------------------------------------------------------ the phases */

static void check(const struct options *o) {
  stayers = o->channels ? (uint32_t)(o->clients / o->channels / 2) : 0;
  if (stayers >= TALKERS && o->clients % o->channels == 0 && o->rate &&
      o->moves)
    return;
  fprintf(stderr, "these numbers make no crowd\n");
  exit(2);
}

static void take_place(struct client *c) {
  struct guest *guest = &guests[c->number];
  c->channel = c->number % channels();
  if (!stays(c->number))
    return;
  guest->present = net_alloc((size_t)options->clients);
  for (uint32_t i = c->channel; i < (uint32_t)options->clients; i += channels())
    guest->present[i] = true;
}

/* Everybody who comes in is heard by all who are in, and by himself. */
static void begin(void) {
  long people = options->clients / options->channels;
  long all = options->channels * people * (people + 1) / 2;
  irc_all_come(options, AT_ONCE);
  for (uint64_t end = now() + 30000000000; joins < all && now() < end;)
    people_turn(100);
  for (long i = 0; i < options->clients; i++)
    for (int talker = 0; talker < TALKERS; talker++)
      guests[i].next[talker] = 1;
  begun = true;
  fprintf(stderr, "%ld people are in %ld channels\n", options->clients,
          options->channels);
}

static void finish(void) {
  for (uint64_t end = now() + 30000000000;
       (lines || tidings) && !wrong && now() < end;)
    people_turn(100);
  people_turn(200); /* nothing more may come */
  if (lines || tidings) {
    wrong++;
    complain("%ld lines and %ld tidings did not come\n", lines, tidings);
  }
}

long load_crowd(const struct options *o) {
  options = o;
  check(o);
  people_init(o, &(struct protocol){IRC_LINE, irc_measure, hear, gone});
  guests = net_alloc((size_t)o->clients * sizeof *guests);
  said = net_alloc((size_t)o->clients * sizeof *said);
  for (long i = 0; i < o->clients; i++)
    take_place(&clients[i]);
  begin();
  live();
  finish();
  printf("case=crowd clients=%ld channels=%ld moves=%ld ", o->clients,
         o->channels, moves);
  window_print(&window, "deliveries");
  printf(" wrong=%ld\n", wrong);
  return wrong;
}
