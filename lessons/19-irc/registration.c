/* registration.c: from a connection to a user who is welcome. PASS, NICK, USER
 * and CAP come in any order; when nothing is missing, the password is judged.
 */
#include "registration.h"
#include "commands.h"
#include "history.h"
#include "message.h"
#include "monitor.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------- ISUPPORT */

/* Tokens for one line; a line takes 13. */
static void isupport(struct user *user) {
  const struct limits *limits = &user->hall->rules.limits;
  char line[LINE_MOST];
  /* region: isupport */
  snprintf(line, sizeof line,
           "NETWORK=" NETWORK " CASEMAPPING=" CASEMAPPING
           " CHANTYPES=" CHANTYPES " PREFIX=(" MEMBER_MODES ")" MEMBER_SIGNS
           " STATUSMSG=" MEMBER_SIGNS " CHANMODES=b,k,l," CHANNEL_FLAGS
           " NICKLEN=%ld USERLEN=%d CHANNELLEN=%ld TOPICLEN=%ld KICKLEN=%ld"
           " AWAYLEN=%ld NAMELEN=%ld",
           limits->nick, USER_LEN, limits->channel, limits->topic, limits->kick,
           limits->away, limits->real);
  reply(user, RPL_ISUPPORT, line);
  snprintf(
      line, sizeof line,
      "KEYLEN=%d CHANLIMIT=" CHANTYPES ":%ld MAXLIST=b:%d MODES=%d"
      " MONITOR=%d CHATHISTORY=%d MSGREFTYPES=msgid,timestamp"
      " ELIST=CMNTU SAFELIST WHOX UTF8ONLY"
      " TARGMAX=PRIVMSG:%ld,NOTICE:%ld,TAGMSG:%ld,KICK:%ld,NAMES:%ld,LIST:%ld,"
      "WHOIS:1,JOIN:,PART:",
      KEY_LEN, limits->channels, BANS_MOST, MODES_MOST, WATCHES_MOST,
      HISTORY_MOST, limits->targets, limits->targets, limits->targets,
      limits->targets, limits->targets, limits->targets);
  reply(user, RPL_ISUPPORT, line);
  /* end: isupport */
}

/* --------------------------------------------------------------- welcome */

static void greet(struct user *user) {
  const struct hall *hall = user->hall;
  const char *version = hall->rules.version;
  char prefix[PREFIX_LEN + 1], began[32];
  strftime(began, sizeof began, "%Y-%m-%d %H:%M:%S UTC", gmtime(&hall->began));
  reply(user, RPL_WELCOME, NETWORK, user_prefix(user, prefix));
  reply(user, RPL_YOURHOST, hall->rules.name, version);
  reply(user, RPL_CREATED, began);
  reply(user, RPL_MYINFO, hall->rules.name, version, USER_MODES,
        "b" CHANNEL_FLAGS "kl" MEMBER_MODES, "bkl" MEMBER_MODES);
  isupport(user);
  const struct line nothing = {.params = {""}};
  do_lusers(user, &nothing);
  do_motd(user, &nothing);
}

static void welcome(struct user *user) {
  struct hall *hall = user->hall;
  user->state = USER_WELCOME;
  hall->unknown--;
  if (++hall->known > hall->most)
    hall->most = hall->known;
  greet(user);
  monitor_tell(user, true);
  if (hall->rules.hooks)
    hall->rules.hooks->welcome(user);
}

/* region: try */
void registration_try(struct user *user) {
  const char *wanted = user->hall->rules.password;
  if (user->state != USER_NEW || user->negotiating || !*user->nick ||
      !*user->name)
    return;
  if (*wanted && (!user->pass || strcmp(wanted, user->pass) != 0)) {
    reply(user, ERR_PASSWDMISMATCH);
    user_leave(user, "Bad password", true);
    return;
  }
  user_set_text(user, &user->pass, NULL, 0);
  welcome(user);
}
/* end: try */

/* -------------------------------------------------------------- commands */

void do_pass(struct user *user, const struct line *line) {
  if (user->state == USER_WELCOME)
    reply(user, ERR_ALREADYREGISTERED);
  else
    user_set_text(user, &user->pass, line->params[0], LINE_MOST);
}

/* Who knows the user hears the new nick from the old one. */
static void change_nick(struct user *user, const char *nick) {
  bool other = !name_equal(user->nick, nick);
  peers_hear(user, 0, "NICK :%s", nick);
  user_hear(user, user, "NICK :%s", nick);
  if (other)
    monitor_tell(user, false);
  user_rename(user, nick);
  if (other)
    monitor_tell(user, true);
}

void do_nick(struct user *user, const struct line *line) {
  const char *nick = line->params[0];
  struct entry *owner = map_find(&user->hall->users, nick);
  long most = user->hall->rules.limits.nick;
  if (!*nick)
    reply(user, ERR_NONICKNAMEGIVEN);
  else if (!nick_valid(nick) || (long)strlen(nick) > most)
    reply(user, ERR_ERRONEUSNICKNAME, word_or_star(nick));
  else if (owner && owner != &user->by_nick)
    reply(user, ERR_NICKNAMEINUSE, nick);
  else if (user->state == USER_NEW)
    user_rename(user, nick); /* it is the user's from now on */
  else if (strcmp(user->nick, nick) != 0)
    change_nick(user, nick);
  registration_try(user);
}

static bool name_valid(const char *name) {
  for (const char *at = name; *at; at++)
    if ((unsigned char)*at <= ' ' || strchr("!@:\x7f", *at))
      return false;
  return *name;
}

void do_user(struct user *user, const struct line *line) {
  if (user->state == USER_WELCOME) {
    reply(user, ERR_ALREADYREGISTERED);
  } else if (!name_valid(line->params[0])) {
    reply(user, ERR_INVALIDUSERNAME);
  } else {
    user_set_text(user, &user->real, line->params[3],
                  user->hall->rules.limits.real);
    if (user->starved)
      return;
    name_copy(user->name, sizeof user->name, line->params[0]);
    registration_try(user);
  }
}

void do_ping(struct user *user, const struct line *line) {
  if (line->count == 0)
    reply(user, ERR_NEEDMOREPARAMS, "PING");
  else if (!*line->params[0])
    reply(user, ERR_NOORIGIN);
  else
    user_hear(user, NULL, "PONG %s :%s", user->hall->rules.name,
              line->params[0]);
}

void do_pong(struct user *user, const struct line *line) {}

void do_quit(struct user *user, const struct line *line) {
  char why[LINE_MOST];
  snprintf(why, sizeof why, "Quit: %s", line->params[0]);
  user_leave(user, line->count ? why : "Quit", true);
}
