/* Lesson 20: the IRC server among strangers. Each limit at the limit and one
 * beyond, with what the client is told. Its people are scripts: see irc.h. */
#define IRC_LESSON 20
#include "irc.h"
#include "strangers.h"

#include <netinet/in.h>
#include <sys/un.h>

#define TCP "127.0.0.1:0"

/* Errors alone are logged, many may come from here, and handlers may meet. */
#define QUIET "--log=error", "--per-address=100", "--butlers=2"
#define SLOW "0.01"  /* a lesson second takes 100, so no test sees it pass */
enum { SPEED = 20 }; /* of all others */

#define irc_open_at(velocity, ...)                                             \
  irc_open_with((struct program_options){.speed = velocity,                    \
                                         .args = {QUIET, __VA_ARGS__, TCP}})

/* `count` lines that are numbered from 0, or from what they have in front. */
static char *many_lines(const char *format, size_t count) {
  char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&text, &size);
  for (size_t i = 0; i < count; i++) {
    fprintf(to, format, (int)i);
    fputs("\r\n", to);
  }
  fclose(to);
  return text;
}

/* Everybody hangs up; it has been told to end, and does so with these errors.
 */
static void irc_ended(struct irc *irc, const char *errors) {
  for (size_t i = 0; i < PEOPLE; i++)
    if (irc->people[i].fd != -1)
      client_close(irc->people[i].fd);
  long served = end_server_with(&irc->server, 0, "clients", errors);
  assert_int_equal(served, irc->served);
  free(irc);
}

/* Is one more let in? */
static bool comes_in(struct irc *irc) {
  char text[64];
  int fd = client_connect(irc->endpoint);
  client_send_text(fd, "PING x\r\n");
  bool in = client_recv_some(fd, text, sizeof text) > 0 && *text == ':';
  client_close(fd);
  irc->served += in;
  return in;
}

/* ------------------------------------------------------- who says nothing */

static void who_does_not_say_who_he_is_is_cut_off(void **state) {
  struct irc *irc = irc_open_at(NULL, "--register-seconds", "10");
  double begin = seconds();
  irc_play(irc, "a*", "b*", "b> NICK bob", "b> USER bob 0 * :x", "b~ 422 {*}",
           "a< {*}ERROR :Closing Link: 127.0.0.1 (Registration timeout)", "a.");
  assert_true(seconds() - begin > 0.9 * 10 / SPEED);
  irc_play(irc, "b=");
  irc_close(irc);
}

static void half_a_registration_is_none(void **state) {
  struct irc *irc = irc_open_at(NULL, "--register-seconds", "5");
  irc_play(irc, "a*", "a> NICK ann", "a> CAP LS", "a< {*} LS :{*}",
           "a> USER ann 0 * :x", "a> PING 1", "a< {*}PONG{*}",
           "a< {*}ERROR :Closing Link: 127.0.0.1 (Registration timeout)", "a.");
  irc_close(irc);
}

static void who_is_silent_is_asked_and_cut_off_without_an_answer(void **state) {
  struct irc *irc =
      irc_open_at(NULL, "--ping-seconds", "10", "--answer-seconds", "20");
  irc_play(irc, "c+ cid", "c> JOIN #x", "c~ 366 {*}", "a+ ann", "a> JOIN #x",
           "a~ 366 {*}", "c< {*}JOIN #x");
  double begin = seconds();
  irc_play(irc, "a< PING :irc.example.org");
  assert_true(seconds() - begin > 0.9 * 10 / SPEED);
  for (const char *line; strcmp(line = irc_line(&irc->people[2]),
                         ":ann!ann@127.0.0.1 QUIT :Ping timeout") != 0;)
    if (strcmp(line, "PING :irc.example.org") == 0)
      irc_say(&irc->people[2], "PONG x");
    else
      give_up("cid gets: %s", line);
  assert_true(seconds() - begin > 0.9 * 30 / SPEED);
  irc_play(irc, "a< {*}ERROR :Closing Link: 127.0.0.1 (Ping timeout)", "a.",
           "c> PING end", "c~ {*}PONG{*}end");
  irc_close(irc);
}

/* Bytes without an end are no line, so they are no answer. */
static void who_sends_a_byte_now_and_then_is_silent(void **state) {
  struct irc *irc =
      irc_open_at(NULL, "--ping-seconds", "5", "--answer-seconds", "5");
  irc_play(irc, "a+ ann");
  int fd = irc->people[0].fd;
  while (!client_readable(fd, 20))
    client_send_text(fd, "x");
  irc_play(irc, "a< PING :irc.example.org");
  while (!client_readable(fd, 20))
    client_send_text(fd, "x");
  irc_play(irc, "a< {*}ERROR :Closing Link: 127.0.0.1 (Ping timeout)", "a.");
  irc_close(irc);
}

/* -------------------------------------------------------- who says much */

/* The first lines are heard at once. What comes then waits, and all of it is
 * heard in the end. */
static void a_flood_is_slowed_down_and_nothing_of_it_is_lost(void **state) {
  struct irc *irc = irc_open_at(NULL, "--burst", "4", "--rate", "2");
  char *lines = many_lines("PING %d", 30), pong[64];
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x", "a~ 422 {*}");
  double begin = seconds();
  client_send_text(irc->people[0].fd, lines);
  for (int i = 0; i < 30; i++) {
    snprintf(pong, sizeof pong, "a< :irc.example.org PONG irc.example.org :%d",
             i);
    irc_step(irc, pong);
  }
  assert_true(seconds() - begin > 0.9 * (30 - 4) / 2 / SPEED);
  free(lines);
  irc_close(irc);
}

static void a_burst_is_heard_at_once_and_the_next_line_is_not(void **state) {
  struct irc *irc = irc_open_at(SLOW, "--burst", "5");
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x", "a~ 422 {*}",
           "a> PING 3", "a< {*} :3", "a> PING 4", "a< {*} :4", "a> PING 5",
           "a< {*} :5", "a> PING 6", "b*", "b> NICK bob", "b> USER bob 0 * :x",
           "b~ 422 {*}", "b> PING x", "b< {*}PONG{*}");
  assert_false(client_readable(irc->people[0].fd, 50));
  irc_close(irc);
}

static void what_was_said_before_the_end_is_heard(void **state) {
  struct irc *irc = irc_open_at(NULL, "--burst", "6");
  char *lines = many_lines("PRIVMSG #x :%d", 20), said[64];
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x", "a> JOIN #x",
           "a~ 366 {*}", "b*", "b> NICK bob", "b> USER bob 0 * :x",
           "b> JOIN #x", "b~ 366 {*}", "a< {*}JOIN #x");
  client_send_text(irc->people[1].fd, lines);
  client_half_close(irc->people[1].fd);
  for (int i = 0; i < 20; i++) {
    snprintf(said, sizeof said, "a< :bob!bob@127.0.0.1 PRIVMSG #x :%d", i);
    irc_step(irc, said);
  }
  irc_play(irc, "a< :bob!bob@127.0.0.1 QUIT :Connection closed");
  free(lines);
  irc_close(irc);
}

/* NICK and USER, and so many bytes behind them, which wait. */
static void say_hello_and_more(struct irc *irc, size_t more) {
  static const char hello[] = "NICK ann\nUSER ann 0 * :x\n";
  char *bytes = malloc(sizeof hello + more);
  assert_non_null(bytes);
  memcpy(bytes, hello, sizeof hello - 1);
  char *at = bytes + sizeof hello - 1;
  for (size_t i = 0; i < more; i++)
    at[i] = i % 64 == 63 || i == more - 1 ? '\n' : 'x';
  client_send(irc->people[0].fd, bytes, sizeof hello - 1 + more);
  free(bytes);
}

static void a_backlog_of_8192_bytes_is_fine(void **state) {
  struct irc *irc = irc_open_at(NULL, "--burst", "2", "--rate", "1000");
  irc_play(irc, "a*");
  say_hello_and_more(irc, 8192);
  for (int i = 0; i < 128; i++)
    irc_play(irc, "a~ 421 ann {*}");
  irc_play(irc, "a=");
  irc_close(irc);
}

static void one_byte_more_is_an_excess(void **state) {
  struct irc *irc = irc_open_at(SLOW, "--burst", "2", "--rate", "1");
  irc_play(irc, "a*");
  say_hello_and_more(irc, 8193);
  irc_play(irc, "a~ 422 {*}",
           "a< {*}ERROR :Closing Link: 127.0.0.1 (Excess Flood)", "a.");
  irc_close(irc);
}

/* Lines that say nothing, and one that does not end, are not free either. */
static void bytes_that_are_no_lines_are_counted_as_some(void **state) {
  struct irc *irc = irc_open_at(NULL, "--backlog", "512");
  static char endless[1 << 16], nothing[10000];
  memset(endless, 'x', sizeof endless);
  memset(nothing, '\n', sizeof nothing);
  irc_play(irc, "a+ ann", "b+ bob");
  while (client_try_send(irc->people[0].fd, endless, sizeof endless))
    ;
  while (client_try_send(irc->people[1].fd, nothing, sizeof nothing))
    ;
  irc_play(irc, "a/", "b/", "c+ cid", "c> WHOWAS ann", "c~ 369 {*}");
  irc_close_with(irc, "");
}

/* ------------------------------------------------------ who reads nothing */

/* Ann talks to Bob, who reads nothing, and to Cid, who does, until Bob is gone.
 * Returns the longest time that one of her lines has taken to Cid. */
static double talk_until_bob_is_cut_off(struct irc *irc) {
  struct person *ann = &irc->people[0], *cid = &irc->people[2];
  const char *quit = ":bob!bob@127.0.0.1 QUIT :SendQ exceeded";
  char text[500];
  double longest = 0, begin;
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
           "c> JOIN #x", "c~ 366 {*}", "a< {*}", "b> JOIN #x", "b~ 366 {*}",
           "a< {*}", "c< {*}");
  snprintf(text, sizeof text, "PRIVMSG #x :%0400d", 7);
  for (bool gone = false; !gone;) {
    begin = seconds();
    irc_say(ann, text);
    for (bool heard = false; !heard && !gone;) {
      const char *line = irc_line(cid);
      assert_non_null(line);
      heard = strstr(line, "PRIVMSG");
      gone = strcmp(line, quit) == 0;
    }
    longest = seconds() - begin > longest ? seconds() - begin : longest;
  }
  irc_play(irc, "a~ :bob!bob@127.0.0.1 QUIT :SendQ exceeded",
           "a=", "c> PING end", "c~ {*}PONG{*}end");
  return longest;
}

static void who_takes_nothing_for_a_while_is_cut_off(void **state) {
  struct irc *irc = irc_open_with((struct program_options){
      .args = {QUIET, "--burst=1000000", "--sendq-soft-kb=16",
               "--sendq-hard-kb=1048576", "--sendq-stall=60", TCP}});
  double begin = seconds();
  double longest = talk_until_bob_is_cut_off(irc);
  assert_true(seconds() - begin > 0.9 * 60 / SPEED);
  assert_true(longest < 0.8 * 60 / SPEED); /* nobody waits all that time */
  irc_close(irc);
}

static void more_than_the_hard_limit_is_too_much(void **state) {
  struct irc *irc = irc_open_with((struct program_options){
      .args = {QUIET, "--burst=1000000", "--sendq-soft-kb=16",
               "--sendq-hard-kb=64", "--sendq-stall=86400", TCP}});
  talk_until_bob_is_cut_off(irc);
  irc_close(irc);
}

/* ------------------------------------------------------- who may come in */

static void one_more_than_all_is_sent_away(void **state) {
  struct irc *irc = irc_open_at(NULL, "--clients", "2");
  irc_play(irc, "a+ ann", "b+ bob", "c*",
           "c< ERROR :Closing Link: (Server is full)", "c.", "a> QUIT",
           "a~ {*}ERROR{*}", "a.");
  irc->served--; /* Cid was not */
  wait_until(comes_in(irc));
  irc_close(irc);
}

static void one_more_from_an_address_is_sent_away(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "door");
  struct irc *irc = irc_open("--log", "error", "--per-address", "2", TCP, path);
  irc_play(irc, "a+ ann", "b+ bob", "c*",
           "c< ERROR :Closing Link: (Too many connections)", "c.");
  irc->served--;
  irc->endpoint = irc->server.more[0]; /* it has no address */
  irc_play(irc, "d+ dan", "e+ eve", "f+ flo", "a> QUIT", "a~ {*}ERROR{*}",
           "a.");
  irc->endpoint = irc->server.endpoint;
  wait_until(comes_in(irc));
  irc_close(irc);
}

/* Whoever says something before he hears why he is sent away still hears it.
 * Beyond twenty at once nobody is told. */
static void many_are_sent_away_without_a_word(void **state) {
  static const char why[] = "ERROR :Closing Link: (Server is full)\r\n";
  struct irc *irc = irc_open_at(NULL, "--clients", "1");
  int fds[60], told = 0;
  irc_play(irc, "a+ ann");
  for (int i = 0; i < 60; i++) {
    fds[i] = client_connect(irc->endpoint);
    client_try_send(fds[i], "NICK x\r\n", 8);
  }
  for (int i = 0; i < 60; i++) {
    char text[64];
    size_t n = 0, got;
    while (n < sizeof text &&
           (got = client_recv_some(fds[i], text + n, sizeof text - n)) > 0)
      n += got;
    assert_true(n == 0 || (n == strlen(why) && memcmp(text, why, n) == 0));
    told += n > 0;
    client_close(fds[i]);
  }
  assert_in_range(told, 20, 59);
  irc_play(irc, "a=");
  irc_close(irc);
}

/* The system has no more descriptors: who comes waits, nobody is harmed, the
 * server does not spin, and when there are some again they are served. */
static void descriptors_that_run_out_are_waited_for(void **state) {
  enum { LIMIT = 48, CROWD = 60 };
  struct program_options options = {
      .args = {QUIET, "--register-seconds", "86400", TCP}};
  struct irc *irc = calloc(1, sizeof *irc);
  int fds[CROWD];
  assert_non_null(irc);
  irc->server = serve_limited(LIMIT, 20, options);
  irc->endpoint = irc->server.endpoint;
  for (size_t i = 0; i < PEOPLE; i++)
    irc->people[i].fd = -1;
  irc_play(irc, "a+ ann");
  for (int i = 0; i < CROWD; i++)
    fds[i] = client_connect(irc->endpoint);
  program_wait_for_error(irc->server.program, "ax: accept: ");
  irc_play(irc, "a=");
  expect_rest(irc->server.program, 0.3);
  for (int i = 0; i < CROWD - 1; i++)
    client_close(fds[i]);
  client_send_text(fds[CROWD - 1], "PING x\r\n");
  client_expect_text(fds[CROWD - 1],
                     ":irc.example.org PONG irc.example.org :x\r\n");
  client_close(fds[CROWD - 1]);
  irc_play(irc, "a=");
  irc->served += CROWD;
  irc_close_with(irc, "ax: accept: too many open files{*}\n");
}

/* --------------------------------------------------- how much, how long */

static void a_user_is_in_so_many_channels(void **state) {
  struct irc *irc = irc_open_at(NULL, "--channels", "3");
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x",
           "a~ 005 {*}CHANLIMIT=#:3 {*}", "a~ 422 {*}", "a> JOIN #a,#b,#c",
           "a~ 366 ann #c {*}", "a> JOIN #d",
           "a< 405 ann #d :You have joined too many channels", "a> PART #a",
           "a< {*}", "a> JOIN #d", "a~ 366 ann #d {*}");
  irc_close(irc);
}

static void a_message_has_so_many_targets(void **state) {
  struct irc *irc = irc_open_at(NULL, "--targets", "2");
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x",
           "a~ 005 {*}PRIVMSG:2,NOTICE:2,TAGMSG:2,KICK:2,{*}", "a~ 422 {*}",
           "a> PRIVMSG ann,ann :x", "a< {*}PRIVMSG ann :x",
           "a< {*}PRIVMSG ann :x", "a> PRIVMSG ann,ann,ann :y",
           "a< {*}PRIVMSG ann :y", "a< {*}PRIVMSG ann :y",
           "a< 407 ann ann :Too many targets", "a> JOIN #x", "a~ 366 {*}",
           "a> KICK #x b,c,d", "a< 401 {*}", "a< 401 {*}", "a< 407 ann d {*}");
  irc_close(irc);
}

static void texts_are_so_long(void **state) {
  struct irc *irc = irc_open_with((struct program_options){
      .args = {QUIET, "--nick-length=3", "--channel-length=4",
               "--topic-length=5", "--kick-length=6", "--away-length=7",
               "--name-length=8", TCP}});
  irc_play(irc, "a*", "a> NICK anna", "a< 432 * anna {*}", "a> NICK ann",
           "a> USER ann 0 * :123456789",
           "a~ 005 {*}NICKLEN=3 {*}CHANNELLEN=4 TOPICLEN=5 {*}NAMELEN=8 {*}",
           "a~ 422 {*}", "a> WHOIS ann", "a~ 311 {*} * :12345678", "a~ 318 {*}",
           "a> JOIN #abc", "a~ 366 {*}", "a> JOIN #abcd",
           "a< 403 ann #abcd {*}", "a> TOPIC #abc :12345",
           "a< {*}TOPIC #abc :12345", "a> TOPIC #abc :123456",
           "a< {*}TOPIC #abc :12345", "b+ bob", "b> AWAY :12345678",
           "b< 306 {*}", "a> PRIVMSG bob :x", "a< 301 ann bob :1234567",
           "b< {*}", "b> JOIN #abc", "b~ 366 {*}", "a< {*}JOIN #abc",
           "a> KICK #abc bob :1234567", "a< {*}KICK #abc bob :123456",
           "b~ {*}KICK #abc bob :123456");
  irc_close(irc);
}

/* --------------------------------------------------------------- the end */

/* Sent a signal: who is inside hears of it, nobody comes in any more, and what
 * waits is sent. */
static void the_end_is_announced(void **state) {
  struct irc *irc = irc_open_at(NULL, "--burst", "100");
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #x", "a~ 366 {*}", "b> JOIN #x",
           "b~ 366 {*}", "a< {*}JOIN #x", "c*", "c> PING x", "c< {*}PONG{*}");
  program_signal(irc->server.program, SIGTERM);
  irc_play(irc, "a< :irc.example.org NOTICE ann :Server shutting down",
           "a< {*}ERROR :Closing Link: 127.0.0.1 (Server shutting down)", "a.",
           "b< :irc.example.org NOTICE bob :Server shutting down",
           "b< {*}ERROR :Closing Link: 127.0.0.1 (Server shutting down)", "b.",
           "c< {*}ERROR :Closing Link: 127.0.0.1 (Server shutting down)", "c.");
  assert_int_equal(client_try_connect(irc->endpoint), -1);
  irc_ended(irc, "");
}

/* Much waits for Ann, who reads it only when the end has begun. */
static void what_waits_is_sent_before_the_end(void **state) {
  struct irc *irc = irc_open_at(NULL, "--burst", "100000", "--sendq-stall",
                                "86400", "--drain-seconds", "1000");
  char text[500];
  int count = 0;
  snprintf(text, sizeof text, "PRIVMSG ann :%0400d", 7);
  irc_play(irc, "a+ ann", "b+ bob");
  for (; count < 1500; count++)
    irc_say(&irc->people[1], text);
  irc_play(irc, "b=");
  program_signal(irc->server.program, SIGTERM);
  irc_play(irc, "b~ {*}ERROR :Closing Link: 127.0.0.1 (Server shutting down)",
           "b.");
  while (count-- > 0)
    irc_play(irc, "a< {*}PRIVMSG ann :{*}");
  irc_play(irc, "a< {*}NOTICE{*}", "a< {*}ERROR{*}", "a.");
  irc_ended(irc, "");
}

static void who_takes_nothing_does_not_keep_it_from_ending(void **state) {
  struct irc *irc = irc_open_with((struct program_options){
      .args = {"--log=warn", "--per-address=100", "--burst=100000",
               "--sendq-stall=86400", "--drain-seconds=20", TCP}});
  char text[500];
  snprintf(text, sizeof text, "PRIVMSG ann :%0400d", 7);
  irc_play(irc, "a+ ann", "b+ bob");
  for (int i = 0; i < 1500; i++)
    irc_say(&irc->people[1], text);
  irc_play(irc, "b=");
  double begin = seconds();
  program_signal(irc->server.program, SIGTERM);
  assert_int_equal(program_wait(irc->server.program), 0);
  assert_true(seconds() - begin > 0.9 * 20 / SPEED);
  irc_ended(irc, "{*} warn server time is up; cut off: 1\n");
}

static void a_second_signal_ends_it_at_once(void **state) {
  struct irc *irc =
      irc_open_at(SLOW, "--burst", "100000", "--sendq-soft-kb", "1024");
  char text[500];
  snprintf(text, sizeof text, "PRIVMSG ann :%0400d", 7);
  irc_play(irc, "a+ ann", "b+ bob");
  for (int i = 0; i < 1500; i++)
    irc_say(&irc->people[1], text);
  irc_play(irc, "b=");
  program_signal(irc->server.program, SIGTERM);
  irc_play(irc, "b~ {*}NOTICE bob{*}", "b< {*}ERROR{*}");
  program_signal(irc->server.program, SIGTERM);
  assert_int_equal(program_wait(irc->server.program), 128 + SIGTERM);
  client_close(irc->people[0].fd);
  client_close(irc->people[1].fd);
  program_free(irc->server.program);
  free(irc);
}

static void the_message_of_the_day_is_read_again(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "motd");
  write_whole_file(path, "Hot today.\n");
  struct irc *irc = irc_open("--log", "info", "--motd", path, TCP);
  struct program *program = irc->server.program;
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x",
           "a~ 372 ann :- Hot today.", "a< 376 {*}");
  write_whole_file(path, "Ice cream!\n");
  program_signal(program, SIGHUP);
  program_wait_for_error(program, "info server the message of the day is");
  irc_play(irc, "a> MOTD", "a< 375 {*}", "a< 372 ann :- Ice cream!",
           "a< 376 {*}");
  unlink(path);
  program_signal(program, SIGHUP);
  program_wait_for_error(program, "error server the message of the day stays");
  irc_play(irc, "a> MOTD", "a< 375 {*}", "a< 372 ann :- Ice cream!",
           "a< 376 {*}", "a> QUIT", "a< {*}ERROR{*}", "a.");
  program_wait_for_error(program, "has left");
  irc_close_with(irc, "{*}Z info server ready\n"
                      "{*}Z info #1 has come from 127.0.0.1:{*}\n"
                      "{*}Z info #1 is ann\n"
                      "{*}Z info server the message of the day is read again\n"
                      "{*}Z error server the message of the day stays {*}\n"
                      "{*}Z info #1 has left; lines: 5\n"
                      "{*}Z info server closing; inside: {*}\n");
}

/* --------------------------------------------------------------- metrics */

/* What one gets who asks so; to be freed. */
static char *http(const char *endpoint, const char *request) {
  size_t used = 0, room = 1 << 16, n;
  char *text = malloc(room);
  assert_non_null(text);
  int fd = client_connect(endpoint);
  client_send_text(fd, request);
  while ((n = client_recv_some(fd, text + used, room - 1 - used)) > 0)
    used += n;
  text[used] = 0;
  client_close(fd);
  return text;
}

/* The value behind that name at the beginning of a line. */
static double metric(const char *text, const char *name) {
  char line[128];
  snprintf(line, sizeof line, "\n%s ", name);
  const char *at = strstr(text, line);
  if (!at)
    give_up("there is no %s in:\n%s", name, text);
  return strtod(at + strlen(line), NULL);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static void numbers_are_told_over_http(void **state) {
  struct irc *irc = irc_open_at(NULL, "--metrics", TCP, "--per-address", "3");
  const char *metrics = irc->server.more[0];
  find_endpoint(irc->server.program, 1, irc->server.more[0]);
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #x,#y", "a~ 366 ann #y {*}",
           "b> JOIN #x", "b~ 366 {*}", "a< {*}JOIN #x", "c*", "c> PING x",
           "c< {*}PONG{*}", "d*", "d~ {*}", "d.", "a> PRIVMSG #x :hello",
           "b< {*}hello");
  irc->served--;
  char *text = http(metrics, GET);
  assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
  assert_non_null(strstr(text, "\r\nContent-Type: text/plain; version=0.0.4"));
  assert_int_equal(metric(text, "irc_users"), 2);
  assert_int_equal(metric(text, "irc_newcomers"), 1);
  assert_int_equal(metric(text, "irc_connections"), 3);
  assert_int_equal(metric(text, "irc_channels"), 2);
  assert_int_equal(metric(text, "irc_lines_in_total"), 12);
  double lines = metric(text, "irc_lines_out_total");
  double bytes = metric(text, "irc_bytes_out_total");
  assert_int_equal(metric(text, "irc_cuts_total{reason=\"address\"}"), 1);
  assert_int_equal(metric(text, "irc_cuts_total{reason=\"flood\"}"), 0);
  assert_true(metric(text, "irc_queue_high_water_bytes") > 500);
  double turns = metric(text, "irc_hall_lag_seconds_count");
  assert_true(turns >= 5);
  assert_int_equal(metric(text, "irc_hall_lag_seconds_bucket{le=\"+Inf\"}"),
                   turns);
  free(text);
  client_send_text(irc->people[0].fd,
                   "PRIVMSG #x :1\r\nPRIVMSG #x :2\r\nPING z\r\n");
  irc_play(irc, "a~ {*}PONG{*}", "b< {*}1", "b< {*}2");
  text = http(metrics, GET);
  assert_int_equal(metric(text, "irc_lines_out_total") - lines, 3);
  assert_int_equal(metric(text, "irc_bytes_out_total") - bytes,
                   2 * strlen(":ann!ann@127.0.0.1 PRIVMSG #x :1\r\n") +
                       strlen(":irc.example.org PONG irc.example.org :z\r\n"));
  free(text);
  irc_close(irc);
}

static void who_asks_otherwise_is_told_so(void **state) {
  static const struct {
    const char *request, *answer;
  } cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
      {"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
      {"\r\n", "HTTP/1.1 405 "},
      {"GET /metrics HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n"},
      {"GET /metrics", ""}}; /* and nothing more: it is not waited for */
  struct irc *irc = irc_open_at(NULL, "--metrics", TCP);
  find_endpoint(irc->server.program, 1, irc->server.more[0]);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = http(irc->server.more[0], cases[i].request);
    const char *answer = cases[i].answer;
    if (strncmp(text, answer, strlen(answer)) != 0 || (*text && !*answer))
      give_up("to \"%s\" it says: %s", cases[i].request, text);
    free(text);
  }
  irc_close(irc);
}

/* --------------------------------------------------------------- systemd */

static void systemd_hands_over_a_socket_and_hears_when_it_is_ready(void **s) {
  char path[TEMP_PATH], script[400], heard[64] = "";
  struct sockaddr_un notify = {.sun_family = AF_UNIX};
  struct sockaddr_in any = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  int ear = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_true(fd < 10); /* or a shell may not know it */
  temp_path(path, "notify");
  strcpy(notify.sun_path, path);
  assert_int_equal(bind(ear, (struct sockaddr *)&notify, sizeof notify), 0);
  snprintf(script, sizeof script,
           "exec 3<&%d && LISTEN_FDS=1 LISTEN_PID=$$ NOTIFY_SOCKET=%s "
           "exec \"$0\" --log error",
           fd, path);
  char *argv[] = {"/bin/sh", "-c", script, (char *)lesson_path(20), NULL};
  struct server server = {.program = program_exec(argv, NULL)};
  find_endpoint(server.program, 0, server.endpoint);
  assert_true(recv(ear, heard, sizeof heard - 1, 0) > 0);
  assert_string_equal(heard, "READY=1");
  int client = client_connect(server.endpoint);
  client_send_text(client, "PING x\r\n");
  client_expect_text(client, ":irc.example.org PONG irc.example.org :x\r\n");
  program_signal(server.program, SIGTERM);
  memset(heard, 0, sizeof heard);
  assert_true(recv(ear, heard, sizeof heard - 1, 0) > 0);
  assert_string_equal(heard, "STOPPING=1");
  client_close(client);
  end_server_with(&server, 0, "clients", "");
  close(fd);
  close(ear);
}

/* Variables that are for another process are none. */
static void what_systemd_gave_to_another_one_is_left_alone(void **state) {
  char script[] = "LISTEN_FDS=1 LISTEN_PID=1 "
                  "exec \"$0\" --log error 127.0.0.1:0";
  char *argv[] = {"/bin/sh", "-c", script, (char *)lesson_path(20), NULL};
  struct server server = {.program = program_exec(argv, NULL)};
  find_endpoint(server.program, 0, server.endpoint);
  end_server(&server, "clients", 0);
}

/* ------------------------------------------------------------- all of it */

/* `make test20` has 500 strangers, `make crowd20` has 5,000. */
static size_t strangers(void) {
  const char *text = getenv("STRANGERS");
  size_t few = SANITIZED ? 200 : 500;
  size_t wanted = text ? (size_t)strtol(text, NULL, 10) : few;
  assert_true(wanted >= few);
  size_t others = VISITORS + 100, all = allow_descriptors(wanted + others);
  assert_true(all > others);
  return all - others;
}

static struct server serve_strangers(size_t count) {
  struct program_options options = {
      .args = {"--log=error", "--per-address=100000", "--clients=100000",
               "--register-seconds=86400", "--ping-seconds=86400",
               "--burst=100000", "--sendq-soft-kb=32", "--butlers=2", TCP}};
  return serve_limited((long)count + 60, 20, options);
}

/* Visitors come until the server has no descriptor left, stay a while, and
 * leave. */
static void take_all_descriptors(const struct server *server) {
  int fds[VISITORS];
  for (int i = 0; i < VISITORS; i++)
    fds[i] = client_connect(server->endpoint);
  program_wait_for_error(server->program, "ax: accept: ");
  for (double end = seconds() + 0.5; seconds() < end;)
    crowd_turn(true);
  for (int i = 0; i < VISITORS; i++)
    client_close(fds[i]);
}

static void the_rest_of_the_channel_notices_nothing(void **state) {
  size_t count = strangers();
  struct server server = serve_strangers(count);
  crowd_gather(count, server.endpoint);
  long before = program_resident(server.program), most = before;
  take_all_descriptors(&server);
  for (double end = deadline(); crowd.cut < count / 100;) {
    if (seconds() > end)
      give_up("%zu of %zu sleepers are cut off; lines: %zu", crowd.cut,
              count / 100, crowd.lines);
    crowd_turn(true);
    long now = program_resident(server.program);
    most = now > most ? now : most;
  }
  for (double end = deadline(); !all_is_heard() && seconds() < end;)
    crowd_turn(false);
  assert_true(all_is_heard());
  printf("%zu strangers: %zu lines, none lost, the slowest in %.3f s; "
         "resident %ld KiB, then %ld at most\n",
         count, crowd.lines, crowd.longest, before, most);
  if (!SANITIZED)
    assert_true(most - before < (long)(count / 100) * 1200 + 8192);
  int late = client_connect(server.endpoint);
  client_send_text(late, "PING x\r\n");
  client_expect_text(late, ":irc.example.org PONG irc.example.org :x\r\n");
  client_close(late);
  crowd_disperse();
  end_server_with(&server, SIGTERM, "clients",
                  "ax: accept: too many open files{*}\n");
}

/* ------------------------------------------------------ manners and texts */

static void usage_is_explained_and_enforced(void **state) {
  static const char *const mentions[] = {"--clients N",
                                         "--per-address N",
                                         "--register-seconds N",
                                         "--ping-seconds N",
                                         "--answer-seconds N",
                                         "--burst N",
                                         "--rate N",
                                         "--backlog N",
                                         "--sendq-soft-kb N",
                                         "--sendq-hard-kb N",
                                         "--sendq-wait N",
                                         "--sendq-stall N",
                                         "--drain-seconds N",
                                         "--channels N",
                                         "--targets N",
                                         "--nick-length N",
                                         "--channel-length N",
                                         "--topic-length N",
                                         "--kick-length N",
                                         "--away-length N",
                                         "--name-length N",
                                         "--metrics ENDPOINT",
                                         "--motd FILE",
                                         "--log error|warn|info",
                                         "default 127.0.0.1:6667",
                                         NULL};
  expect_usage(20, mentions);
  expect_refusal(20, 2, "--sendq-hard-kb", "--sendq-hard-kb", "255");
  expect_refusal(20, 2, "--metrics", "--metrics", "nowhere");
  expect_refusal(20, 2, "--name is", "--name", "");
  expect_refusal(20, 1, "/no/such: no such file", "--motd", "/no/such");
}

/* The default of an option is in a row of the table that names the option. */
static void expect_row(const char *docs, const char *option) {
  char name[64], number[24];
  int length = (int)strcspn(option, " ");
  const char *at = strstr(option, "(default ");
  assert_true(at && at < strchr(option, '\n'));
  snprintf(name, sizeof name, "`%.*s`", length, option);
  snprintf(number, sizeof number, " %.*s ", (int)strspn(at + 9, "0123456789"),
           at + 9);
  const char *row = strstr(docs, name);
  if (!row)
    give_up("docs/irc.md lacks %s", name);
  const char *found = strstr(row, number);
  if (!found || found > strchr(row, '\n'))
    give_up("docs/irc.md lacks the default of %s:%s", name, number);
}

/* From --clients on; what lies before is no limit of a client. */
static void the_docs_name_all_limits(void **state) {
  struct program_options help = {.args = {"--help"}};
  struct program *program = program_run(20, &help, 0);
  char *docs = read_whole_file("docs/irc.md");
  const char *at = strstr(program_out(program), "  --clients N: ");
  size_t count = 0;
  for (; at && strncmp(at, "  --name SERVER", 15) != 0; count++) {
    expect_row(docs, at + strlen("  "));
    at = strstr(at + 1, "  --");
  }
  assert_int_equal(count, 21);
  free(docs);
  program_free(program);
}

static void the_demo_is_as_expected(void **state) {
  expect_demo(20, "lessons/20-strangers");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_does_not_say_who_he_is_is_cut_off),
      cmocka_unit_test(half_a_registration_is_none),
      cmocka_unit_test(who_is_silent_is_asked_and_cut_off_without_an_answer),
      cmocka_unit_test(who_sends_a_byte_now_and_then_is_silent),
      cmocka_unit_test(a_flood_is_slowed_down_and_nothing_of_it_is_lost),
      cmocka_unit_test(a_burst_is_heard_at_once_and_the_next_line_is_not),
      cmocka_unit_test(what_was_said_before_the_end_is_heard),
      cmocka_unit_test(a_backlog_of_8192_bytes_is_fine),
      cmocka_unit_test(one_byte_more_is_an_excess),
      cmocka_unit_test(bytes_that_are_no_lines_are_counted_as_some),
      cmocka_unit_test(who_takes_nothing_for_a_while_is_cut_off),
      cmocka_unit_test(more_than_the_hard_limit_is_too_much),
      cmocka_unit_test(one_more_than_all_is_sent_away),
      cmocka_unit_test(one_more_from_an_address_is_sent_away),
      cmocka_unit_test(many_are_sent_away_without_a_word),
      cmocka_unit_test(descriptors_that_run_out_are_waited_for),
      cmocka_unit_test(a_user_is_in_so_many_channels),
      cmocka_unit_test(a_message_has_so_many_targets),
      cmocka_unit_test(texts_are_so_long),
      cmocka_unit_test(the_end_is_announced),
      cmocka_unit_test(what_waits_is_sent_before_the_end),
      cmocka_unit_test(who_takes_nothing_does_not_keep_it_from_ending),
      cmocka_unit_test(a_second_signal_ends_it_at_once),
      cmocka_unit_test(the_message_of_the_day_is_read_again),
      cmocka_unit_test(numbers_are_told_over_http),
      cmocka_unit_test(who_asks_otherwise_is_told_so),
      cmocka_unit_test(systemd_hands_over_a_socket_and_hears_when_it_is_ready),
      cmocka_unit_test(what_systemd_gave_to_another_one_is_left_alone),
      cmocka_unit_test(the_rest_of_the_channel_notices_nothing),
      cmocka_unit_test(usage_is_explained_and_enforced),
      cmocka_unit_test(the_docs_name_all_limits),
      cmocka_unit_test(the_demo_is_as_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
