/* The checking client of exercises/balance: clients before it, and backends
 * behind it that come, go and die. */
#include "../check.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

enum { BACKENDS = 3, SONG = 4 << 20 };

static const char *const names[] = {"backend 1", "backend 2", "backend 3"};
static int ports[BACKENDS], doors[BACKENDS];

/* ---------------------------------------------------------------- backends */

static const char *list_of(int count) {
  static char list[200];
  size_t n = 0;
  for (int i = 0; i < count; i++)
    n += (size_t)snprintf(list + n, sizeof list - n, "%s127.0.0.1:%d",
                          i ? "," : "", ports[i]);
  return list;
}

static void open_backends(int count) {
  for (int i = 0; i < count; i++)
    doors[i] = peer_listen(&ports[i]);
}

/* From now on a connect to it is refused. */
static void close_backend(int i) {
  close(doors[i]);
  doors[i] = -1;
}

/* Backends are asked how they are: such a connection ends without a word. A
 * client of this check always says a line first. */
struct pair {
  struct peer *client, *backend;
  int at; /* which backend */
};

/* Takes the line that a client says first; false for a probe. */
static bool says(struct peer *p, const char *word) {
  size_t n = 0, all = strlen(word);
  char some[64];
  while (n < all) {
    ssize_t got = peer_take(p, some, all - n, PATIENCE);
    if (got <= 0 && n == 0)
      return false;
    if (got <= 0 || memcmp(some, word + n, (size_t)got) != 0)
      wrong(p, NULL, "what its client has said: %s", word);
    n += (size_t)got;
  }
  return true;
}

/* Which door has somebody; -1 for none, also when the client was shown out. */
static int wait_for_doors(struct peer *client, double within) {
  struct pollfd entries[BACKENDS + 1];
  for (int i = 0; i < BACKENDS; i++)
    entries[i] =
        (struct pollfd){.fd = doors[i] ? doors[i] : -1, .events = POLLIN};
  entries[BACKENDS] = (struct pollfd){.fd = peer_fd(client), .events = POLLIN};
  poll(entries, BACKENDS + 1, within > 0 ? (int)(within * 1000) : 0);
  for (int i = 0; i < BACKENDS; i++)
    if (entries[i].revents)
      return i;
  return -1;
}

/* Where has it come out? NULL when nowhere. */
static struct peer *come_out(struct peer *client, const char *word, int *at,
                             double within) {
  for (double end = now() + within; now() < end;) {
    *at = wait_for_doors(client, end - now());
    struct peer *p = *at < 0 ? NULL : peer_accept(doors[*at], 0);
    char c;
    if (*at < 0 && peer_take(client, &c, 1, 0) != -2)
      return NULL;
    if (!p)
      continue;
    peer_name(p, names[*at]);
    if (says(p, word))
      return p;
    peer_close(p);
  }
  return NULL;
}

static struct pair meet_by(struct peer *client) {
  static int turn;
  char word[32];
  struct pair pair = {.client = client};
  snprintf(word, sizeof word, "client %d is here\n", ++turn);
  peer_say(pair.client, "%s", word);
  pair.backend = come_out(pair.client, word, &pair.at, PATIENCE);
  if (!pair.backend)
    wrong(pair.client, "no backend has heard of it",
          "it is connected to a backend that is up");
  return pair;
}

static struct pair meet(void) { return meet_by(peer_connect()); }

static void part(struct pair *pair) {
  peer_close(pair->client);
  peer_close(pair->backend);
}

static void say(struct peer *from, struct peer *to, const char *text) {
  peer_say(from, "%s", text);
  peer_expect_text(to, text);
}

static void both_say(struct pair *pair) {
  say(pair->client, pair->backend, "one purple, please\n");
  say(pair->backend, pair->client, "here it is\n");
}

/* ------------------------------------------------------------------ scenes */

static void there_and_back(void) {
  open_backends(1);
  serve("1", "--to", list_of(1), NULL);
  struct pair pair = meet();
  both_say(&pair);
  both_say(&pair);
  part(&pair);
}

/* Sends and takes, as much as goes at a time. */
static void sing(struct peer *p, const unsigned char *song, size_t *sent) {
  ssize_t n = send(peer_fd(p), song + *sent, SONG - *sent, 0);
  if (n > 0)
    *sent += (size_t)n;
  else if (n < 0 && errno != EAGAIN)
    wrong(p, strerror(errno), "both may send at the same time");
}

static void hear(struct peer *p, size_t *heard, const unsigned char *song) {
  unsigned char some[16384];
  size_t most = SONG - *heard < sizeof some ? SONG - *heard : sizeof some;
  ssize_t n = most ? peer_take(p, some, most, 0) : -2;
  if (n == 0 || n == -1)
    wrong(p, NULL, "all of a song of 4 MiB");
  if (n > 0 && memcmp(song + *heard, some, (size_t)n) != 0)
    wrong(p, "other words", "the very song, from its byte %zu on", *heard);
  if (n > 0)
    *heard += (size_t)n;
}

static void both_at_once(void) {
  static unsigned char song[SONG];
  size_t sent[2] = {0}, heard[2] = {0};
  open_backends(1);
  serve("1", "--to", list_of(1), NULL);
  struct pair pair = meet();
  pattern(song, SONG, 0);
  double last = now();
  for (size_t before = 0; heard[0] + heard[1] < 2 * SONG;) {
    sing(pair.client, song, &sent[0]);
    sing(pair.backend, song, &sent[1]);
    hear(pair.backend, &heard[0], song);
    hear(pair.client, &heard[1], song);
    if (heard[0] + heard[1] > before)
      last = now();
    before = heard[0] + heard[1];
    if (now() - last > PATIENCE)
      wrong(pair.client, NULL,
            "both directions go on, whatever the other does");
  }
  part(&pair);
}

static void half_closes(void) {
  open_backends(1);
  serve("1", "--to", list_of(1), NULL);
  for (int i = 0; i < 2; i++) {
    struct pair pair = meet();
    struct peer *first = i ? pair.backend : pair.client;
    struct peer *second = i ? pair.client : pair.backend;
    say(first, second, "that is all from me\n");
    peer_half_close(first);
    peer_expect_end(second, false);
    pause_for(0.02);
    say(second, first, "one thing more\n");
    say(second, first, "and another one\n");
    peer_half_close(second);
    peer_expect_end(first, false);
    part(&pair);
  }
}

static void fair_shares(void) {
  struct pair pairs[9], more[3];
  int have[BACKENDS] = {0};
  char seen[100];
  open_backends(3);
  serve("1", "--check", "86400", "--to", list_of(3), NULL);
  for (int i = 0; i < 9; i++) {
    pairs[i] = meet();
    have[pairs[i].at]++;
  }
  snprintf(seen, sizeof seen, "the backends have %d, %d and %d of 9 clients",
           have[0], have[1], have[2]);
  if (have[0] != 3 || have[1] != 3)
    wrong(NULL, seen, "three clients each");
  long before = serve_descriptors();
  for (int i = 0; i < 9; i++)
    if (pairs[i].at == 1)
      part(&pairs[i]);
  serve_expect_descriptors(before - 6);
  pause_for(0.05);
  for (int i = 0; i < 3; i++) {
    more[i] = meet();
    snprintf(seen, sizeof seen, "a client goes to backend %d", more[i].at + 1);
    if (more[i].at != 1)
      wrong(more[i].client, seen,
            "the backend with the fewest sessions: those of backend 2 ended");
  }
  for (int i = 0; i < 9; i++)
    if (pairs[i].at != 1)
      part(&pairs[i]);
  for (int i = 0; i < 3; i++)
    part(&more[i]);
}

static void one_is_down(void) {
  open_backends(3);
  close_backend(0);
  close_backend(2);
  serve("1", "--to", list_of(3), NULL);
  for (int i = 0; i < 6; i++) {
    struct pair pair = meet();
    both_say(&pair);
    part(&pair);
  }
}

static void up_again(void) {
  open_backends(2);
  close_backend(0);
  serve("10", "--check", "1", "--to", list_of(2), NULL);
  struct pair first = meet();
  doors[0] = peer_listen(&ports[0]);
  for (double end = now() + PATIENCE;; pause_for(0.02)) {
    struct pair pair = meet();
    both_say(&pair);
    part(&pair);
    if (pair.at == 0)
      break;
    if (now() > end)
      wrong(NULL, "backend 1 is there again, and gets no client",
            "a backend that is down is asked every --check seconds");
  }
  both_say(&first);
  part(&first);
}

/* Nobody listens there any more, and then somebody does. */
static void nobody_is_up(void) {
  open_backends(2);
  close_backend(0);
  close_backend(1);
  serve("10", "--check", "1", "--to", list_of(2), NULL);
  for (int i = 0; i < 3; i++) {
    struct peer *p = peer_connect();
    peer_try_send(p, "hello\n", 6);
    peer_expect_end(p, true);
    peer_close(p);
  }
  doors[1] = peer_listen(&ports[1]);
  int at;
  for (double end = now() + PATIENCE;; pause_for(0.05)) {
    struct peer *p = peer_connect(), *b = NULL;
    if (peer_try_send(p, "hello\n", 6))
      b = come_out(p, "hello\n", &at, 0.3);
    if (b)
      peer_close(b);
    peer_close(p);
    if (b)
      return;
    if (now() > end)
      wrong(NULL, "backend 2 is there, and gets no client",
            "a backend that is down is asked every --check seconds");
  }
}

/* Connections to it stay in the air: its queue is full, and nobody accepts. */
static void who_never_answers(void) {
  enum { FILL = 8 };
  struct peer *fill[FILL];
  open_backends(2);
  listen(doors[0], 0);
  serve("10", "--check", "86400", "--to", list_of(2), NULL);
  for (int i = 0; i < FILL; i++)
    fill[i] = peer_start_connect(ports[0]);
  pause_for(0.05);
  int hidden = doors[0];
  doors[0] = 0;
  for (int i = 0; i < 3; i++) {
    struct pair pair = meet();
    both_say(&pair);
    part(&pair);
  }
  for (int i = 0; i < FILL; i++)
    peer_close(fill[i]);
  close(hidden);
}

static void a_death(void) {
  open_backends(2);
  serve("10", "--check", "1", "--to", list_of(2), NULL);
  struct pair a = meet(), b = meet();
  struct pair *dies = a.at == 0 ? &a : &b, *lives = a.at == 0 ? &b : &a;
  if (a.at == b.at)
    wrong(b.client, "two clients, and both have the same backend",
          "the backend with the fewest sessions");
  both_say(dies);
  peer_say(dies->backend, "my last words\n");
  close_backend(0);
  peer_close(dies->backend);
  peer_expect_text(dies->client, "my last words\n");
  peer_expect_end(dies->client, true);
  peer_close(dies->client);
  for (int i = 0; i < 5; i++) {
    struct pair pair = meet();
    both_say(&pair);
    both_say(lives);
    part(&pair);
  }
  part(lives);
}

static void a_violent_death(void) {
  open_backends(1);
  serve("1", "--to", list_of(1), NULL);
  long before = serve_descriptors();
  for (int i = 0; i < 10; i++) {
    struct pair pair = meet(), other = meet();
    both_say(&pair);
    peer_say(pair.client, "this will not be read\n");
    peer_reset(pair.backend);
    peer_expect_end(pair.client, true);
    peer_close(pair.client);
    peer_reset(other.client);
    peer_expect_end(other.backend, true);
    peer_close(other.backend);
  }
  serve_expect_descriptors(before);
}

/* How much the server takes of one who sends and is not read. */
static size_t push(struct peer *p) {
  static char more[64 << 10];
  struct pollfd entry = {.fd = peer_fd(p), .events = POLLOUT};
  size_t sent = 0;
  while (sent < 64 << 20 && poll(&entry, 1, 300) > 0) {
    ssize_t n = send(peer_fd(p), more, sizeof more, 0);
    sent += n > 0 ? (size_t)n : 0;
  }
  return sent;
}

static void slow_readers(void) {
  char seen[100];
  open_backends(2);
  serve("1", "--to", list_of(2), NULL);
  struct pair slow = meet(), other = meet();
  long before = serve_memory();
  size_t sent = push(slow.backend);
  both_say(&other);
  long more = serve_memory() - before;
  snprintf(seen, sizeof seen, "%zu MiB taken, and %ld MiB more memory",
           sent >> 20, more >> 10);
  if (sent >= 64 << 20 || (before > 0 && more > 8 << 10))
    wrong(NULL, seen, "who is not read is not read from");
  char some[16384];
  for (size_t n = 0; n < sent;) {
    ssize_t got = peer_take(slow.client, some, sizeof some, PATIENCE);
    if (got <= 0)
      wrong(slow.client, NULL, "all that the backend has sent: %zu bytes",
            sent);
    n += (size_t)got;
  }
  both_say(&slow);
  part(&slow);
  part(&other);
}

static void a_crowd(void) {
  enum { CROWD = 60 };
  static struct pair crowd[CROWD];
  open_backends(3);
  serve("1", "--to", list_of(3), NULL);
  long before = serve_descriptors();
  for (int i = 0; i < CROWD; i++)
    crowd[i] = meet();
  for (int k = 0; k < 5; k++) {
    for (int i = 0; i < CROWD; i++)
      peer_say(crowd[i].client, "line %d of client %d\n", k, i);
    for (int i = 0; i < CROWD; i++) {
      char line[64], right[64];
      snprintf(right, sizeof right, "line %d of client %d", k, i);
      peer_line(crowd[i].backend, line, sizeof line, right);
      if (strcmp(line, right) != 0)
        wrong(crowd[i].backend, NULL, "%s", right);
      peer_say(crowd[i].backend, "%s\n", line);
      peer_line(crowd[i].client, line, sizeof line, right);
    }
  }
  for (int i = 0; i < CROWD; i++)
    part(&crowd[i]);
  serve_expect_descriptors(before);
}

static void a_patient_end(void) {
  open_backends(2);
  serve("1", "--linger", "60", "--to", list_of(2), NULL);
  struct pair pair = meet();
  serve_signal();
  struct peer *late;
  for (double end = now() + PATIENCE; (late = peer_try_connect());
       pause_for(0.02)) {
    peer_reset(late); /* a mere end would be passed on, and leave a session */
    if (now() > end)
      wrong(NULL, "a client comes in after SIGTERM", "a connect is refused");
  }
  pause_for(0.05);
  both_say(&pair);
  peer_half_close(pair.client);
  peer_expect_end(pair.backend, false);
  say(pair.backend, pair.client, "good night\n");
  part(&pair);
  serve_await_end();
}

static void an_end_with_a_limit(void) {
  open_backends(1);
  serve("10", "--linger", "5", "--to", list_of(1), NULL);
  struct pair pair = meet();
  double start = now();
  serve_signal();
  both_say(&pair);
  serve_await_end();
  if (now() - start < 0.5)
    wrong(pair.client, "the server ended at once",
          "a session has --linger seconds to end");
  part(&pair);
}

static void an_end_without_sessions(void) {
  open_backends(2);
  serve("1", "--linger", "86400", "--check", "86400", "--to", list_of(2), NULL);
  struct pair pair = meet();
  part(&pair);
  pause_for(0.05);
  serve_end();
}

static void two_endpoints(void) {
  const char *door = scene_path("door");
  serve_also_at(door);
  open_backends(1);
  serve("1", "--to", list_of(1), NULL);
  struct pair pair = meet(), other = meet_by(peer_connect_to(door));
  both_say(&other);
  both_say(&pair);
  part(&other);
  part(&pair);
}

#define OWN "exercises/balance"
#define ECHO_ "lessons/10-echo"
#define DEADLINE "lessons/11-deadline"
#define PROXY "lessons/13-proxy"

static const struct scene scenes[] = {
    {"a client and a backend talk", there_and_back,
     READ(PROXY, "The idea", "A session is the circle of lesson 10, twice")},
    {"both send 4 MiB at once", both_at_once,
     READ(PROXY, "The idea",
          "So each family gets one rope, and both cups hang "
          "on it: both circles are on one **strand**.")},
    {"one has said all, and the other has not", half_closes,
     READ(PROXY, "The idea",
          "The proxy passes it on: `ax_stream_shutdown` ends the other "
          "connection in the same direction.")},
    {"three backends share nine clients", fair_shares,
     READ(OWN, "Whose turn it is",
          "A new client goes to the backend that is up and has the fewest "
          "sessions.")},
    {"two of three backends refuse", one_is_down,
     READ(OWN, "Up and down",
          "A client whose backend cannot be reached goes to the next one, and "
          "notices nothing.")},
    {"a backend comes up again", up_again,
     READ(OWN, "Up and down",
          "Every `--check` lesson seconds the server connects to each backend "
          "and closes at once.")},
    {"no backend is up, and then one is", nobody_is_up,
     READ(OWN, "Up and down", "When no backend is left the client is closed.")},
    {"a backend does not answer a connect", who_never_answers,
     READ(OWN, "Up and down",
          "A connect that takes longer than two lesson seconds has failed.")},
    {"a backend says its last words and dies", a_death,
     READ(OWN, "A death",
          "What a backend said before it died reaches its client, and then "
          "comes the end.")},
    {"resets from either side", a_violent_death,
     READ(PROXY, "The idea",
          "After a reset nobody is there to talk to, so both circles end.")},
    {"a client that does not read", slow_readers,
     READ(PROXY, "The idea",
          "A direction reads one cup, writes it, and only then reads the "
          "next.")},
    {"60 clients at once", a_crowd,
     READ(PROXY, "The idea",
          "A session whose strand is tied after the accept has a moment in "
          "which it runs somewhere else.")},
    {"two endpoints", two_endpoints,
     READ(OWN, "What to build", "It listens on each ENDPOINT.")},
    {"SIGTERM while somebody talks", a_patient_end,
     READ(PROXY, "The idea", "The first signal closes the doors.")},
    {"SIGTERM while somebody stays for ever", an_end_with_a_limit,
     READ(PROXY, "The idea",
          "A client may stay for ever, so there is a limit, `--linger`, after "
          "which the context stops with whoever is left.")},
    {"SIGTERM while nobody is there", an_end_without_sessions,
     READ(OWN, "The end",
          "What is pending then is yours: the probes, and the limit itself.")},
};

int main(int argc, char **argv) {
  return check_main("balance", scenes, sizeof scenes / sizeof *scenes, argc,
                    argv);
}
