/* people.c: ISON, USERHOST, AWAY and SETNAME. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a list that surely fit a reply. */
enum { LIST_ROOM = LINE_MOST - HOST_LEN - NICK_LEN - 12 };

void do_ison(struct user *user, const struct line *line) {
  char here[LIST_ROOM] = "", nicks[LINE_MOST];
  for (size_t i = 0; i < line->count; i++) {
    snprintf(nicks, sizeof nicks, "%s", line->params[i]);
    for (char *rest = nicks, *nick; (nick = strsep(&rest, " "));) {
      const struct user *found = user_find(user->hall, nick);
      if (found)
        words_add(here, sizeof here, "%s", found->nick);
    }
  }
  reply(user, RPL_ISON, here);
}

void do_userhost(struct user *user, const struct line *line) {
  char found[LIST_ROOM] = "";
  for (size_t i = 0; i < line->count && i < 5; i++) {
    const struct user *other = user_find(user->hall, line->params[i]);
    if (other)
      words_add(found, sizeof found, "%s%s=%c%s@%s", other->nick,
                is_oper(other) ? "*" : "", other->away ? '-' : '+', other->name,
                other->host);
  }
  reply(user, RPL_USERHOST, found);
}

void do_away(struct user *user, const struct line *line) {
  const char *why = *line->params[0] ? line->params[0] : NULL;
  user_set_text(user, &user->away, why, user->hall->rules.limits.away);
  if (why)
    reply(user, RPL_NOWAWAY);
  else
    reply(user, RPL_UNAWAY);
  peers_hear(user, CAP_AWAY, user->away ? "AWAY :%s" : "AWAY%s",
             user->away ? user->away : "");
}

void do_setname(struct user *user, const struct line *line) {
  const char *name = line->params[0];
  long most = user->hall->rules.limits.real;
  if (!*name || (long)strlen(name) > most) {
    user_hear(user, NULL,
              "FAIL SETNAME INVALID_REALNAME :A name has 1 to %ld bytes", most);
    return;
  }
  user_set_text(user, &user->real, name, most);
  if (user->caps & CAP_SETNAME)
    user_hear(user, user, "SETNAME :%s", user->real);
  peers_hear(user, CAP_SETNAME, "SETNAME :%s", user->real);
}
