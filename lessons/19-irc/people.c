/* people.c: ISON, USERHOST, AWAY and SETNAME. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a list that surely fit a reply. */
enum { LIST_ROOM = LINE_MOST - HOST_LEN - NICK_LEN - 12 };

/* Adds a word if there is room for the whole of it. */
static void add_word(char list[LIST_ROOM], const char *word) {
  size_t used = strlen(list);
  if (used + strlen(word) + 1 < LIST_ROOM)
    snprintf(list + used, LIST_ROOM - used, "%s%s", used ? " " : "", word);
}

void do_ison(struct user *user, const struct line *line) {
  char here[LIST_ROOM] = "", nicks[LINE_MOST];
  for (size_t i = 0; i < line->count; i++) {
    snprintf(nicks, sizeof nicks, "%s", line->params[i]);
    for (char *rest = nicks, *nick; (nick = strsep(&rest, " "));) {
      const struct user *found = user_find(user->hall, nick);
      if (found)
        add_word(here, found->nick);
    }
  }
  reply(user, RPL_ISON, here);
}

void do_userhost(struct user *user, const struct line *line) {
  char found[LIST_ROOM] = "", word[PREFIX_LEN + 4];
  for (size_t i = 0; i < line->count && i < 5; i++) {
    const struct user *other = user_find(user->hall, line->params[i]);
    if (!other)
      continue;
    snprintf(word, sizeof word, "%s%s=%c%s@%s", other->nick,
             is_oper(other) ? "*" : "", other->away ? '-' : '+', other->name,
             other->host);
    add_word(found, word);
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
