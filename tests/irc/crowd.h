/* crowd.h: a crowd of clients who do anything, at random but by a seed: they
 * come, join, talk, change nicks, kick, kill, stop listening, and leave in the
 * middle of a line. What each of them hears is judged by view.h. */
#ifndef CROWD_H
#define CROWD_H

#include "lessons/peers.h"
#include "view.h"

enum { OUT_ROOM = 4096, IN_ROOM = ALL_TAGS_MOST + LINE_MOST + 2 };

struct client {
  struct peer peer; /* first */
  struct viewer viewer;
  uint32_t messages, places[CHANNELS], pings; /* that it has said */
  bool leaving;                               /* it says nothing more ... */
  bool half;    /* ... and when all is said, its side ends */
  int deaf_for; /* turns */
  size_t size;
  char out[OUT_ROOM];
  size_t have;
  char in[IN_ROOM]; /* the beginning of a line */
};

struct crowd {
  struct client *clients;
  struct peer **peers;
  size_t count;
  const char *endpoint;
  uint32_t seed;
  unsigned long lines; /* that were heard, by all */
};

static struct crowd crowd;

static uint32_t below(uint32_t limit) {
  return next_random(&crowd.seed) % limit;
}

/* --------------------------------------------------------------- hearing */

static void hear_line(struct client *c, size_t size) {
  if (size == 0 || c->in[size - 1] != '\r')
    give_up("a line without its end");
  c->in[size - 1] = '\0';
  viewer_hear(&c->viewer, c->in, size - 1);
  crowd.lines++;
}

static void on_bytes(struct peer *peer, const char *bytes, size_t n) {
  struct client *c = (struct client *)peer;
  while (n > 0) {
    const char *end = memchr(bytes, '\n', n);
    size_t size = end ? (size_t)(end - bytes) : n;
    assert_true(c->have + size < IN_ROOM);
    memcpy(c->in + c->have, bytes, size);
    c->have += size;
    if (end) {
      hear_line(c, c->have);
      c->have = 0;
      size++;
    }
    bytes += size;
    n -= size;
  }
}

/* --------------------------------------------------------------- talking */

static void put(struct client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct client *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  c->size +=
      (size_t)vsnprintf(c->out + c->size, OUT_ROOM - c->size, format, args);
  va_end(args);
  assert_true(c->size < OUT_ROOM);
}

static uint32_t new_nick(uint32_t session) {
  if ((nicks & (nicks + 1)) == 0) {
    size_t size = 2 * (nicks + 1) * sizeof *session_of_nick;
    uint32_t *more = realloc(session_of_nick, size);
    assert_non_null(more);
    session_of_nick = more;
  }
  session_of_nick[0] = 0;
  session_of_nick[++nicks] = session;
  return nicks;
}

/* Somebody's nick, or one that nobody has. */
static uint32_t some_nick(void) {
  return crowd.clients[below((uint32_t)crowd.count)].viewer.nick;
}

/* Who is in that channel, as far as the client knows. */
static uint32_t some_member(struct client *c, size_t channel) {
  const struct set *set = &c->viewer.views[channel].members;
  bool known = c->viewer.views[channel].inside && set->count > 0;
  return known ? set->at[below((uint32_t)set->count)].nick : some_nick();
}

/* In these # is a channel, ? a nick, ! a member and 9 a number. */
static const char *const deeds[] = {
    "JOIN # key",
    "JOIN # key",
    "JOIN #,#,# key,key,key",
    "PART # :9",
    "KICK # ! :9",
    "KICK # !,!,!",
    "MODE # +o !",
    "MODE # +o-v+v ! ! !",
    "MODE # -o !",
    "MODE # +b *!*@nowhere9",
    "MODE # -b *!*@nowhere9",
    "MODE # b",
    "MODE # +l 9",
    "MODE # -l",
    "MODE # +k key",
    "MODE # -k key",
    "MODE # +i",
    "MODE # -i",
    "MODE # -i",
    "MODE # +s-t",
    "MODE # -s+t",
    "MODE #",
    "TOPIC # :9",
    "TOPIC #",
    "NAMES #",
    "NAMES #",
    "NAMES #",
    "LIST",
    "LIST >9",
    "WHO # %tnuhar,9",
    "WHO ?",
    "WHOIS ?",
    "WHOWAS ?",
    "ISON ? ? ?",
    "USERHOST ? ? ?",
    "INVITE ? #",
    "AWAY :9",
    "AWAY",
    "SETNAME :9",
    "MONITOR + ?,?,?,?",
    "MONITOR - ?",
    "MONITOR S",
    "MONITOR C",
    "CHATHISTORY LATEST # * 9",
    "@label=9 WHOIS ?",
    "@label=9 JOIN # key",
    "@+a=9 TAGMSG #",
    "PRIVMSG @# :x",
    "OPER god pw",
    "KILL ? :9",
    "WALLOPS :9",
    "LUSERS",
    "9 9 9",
};

static void put_deed(struct client *c, const char *deed) {
  uint32_t channel = below(CHANNELS);
  for (; *deed; deed++)
    if (*deed == '#')
      put(c, "#c%u", channel = below(CHANNELS));
    else if (*deed == '?')
      put(c, "n%u", some_nick());
    else if (*deed == '!')
      put(c, "n%u", some_member(c, channel));
    else if (*deed == '9')
      put(c, "%u", below(99));
    else
      put(c, "%c", *deed);
  put(c, "\r\n");
}

static void say_in(struct client *c, uint32_t channel) {
  if (c->viewer.views[channel].inside)
    put(c, "%s #c%u :%u %u %u\r\n", below(4) ? "PRIVMSG" : "NOTICE", channel,
        c->viewer.session, ++c->messages, ++c->places[channel]);
}

static void say_to(struct client *c, uint32_t nick) {
  if (nick != c->viewer.nick)
    put(c, "PRIVMSG n%u :%u %u 0\r\n", nick, c->viewer.session, ++c->messages);
}

static void put_something(struct client *c) {
  uint32_t what = below(100);
  if (what < 50)
    say_in(c, below(CHANNELS));
  else if (what < 60)
    say_to(c, some_nick());
  else if (what < 66)
    put(c, "NICK n%u\r\n", new_nick(c->viewer.session));
  else if (what < 70)
    put(c, "PING %u\r\n", ++c->pings);
  else
    put_deed(c, deeds[below(sizeof deeds / sizeof *deeds)]);
}

/* ------------------------------------------------------- coming and going */

static void come(struct client *c) {
  static const char *const caps[] = {
      "", "server-time", "message-tags batch labeled-response echo-message",
      "server-time message-tags multi-prefix away-notify setname extended-join",
      "draft/chathistory batch server-time message-tags userhost-in-names"};
  peer_connect(&c->peer, crowd.endpoint);
  viewer_clear(&c->viewer);
  memset(c->places, 0, sizeof c->places);
  c->messages = c->pings = 0;
  c->leaving = c->half = c->peer.deaf = false;
  c->size = c->have = 0;
  c->deaf_for = 0;
  c->peer.got = on_bytes;
  c->viewer.session = ++sessions;
  put(c, "CAP REQ :%s\r\nNICK n%u\r\nUSER w 0 * :w\r\nCAP END\r\n",
      caps[sessions % 5], new_nick(sessions));
  put_deed(c, "JOIN #,#,# key,key,key");
}

/* Sends half of what is there, and then the connection is gone. */
static void break_off(struct client *c, void (*end)(int fd)) {
  c->peer.out = c->out;
  c->peer.left = c->size / 2 + 1;
  peer_write(&c->peer);
  end(c->peer.fd);
  c->peer.fd = -1;
  c->peer.left = 0;
}

/* One of five ways; most stay. True when the connection is gone. */
static bool leave(struct client *c) {
  switch (below(150)) {
  case 0:
    put(c, "QUIT :%u\r\n", below(99));
    c->leaving = true;
    return false;
  case 1:
    break_off(c, client_reset);
    return true;
  case 2:
    break_off(c, client_close);
    return true;
  case 3:
    c->leaving = c->half = true;
    return false;
  case 4:
    c->peer.deaf = true;
    c->deaf_for = 50;
    return false;
  default:
    return false;
  }
}

/* What time brings: it listens again, and its side ends. */
static void go_on(struct client *c) {
  if (c->deaf_for > 0 && --c->deaf_for == 0)
    c->peer.deaf = false;
  if (c->half && c->peer.left == 0) {
    client_half_close(c->peer.fd);
    c->half = false;
  }
}

static void act(struct client *c) {
  if (c->peer.ended)
    peer_close(&c->peer);
  if (c->peer.fd == -1) {
    come(c);
  } else {
    go_on(c);
    if (c->leaving || c->peer.left > 0)
      return;
    c->size = 0;
    for (uint32_t i = 1 + below(5); i > 0; i--)
      put_something(c);
    if (leave(c))
      return;
  }
  c->peer.out = c->out;
  c->peer.left = c->size;
}

/* ------------------------------------------------------------- the crowd */

static void crowd_gather(const char *endpoint, size_t count, uint32_t seed) {
  crowd = (struct crowd){.endpoint = endpoint,
                         .count = count,
                         .seed = seed,
                         .clients = calloc(count, sizeof *crowd.clients),
                         .peers = calloc(count, sizeof *crowd.peers)};
  assert_true(crowd.clients && crowd.peers);
  nicks = sessions = 0;
  for (size_t i = 0; i < count; i++) {
    crowd.peers[i] = &crowd.clients[i].peer;
    crowd.peers[i]->fd = -1;
  }
}

static void crowd_turn(void) {
  for (size_t i = 0; i < crowd.count / 4; i++)
    act(&crowd.clients[below((uint32_t)crowd.count)]);
  peers_turn(crowd.peers, crowd.count);
}

static bool is_here(const struct client *c) {
  return c->peer.fd != -1 && !c->peer.ended;
}

static bool has_said_all(struct client *c) { return c->peer.left == 0; }

static bool has_answers(struct client *c) {
  return !c->leaving && c->viewer.pongs == c->pings;
}

/* One for whom that does not hold, or NULL. */
static struct client *one_without(bool (*so)(struct client *c)) {
  for (size_t i = 0; i < crowd.count; i++)
    if (is_here(&crowd.clients[i]) && !so(&crowd.clients[i]))
      return &crowd.clients[i];
  return NULL;
}

/* Turns until it holds for all, or they are gone. */
static void crowd_until(bool (*so)(struct client *c)) {
  const struct client *c;
  for (double end = deadline(); (c = one_without(so));) {
    if (seconds() > end)
      give_up("n%u, session %u, waits: %s; %zu bytes unsaid, %u of %u PONGs",
              c->viewer.nick, c->viewer.session,
              c->leaving ? "it leaves" : "it stays", c->peer.left,
              c->viewer.pongs, c->pings);
    peers_turn(crowd.peers, crowd.count);
  }
}

/* Everybody who stays gets an answer to a last PING, and who leaves an end. */
static void crowd_settle(void) {
  for (size_t i = 0; i < crowd.count; i++)
    crowd.peers[i]->deaf = false;
  crowd_until(has_said_all);
  for (size_t i = 0; i < crowd.count; i++) {
    struct client *c = &crowd.clients[i];
    c->size = 0;
    if (is_here(c))
      go_on(c);
    if (!is_here(c) || c->leaving)
      continue;
    put(c, "PING %u\r\n", ++c->pings);
    c->peer.out = c->out;
    c->peer.left = c->size;
  }
  crowd_until(has_answers);
}

static void crowd_disperse(void) {
  for (size_t i = 0; i < crowd.count; i++) {
    peer_close(crowd.peers[i]);
    viewer_clear(&crowd.clients[i].viewer);
  }
  free(session_of_nick);
  free(crowd.clients);
  free(crowd.peers);
  session_of_nick = NULL;
}

#endif
