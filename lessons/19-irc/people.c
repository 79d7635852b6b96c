/* people.c: ISON, USERHOST, AWAY and SETNAME. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

void do_ison(struct user *user, const struct line *line) {
  char here[LINE_MOST] = "", nicks[LINE_MOST];
  for (size_t i = 0; i < line->count; i++) {
    snprintf(nicks, sizeof nicks, "%s", line->params[i]);
    for (char *rest = nicks, *nick; (nick = strsep(&rest, " "));) {
      const struct user *found = user_find(user->hall, nick);
      size_t used = strlen(here);
      if (found)
        snprintf(here + used, sizeof here - used, "%s%s", used ? " " : "",
                 found->nick);
    }
  }
  reply(user, RPL_ISON, here);
}

void do_userhost(struct user *user, const struct line *line) {
  char found[LINE_MOST] = "";
  for (size_t i = 0; i < line->count && i < 5; i++) {
    const struct user *other = user_find(user->hall, line->params[i]);
    size_t used = strlen(found);
    if (other)
      snprintf(found + used, sizeof found - used, "%s%s%s=%c%s@%s",
               used ? " " : "", other->nick, is_oper(other) ? "*" : "",
               other->away ? '-' : '+', other->name, other->host);
  }
  reply(user, RPL_USERHOST, found);
}

void do_away(struct user *user, const struct line *line) {
  const char *why = *line->params[0] ? line->params[0] : NULL;
  struct message message;
  user_set_text(&user->away, why, AWAY_LEN);
  if (why)
    reply(user, RPL_NOWAWAY);
  else
    reply(user, RPL_UNAWAY);
  message_begin(&message, user->hall, user, why ? "AWAY :%s" : "AWAY%s",
                why ? user->away : "");
  user_tell_peers(user, &message, CAP_AWAY);
  message_end(&message);
}

void do_setname(struct user *user, const struct line *line) {
  const char *name = line->params[0];
  struct message message;
  if (!*name || strlen(name) > REAL_LEN) {
    user_say(user, "FAIL SETNAME INVALID_REALNAME :A name has 1 to %d bytes",
             REAL_LEN);
    return;
  }
  user_set_text(&user->real, name, REAL_LEN);
  message_begin(&message, user->hall, user, "SETNAME :%s", user->real);
  if (user->caps & CAP_SETNAME)
    user_send(user, &message);
  user_tell_peers(user, &message, CAP_SETNAME);
  message_end(&message);
}
