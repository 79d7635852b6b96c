/* oper.c: OPER, KILL and WALLOPS. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

void do_oper(struct user *user, const struct line *line) {
  const struct rules *rules = &user->hall->rules;
  if (!*rules->oper || strcmp(rules->oper, line->params[0]) != 0 ||
      strcmp(rules->oper_password, line->params[1]) != 0) {
    reply(user, ERR_PASSWDMISMATCH);
    return;
  }
  user_set_mode(user, USER_OPER, true);
  reply(user, RPL_YOUREOPER);
  user_hear(user, NULL, "MODE %s :+o", user->nick);
}

static bool need_oper(struct user *user) {
  if (!is_oper(user))
    reply(user, ERR_NOPRIVILEGES);
  return is_oper(user);
}

/* region: kill */
/* The victim's lines may wait for their turn in the hall, and its session may
 * read at this moment. It is gone for the hall at once; its session hears of it
 * in its own strand. */
void do_kill(struct user *user, const struct line *line) {
  struct user *victim = user_find(user->hall, line->params[0]);
  char why[2 * LINE_MOST];
  if (!need_oper(user))
    return;
  if (!victim) {
    reply(user, ERR_NOSUCHNICK, word_or_star(line->params[0]));
    return;
  }
  snprintf(why, sizeof why, "Killed (%s (%s))", user->nick, line->params[1]);
  user_hear(victim, user, "KILL %s :%s", victim->nick, line->params[1]);
  user_leave(victim, why, true);
}
/* end: kill */

void do_wallops(struct user *user, const struct line *line) {
  struct message message;
  struct user *other;
  if (!need_oper(user))
    return;
  message_begin(&message, user->hall, user, "WALLOPS :%s", line->params[0]);
  LIST_FOREACH(other, &user->hall->everybody, others) {
    if (other->state == USER_WELCOME && other->modes & USER_WALLOPS)
      user_send(other, &message);
  }
  message_end(&message);
}
