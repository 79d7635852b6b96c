/* The exercise of lesson 19: a command of your own, ROLL. All who are in a
 * channel hear the same line:
 *
 *     ROLL #beach 20
 *     :irc.example.org NOTICE #beach :ann rolls 13 of 20
 *
 * The server is that of the lesson, with few options and a table for more
 * commands. */
#include "../10-echo/listener.h"
#include "commands.h"
#include "lesson.h"
#include "message.h"
#include "reply.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIDES = 6, SIDES_MOST = 1000 };

/* In the hall. */
static long roll(long sides) { return random() % sides + 1; }

/* todo: a function of the type command_fn, as those in list.c and join.c: what
 * it does when somebody says ROLL. line->params[0] is the channel, params[1]
 * the number of sides, or "". These are of use:
 *
 *     channel_find, member_of     channel.h   is there such a channel? is he
 * in? number_of                   line.h      -1 for what is no number reply,
 * ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL          message.h, reply.h user_hear,
 * channel_hear     message.h   a line for one, and for all there
 *
 * Who asks for less than one side, or for more than SIDES_MOST, alone hears of
 * it, by a NOTICE. */
static void do_roll(struct user *user, const struct line *line) {
  struct channel *channel = channel_find(user->hall, line->params[0]);
  long sides = *line->params[1] ? number_of(line->params[1]) : SIDES;
  if (!channel)
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(line->params[0]));
  else if (!member_of(channel, user))
    reply(user, ERR_NOTONCHANNEL, channel->name);
  else if (sides < 1 || sides > SIDES_MOST)
    user_hear(user, NULL, "NOTICE %s :A die has 1 to %d sides", user->nick,
              SIDES_MOST);
  else
    channel_hear(channel, NULL, "NOTICE %s :%s rolls %ld of %ld", channel->name,
                 user->nick, roll(sides), sides);
}
/* done */

static const struct command more[] = {
    /* todo: a row for it. It needs one parameter, and is for those who are
     * welcome. */
    {"ROLL", 1, WELCOME, do_roll},
    /* done */
    {NULL, 0, ANYBODY, NULL}};

/* ------------------------------- the server; nothing is to do from here on */

static struct rules rules = {
    .version = "exercise19",
    .name = "irc.example.org",
    .info = "A chat on the beach, with dice",
    .password = "",
    .oper = "",
    .oper_password = "",
    .limits = {NICK_LEN, CHANNEL_LEN, TOPIC_LEN, KICK_LEN, AWAY_LEN, REAL_LEN,
               CHANNELS_MOST, TARGETS_MOST},
    .dismiss = session_dismiss,
    .outbox = {.mark = 1 << 20, .limit = 5 << 20, .broken = session_broken},
    .more = more};

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about = "An IRC server with dice.",
                           .endpoint = "127.0.0.1:6667",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);
  rules.outbox.patience = lesson_seconds(5);
  srandom((unsigned)time(NULL));
  ax_context *context = ax_context_new();
  struct hall *hall = hall_new(context, &rules);
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], session_start, hall);
  lesson_serve(context, butlers);
  listener_free(&listener);
  ax_context_free(context);
  hall_free(hall);
  return 0;
}
