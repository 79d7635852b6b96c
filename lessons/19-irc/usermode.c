/* usermode.c: MODE of a user, and which MODE it is. */
#include "commands.h"
#include "message.h"
#include "mode.h"
#include "reply.h"

#include <string.h>

/* Nobody makes himself an operator. */
static void set_own(struct user *user, char mode, bool add, char *done,
                    char *sign) {
  const char *at = strchr(USER_MODES, mode);
  unsigned flag = at ? 1u << (at - USER_MODES) : 0;
  if (!at || ((user->modes & flag) != 0) == add || (add && flag == USER_OPER))
    return;
  user_set_mode(user, flag, add);
  char text[3] = {add ? '+' : '-', mode, '\0'};
  strcat(done, *sign == *text ? text + 1 : text);
  *sign = *text;
}

static void change_user(struct user *user, const char *modes) {
  char done[2 * LINE_MOST] = "", sign = 0;
  bool add = true;
  for (const char *at = modes; *at; at++)
    if (strchr("+-", *at))
      add = *at == '+';
    else
      set_own(user, *at, add, done, &sign);
  if (modes[strspn(modes, "+-" USER_MODES)])
    reply(user, ERR_UMODEUNKNOWNFLAG);
  if (*done)
    user_hear(user, user, "MODE %s :%s", user->nick, done);
}

static void tell_own(struct user *user) {
  char modes[8];
  reply(user, RPL_UMODEIS, user_modes(user, modes));
}

void do_mode(struct user *user, const struct line *line) {
  const char *name = line->params[0];
  struct channel *channel = channel_find(user->hall, name);
  const struct user *other = user_find(user->hall, name);
  if (is_channel(name) && !channel)
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(name));
  else if (channel && line->count == 1)
    mode_tell(user, channel);
  else if (channel)
    mode_change(user, channel, line);
  else if (!other)
    reply(user, ERR_NOSUCHNICK, word_or_star(name));
  else if (other != user)
    reply(user, ERR_USERSDONTMATCH);
  else if (line->count == 1)
    tell_own(user);
  else
    change_user(user, line->params[1]);
}
