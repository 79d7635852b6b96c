/* talk.c: PRIVMSG, NOTICE and TAGMSG. */
#include "commands.h"
#include "history.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

/* What is said to each of the targets. */
struct words {
  const char *command;
  const char *text; /* NULL: it has tags alone */
  const char *tags;
  bool answers; /* are there replies when it does not go? */
};

/* region: speak */
/* May the user say something there? */
static bool may_speak(const struct channel *channel, const struct user *user) {
  const struct member *member = member_of(channel, user);
  if (member && member->modes)
    return true;
  return !(channel->flags & MODERATED) &&
         (member || !(channel->flags & NO_EXTERNAL)) &&
         !channel_bans(channel, user);
}
/* end: speak */

static void compose(struct message *m, const struct user *from,
                    const struct words *words, const char *target) {
  if (words->text)
    message_begin(m, from->hall, from, "%s %s :%s", words->command, target,
                  words->text);
  else
    message_begin(m, from->hall, from, "%s %s", words->command, target);
  message_tag(m, words->tags);
}

/* A message with tags alone is nothing to those who take no tags. */
static unsigned needed(const struct words *words) {
  return words->text ? 0 : CAP_TAGS;
}

static void echo(struct user *user, struct message *m,
                 const struct words *words) {
  unsigned need = CAP_ECHO | needed(words);
  if ((user->caps & need) == need)
    user_send(user, m);
}

/* To members with one of these modes (0: any), and these capabilities. */
static void send_to_some(const struct channel *channel, unsigned modes,
                         unsigned need, struct message *m) {
  const struct member *member;
  LIST_FOREACH(member, &channel->members, of_channel) {
    struct user *to = member->user;
    if (to != channel->hall->asker && (to->caps & need) == need &&
        (modes == 0 || member->modes & modes))
      user_send(to, m);
  }
}

/* region: channel */
static void say_to_channel(struct user *user, struct channel *channel,
                           unsigned modes, const char *target,
                           const struct words *words) {
  struct message m;
  compose(&m, user, words, target);
  if (words->text && modes == 0) {
    speech_add(channel, &m);
    history_add(channel, &m);
  } else {
    send_to_some(channel, modes, needed(words), &m);
  }
  echo(user, &m, words);
  message_end(&m);
}
/* end: channel */

/* To oneself it goes twice if one wants an echo, and only the echo is the
 * answer. */
static void say_to_user(struct user *user, struct user *to,
                        const struct words *words) {
  struct message m;
  compose(&m, user, words, to->nick);
  echo(user, &m, words);
  bool *answer = &user->hall->label.open, labelled = *answer;
  if (to == user && user->caps & CAP_ECHO)
    *answer = false;
  if ((to->caps & needed(words)) == needed(words))
    user_send(to, &m);
  *answer = labelled;
  if (to->away && words->answers)
    reply(user, RPL_AWAY, to->nick, to->away);
  message_end(&m);
}

/* "@#beach" is for operators, "+#beach" for those with a voice, too; "@+#beach"
 * is the latter. */
static unsigned modes_of(const char **target) {
  unsigned modes = 0;
  for (; **target && strchr(MEMBER_SIGNS, **target); ++*target)
    modes |= **target == MEMBER_SIGNS[0] ? OPERATOR : OPERATOR | VOICE;
  return modes;
}

static const char *sign_of(unsigned modes) {
  return modes & VOICE ? "+" : modes ? "@" : "";
}

static void say(struct user *user, const char *target, void *arg) {
  const struct words *words = arg;
  const char *name = target;
  unsigned modes = modes_of(&name);
  struct channel *channel = channel_find(user->hall, name);
  struct user *to = user_find(user->hall, target);
  char exact[CHANNEL_LEN + 2];
  if (channel && may_speak(channel, user)) {
    snprintf(exact, sizeof exact, "%s%s", sign_of(modes), channel->name);
    say_to_channel(user, channel, modes, exact, words);
  } else if (to)
    say_to_user(user, to, words);
  else if (channel && words->answers)
    reply(user, ERR_CANNOTSENDTOCHAN, channel->name);
  else if (is_channel(name) && words->answers)
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(target));
  else if (words->answers)
    reply(user, ERR_NOSUCHNICK, word_or_star(target));
}

/* Automatic answers to a NOTICE could go on for ever, so there are none. */
static void talk(struct user *user, const struct line *line,
                 const char *command, bool has_text, bool answers) {
  char tags[TAGS_MOST + 1];
  line_client_tags(line, tags);
  struct words words = {.command = command,
                        .text = has_text ? line->params[1] : NULL,
                        .tags = tags,
                        .answers = answers};
  if (!*line->params[0] && answers)
    reply(user, ERR_NORECIPIENT, command);
  else if (has_text && !*line->params[1] && answers)
    reply(user, ERR_NOTEXTTOSEND);
  if (!*line->params[0] || (has_text && !*line->params[1]))
    return;
  user->spoke = user->hall->now;
  size_t targets = user->hall->rules.limits.targets;
  if (answers)
    for_few_parts(user, line->params[0], say, &words);
  else
    for_each_part(user, line->params[0], targets, say, &words);
}

void do_privmsg(struct user *user, const struct line *line) {
  talk(user, line, "PRIVMSG", true, true);
}

void do_notice(struct user *user, const struct line *line) {
  talk(user, line, "NOTICE", true, false);
}

void do_tagmsg(struct user *user, const struct line *line) {
  if (user->caps & CAP_TAGS)
    talk(user, line, "TAGMSG", false, true);
  else
    reply(user, ERR_UNKNOWNCOMMAND, "TAGMSG");
}
