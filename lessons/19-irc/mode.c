/* mode.c: MODE of a channel. */
#include "mode.h"
#include "commands.h"
#include "lesson.h"
#include "message.h"
#include "registration.h"
#include "reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PARAMS_ROOM = LINE_MOST - PREFIX_LEN - CHANNEL_LEN - 2 * MODES_MOST -
                (int)sizeof ": MODE  \r\n"
};

/* A MODE on its way: what is asked, and what has been done of it. */
struct change {
  struct user *user;
  struct channel *channel;
  struct member *member; /* the user's, or NULL */
  const struct line *line;
  size_t param; /* the next one */
  bool add, refused, listed;
  char sign; /* the last one in `modes` */
  char modes[2 * MODES_MOST + 1];
  char params[PARAMS_ROOM]; /* they fit a line, whoever changes whatever */
};

/* All members hear what was done. */
static void tell(struct change *c) {
  if (*c->modes)
    channel_hear(c->channel, c->user, "MODE %s %s%s", c->channel->name,
                 c->modes, c->params);
  c->modes[0] = c->params[0] = c->sign = '\0';
}

/* What was done, for a line that all will hear. */
static void note(struct change *c, char mode, const char *param) {
  if (param && strlen(c->params) + strlen(param) + 2 > sizeof c->params)
    tell(c);
  size_t length = strlen(c->modes), used = strlen(c->params);
  char sign = c->add ? '+' : '-';
  if (sign != c->sign)
    c->modes[length++] = c->sign = sign;
  c->modes[length++] = mode;
  c->modes[length] = '\0';
  if (param)
    snprintf(c->params + used, sizeof c->params - used, " %s", param);
}

static const char *next_param(struct change *c) {
  return c->param < c->line->count ? c->line->params[c->param++] : NULL;
}

static bool may(struct change *c) {
  if (c->member && c->member->modes & OPERATOR)
    return true;
  if (!c->refused && c->member)
    reply(c->user, ERR_CHANOPRIVSNEEDED, c->channel->name);
  else if (!c->refused)
    reply(c->user, ERR_NOTONCHANNEL, c->channel->name);
  c->refused = true;
  return false;
}

/* --------------------------------------------------------------- one mode */

static void set_flag(struct change *c, char mode) {
  unsigned flag = 1u << (strchr(CHANNEL_FLAGS, mode) - CHANNEL_FLAGS);
  if (!may(c) || ((c->channel->flags & flag) != 0) == c->add)
    return;
  c->channel->flags ^= flag;
  note(c, mode, NULL);
}

static void set_member(struct change *c, char mode) {
  unsigned flag = 1u << (strchr(MEMBER_MODES, mode) - MEMBER_MODES);
  const char *nick = next_param(c);
  struct user *user = nick ? user_find(c->user->hall, nick) : NULL;
  struct member *member = user ? member_of(c->channel, user) : NULL;
  if (!may(c))
    return;
  if (!nick)
    reply(c->user, ERR_NEEDMOREPARAMS, "MODE");
  else if (!user)
    reply(c->user, ERR_NOSUCHNICK, word_or_star(nick));
  else if (!member)
    reply(c->user, ERR_USERNOTINCHANNEL, nick, c->channel->name);
  if (!member || ((member->modes & flag) != 0) == c->add)
    return;
  member->modes ^= flag;
  note(c, mode, user->nick);
}

static void set_key(struct change *c, char mode) {
  const char *key = next_param(c);
  struct channel *channel = c->channel;
  if (!may(c))
    return;
  if (!c->add && *channel->key) {
    note(c, mode, channel->key);
    *channel->key = '\0';
  } else if (c->add && !key) {
    reply(c->user, ERR_NEEDMOREPARAMS, "MODE");
  } else if (c->add &&
             (!*key || strlen(key) > KEY_LEN || strpbrk(key, " ,:"))) {
    reply(c->user, ERR_INVALIDMODEPARAM, channel->name, mode, "*",
          "No such key is possible");
  } else if (c->add) {
    name_copy(channel->key, sizeof channel->key, key);
    note(c, mode, key);
  }
}

static void set_limit(struct change *c, char mode) {
  const char *text = c->add ? next_param(c) : "0";
  if (!may(c))
    return;
  if (!text) {
    reply(c->user, ERR_NEEDMOREPARAMS, "MODE");
  } else if (c->add && number_of(text) <= 0) {
    reply(c->user, ERR_INVALIDMODEPARAM, c->channel->name, mode,
          word_or_star(text), "A limit is a number above 0");
  } else if (c->add || c->channel->limit > 0) {
    c->channel->limit = (size_t)number_of(text);
    note(c, mode, c->add ? text : NULL);
  }
}

/* ----------------------------------------------------------------- bans */

static void list_bans(struct change *c) {
  const struct ban *ban;
  if (c->listed)
    return;
  c->listed = true;
  TAILQ_FOREACH(ban, &c->channel->bans, next) {
    reply(c->user, RPL_BANLIST, c->channel->name, ban->mask, ban->by,
          (long long)ban->at);
  }
  reply(c->user, RPL_ENDOFBANLIST, c->channel->name);
}

static void add_ban(struct change *c, const char *mask) {
  struct channel *channel = c->channel;
  if (channel->ban_count == BANS_MOST) {
    reply(c->user, ERR_BANLISTFULL, channel->name);
    return;
  }
  struct ban *ban = lesson_alloc(sizeof *ban);
  ban->at = channel->hall->now;
  name_copy(ban->mask, sizeof ban->mask, mask);
  name_copy(ban->by, sizeof ban->by, c->user->nick);
  TAILQ_INSERT_TAIL(&channel->bans, ban, next);
  channel->ban_count++;
  note(c, 'b', mask);
}

static void set_ban(struct change *c, char mode) {
  const char *text = next_param(c);
  char mask[BAN_LEN + 1];
  struct ban *ban;
  if (!text || !*text) {
    list_bans(c);
    return;
  }
  if (!may(c))
    return;
  if (!is_word(text) || !mask_complete(mask, sizeof mask, text)) {
    reply(c->user, ERR_INVALIDMODEPARAM, c->channel->name, mode, "*",
          "No such mask is possible");
    return;
  }
  TAILQ_FOREACH(ban, &c->channel->bans, next) {
    if (name_equal(ban->mask, mask))
      break;
  }
  if (c->add && !ban) {
    add_ban(c, mask);
  } else if (!c->add && ban) {
    note(c, mode, ban->mask);
    TAILQ_REMOVE(&c->channel->bans, ban, next);
    c->channel->ban_count--;
    free(ban);
  }
}

/* -------------------------------------------------------------- channels */

void mode_tell(struct user *user, const struct channel *channel) {
  char modes[LINE_MOST] = "+", params[LINE_MOST] = "";
  for (size_t i = 0; CHANNEL_FLAGS[i]; i++)
    if (channel->flags & 1u << i)
      strncat(modes, &CHANNEL_FLAGS[i], 1);
  if (*channel->key) {
    strcat(modes, "k");
    snprintf(params, sizeof params, " %s",
             member_of(channel, user) ? channel->key : "*");
  }
  if (channel->limit) {
    strcat(modes, "l");
    snprintf(params + strlen(params), 24, " %zu", channel->limit);
  }
  strcat(modes, params);
  reply(user, RPL_CHANNELMODEIS, channel->name, modes);
  reply(user, RPL_CREATIONTIME, channel->name, (long long)channel->created);
}

/* region: modes */
static const struct {
  const char *modes;
  void (*set)(struct change *change, char mode);
} kinds[] = {{CHANNEL_FLAGS, set_flag},
             {MEMBER_MODES, set_member},
             {"b", set_ban},
             {"k", set_key},
             {"l", set_limit}};

static void set_mode(struct change *c, char mode) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strchr(kinds[i].modes, mode)) {
      kinds[i].set(c, mode);
      return;
    }
  reply(c->user, ERR_UNKNOWNMODE, isalnum((unsigned char)mode) ? mode : '?');
}
/* end: modes */

void mode_change(struct user *user, struct channel *channel,
                 const struct line *line) {
  struct change c = {.user = user,
                     .channel = channel,
                     .member = member_of(channel, user),
                     .line = line,
                     .param = 2,
                     .add = true};
  size_t done = 0;
  for (const char *at = line->params[1]; *at && done < MODES_MOST; at++)
    if (strchr("+-", *at))
      c.add = *at == '+';
    else if ((*at & 0xc0) != 0x80) /* the rest of a character */
      set_mode(&c, *at), done++;
  tell(&c);
}
