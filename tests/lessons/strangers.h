/* strangers.h: a crowd in one channel, of which some do their worst.
 *
 *   witnesses  talk and listen: each hears every line of the others, once and
 *              in order
 *   sleepers   read nothing, one in a hundred
 *   tricklers  send a byte now and then
 *   breakers   reset their connection in the middle of a line
 *   idlers     the rest, in channels of 500
 *
 * And for a while visitors take all descriptors that the server has. */
#ifndef STRANGERS_H
#define STRANGERS_H

#include "irc.h"

enum {
  WITNESSES = 12,
  VISITORS = 120,
  IN_CHANNEL = 500,
  BATCH = 125,
  WORDS = 1 << 12
};

enum role { WITNESS, SLEEPER, TRICKLER, BREAKER, IDLER };

struct stranger {
  struct peer peer; /* first */
  enum role role;
  int number;
  bool inside;      /* it has heard the end of its JOIN */
  long said, asked; /* lines of a witness; those that the server has heard */
  long heard[WITNESSES];
  double spoke;     /* when it spoke last, or sent a byte */
  char words[600];  /* that it sends */
  char line[WORDS]; /* that it hears */
  size_t length;
};

static struct {
  size_t count, inside, lines, cut;
  struct stranger *all;
  struct peer **peers;
  double said_at[1 << 16]; /* when a line was said, by its number */
  double longest;          /* that one was on its way */
} crowd;

/* ------------------------------------------------------------- hearing */

/* "word 3 17 ..." is the 18th line of the fourth witness. */
static inline void hear_word(struct stranger *s, const char *text) {
  int who = -1;
  long number = -1;
  if (sscanf(text, "word %d %ld ", &who, &number) != 2)
    give_up("what is \"%s\"?", text);
  assert_in_range(who, 0, WITNESSES - 1);
  if (number != s->heard[who]++)
    give_up("%d hears line %ld of %d, and should hear line %ld", s->number,
            number, who, s->heard[who] - 1);
  double took = seconds() - crowd.said_at[(number * WITNESSES + who) & 0xffff];
  crowd.longest = took > crowd.longest ? took : crowd.longest;
  crowd.lines++;
}

static inline void hear_line(struct stranger *s, const char *line) {
  const char *word = strstr(line, " PRIVMSG #0 :");
  if (!s->inside && strstr(line, " 366 ")) {
    s->inside = true;
    crowd.inside++;
  }
  if (word && s->role == WITNESS)
    hear_word(s, word + strlen(" PRIVMSG #0 :"));
  if (strstr(line, " PONG "))
    s->asked++;
  if (s->number == 0 && strstr(line, "QUIT :SendQ exceeded"))
    crowd.cut++;
  if (strncmp(line, "ERROR", 5) == 0 || strstr(line, " ERROR "))
    give_up("%d hears: %s", s->number, line);
}

static inline void on_heard(struct peer *peer, const char *bytes, size_t n) {
  struct stranger *s = (struct stranger *)peer;
  if (s->inside && s->role != WITNESS)
    return;
  for (size_t i = 0; i < n; i++)
    if (bytes[i] != '\n') {
      s->line[s->length++] = bytes[i];
      assert_true(s->length < WORDS);
    } else {
      s->line[s->length] = 0;
      s->length = 0;
      hear_line(s, s->line);
    }
}

/* -------------------------------------------------------------- doing */

static inline void send_words(struct stranger *s) {
  s->peer.out = s->words;
  s->peer.left = strlen(s->words);
}

/* A long line, so that those who sleep soon have much waiting for them. */
static inline void talk(struct stranger *s) {
  if (s->peer.left || s->asked < s->said || seconds() - s->spoke < 0.02)
    return;
  s->spoke = seconds();
  crowd.said_at[(s->said * WITNESSES + s->number) & 0xffff] = s->spoke;
  snprintf(s->words, sizeof s->words,
           "PRIVMSG #0 :word %d %ld %0360d\r\nPING x\r\n", s->number, s->said,
           7);
  s->said++;
  send_words(s);
}

static inline void trickle(struct stranger *s) {
  if (s->peer.left || seconds() - s->spoke < 1.0 / 20)
    return;
  s->spoke = seconds();
  s->words[0] = "PING x\n"[s->said++ % 7];
  s->words[1] = 0;
  send_words(s);
}

static inline void break_off(struct stranger *s) {
  static const char half[] = "PRIVMSG #0 :word";
  if (s->peer.fd == -1 || s->peer.left)
    return;
  client_try_send(s->peer.fd, half, sizeof half - 1);
  client_reset(s->peer.fd);
  s->peer.fd = -1;
}

static inline void crowd_turn(bool talking) {
  static size_t next_breaker;
  for (size_t i = 0; i < crowd.count; i++) {
    struct stranger *s = &crowd.all[i];
    if (s->role == WITNESS && talking)
      talk(s);
    if (s->role == TRICKLER)
      trickle(s);
  }
  for (size_t i = 0; talking && i < 2 && next_breaker < crowd.count;
       next_breaker++)
    if (crowd.all[next_breaker].role == BREAKER) {
      break_off(&crowd.all[next_breaker]);
      i++;
    }
  peers_turn(crowd.peers, crowd.count < IN_CHANNEL ? crowd.count : IN_CHANNEL);
}

/* --------------------------------------------------------------- coming */

static inline enum role role_of(size_t i) {
  size_t sleepers = crowd.count / 100, tricklers = crowd.count / 50,
         breakers = crowd.count / 25;
  return i < WITNESSES                                     ? WITNESS
         : i < WITNESSES + sleepers                        ? SLEEPER
         : i < WITNESSES + sleepers + tricklers            ? TRICKLER
         : i < WITNESSES + sleepers + tricklers + breakers ? BREAKER
                                                           : IDLER;
}

static inline void come(size_t i, const char *endpoint) {
  struct stranger *s = &crowd.all[i];
  s->role = role_of(i);
  s->number = (int)i;
  s->peer.got = on_heard;
  peer_connect(&s->peer, endpoint);
  snprintf(s->words, sizeof s->words,
           "NICK s%zu\r\nUSER s 0 * :x\r\nJOIN #%zu\r\n", i, i / IN_CHANNEL);
  send_words(s);
}

/* The system keeps little for it, so that the server notices soon. */
static inline void fall_asleep(struct peer *peer) {
  int size = 4096;
  setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  peer->deaf = true;
}

/* Some at a time, so that the welcome of one is not in the way of another. */
static inline void crowd_gather(size_t count, const char *endpoint) {
  crowd.count = count;
  crowd.all = calloc(count, sizeof *crowd.all);
  crowd.peers = calloc(count, sizeof(struct peer *));
  assert_true(crowd.all && crowd.peers);
  for (size_t i = 0; i < count; i++) {
    crowd.peers[i] = &crowd.all[i].peer;
    crowd.all[i].peer.fd = -1;
  }
  for (size_t i = 0; i < count; i += BATCH) {
    size_t end = i + BATCH < count ? i + BATCH : count;
    size_t first = i - i % IN_CHANNEL; /* of the channel */
    for (size_t j = i; j < end; j++)
      come(j, endpoint);
    peers_until(crowd.peers + first, end - first, crowd.inside == end);
  }
  for (size_t i = 0; i < count; i++)
    if (crowd.all[i].role == SLEEPER)
      fall_asleep(&crowd.all[i].peer);
}

static inline bool all_is_heard(void) {
  for (size_t i = 0; i < WITNESSES; i++)
    for (size_t who = 0; who < WITNESSES; who++)
      if (i != who && crowd.all[i].heard[who] < crowd.all[who].said)
        return false;
  return true;
}

static inline void crowd_disperse(void) {
  for (size_t i = 0; i < crowd.count; i++)
    peer_close(crowd.peers[i]);
  free(crowd.all);
  free(crowd.peers);
}

#endif
