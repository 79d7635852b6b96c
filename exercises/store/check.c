/* The checking client of exercises/store: what it keeps, for how long, and what
 * strangers say to it. */
#include "../check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 1 << 20 };

#define OWN "exercises/store"
#define ECHO_ "lessons/10-echo"
#define DEADLINE "lessons/11-deadline"
#define FRAMING "lessons/12-framing"

/* Parts of scenes that have a sentence of their own. */
enum { A_CR, NO_LF, TOO_LONG, A_DRIP, CUT_OFF, OTHERS };
static const struct reading others[OTHERS + 1] = {
    [A_CR] = READ(OWN, "The commands",
                  "A line ends with LF, and a CR before that belongs to the "
                  "end, too."),
    [NO_LF] = READ(OWN, "What is wrong", "a value without LF behind it."),
    [TOO_LONG] =
        READ(FRAMING, "The idea",
             "The server ends the session of a client that exceeds the limit: "
             "nobody knows where the next frame begins, so there is no way "
             "back into step."),
    [A_DRIP] = READ(OWN, "The time of a session",
                    "A byte now and then does not prolong it."),
    [CUT_OFF] =
        READ(OWN, "The time of a session",
             "A client that has not taken a whole reply `--idle` lesson "
             "seconds after its beginning is cut off."),
};

/* Says something, and expects these very words. */
static void ask(struct peer *p, const char *words, const char *reply) {
  peer_say(p, "%s", words);
  peer_expect_text(p, reply);
}

/* What is wrong gets a line that begins with ERROR. */
static void expect_error(struct peer *p) {
  char line[300];
  peer_line(p, line, sizeof line, "a line that begins with ERROR");
  if (strncmp(line, "ERROR", 5) != 0 || (line[5] && line[5] != ' '))
    wrong(p, NULL, "\"ERROR\" and some words");
}

/* The session goes on afterwards. */
static void refuse(struct peer *p, const void *words, size_t n) {
  peer_send(p, words, n);
  expect_error(p);
  ask(p, "COUNT\n", "COUNT 1\n");
}

#define REFUSE(p, words) refuse(p, words, sizeof(words) - 1)

static struct peer *come(void) { return peer_connect(); }

static void leave(struct peer *p) {
  ask(p, "QUIT\n", "BYE\n");
  peer_expect_end(p, false);
  peer_close(p);
}

static unsigned char *big_value(void) {
  static unsigned char bytes[BIG + 1];
  pattern(bytes, BIG, 0);
  bytes[BIG] = '\n';
  return bytes;
}

static void set_big(struct peer *p, const char *key) {
  peer_say(p, "SET %s 0 %d\n", key, BIG);
  peer_send(p, big_value(), BIG + 1);
  peer_expect_text(p, "OK\n");
}

/* ------------------------------------------------------------------ scenes */

static void a_conversation(void) {
  serve("1", NULL);
  struct peer *p = come(), *other = come();
  ask(p, "GET cup\n", "NONE\n");
  ask(p, "SET cup 0 6\npurple\n", "OK\n");
  ask(other, "GET cup\n", "VALUE 6\npurple\n");
  ask(other, "SET cup 0 5\ngreen\n", "OK\n");
  ask(p, "GET cup\n", "VALUE 5\ngreen\n");
  ask(p, "SET CUP 0 0\n\n", "OK\n");
  ask(p, "COUNT\n", "COUNT 2\n");
  ask(p, "DEL cup\n", "OK\n");
  ask(p, "DEL cup\n", "NONE\n");
  ask(other, "GET cup\n", "NONE\n");
  ask(other, "GET CUP\n", "VALUE 0\n\n");
  ask(other, "COUNT\n", "COUNT 1\n");
  leave(other);
  leave(p);
}

static void any_bytes(void) {
  serve("1", NULL);
  struct peer *p = come();
  static const char odd[] = "SET odd 0 13\nGET a\n\0\r\n\x80\xff\n\n\n";
  peer_send(p, odd, sizeof odd - 1);
  peer_expect_text(p, "OK\n");
  peer_say(p, "GET odd\n");
  peer_expect_text(p, "VALUE 13\n");
  peer_expect(p, odd + 13, 14, NULL);
  set_big(p, "big");
  peer_say(p, "GET big\n");
  peer_expect_text(p, "VALUE 1048576\n");
  peer_expect_pattern(p, 0, BIG);
  peer_expect_text(p, "\n");
  leave(p);
}

static void odd_keys(void) {
  static const char *const keys[] = {"\xc3\xa4\xe2\x9b\xb1",
                                     "\x80",
                                     "\xff\xfe",
                                     "%00",
                                     "../up",
                                     "GET",
                                     "a\"b",
                                     "-1"};
  char text[600], key[251];
  serve("1", NULL);
  struct peer *p = come();
  memset(key, 'k', 250);
  key[250] = '\0';
  for (int i = 0; i < 9; i++) {
    const char *name = i < 8 ? keys[i] : key;
    snprintf(text, sizeof text, "SET %s 0 1\n%d\n", name, i);
    ask(p, text, "OK\n");
  }
  read_other(&others[A_CR]);
  for (int i = 0; i < 9; i++) {
    char value[] = "VALUE 1\n0\n";
    value[8] = (char)('0' + i);
    snprintf(text, sizeof text, "GET %s\r\n", i < 8 ? keys[i] : key);
    ask(p, text, value);
  }
  ask(p, "COUNT\r\n", "COUNT 9\n");
  leave(p);
}

static void wrong_commands(void) {
  char text[400];
  serve("1", NULL);
  struct peer *p = come();
  ask(p, "SET stays 0 1\nx\n", "OK\n");
  REFUSE(p, "\n");
  REFUSE(p, "HELLO\n");
  REFUSE(p, "get stays\n");
  REFUSE(p, "GET\n");
  REFUSE(p, "GET \n");
  REFUSE(p, "GET  stays\n");
  REFUSE(p, "GET stays \n");
  REFUSE(p, " GET stays\n");
  REFUSE(p, "GET two words\n");
  REFUSE(p, "COUNT all\n");
  REFUSE(p, "GET a\tb\n");
  REFUSE(p, "GET a\0b\n");
  REFUSE(p, "GET stays\0\n");
  REFUSE(p, "DEL \x7f\n");
  snprintf(text, sizeof text, "GET %0251d\n", 0);
  refuse(p, text, strlen(text));
  ask(p, "GET stays\n", "VALUE 1\nx\n");
  leave(p);
}

/* They have a length, so what follows is no command. */
static void wrong_sets(void) {
  char text[400];
  serve("1", NULL);
  struct peer *p = come();
  ask(p, "SET stays 0 1\nx\n", "OK\n");
  REFUSE(p, "SET a\tb 0 10\nDEL stays\n\n");
  REFUSE(p, "SET  0 10\nDEL stays\n\n");
  REFUSE(p, "SET a -1 10\nDEL stays\n\n");
  REFUSE(p, "SET a 1.5 10\nDEL stays\n\n");
  REFUSE(p, "SET a x 10\nDEL stays\n\n");
  REFUSE(p, "SET a  10\nDEL stays\n\n");
  REFUSE(p, "SET a 86401 10\nDEL stays\n\n");
  REFUSE(p, "SET a 18446744073709551617 10\nDEL stays\n\n");
  snprintf(text, sizeof text, "SET %0251d 0 10\nDEL stays\n\n", 0);
  refuse(p, text, strlen(text));
  ask(p, "GET stays\n", "VALUE 1\nx\n");
  leave(p);
}

/* Nobody knows where the next command begins, so it is the last one. */
static void last_error(const char *words) {
  static char more[64 << 10];
  struct peer *p = come();
  peer_say(p, "%s", words);
  peer_try_send(p, more, sizeof more);
  expect_error(p);
  peer_expect_end(p, false);
  peer_close(p);
}

static void lengths_to_doubt(void) {
  serve("1", NULL);
  last_error("SET a 0 1048577\n");
  last_error("SET a 0 -1\n");
  last_error("SET a 0 +1\n");
  last_error("SET a 0 5x\n");
  last_error("SET a 0 \n");
  last_error("SET a 0\n");
  last_error("SET\n");
  last_error("SET a 0 1 1\n");
  last_error("SET a 0 4294967297\n");
  last_error("SET a 0 18446744073709551617\n");
  read_other(&others[NO_LF]);
  last_error("SET a 0 3\nfour\n");
  leave(come());
}

static void lines_too_long(void) {
  char text[600];
  serve("1", NULL);
  struct peer *p = come();
  ask(p, "SET a 0 1\nx\n", "OK\n");
  for (int size = 511; size <= 512; size++) {
    snprintf(text, sizeof text, "GET a%0*d\n", size - 6, 0);
    peer_say(p, "%s", text); /* no key, but a line */
    expect_error(p);
    ask(p, "GET a\n", "VALUE 1\nx\n");
  }
  leave(p);
  read_other(&others[TOO_LONG]);
  snprintf(text, sizeof text, "GET a%0*d\n", 513 - 6, 0);
  last_error(text);
  snprintf(text, sizeof text, "GET %0520d", 0);
  last_error(text);
}

static void in_any_pieces(void) {
  serve("1", NULL);
  struct peer *p = come();
  peer_drip(p, "SET slow 0 12\nGET a\nGET b\n\n", 0.002);
  peer_expect_text(p, "OK\n");
  peer_drip(p, "GET slow\n", 0.002);
  peer_expect_text(p, "VALUE 12\nGET a\nGET b\n\n");
  leave(p);
}

/* All of them in one go, and then the client's own end. */
static void many_at_once(void) {
  enum { MANY = 500 };
  static char all[64 * MANY];
  char text[64];
  size_t n = 0;
  serve("1", NULL);
  struct peer *p = come();
  for (int i = 0; i < MANY; i++)
    n += (size_t)snprintf(all + n, sizeof all - n,
                          "SET k%d 0 4\n%04d\nGET k%d\nDEL k%d\n", i, i, i, i);
  peer_send(p, all, n);
  peer_half_close(p);
  for (int i = 0; i < MANY; i++) {
    snprintf(text, sizeof text, "OK\nVALUE 4\n%04d\nOK\n", i);
    peer_expect_text(p, text);
  }
  peer_expect_end(p, false);
  peer_close(p);
}

/* Seconds are a tenth of one here. Asks until a reply says so. */
static void until(struct peer *p, const char *question, const char *reply,
                  const char *what) {
  char line[100], some[100], seen[160];
  double end = now() + PATIENCE;
  do {
    peer_say(p, "%s\n", question);
    peer_line(p, line, sizeof line, "a reply");
    if (strncmp(line, "VALUE", 5) == 0)
      peer_line(p, some, sizeof some, "the value");
    if (now() > end) {
      snprintf(seen, sizeof seen, "the reply to %s is %.80s", question, line);
      wrong(p, seen, "%s", what);
    }
    pause_for(0.01);
  } while (strcmp(line, reply) != 0);
}

static void expect_later(double start, double least) {
  char seen[80];
  double took = now() - start;
  snprintf(seen, sizeof seen, "it was gone after %.3f s", took);
  if (took < least)
    wrong(NULL, seen, "a key stays for its time: here %.1f s", least);
}

static void keys_expire(void) {
  serve("10", NULL);
  struct peer *p = come();
  ask(p, "SET for-ever 0 1\nx\n", "OK\n");
  double start = now();
  ask(p, "SET one 1 1\nx\n", "OK\n");
  until(p, "COUNT", "COUNT 1", "a key goes when its time is over, by itself");
  expect_later(start, 0.1);
  ask(p, "GET one\n", "NONE\n");
  start = now();
  ask(p, "SET three 3 1\nx\n", "OK\n");
  until(p, "GET three", "NONE", "a key goes when its time is over");
  expect_later(start, 0.3);
  ask(p, "COUNT\n", "COUNT 1\n");
  ask(p, "GET for-ever\n", "VALUE 1\nx\n");
  leave(p);
}

/* The old time must not end the new value. */
static void set_again(void) {
  serve("10", NULL);
  struct peer *p = come();
  ask(p, "SET longer 3 1\na\nSET longer 86400 1\nb\n", "OK\nOK\n");
  ask(p, "SET ever 3 1\na\nSET ever 0 1\nb\n", "OK\nOK\n");
  ask(p, "SET anew 3 1\na\nDEL anew\nSET anew 0 1\nb\n", "OK\nOK\nOK\n");
  ask(p, "SET shorter 86400 1\na\nSET shorter 3 1\nb\n", "OK\nOK\n");
  until(p, "GET shorter", "NONE", "the time of the last SET counts");
  pause_for(0.1);
  ask(p, "GET longer\n", "VALUE 1\nb\n");
  ask(p, "GET ever\n", "VALUE 1\nb\n");
  ask(p, "GET anew\n", "VALUE 1\nb\n");
  ask(p, "COUNT\n", "COUNT 3\n");
  leave(p);
}

/* An alarm that goes on keeps its entry. What is free must not wait in
 * AddressSanitizer's quarantine to be counted. */
static void replaced_values(void) {
  char options[400], seen[80];
  const char *others = getenv("ASAN_OPTIONS");
  snprintf(options, sizeof options,
           "%s:quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
           others ? others : "");
  setenv("ASAN_OPTIONS", options, 1);
  serve("1", NULL);
  struct peer *p = come();
  long memory = 0;
  for (int i = 0; i < 60; i++) {
    peer_say(p, "SET big 86400 %d\n", BIG);
    peer_send(p, big_value(), BIG + 1);
    peer_expect_text(p, "OK\n");
    if (i == 9)
      memory = serve_memory();
  }
  long more = serve_memory() - memory;
  snprintf(seen, sizeof seen, "%ld MiB more memory after 50 SETs of one key",
           more >> 10);
  if (memory > 0 && more > 25 << 10)
    wrong(NULL, seen,
          "a value that was replaced is free: who waits for the time of one "
          "that has gone keeps it");
  leave(p);
}

enum { KEYS = 100, TALKERS = 10 };

/* Its keys with a time of some milliseconds each, and then the same keys again,
 * to stay. */
static void set_twice(struct peer *p, int who, int turn) {
  static char all[64 * KEYS * 2];
  size_t n = 0;
  for (int i = 0; i < KEYS; i++)
    n += (size_t)snprintf(all + n, sizeof all - n, "SET %d-%d %d 3\nold\n", who,
                          i, 1 + (i * 7 + turn) % 30);
  for (int i = 0; i < KEYS; i++)
    n += (size_t)snprintf(all + n, sizeof all - n, "SET %d-%d 0 3\nnew\n", who,
                          i);
  peer_send(p, all, n);
}

static void get_all(struct peer *p, int who) {
  for (int i = 0; i < KEYS; i++)
    peer_say(p, "GET %d-%d\n", who, i);
  for (int i = 0; i < KEYS; i++)
    peer_expect_text(p, "VALUE 3\nnew\n");
}

/* A second is a millisecond here. Of many keys some are set again while their
 * alarm is on its way, and cannot be cancelled any more. */
static void the_same_moment(void) {
  struct peer *talkers[TALKERS];
  serve("1000", "--idle", "3600", NULL);
  for (int i = 0; i < TALKERS; i++)
    talkers[i] = come();
  for (int turn = 0; turn < 8; turn++) {
    for (int i = 0; i < TALKERS; i++)
      set_twice(talkers[i], i, turn);
    for (int i = 0; i < TALKERS; i++)
      for (int k = 0; k < 2 * KEYS; k++)
        peer_expect_text(talkers[i], "OK\n");
    pause_for(0.03);
    for (int i = 0; i < TALKERS; i++)
      get_all(talkers[i], i);
  }
  for (int i = 0; i < TALKERS; i++)
    leave(talkers[i]);
}

/* It is sent for a long time, and the store has lost it long ago. */
static void a_value_on_its_way(void) {
  char text[64];
  struct peer *slow[3];
  serve("1", NULL);
  struct peer *p = come();
  for (int i = 0; i < 3; i++) {
    snprintf(text, sizeof text, "big%d", i);
    set_big(p, text);
    slow[i] = come();
    peer_say(slow[i], "GET big%d\n", i);
    peer_expect_text(slow[i], "VALUE 1048576\n");
  }
  ask(p, "DEL big0\n", "OK\n");
  ask(p, "SET big1 0 3\nnew\n", "OK\n");
  ask(p, "SET big2 86400 3\nnew\nDEL big2\n", "OK\nOK\n");
  for (int i = 0; i < 3; i++) {
    peer_expect_pattern(slow[i], 0, BIG);
    peer_expect_text(slow[i], "\n");
    leave(slow[i]);
  }
  leave(p);
}

static void a_crowd(void) {
  enum { CROWD = 60, TIMES = 10 };
  static struct peer *crowd[CROWD];
  char text[100];
  serve("1", NULL);
  long before = serve_descriptors();
  for (int i = 0; i < CROWD; i++)
    crowd[i] = come();
  for (int k = 0; k < TIMES; k++)
    for (int i = 0; i < CROWD; i++)
      peer_say(crowd[i],
               "SET c%d 0 2\n%02d\nSET all 0 1\nx\nGET c%d\nGET all\n", i, i,
               i);
  for (int i = 0; i < CROWD; i++) {
    snprintf(text, sizeof text, "OK\nOK\nVALUE 2\n%02d\nVALUE 1\nx\n", i);
    for (int k = 0; k < TIMES; k++)
      peer_expect_text(crowd[i], text);
  }
  snprintf(text, sizeof text, "COUNT %d\n", CROWD + 1);
  ask(crowd[0], "COUNT\n", text);
  for (int i = 0; i < CROWD; i++)
    peer_close(crowd[i]);
  serve_expect_descriptors(before);
}

/* 5 lesson seconds, ten times faster. */
static const double idle = 0.5;

static void expect_timeout(struct peer *p, double start) {
  char seen[80];
  peer_expect_text(p, "TIMEOUT\n");
  snprintf(seen, sizeof seen, "TIMEOUT after %.2f s", now() - start);
  if (now() - start < idle)
    wrong(p, seen, "no TIMEOUT before %.1f s have passed", idle);
  peer_expect_end(p, false);
  peer_close(p);
}

static void idle_sessions(void) {
  serve("10", "--idle", "5", NULL);
  double start = now();
  struct peer *silent = come(), *inside = come(), *slow = come();
  peer_say(inside, "SET half 0 10\n12345");
  read_other(&others[A_DRIP]);
  peer_drip(slow, "GET this-takes-longer-than-anybody-is-going-to-wait", 0.06);
  if (now() - start > 4 * idle)
    wrong(slow, NULL, "TIMEOUT when a whole command takes longer than --idle");
  read_other(NULL);
  expect_timeout(silent, start);
  expect_timeout(inside, start);
  expect_timeout(slow, start);
  leave(come());
}

static void drip_on(struct peer *p) {
  struct pollfd come = {peer_fd(p), POLLIN, 0};
  if (poll(&come, 1, 0) == 0)
    peer_try_send(p, "x", 1);
}

/* The TIMEOUT is there; it ends the drip, since more bytes would be a reset. */
static void expect_in_time(struct peer *p, double start) {
  char seen[80], reply[8];
  ssize_t got = peer_take(p, reply, sizeof reply, PATIENCE);
  snprintf(seen, sizeof seen, "after %.1f s, and --idle was 2 s",
           now() - start);
  if (got != 8 || memcmp(reply, "TIMEOUT\n", 8) != 0 || now() - start > 3.3)
    wrong(p, seen, "TIMEOUT when line and value together take longer");
}

/* --idle is 2 s here. One has its line late, two send a value bit by bit, and
 * one of those is only to be dropped. */
static void values_that_take_long(void) {
  serve("10", "--idle", "20", NULL);
  struct peer *good = come(), *dropped = come(), *late = come();
  double start = now();
  peer_say(good, "SET half 0 100\n");
  peer_say(dropped, "SET a\tb 0 100\n");
  bool said = false;
  for (; now() - start < 3; pause_for(0.1)) {
    drip_on(good);
    drip_on(dropped);
    if (!said && now() - start > 1.4)
      said = (peer_say(late, "SET late 0 100\n123"), true);
  }
  expect_in_time(good, start);
  expect_in_time(dropped, start);
  expect_in_time(late, start);
}

/* On a machine that is too busy to talk in time nothing is known. */
static void a_session_that_talks(void) {
  serve("10", "--idle", "20", NULL);
  struct peer *p = come();
  double last = now();
  for (double end = now() + 2.5; now() < end; pause_for(0.1)) {
    if (now() - last > 0.8)
      return;
    last = now();
    ask(p, "COUNT\n", "COUNT 0\n");
  }
  leave(p);
}

/* 64 MiB of replies that nobody reads. */
static void who_never_reads(void) {
  enum { SLOW = 4 };
  struct peer *slow[SLOW];
  char seen[80];
  serve("10", "--idle", "20", NULL);
  struct peer *p = come();
  set_big(p, "big");
  long descriptors = serve_descriptors(), memory = serve_memory();
  for (int i = 0; i < SLOW; i++) {
    slow[i] = come();
    for (int k = 0; k < 16; k++)
      peer_say(slow[i], "GET big\n");
  }
  for (int i = 0; i < 10; i++, pause_for(0.02))
    ask(p, "COUNT\n", "COUNT 1\n");
  long more = serve_memory() - memory;
  snprintf(seen, sizeof seen, "%ld MiB more memory", more >> 10);
  if (memory > 0 && more > 16 << 10)
    wrong(NULL, seen, "one reply at a time; who does not read waits for it");
  leave(p);
  read_other(&others[CUT_OFF]);
  serve_expect_descriptors(descriptors - 1);
  for (int i = 0; i < SLOW; i++)
    peer_close(slow[i]);
}

static void who_leaves_early(void) {
  serve("1", NULL);
  struct peer *p = come();
  set_big(p, "big");
  long before = serve_descriptors();
  for (int i = 0; i < 20; i++) {
    struct peer *one = come(), *two = come(), *three = come();
    peer_say(one, "SET half 0 1000\nonly this");
    peer_say(two, "GET big\nGET big\nGET big\n");
    peer_say(three, "COU");
    peer_close(one);
    peer_expect_text(two, "VALUE");
    peer_reset(two);
    if (i % 2)
      peer_reset(three);
    else
      peer_close(three);
  }
  serve_expect_descriptors(before);
  ask(p, "COUNT\n", "COUNT 1\n");
  leave(p);
}

static void a_full_store(void) {
  serve("10", "--keys", "2", NULL);
  struct peer *p = come();
  ask(p, "SET a 0 1\n1\n", "OK\n");
  ask(p, "SET b 3 1\n2\n", "OK\n");
  peer_say(p, "SET c 0 6\nDEL a\n\n");
  expect_error(p);
  ask(p, "SET a 0 1\n3\n", "OK\n");
  ask(p, "GET a\n", "VALUE 1\n3\n");
  until(p, "GET b", "NONE", "a key goes when its time is over");
  ask(p, "SET c 0 1\n4\n", "OK\n");
  ask(p, "COUNT\n", "COUNT 2\n");
  leave(p);
}

static void two_endpoints(void) {
  const char *door = scene_path("door");
  serve_also_at(door);
  serve("1", NULL);
  struct peer *p = come(), *other = peer_connect_to(door);
  ask(p, "SET cup 0 3\nred\n", "OK\n");
  ask(other, "GET cup\n", "VALUE 3\nred\n");
  leave(other);
  leave(p);
}

static void an_end_in_the_middle(void) {
  serve("1", NULL);
  struct peer *p = come();
  set_big(p, "big");
  ask(p, "SET soon 86400 1\nx\n", "OK\n");
  peer_say(p, "GET big\nGET big\nGET big\n");
  peer_expect_text(p, "VALUE");
  peer_say(come(), "SET half 0 1000\nonly this");
  peer_say(come(), "GE");
  come();
  pause_for(0.1);
  serve_end();
}

static const struct scene scenes[] = {
    {"two clients, a few keys", a_conversation,
     READ(OWN, "The commands",
          "Each command gets one reply, and the replies "
          "come in the order of the commands.")},
    {"values of any bytes, up to 1 MiB", any_bytes,
     READ(OWN, "Keys and values",
          "A value has 0 to 1,048,576 bytes of any kind.")},
    {"keys with odd bytes, and lines that end with CR LF", odd_keys,
     READ(OWN, "Keys and values",
          "Where `char` is signed, a byte of 128 and more is a negative one.")},
    {"commands that are wrong", wrong_commands,
     READ(OWN, "What is wrong", "The session goes on.")},
    {"SETs that are wrong, but have a length", wrong_sets,
     READ(OWN, "What is wrong",
          "A wrong SET with a good length is followed by a value all the "
          "same.")},
    {"lengths that nobody should believe", lengths_to_doubt,
     READ(FRAMING, "The idea", "Its sender may be wrong, or wicked.")},
    {"lines that are long, and too long", lines_too_long,
     READ(OWN, "What is wrong", "a line of more than 512 bytes, LF included;")},
    {"commands come byte by byte", in_any_pieces,
     READ(FRAMING, "The idea",
          "Never look into half a message; never assume that one read is one "
          "message.")},
    {"1,500 commands in one go, and then the client's end", many_at_once,
     READ(FRAMING, "The code",
          "If the next message is in the buffer already, the next read does "
          "not ask the kernel")},
    {"keys expire, and not too soon", keys_expire,
     READ(OWN, "The time of a key",
          "When it is over the key is gone, without anybody asking for it")},
    {"keys that are set again", set_again,
     READ(OWN, "The time of a key",
          "A SET replaces the older value and its time.")},
    {"a key that is set again and again, for a day", replaced_values,
     READ(OWN, "The time of a key",
          "What is replaced or deleted does not wait for its time: its memory "
          "is free as soon as nobody reads it.")},
    {"SETs in the moment in which the old ones expire", the_same_moment,
     READ(DEADLINE, "Recap",
          "A cancel may come too late. Then both handlers get 0, and a flag "
          "decides.")},
    {"values that are lost while they are sent", a_value_on_its_way,
     READ(OWN, "Keys and values",
          "A value that is being sent stays what it is, whatever becomes of "
          "its key.")},
    {"60 clients at once", a_crowd,
     READ("lessons/05-strand", "What breaks",
          "A strand protects data only if every handler that touches it is on "
          "the strand.")},
    {"sessions that are idle, or take too long", idle_sessions,
     READ(OWN, "The time of a session",
          "After that it gets `TIMEOUT` and the end of the connection.")},
    {"values that take too long", values_that_take_long,
     READ(OWN, "The time of a session",
          "from the last reply (or from its coming) to the last byte of the "
          "command.")},
    {"a session that talks all the time", a_session_that_talks,
     READ(OWN, "The time of a session",
          "The time begins anew with each command.")},
    {"clients that never read", who_never_reads,
     READ(OWN, "The time of a session",
          "One reply at a time is written to a client, and while it does not "
          "read, it is not read from.")},
    {"clients that leave early", who_leaves_early,
     READ(ECHO_, "The idea",
          "A handler that initiates nothing more lets the last reference go, "
          "and `session_destroy` runs.")},
    {"a store that is full", a_full_store,
     READ(OWN, "Keys and values",
          "A SET of a new key when there are `--keys` already gets an "
          "ERROR.")},
    {"two endpoints", two_endpoints,
     READ(OWN, "What to build", "It listens on each ENDPOINT.")},
    {"SIGTERM in the middle of it all", an_end_in_the_middle,
     READ(OWN, "The end",
          "`lesson_serve` returns, whoever is there and whatever is "
          "waited for.")},
};

int main(int argc, char **argv) {
  check_others = others;
  return check_main("store", scenes, sizeof scenes / sizeof *scenes, argc,
                    argv);
}
