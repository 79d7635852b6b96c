/* Lesson 19: the IRC server. Its people are scripts: see irc.h. What is wrong
 * with lines is in test_lesson19_lines.c, a crowd in test_lesson19_crowd.c. */
#include "irc.h"

/* The parser, and a session without a hall, with a memory and a log of the
 * test's. */
static void *scarce(size_t size);
static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
#undef fail                                  /* the outbox has one, too */
#include "../../lessons/12-framing/linger.c" // NOLINT
#include "../../lessons/17-feed/chunk.c"     // NOLINT
#include "../../lessons/17-feed/outbox.c"    // NOLINT
#include "../../lessons/17-feed/watch.c"     // NOLINT
#include "../../lessons/19-irc/host.c"       // NOLINT
#include "../../lessons/19-irc/line.c"       // NOLINT
#define lesson_log note
#define malloc scarce
#include "../../lessons/19-irc/session.c" // NOLINT
#undef lesson_log
#undef malloc

#define TCP "127.0.0.1:0"

/* ---------------------------------------------------------- registration */

static void by_hand_three_lines_are_enough(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a*", "a> NICK me", "a> USER me 0 * me",
           "a< 001 me :Welcome to the Beach network, me!me@127.0.0.1",
           "a< 002 me :Your host is irc.example.org, running lesson19",
           "a< 003 me :This server was started {*}",
           "a< 004 me irc.example.org lesson19 iow {*}",
           "a< 005 me NETWORK=Beach {*} :are supported by this server",
           "a< 005 me {*} :are supported by this server",
           "a< 251 me :There are 1 users and 0 invisible on 1 servers",
           "a< 255 me :I have 1 clients and 0 servers", "a< 265 me 1 1 :{*}",
           "a< 266 me 1 1 :{*}", "a< 422 me :There is no MOTD",
           "a=", "a> JOIN #beach", "a< :me!me@127.0.0.1 JOIN #beach",
           "a< 353 me = #beach :@me", "a< 366 me #beach :End of /NAMES list",
           "a=", "a> QUIT :off",
           "a< :irc.example.org ERROR :Closing Link: 127.0.0.1 (Quit: off)",
           "a.");
  irc_close(irc);
}

static void nobody_does_much_before_the_welcome(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a*", "a> JOIN #a", "a< 451 * :You have not registered",
           "a> PRIVMSG x :y", "a< 451 {*}", "a> NONSENSE",
           "a< 421 * NONSENSE {*}", "a> PING x",
           "a< :irc.example.org PONG irc.example.org :x", "a> USER x",
           "a< 461 * USER :Not enough parameters", "a> NICK", "a< 431 {*}",
           "a> NICK 1a", "a< 432 * 1a {*}", "a> USER a@b 0 * :x", "a< 468 {*}",
           "a> NICK ann", "a> USER ann 0 * :x", "a~ 422 {*}",
           "a> USER x 0 * :x", "a< 462 {*}", "a> PASS x", "a< 462 {*}", "a=");
  irc_close(irc);
}

static void a_nick_is_reserved_before_its_owner_is_welcome(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a*", "a> NICK ann", "a> PING 1", "a< {*}PONG{*}", "b+ bob",
           "b> NICK Ann", "b< 433 bob Ann :Nickname is already in use",
           "b> PRIVMSG ann :hi", "b< 401 bob ann {*}", "b> WHOIS ann",
           "b< 401 {*}", "b< 318 {*}", "a> USER ann 0 * :x", "a~ 422 {*}",
           "b> PRIVMSG ann :hi", "a< :bob!bob@127.0.0.1 PRIVMSG ann :hi",
           "b=", "a/", "b> PING", "b< 461 {*}");
  irc_close(irc);
}

static const char offer[] =
    "a< :irc.example.org CAP * LS :away-notify batch cap-notify "
    "draft/chathistory echo-message extended-join invite-notify "
    "labeled-response message-tags multi-prefix server-time setname "
    "userhost-in-names";

static void cap_holds_the_registration_until_its_end(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a*", "a> CAP LS 302", offer, "a> NICK ann",
           "a> USER ann 0 * :x", "a> CAP REQ :batch nonsense",
           "a< :irc.example.org CAP ann NAK :batch nonsense", "a> CAP LIST",
           "a< :irc.example.org CAP ann LIST :cap-notify",
           "a> CAP REQ :-cap-notify", "a< {*}NAK :-cap-notify",
           "a> CAP REQ :batch setname",
           "a< :irc.example.org CAP ann ACK :batch setname", "a> CAP LIST",
           "a< :irc.example.org CAP ann LIST :batch cap-notify setname",
           "a> CAP NONSENSE", "a< 410 ann NONSENSE {*}", "a> CAP END",
           "a< 001 {*}", "a~ 422 {*}", "a> CAP REQ -batch",
           "a< :irc.example.org CAP ann ACK :-batch", "a=");
  irc_close(irc);
}

static void the_password_is_judged_last(void **state) {
  struct irc *irc = irc_open("--password", "sesame", TCP);
  irc_play(irc, "a*", "a> PASS wrong", "a> PASS sesame", "a> NICK ann",
           "a> USER ann 0 * :x", "a< 001 {*}", "b*", "b> NICK bob",
           "b> USER bob 0 * :x", "b< 464 bob :Password incorrect",
           "b< :irc.example.org ERROR :{*}(Bad password)", "b.", "c*",
           "c> PASS nonsense", "c> USER cid 0 * :x", "c> PING 1",
           "c< {*}PONG{*}", "c> NICK cid", "c< 464 {*}", "c< {*}ERROR{*}",
           "c.");
  irc_close(irc);
}

static void the_motd_is_a_file(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "motd");
  write_whole_file(path, "Hot today.\r\n\r\nIce cream!");
  struct irc *irc = irc_open("--motd", path, TCP);
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x",
           "a~ 375 ann :- irc.example.org {*}", "a< 372 ann :- Hot today.",
           "a< 372 ann :- ", "a< 372 ann :- Ice cream!", "a< 376 ann {*}",
           "a> MOTD nowhere", "a< 402 ann nowhere {*}", "a> MOTD ann",
           "a< 375 {*}", "a~ 376 {*}", "a=");
  irc_close(irc);
}

static void a_change_of_nick_is_seen_once_with_the_old_prefix(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x,#y",
           "a~ 366 ann #y {*}", "b> JOIN #x,#y", "b~ 366 bob #y {*}",
           "a~ {*}JOIN #y", "a> NICK Anna", "a< :ann!ann@127.0.0.1 NICK :Anna",
           "b< :ann!ann@127.0.0.1 NICK :Anna", "b=", "c=", "a> NICK ANNA",
           "a< :Anna!ann@127.0.0.1 NICK :ANNA", "a> NICK ANNA",
           "a=", "b< :Anna!ann@127.0.0.1 NICK :ANNA", "b=", "c> NICK ann",
           "c< :cid!cid@127.0.0.1 NICK :ann", "b=");
  irc_close(irc);
}

/* -------------------------------------------------------------- channels */

static void who_joins_and_parts_is_seen_by_all(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob extended-join", "a> JOIN #beach",
           "a~ 366 {*}", "b> JOIN #BEACH", "a< :bob!bob@127.0.0.1 JOIN #beach",
           "b< :bob!bob@127.0.0.1 JOIN #beach * :bob X",
           "b< 353 bob = #beach :bob @ann", "b< 366 bob #beach {*}",
           "b> JOIN #beach", "b=", "a> PART #beach :off",
           "a< :ann!ann@127.0.0.1 PART #beach :off",
           "b< :ann!ann@127.0.0.1 PART #beach :off", "a> PART #beach",
           "a< 442 ann #beach {*}", "a> PART #nowhere",
           "a< 403 ann #nowhere {*}", "a> JOIN beach", "a< 403 ann beach {*}",
           "a> JOIN #", "a< 403 {*}", "b> JOIN 0",
           "b< :bob!bob@127.0.0.1 PART #beach", "a=", "b=");
  irc_close(irc);
}

static void
a_key_an_invitation_a_limit_and_a_ban_keep_people_out(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #x", "a~ 366 {*}",
           "a> MODE #x +k sesame", "a< :ann!{*} MODE #x +k sesame",
           "b> JOIN #x", "b< 475 bob #x {*}", "b> JOIN #x wrong", "b< 475 {*}",
           "b> JOIN #y,#x ,sesame", "b~ {*} JOIN #x", "a< {*}bob{*}JOIN #x",
           "b> PART #x", "a< {*}PART{*}", "b~ 366 {*}", "b< {*}PART #x",
           "a> MODE #x -k *", "a< {*} MODE #x -k sesame", "a> MODE #x +il 1",
           "a< {*}MODE #x +il 1", "b> JOIN #x", "b< 473 bob #x {*}",
           "a> INVITE bob #x", "a< 341 ann bob #x",
           "b< :ann!{*} INVITE bob :#x", "b> INVITE", "b< 336 bob #x",
           "b< 337 {*}", "b> JOIN #x", "a< {*}JOIN #x", "b~ 366 {*}",
           "b> PART #x", "b< {*}", "a< {*}", "b> JOIN #x", "b< 473 {*}",
           "a> MODE #x -i", "a< {*}", "b> JOIN #x", "b< 471 bob #x {*}",
           "a> MODE #x -l+b b?b!*@*", "a< {*}MODE #x -l+b b?b!*@*",
           "b> JOIN #x", "b< 474 bob #x {*}", "b> PRIVMSG #x :hi",
           "b< 404 bob #x {*}", "a> MODE #x b", "a< 367 ann #x b?b!*@* ann {*}",
           "a< 368 {*}", "a> MODE #x -b B?B", "a< {*}MODE #x -b b?b!*@*",
           "b> JOIN #x", "b~ 366 {*}");
  irc_close(irc);
}

static void a_topic_is_told_and_locked(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
           "b> JOIN #x", "b~ 366 {*}", "a< {*}", "b> TOPIC #x",
           "b< 331 bob #x {*}", "b> TOPIC #x :mine", "b< 482 bob #x {*}",
           "a> TOPIC #x :hot today", "a< :ann!{*} TOPIC #x :hot today",
           "b< :ann!{*} TOPIC #x :hot today", "c> JOIN #x", "c< {*}JOIN #x",
           "c< 332 cid #x :hot today", "c< 333 cid #x ann!ann@127.0.0.1 {*}",
           "c~ 366 {*}", "a> MODE #x -t", "c< {*}MODE #x -t",
           "c> TOPIC #x :", "c< :cid!{*} TOPIC #x :", "c> TOPIC #x",
           "c< 331 {*}", "c> TOPIC #nowhere", "c< 403 {*}");
  irc_close(irc);
}

static void who_kicks_the_last_one_takes_the_channel_along(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
      "b> JOIN #x", "b~ 366 {*}", "c> JOIN #x", "c~ 366 {*}",
      "a~ :cid!{*} JOIN #x", "b~ :cid!{*} JOIN #x", "b> KICK #x ann",
      "b< 482 bob #x {*}", "a> KICK #x nobody", "a< 401 ann nobody {*}",
      "a> KICK #x cid,ann,bob :shoo", "a< :ann!{*} KICK #x cid :shoo",
      "a< :ann!{*} KICK #x ann :shoo", "a< 442 ann #x {*}",
      "c< :ann!{*} KICK #x cid :shoo", "c=", "b< :ann!{*} KICK #x cid :shoo",
      "b< :ann!{*} KICK #x ann :shoo", "b=", "a> KICK #x cid", "a< 442 {*}",
      "b> PART #x", "b< {*}PART #x", "a> JOIN #x", "a~ 353 ann = #x :@ann",
      "a> KICK #x ann,ann", "a~ :ann!{*} KICK #x ann :ann", "a< 403 ann #x {*}",
      "a> LIST", "a< 321 {*}", "a< 323 {*}", "a> KICK #x", "a< 461 {*}");
  irc_close(irc);
}

static void channels_are_listed_by_what_they_are(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #one", "a~ 366 {*}",
           "b> JOIN #two", "b~ 366 {*}", "a> JOIN #two", "a~ 366 {*}",
           "a> TOPIC #one :first", "a< {*}", "a> LIST #one", "a< 321 {*}",
           "a< 322 ann #one 1 :first", "a< 323 {*}", "a> LIST >1", "a< 321 {*}",
           "a< 322 ann #two 2 :", "a< 323 {*}", "a> LIST *n*", "a< 321 {*}",
           "a< 322 ann #one {*}", "a< 323 {*}", "a> LIST !*n*", "a< 321 {*}",
           "a< 322 ann #two {*}", "a< 323 {*}", "a> LIST T<5", "a< 321 {*}",
           "a< 322 ann #one {*}", "a< 323 {*}", "a> LIST C>5", "a< 321 {*}",
           "a< 323 {*}", "a> MODE #one +s", "a< {*}", "b~ {*}JOIN #two",
           "b> LIST *", "b< 321 {*}", "b< 322 bob #two {*}", "b< 323 {*}",
           "b> NAMES #one", "b< 366 {*}", "b> TOPIC #one", "b< 403 {*}",
           "a> NAMES #one,#two", "a< 353 ann @ #one :@ann",
           "a< 353 ann = #two :{*}", "a< 366 ann #one,#two {*}", "a> NAMES",
           "a< 366 ann * {*}");
  irc_close(irc);
}

static void modes_are_changed_by_operators_alone(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann multi-prefix", "b+ bob", "c+ cid", "a> JOIN #x",
      "a~ 366 {*}", "b> JOIN #x", "b~ 366 {*}", "a< {*}", "b> MODE #x +mi-t",
      "b< 482 bob #x {*}", "b=", "c> MODE #x +m", "c< 442 {*}", "a> MODE #x",
      "a< 324 ann #x +nt", "a< 329 ann #x {*}", "a> MODE #x +ov-t+mZ bob bob",
      "a< 472 ann Z {*}", "a< :ann!{*} MODE #x +ov-t+m bob bob",
      "b< :ann!{*} MODE #x +ov-t+m {*}", "a> NAMES #x",
      "a< 353 ann = #x :@+bob @ann", "a< 366 {*}", "b> NAMES #x",
      "b< 353 bob = #x :@bob @ann", "b< 366 {*}", "b> MODE #x -o ann",
      "b< {*}MODE #x -o ann", "a< {*}MODE #x -o ann", "a> PRIVMSG #x :hush",
      "a< 404 ann #x {*}", "b> MODE #x +v ann", "a< {*}MODE #x +v ann",
      "b< {*}", "a> PRIVMSG #x :hi", "b< :ann!{*} PRIVMSG #x :hi",
      "b> MODE #x +o", "b< 461 {*}", "b> MODE #x +o cid",
      "b< 441 bob cid #x {*}", "b> MODE #x +o who", "b< 401 {*}",
      "b> MODE #x +l 0", "b< 696 bob #x l 0 {*}", "b> MODE #x +k :a b",
      "b< 696 bob #x k {*}", "b> MODE #nowhere +n", "b< 403 {*}",
      "b> MODE #x +kl key 7", "b< {*}MODE #x +kl key 7", "b> MODE #x",
      "b< 324 bob #x +mnkl key 7", "b< 329 {*}", "c> MODE #x",
      "c< 324 cid #x +mnkl * 7", "c< 329 {*}", "a< {*}+kl key 7", "a=");
  irc_close(irc);
}

/* The masks that were set fill more than one line; bob hears of each. */
static void a_long_change_of_modes_is_told_in_several_lines(void **state) {
  struct irc *irc = irc_open(TCP);
  char text[512] = "MODE #x +bbbbbbbbbbbb", mask[64];
  const char *line;
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #x", "a~ 366 {*}", "b> JOIN #x",
           "b~ 366 {*}");
  for (int i = 0; i < 12; i++)
    sprintf(text + strlen(text), " %c%037d", 'a' + i, 7);
  irc_say(&irc->people[0], text);
  irc_play(irc, "a> PRIVMSG #x :done");
  for (int i = 0, heard = 0; i < 12;) {
    line = irc_line(&irc->people[1]);
    assert_true(line && ++heard < 4);
    assert_non_null(strstr(line, " MODE #x +b"));
    for (; i < 12; i++) {
      snprintf(mask, sizeof mask, " %c%037d!*@*", 'a' + i, 7);
      if (!strstr(line, mask))
        break;
    }
  }
  irc_play(irc, "b< {*}done");
  irc_close(irc);
}

static void users_have_modes_of_their_own(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "a> MODE ann", "a< 221 ann +",
           "a> MODE ann +iwo-i+i", "a< :ann!{*} MODE ann :+iw-i+i",
           "a> MODE ann", "a< 221 ann +iw", "a> MODE bob", "a< 502 {*}",
           "a> MODE nobody", "a< 401 {*}", "a> MODE ann +X", "a< 501 {*}",
           "b> WHO *", "b< 352 bob * bob {*}", "b< 315 {*}", "b> LUSERS",
           "b< 251 bob :There are 1 users and 1 invisible {*}", "b~ 266 {*}");
  irc_close(irc);
}

/* ---------------------------------------------------------------- talking */

static void words_reach_a_channel_and_a_user(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
      "b> JOIN #x", "b~ 366 {*}", "a< {*}", "b> PRIVMSG #X :hi  all ",
      "a< :bob!bob@127.0.0.1 PRIVMSG #x :hi  all ",
      "b=", "c=", "b> NOTICE ann :psst",
      "a< :bob!bob@127.0.0.1 NOTICE ann :psst", "b> PRIVMSG ann,cid,#x :all",
      "a< {*}PRIVMSG ann :all", "c< {*}PRIVMSG cid :all",
      "a< {*}PRIVMSG #x :all", "b> PRIVMSG a,b,c,d,e :x", "b< 401 bob a {*}",
      "b~ 407 bob e {*}", "b> PRIVMSG", "b< 411 {*}", "b> PRIVMSG ann",
      "b< 412 {*}", "b> PRIVMSG ann :", "b< 412 {*}", "b> NOTICE nobody :x",
      "b=", "c> PRIVMSG #x :out here", "c< 404 cid #x {*}",
      "c> PRIVMSG #nowhere :x", "c< 403 {*}", "b> PRIVMSG @#x :operators",
      "a< {*}PRIVMSG @#x :operators", "a> PRIVMSG @#x :me",
      "a=", "b=", "b> PRIVMSG @@@@@@@@@@@@@@@@@@#x :x", "a< {*}PRIVMSG @#x :x",
      "b> PRIVMSG @+#x :x", "a< {*}PRIVMSG +#x :x");
  irc_close(irc);
}

static const char in_one_turn[] =
    "a> PRIVMSG #a :1\r\nPRIVMSG #a :2\r\nPRIVMSG #b :3\r\n"
    "PRIVMSG #a :4\r\nPRIVMSG bob :5\r\nNOTICE #a :6\r\n"
    "PRIVMSG #a :7\r\nKICK #a bob :8\r\nPRIVMSG #a :9";

/* All that is said in one turn, with something else in between. */
static void what_was_said_comes_before_what_happens_next(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann", "b+ bob", "c+ cid server-time", "a> JOIN #a,#b",
      "a~ 366 {*}#b{*}", "b> JOIN #a,#b", "b~ 366 {*}#b{*}", "c> JOIN #a",
      "c~ {*} 366 {*}", "a~ :cid!{*}", "b~ :cid!{*}", in_one_turn,
      "b< :ann!ann@127.0.0.1 PRIVMSG #a :1", "b< {*} #a :2", "b< {*} #b :3",
      "b< {*} #a :4", "b< {*} bob :5", "b< :ann!ann@127.0.0.1 NOTICE #a :6",
      "b< {*} #a :7", "b< {*} KICK #a bob :8",
      "b=", "c< @time={*} :ann!ann@127.0.0.1 PRIVMSG #a :1",
      "c< @time={*} #a :2", "c< @time={*} #a :4", "c< @time={*} NOTICE #a :6",
      "c< @time={*} #a :7", "c< @time={*} KICK #a bob :8", "c< @time={*} #a :9",
      "c=", "a~ {*}KICK{*}", "a=");
  irc_close(irc);
}

static void an_echo_comes_before_the_pong_behind_it(void **state) {
  struct irc *irc = irc_open("--butlers", "2", TCP);
  irc_play(irc, "a+ ann echo-message", "a> JOIN #x", "a~ 366 {*}",
           "a> PRIVMSG #x :one\r\nPING two\r\nPRIVMSG ann :three\r\nPING four",
           "a< :ann!{*} PRIVMSG #x :one", "a< {*}PONG {*}:two",
           "a< :ann!{*} PRIVMSG ann :three", "a< :ann!{*} PRIVMSG ann :three",
           "a< {*}PONG {*}:four", "a=");
  irc_close(irc);
}

static void tags_go_to_those_who_want_them(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann message-tags echo-message",
           "b+ bob message-tags server-time", "c+ cid server-time", "d+ dan",
           "a> JOIN #x", "a~ {*} 366 {*}", "b> JOIN #x", "b~ {*} 366 {*}",
           "c> JOIN #x", "c~ {*} 366 {*}", "d> JOIN #x", "d~ {*} 366 {*}",
           "a~ {*}dan{*}", "b~ {*}dan{*}", "c~ {*}dan{*}",
           "a> @+draft/reply=7;secret=1;+x PRIVMSG #x :hi",
           "a< @msgid={*};+draft/reply=7;+x :ann!{*} PRIVMSG #x :hi",
           "b< @time=20{*}T{*}.{*}Z;msgid={*};+draft/reply=7;+x :ann!{*}:hi",
           "c< @time=20{*}Z :ann!{*} PRIVMSG #x :hi",
           "d< :ann!{*} PRIVMSG #x :hi", "a> @+typing=active TAGMSG #x",
           "a< @msgid={*};+typing=active :ann!{*} TAGMSG #x",
           "b< @time={*};+typing=active :ann!{*} TAGMSG #x",
           "c=", "d=", "d> TAGMSG #x", "d< 421 dan TAGMSG {*}", "a> TAGMSG",
           "a< 411 {*}");
  irc_close(irc);
}

static void an_answer_carries_its_label(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann batch labeled-response echo-message", "b+ bob",
      "a> @label=1 PING x", "a< @label=1 :irc.example.org PONG {*} :x",
      "a> @label=2 PONG x", "a< @label=2 :irc.example.org ACK",
      "a> @label=3 JOIN #x",
      "a< @label=3 :irc.example.org BATCH +{*} labeled-response",
      "a< @batch={*} :ann!{*} JOIN #x", "a< @batch={*} 353 {*}",
      "a< @batch={*} 366 {*}", "a< :irc.example.org BATCH -{*}",
      "a> @label=4 PRIVMSG ann :me", "a< :ann!{*} PRIVMSG ann :me",
      "a< @label=4 :ann!{*} PRIVMSG ann :me", "a> @label=5 PRIVMSG bob :you",
      "a< @label=5 :ann!{*} PRIVMSG bob :you", "b< :ann!{*} PRIVMSG bob :you",
      "a> @label=6 NONSENSE", "a< @label=6 :{*} 421 {*}", "b> @label=7 PING x",
      "b< :irc.example.org PONG {*}", "a=", "a> @label=8 QUIT",
      "a< @label=8 :{*} ERROR {*}", "a.");
  irc_close(irc);
}

static const char targets[] =
    "a> CHATHISTORY TARGETS timestamp=2000-01-01T00:00:00.000Z "
    "timestamp=2200-01-01T00:00:00.000Z 5";

static void history_tells_what_was_said(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann draft/chathistory batch", "b+ bob", "a> JOIN #x",
           "a~ 366 {*}", "a> PRIVMSG #x :1\r\nPRIVMSG #x :2\r\nNOTICE #x :3",
           "a=", "b> CHATHISTORY LATEST #x * 9", "b< 421 {*}",
           "a> CHATHISTORY LATEST #x * 2",
           "a< :irc.example.org BATCH +{*} chathistory #x",
           "a< @batch={*} :ann!{*} PRIVMSG #x :2",
           "a< @batch={*} :ann!{*} NOTICE #x :3", "a< {*}BATCH -{*}",
           "a> CHATHISTORY BEFORE #x timestamp=2000-01-01T00:00:00.000Z 9",
           "a< {*}BATCH +{*}", "a< {*}BATCH -{*}",
           "a> CHATHISTORY AFTER #x timestamp=2000-01-01T00:00:00.000Z 1",
           "a< {*}BATCH +{*}", "a< @batch={*} :ann!{*} PRIVMSG #x :1",
           "a< {*}BATCH -{*}", "a> CHATHISTORY LATEST #nowhere * 1",
           "a< {*}FAIL CHATHISTORY INVALID_TARGET LATEST #nowhere {*}",
           "a> CHATHISTORY LATEST #x", "a< {*}INVALID_PARAMS LATEST {*}",
           "a> CHATHISTORY NONSENSE #x * 1", "a< {*}INVALID_PARAMS NONSENSE{*}",
           "a> CHATHISTORY AROUND #x msgid=none 1", "a< {*}INVALID_PARAMS{*}",
           targets, "a< {*}BATCH +{*} draft/chathistory-targets",
           "a< @batch={*} CHATHISTORY TARGETS #x 20{*}Z", "a< {*}BATCH -{*}",
           "b> JOIN #x", "b~ 366 {*}", "b=");
  irc_close(irc);
}

/* ----------------------------------------------------------------- people */

static void people_are_looked_up(void **state) {
  struct irc *irc = irc_open("--oper", "god", "--oper-password", "pw", TCP);
  irc_play(
      irc, "a+ ann", "b+ bob", "a> JOIN #x", "a~ 366 {*}", "b> AWAY :lunch",
      "b< 306 {*}", "b> JOIN #x", "b~ 366 {*}", "a< {*}", "a> WHO #x",
      "a< 352 ann #x bob 127.0.0.1 irc.example.org bob G :0 bob X",
      "a< 352 ann #x ann 127.0.0.1 irc.example.org ann H@ :0 ann X",
      "a< 315 ann #x {*}", "a> WHO bob %tnuhar,42",
      "a< 354 ann 42 bob 127.0.0.1 bob 0 :bob X", "a< 315 ann bob {*}",
      "a> WHO b?b", "a< 352 ann * bob {*}", "a< 315 {*}", "a> WHO * o",
      "a< 315 {*}", "a> PRIVMSG bob :hi", "a< 301 ann bob :lunch", "b< {*}hi",
      "a> WHOIS bob", "a< 311 ann bob bob 127.0.0.1 * :bob X",
      "a< 319 ann bob :#x", "a< 312 ann bob irc.example.org :{*}",
      "a< 301 ann bob :lunch", "a< 317 ann bob {*}", "a< 318 ann bob {*}",
      "a> WHOIS nobody", "a< 401 {*}", "a< 318 {*}", "a> WHOIS", "a< 431 {*}",
      "a> WHOIS nowhere bob", "a< 402 {*}", "a> USERHOST bob ann nobody",
      "a< 302 ann :bob=-bob@127.0.0.1 ann=+ann@127.0.0.1",
      "a> ISON nobody ANN :bob cid", "a< 303 ann :ann bob", "b> AWAY",
      "b< 305 {*}", "b> OPER god wrong", "b< 464 {*}", "b> OPER god pw",
      "b< 381 {*}", "b< {*}MODE bob :+o", "a> WHOIS irc.* bob", "a< 311 {*}",
      "a~ 313 ann bob {*}", "a~ 318 {*}", "a> WHO * o",
      "a< 352 ann * bob 127.0.0.1 {*} bob H* :0 {*}", "a< 315 {*}",
      "b> WHOIS ann", "b~ 378 bob ann {*}", "b< 379 bob ann {*}", "b~ 318 {*}");
  irc_close(irc);
}

/* Each nick has 30 bytes, and 16 of them do not fit. */
static void a_list_of_nicks_ends_with_a_whole_one(void **state) {
  struct irc *irc = irc_open(TCP);
  char text[512] = "a> ISON", step[64];
  for (int i = 0; i < 15; i++) {
    snprintf(step, sizeof step, "%c+ n%028d%c", 'a' + i, 0, 'a' + i);
    irc_step(irc, step);
    sprintf(text + strlen(text), " %s", step + 3);
  }
  irc_step(irc, text);
  const char *line = irc_line(&irc->people[0]);
  assert_non_null(line);
  assert_true(strlen(line) <= 510 && strlen(line) > 400);
  assert_int_equal(strlen(strrchr(line, ' ')), 31);
  irc_close(irc);
}

static void who_was_here_is_remembered(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "b> QUIT", "b< {*}", "b.", "a> WHOWAS bob",
           "a< 314 ann bob bob 127.0.0.1 * :bob X", "a< 312 ann bob {*}",
           "a< 369 ann bob {*}", "a> WHOWAS cid", "a< 406 ann cid {*}",
           "a< 369 {*}", "a> WHOWAS", "a< 431 {*}");
  irc_close(irc);
}

static void peers_hear_of_away_setname_and_invitations(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(
      irc, "a+ ann away-notify setname invite-notify", "b+ bob setname",
      "c+ cid", "a> JOIN #x", "a~ 366 {*}", "b> JOIN #x", "b~ 366 {*}",
      "a< {*}", "b> AWAY :gone", "b< 306 {*}", "a< :bob!{*} AWAY :gone",
      "b> AWAY", "b< 305 {*}", "a< :bob!{*} AWAY", "b> SETNAME :Bob the 2nd",
      "b< :bob!{*} SETNAME :Bob the 2nd", "a< :bob!{*} SETNAME :Bob {*}",
      "b> SETNAME :", "b< {*}FAIL SETNAME INVALID_REALNAME {*}",
      "b> INVITE cid #x", "b< 341 bob cid #x", "c< {*}INVITE cid :#x",
      "a< :bob!{*} INVITE cid :#x", "b> INVITE ann #x", "b< 443 bob ann #x {*}",
      "b> INVITE nobody #x", "b< 401 {*}", "b> INVITE cid #nowhere",
      "b< 403 {*}", "b> INVITE cid", "b< 461 {*}", "c> AWAY :x", "c< 306 {*}",
      "c> JOIN #x", "a< {*}JOIN #x", "a< :cid!{*} AWAY :x");
  irc_close(irc);
}

static void who_watches_hears_of_coming_and_going(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "a> MONITOR + bob,ann,x!y", "a< 731 ann :bob",
           "a< 730 ann :ann!ann@127.0.0.1", "b+ bob",
           "a< 730 ann :bob!bob@127.0.0.1", "b> NICK cid", "b< {*}",
           "a< 731 ann :bob", "b> NICK bob", "b< {*}", "a< 730 {*}",
           "b> NICK BOB", "b< {*}", "a=", "a> MONITOR L", "a< 732 {*}",
           "a< 732 {*}", "a< 733 {*}", "a> MONITOR S", "a< 730 {*}",
           "a< 730 {*}", "a> MONITOR - ann", "b> QUIT", "b< {*}", "b.",
           "a< 731 ann :BOB", "a> MONITOR C", "a> MONITOR L", "a< 733 {*}",
           "a> MONITOR X", "a< 421 {*}", "a=");
  irc_close(irc);
}

static void the_server_tells_of_itself(void **state) {
  struct irc *irc = irc_open("--info", "sand and sea", TCP);
  irc_play(irc, "a+ ann", "a> VERSION",
           "a< 351 ann lesson19 irc.example.org :sand and sea", "a> TIME",
           "a< 391 ann irc.example.org :20{*}", "a> INFO", "a< 371 {*}",
           "a< 371 ann :sand and sea", "a< 374 {*}", "a> ADMIN", "a< 256 {*}",
           "a< 257 {*}", "a< 258 {*}", "a< 259 {*}", "a> LINKS",
           "a< 364 ann irc.example.org irc.example.org :0 sand and sea",
           "a< 365 {*}", "a> HELP JOIN", "a< 704 ann JOIN {*}", "a< 705 {*}",
           "a< 706 {*}", "a> HELP NONSENSE", "a< 524 {*}", "a> HELPOP",
           "a< 704 {*}", "a~ 706 {*}", "a> TIME nowhere", "a< 402 {*}",
           "a=", "b*", "b> PING 1", "b< {*}", "a> LUSERS", "a< 251 {*}",
           "a< 253 ann 1 {*}", "a~ 266 {*}");
  irc_close(irc);
}

/* -------------------------------------------------------------- operators */

static void operators_kill_and_call(void **state) {
  struct irc *irc = irc_open("--oper", "god", "--oper-password", "pw", TCP);
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "b> KILL ann :x", "b< 481 {*}",
           "b> WALLOPS :x", "b< 481 {*}", "c> MODE cid +w", "c< {*}",
           "a> OPER god pw", "a< 381 {*}", "a< {*}", "a> KILL nobody",
           "a< 401 {*}", "a> WALLOPS :storm", "c< :ann!{*} WALLOPS :storm",
           "b=", "b> JOIN #x", "b~ 366 {*}", "c> JOIN #x", "c~ 366 {*}",
           "b< {*}", "a> KILL bob :enough", "b< :ann!{*} KILL bob :enough",
           "b< {*}ERROR :Closing Link: {*}Killed (ann (enough)){*}", "b.",
           "c< :bob!{*} QUIT :Killed (ann (enough))", "c=");
  irc_close(irc);
}

/* The victim's lines wait in its socket, in its session and in the hall. None
 * of them is heard after its end, or does anything. */
static void a_killed_user_says_nothing_more(void **state) {
  struct irc *irc =
      irc_open("--butlers", "4", "--oper", "god", "--oper-password", "pw", TCP);
  static char words[1000 * 32], *end = words;
  irc_play(irc, "a+ ann", "a> OPER god pw", "a< 381 {*}", "a< {*}",
           "a> JOIN #x", "a~ 366 {*}");
  for (int i = 0; i < 1000; i++)
    end += sprintf(end, "NICK %s\r\nPRIVMSG ann :%d\r\n", i % 2 ? "bob" : "Bob",
                   i);
  for (int round = 0; round < 10; round++) {
    irc_play(irc, "b+ bob", "b> JOIN #x", "b~ 366 {*}", "a~ {*}JOIN #x");
    client_send(irc->people[1].fd, words, (size_t)(end - words));
    irc_play(irc, "a~ {*} PRIVMSG ann :{*}", "a> KILL bob :x",
             "a~ {*} QUIT :Killed{*}", "a=", "b~ {*}ERROR{*}", "b.");
  }
  irc_close(irc);
}

/* ------------------------------------------------------------------ lines */

static void lines_that_are_no_lines_are_answered(void **state) {
  struct irc *irc = irc_open(TCP);
  char text[IRC_ROOM];
  irc_play(irc, "a+ ann message-tags");
  struct person *a = &irc->people[0];
  snprintf(text, sizeof text, "PRIVMSG ann :%0497d", 7); /* 511 with CR LF */
  irc_say(a, text);
  irc_play(irc, "a< @msgid={*} PRIVMSG ann :000{*}");
  snprintf(text, sizeof text, "PRIVMSG ann :%0498d\r\nPING 1", 7);
  irc_say(a, text);
  irc_play(irc, "a< 417 ann :Input line was too long", "a< {*}PONG{*}");
  snprintf(text, sizeof text, "@+a=%04092d PING 2\r\nPING 3", 7);
  irc_say(a, text);
  irc_play(irc, "a< 417 {*}", "a< {*}PONG{*}3");
  snprintf(text, sizeof text, "%030000d\r\nPING 4", 7);
  irc_say(a, text);
  irc_play(irc, "a< 417 {*}", "a< {*}PONG{*}4", "a> PRIVMSG ann :\xff",
           "a< {*}FAIL * INVALID_UTF8 {*}", "a>  ", "a> :x",
           "a=", "a> join #x\nPING 5\nPING 6", "a~ {*}366{*}", "a< {*}5",
           "a< {*}6", "a> PART", "a< 461 ann PART {*}");
  irc_close(irc);
}

static void a_message_is_cut_between_two_characters(void **state) {
  struct irc *irc = irc_open(TCP);
  char text[600] = "PRIVMSG bob :";
  irc_play(irc, "a+ ann", "b+ bob");
  while (strlen(text) < 505)
    strcat(text, "\xe2\x82\xac");
  irc_say(&irc->people[0], text);
  const char *line = irc_line(&irc->people[1]);
  assert_true(strlen(line) <= 510 && strlen(line) > 505 && utf8_valid(line));
  irc_close(irc);
}

static void bytes_may_come_one_by_one(void **state) {
  struct irc *irc = irc_open(TCP);
  static const char words[] = "NICK ann\r\nUSER ann 0 * :x\r\nJOIN #x\r\n";
  irc_play(irc, "a*");
  for (const char *at = words; *at; at++)
    client_send(irc->people[0].fd, at, 1);
  irc_play(irc, "a~ 366 ann #x {*}", "a=");
  irc_close(irc);
}

/* -------------------------------------------------------- ends and limits */

static void who_hangs_up_has_quit(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
           "b> JOIN #x", "b~ 366 {*}", "c> JOIN #x", "c~ 366 {*}",
           "a~ :cid!{*}JOIN{*}", "b< :cid!{*}", "b/",
           "a< :bob!{*} QUIT :Connection closed",
           "c> PRIVMSG #x :last words\r\nQUIT :off", "c~ {*}ERROR{*}", "c.",
           "a< :cid!{*} PRIVMSG #x :last words", "a< :cid!{*} QUIT :Quit: off",
           "b+ bob", "b> JOIN #x", "b~ 366 {*}", "a< {*}");
  client_reset(irc->people[1].fd);
  irc->people[1].fd = -1;
  irc_play(irc, "a< :bob!{*} QUIT :{*}", "a=");
  irc_close(irc);
}

static void who_ends_his_side_gets_what_he_asked_for(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a*", "a> NICK ann\r\nUSER ann 0 * :x\r\nJOIN #x");
  client_half_close(irc->people[0].fd);
  irc_play(irc, "a~ 366 ann #x {*}", "a.");
  irc_close(irc);
}

/* So many channels that their list is larger than what may wait for anybody: 68
 * KiB. */
static void a_list_larger_than_the_queue_harms_nobody(void **state) {
  struct irc *irc = irc_open("--queue-limit-kb", "1", TCP);
  char text[128];
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid");
  for (int i = 0; i < 10; i++) {
    snprintf(text, sizeof text, "%c+ person%d", 'd' + i, i);
    irc_step(irc, text);
    for (int j = 0; j < 90; j++) {
      snprintf(text, sizeof text, "JOIN #a%060d", 90 * i + j);
      irc_say(&irc->people[3 + i], text);
      irc_skip_to(&irc->people[3 + i], "{*} 366 {*}");
    }
  }
  for (int i = 0; i < 20; i++)
    irc_say(&irc->people[1], "LIST");
  for (int i = 0; i < 20; i++)
    for (int j = 0; j < 902; j++)
      assert_non_null(irc_line(&irc->people[1]));
  irc_play(irc, "b=", "a=");
  irc_close(irc);
}

/* Does that person see somebody of that nick? */
static bool is_there(struct irc *irc, char person, const char *nick) {
  struct person *p = &irc->people[person - 'a'];
  char text[64];
  snprintf(text, sizeof text, "ISON %s", nick);
  irc_say(p, text);
  const char *line = irc_line(p);
  assert_non_null(line);
  return strstr(line, nick);
}

/* It joins and parts and does not read: it is not read from any more, and cut
 * off in the end. All others notice nothing, and no memory is taken. */
static void a_flood_of_joins_holds_up_its_sender_alone(void **state) {
  struct irc *irc = irc_open("--queue-limit-kb", "64", TCP);
  static const char flood[] = "JOIN #x\r\nPART #x\r\nNAMES #y\r\n";
  char step[64];
  for (int i = 0; i < 24; i++) {
    snprintf(step, sizeof step, "%c+ somebody-with-a-long-name%c", 'b' + i,
             'a' + i);
    irc_step(irc, step);
    snprintf(step, sizeof step, "%c> JOIN #y", 'b' + i);
    irc_step(irc, step);
    snprintf(step, sizeof step, "%c~ 366 {*}", 'b' + i);
    irc_step(irc, step);
  }
  irc_play(irc, "a+ ann");
  int fd = irc->people[0].fd;
  long before = program_resident(irc->server.program), most = 0;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  do {
    long now = program_resident(irc->server.program);
    most = now > most ? now : most;
  } while (send(fd, flood, sizeof flood - 1, MSG_NOSIGNAL) > 0 ||
           errno == EAGAIN);
  if (!SANITIZED)
    assert_true(most - before < 4096);
  irc_play(irc, "a/", "b> PING x", "b~ {*}PONG{*}");
  wait_until(!is_there(irc, 'b', "ann"));
  irc_close_with(irc, "closed {*}: it does not read{*}\n");
}

/* One who reads nothing is cut off in the end; those who talk wait for him, but
 * not for ever. */
static void who_does_not_read_is_cut_off(void **state) {
  struct irc *irc = irc_open("--queue-limit-kb", "16", TCP);
  char text[500];
  irc_play(irc, "a+ ann", "b+ bob", "c+ cid", "a> JOIN #x", "a~ 366 {*}",
           "c> JOIN #x", "c~ 366 {*}", "a< {*}", "b> JOIN #x", "b~ 366 {*}",
           "a< {*}", "c< {*}");
  snprintf(text, sizeof text, "PRIVMSG #x :%0400d\r\nPING x", 7);
  const char *quit = ":bob!bob@127.0.0.1 QUIT :SendQ exceeded";
  for (bool gone = false; !gone;) {
    irc_say(&irc->people[0], text);
    for (bool pong = false; !pong;) {
      const char *line = irc_line(&irc->people[0]);
      assert_non_null(line);
      pong = strstr(line, "PONG");
      gone |= strcmp(line, quit) == 0;
    }
    while (client_readable(irc->people[2].fd, 0))
      assert_non_null(irc_line(&irc->people[2]));
  }
  irc_play(irc, "a=", "c> PING end", "c~ {*}PONG{*}end");
  irc_close_with(irc, "closed {*}: it does not{*}\n");
}

/* A sender waits for one who is behind, and goes on as soon as he has quit: the
 * time of patience is longer than this test may take. */
static void nobody_waits_for_one_who_has_quit(void **state) {
  struct irc *irc = irc_open_with((struct program_options){
      .args = {"--queue-limit-kb", "16", TCP}, .speed = "0.01"});
  char text[500];
  irc_play(irc, "a+ ann", "b+ bob", "a> JOIN #x", "a~ 366 {*}", "b> JOIN #x",
           "b~ 366 {*}", "a< {*}");
  snprintf(text, sizeof text, "PRIVMSG #x :%0400d\r\nPING x", 7);
  do
    irc_say(&irc->people[0], text);
  while (client_readable(irc->people[0].fd, 500) && irc_line(&irc->people[0]));
  irc_play(irc, "b> QUIT", "a~ {*}PONG{*}");
  irc_close(irc);
}

/* ------------------------------------------------------------- no memory */

static bool no_memory;
static int starved, notes;

static void *scarce(size_t size) { return no_memory ? NULL : malloc(size); }
static void note(const char *format, ...) { notes++; }

/* The hall, as far as this test goes. */
int hall_turn(void *arg) {
  struct turn *turn = arg;
  turn->at = turn->count;
  return 0;
}
void hall_enter(void *user, int err, size_t n) {}
int hall_starve(void *user) {
  starved++;
  return UV_EOF;
}
void name_copy(char *to, size_t room, const char *text) { *to = '\0'; }

/* One end of it is a client of a session on this hall. */
static int session_peer(struct hall *hall) {
  int ends[2];
  ax_stream *stream = ax_stream_new(hall->context);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  close(ends[0]);
  session_start(hall, stream);
  return ends[1];
}

static void without_memory_for_its_lines_a_client_goes(void **state) {
  static struct hall hall;
  hall.context = ax_context_new();
  hall.strand = ax_strand_new(hall.context);
  int client = session_peer(&hall);
  client_send_text(client, "PING 1\r\n");
  ax_poll(hall.context);
  assert_int_equal(starved, 0);
  no_memory = true;
  client_send_text(client, "PING 2\r\n");
  for (double end = deadline(); !client_readable(client, 0);)
    ax_poll(hall.context), pause_before(end, "the end of the stream");
  client_expect_end(client);
  assert_int_equal(starved, 1);
  assert_int_equal(close(session_peer(&hall)), 0);
  client_close(client);
  ax_run(hall.context);
  no_memory = false;
  assert_int_equal(starved, 2);
  assert_int_equal(notes, 0); /* the hall has told */
  assert_int_equal(sessions_alive, 0);
  ax_unref(hall.strand);
  ax_context_free(hall.context);
}

#ifdef __linux__
/* It gets so many bytes more than it has now, or, for 0, as many as it wants.
 */
static void allow_memory(const struct program *program, size_t more) {
  char path[64];
  long pages = 0;
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  snprintf(path, sizeof path, "/proc/%d/statm", (int)program_pid(program));
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld", &pages), 1);
  fclose(file);
  if (more)
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
  assert_int_equal(prlimit(program_pid(program), RLIMIT_AS, &limit, NULL), 0);
}

/* Twenty people make ninety channels each. */
static void fill_the_list(struct irc *irc) {
  char text[600];
  for (int i = 0; i < 20; i++) {
    struct person *p = &irc->people['c' - 'a' + i];
    snprintf(text, sizeof text, "%c+ p%d", 'c' + i, i);
    irc_step(irc, text);
    for (int j = 0; j < 90; j++) {
      snprintf(text, sizeof text,
               "JOIN #%d-%d\r\nTOPIC #%d-%d :%0300d\r\nPING done", i, j, i, j,
               7);
      irc_say(p, text);
      irc_skip_to(p, "{*}PONG{*}done");
    }
  }
}

static void without_memory_for_its_answer_a_client_goes(void **state) {
  if (SANITIZED)
    skip();
  struct irc *irc = irc_open(TCP);
  fill_the_list(irc);
  irc_play(irc, "a+ ann", "b+ bob");
  allow_memory(irc->server.program, 1 << 16);
  irc_play(irc, "a> LIST\r\nPING 1",
           "a< {*}ERROR :Closing Link: 127.0.0.1 (Out of memory)", "a.",
           "b> ISON ann p7", "b< 303 bob :p7");
  allow_memory(irc->server.program, 0);
  irc_play(irc, "a+ ann", "a> LIST", "a~ 323 {*}", "b> ISON ann",
           "b< 303 bob :ann");
  irc_close_with(irc, "closed ann@127.0.0.1: there is no memory{*}\n");
}
#endif

/* ------------------------------------------------------------- listeners */

static void ipv6_hosts_can_be_banned(void **state) {
  struct program_options options = {.args = {TCP, "[::1]:0"}};
  struct irc *irc = irc_open_with(options);
  irc_play(irc, "a+ ann");
  irc->endpoint = irc->server.more[0];
  irc_play(irc, "b+ bob", "a> WHOIS bob", "a< 311 ann bob bob 0::1 * :bob X",
           "a~ 318 {*}", "a> JOIN #x", "a~ 366 {*}", "a> MODE #x +b *!*@::1",
           "a< {*}MODE #x +b *!*@0::1", "b> JOIN #x", "b< 474 bob #x {*}",
           "a> MODE #x +b 0::2", "a< {*}MODE #x +b *!*@0::2", "a> MODE #x b",
           "a< 367 ann #x *!*@0::1 {*}", "a< 367 ann #x *!*@0::2 {*}",
           "a< 368 {*}", "a> MODE #x -b *!*@::1", "a< {*}", "b> JOIN #x",
           "b~ 366 {*}");
  irc_close(irc);
}

static void a_mask_is_completed(void **state) {
  struct irc *irc = irc_open(TCP);
  irc_play(irc, "a+ ann", "a> JOIN #x", "a~ 366 {*}",
           "a> MODE #x +bbbb x y@z u!v @h", "a< {*} x!*@* *!y@z u!v@* *!*@h",
           "a> MODE #x +bbb 1.2.* a!b@c d!@::1",
           "a< {*}MODE #x +bbb *!*@1.2.* a!b@c d!*@0::1");
  irc_close(irc);
}

static void it_listens_on_all_kinds_of_sockets(void **state) {
  char path[TEMP_PATH], inherited[16];
  int fd = listening_socket();
  temp_path(path, "irc");
  snprintf(inherited, sizeof inherited, "fd:%d", fd);
  struct program_options options = {.args = {TCP, path, inherited}};
  struct irc *irc = irc_open_with(options);
  irc_play(irc, "a+ ann", "a> JOIN #x", "a~ 366 {*}");
  irc->endpoint = irc->server.more[0];
  irc_play(irc, "b+ bob", "b> JOIN #x", "a< :bob!bob@localhost JOIN #x");
  irc->endpoint = irc->server.more[1];
  irc_play(irc, "c+ cid", "c> JOIN #x", "a< :cid!cid@127.0.0.1 JOIN #x",
           "c> PRIVMSG #x :here", "a< {*}here", "b~ {*}here");
  irc_close(irc);
  expect_refusal(19, 1, "cannot listen on fd:99", "fd:99");
  expect_refusal(19, 2, "--name is", "--name", "a name");
  expect_refusal(19, 2, "--name is", "--name", "a\nname");
  expect_refusal(19, 2, "--oper wants", "--oper", "joe");
  expect_refusal(19, 1, "/no/such: no such file", "--motd", "/no/such");
  close(fd);
}

/* ------------------------------------------------------- the hall's share */

static void the_server_tells_how_long_its_hall_was_busy(void **state) {
  struct irc *irc = irc_open(TCP);
  double hall = -1, all = -1;
  irc_play(irc, "a+ ann", "a> JOIN #x", "a~ 366 {*}");
  for (int i = 0; i < 300; i++)
    irc_say(&irc->people[0], "NAMES #x\r\nWHO #x\r\nLIST");
  irc_play(irc, "a> PING 1", "a~ {*}PONG{*}1");
  client_close(irc->people[0].fd);
  program_signal(irc->server.program, SIGTERM);
  assert_int_equal(program_wait(irc->server.program), 0);
  const char *line = strstr(program_out(irc->server.program), "the hall: ");
  assert_non_null(line);
  int count =
      sscanf(line, "the hall: %lf s of %lf s of a processor", &hall, &all);
  assert_int_equal(count, 2);
  assert_true(hall > 0 && all > 0);
  program_free(irc->server.program);
  free(irc);
}

/* ------------------------------------------------------ manners and texts */

static void usage_is_explained_and_enforced(void **state) {
  static const char *const mentions[] = {"--name SERVER",
                                         "--info TEXT",
                                         "--password",
                                         "--oper NAME",
                                         "--oper-password",
                                         "--motd FILE",
                                         "--butlers N",
                                         "default 127.0.0.1:6667",
                                         "fd:3",
                                         NULL};
  expect_usage(19, mentions);
}

static void the_demo_is_as_expected(void **state) {
  expect_demo(19, "lessons/19-irc");
}

/* Each text between these two marks, as a row of the table begins with it. */
static void expect_rows(const char *path, const char *before, const char *after,
                        const char *row) {
  char *code = read_whole_file(path), *docs = read_whole_file("docs/irc.md");
  size_t count = 0;
  for (char *at = code; (at = strstr(at, before)); count++) {
    char wanted[128];
    at += strlen(before);
    snprintf(wanted, sizeof wanted, row, (int)strcspn(at, after), at);
    if (!strstr(docs, wanted))
      give_up("docs/irc.md lacks: %s", wanted);
  }
  assert_true(count > 10);
  free(code);
  free(docs);
}

/* "NICKLEN=30" in a 005 is a row of the table. */
static void the_docs_tell_the_limits(void **state) {
  struct irc *irc = irc_open(TCP);
  char *docs = read_whole_file("docs/irc.md");
  size_t count = 0;
  irc_play(irc, "a*", "a> NICK ann", "a> USER ann 0 * :x", "a~ 004 {*}");
  for (int i = 0; i < 2; i++) {
    char *rest = strdup(irc_line(&irc->people[0]));
    for (char *at = rest, *word; (word = strsep(&at, " "));) {
      char name[32], row[64], more;
      int limit;
      if (sscanf(word, "%31[A-Z]=%d%c", name, &limit, &more) != 2)
        continue;
      snprintf(row, sizeof row, "\n| %s | %d |", name, limit);
      if (!strstr(docs, row))
        give_up("docs/irc.md lacks: %s", row);
      count++;
    }
    free(rest);
  }
  assert_int_equal(count, 11);
  free(docs);
  irc_close(irc);
}

static void the_docs_name_all_that_there_is(void **state) {
  expect_rows("lessons/19-irc/commands.c", "    {\"", "\"", "\n| %.*s");
  expect_rows("lessons/19-irc/cap.c", "    {\"", "\"", "\n| %.*s |");
  expect_rows("lessons/19-irc/reply.h", "#define RPL_", " ", "| RPL_%.*s |");
  expect_rows("lessons/19-irc/reply.h", "#define ERR_", " ", "| ERR_%.*s |");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand_three_lines_are_enough),
      cmocka_unit_test(nobody_does_much_before_the_welcome),
      cmocka_unit_test(a_nick_is_reserved_before_its_owner_is_welcome),
      cmocka_unit_test(cap_holds_the_registration_until_its_end),
      cmocka_unit_test(the_password_is_judged_last),
      cmocka_unit_test(the_motd_is_a_file),
      cmocka_unit_test(a_change_of_nick_is_seen_once_with_the_old_prefix),
      cmocka_unit_test(who_joins_and_parts_is_seen_by_all),
      cmocka_unit_test(a_key_an_invitation_a_limit_and_a_ban_keep_people_out),
      cmocka_unit_test(a_topic_is_told_and_locked),
      cmocka_unit_test(who_kicks_the_last_one_takes_the_channel_along),
      cmocka_unit_test(channels_are_listed_by_what_they_are),
      cmocka_unit_test(modes_are_changed_by_operators_alone),
      cmocka_unit_test(a_long_change_of_modes_is_told_in_several_lines),
      cmocka_unit_test(users_have_modes_of_their_own),
      cmocka_unit_test(words_reach_a_channel_and_a_user),
      cmocka_unit_test(what_was_said_comes_before_what_happens_next),
      cmocka_unit_test(an_echo_comes_before_the_pong_behind_it),
      cmocka_unit_test(tags_go_to_those_who_want_them),
      cmocka_unit_test(an_answer_carries_its_label),
      cmocka_unit_test(history_tells_what_was_said),
      cmocka_unit_test(people_are_looked_up),
      cmocka_unit_test(a_list_of_nicks_ends_with_a_whole_one),
      cmocka_unit_test(who_was_here_is_remembered),
      cmocka_unit_test(peers_hear_of_away_setname_and_invitations),
      cmocka_unit_test(who_watches_hears_of_coming_and_going),
      cmocka_unit_test(the_server_tells_of_itself),
      cmocka_unit_test(operators_kill_and_call),
      cmocka_unit_test(a_killed_user_says_nothing_more),
      cmocka_unit_test(lines_that_are_no_lines_are_answered),
      cmocka_unit_test(a_message_is_cut_between_two_characters),
      cmocka_unit_test(bytes_may_come_one_by_one),
      cmocka_unit_test(who_hangs_up_has_quit),
      cmocka_unit_test(who_ends_his_side_gets_what_he_asked_for),
      cmocka_unit_test(a_list_larger_than_the_queue_harms_nobody),
      cmocka_unit_test(a_flood_of_joins_holds_up_its_sender_alone),
      cmocka_unit_test(who_does_not_read_is_cut_off),
      cmocka_unit_test(nobody_waits_for_one_who_has_quit),
      cmocka_unit_test(without_memory_for_its_lines_a_client_goes),
#ifdef __linux__
      cmocka_unit_test(without_memory_for_its_answer_a_client_goes),
#endif
      cmocka_unit_test(ipv6_hosts_can_be_banned),
      cmocka_unit_test(a_mask_is_completed),
      cmocka_unit_test(it_listens_on_all_kinds_of_sockets),
      cmocka_unit_test(the_server_tells_how_long_its_hall_was_busy),
      cmocka_unit_test(usage_is_explained_and_enforced),
      cmocka_unit_test(the_demo_is_as_expected),
      cmocka_unit_test(the_docs_name_all_that_there_is),
      cmocka_unit_test(the_docs_tell_the_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
