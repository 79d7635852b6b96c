/* join.c: JOIN, PART, KICK, INVITE and TOPIC. */
#include "commands.h"
#include "list.h"
#include "message.h"
#include "registration.h"
#include "reply.h"

#include <string.h>

/* ------------------------------------------------------------------ JOIN */

/* Who shares the channel hears of it, with more words if he wants them, and
 * that the new one is away. */
static void announce(struct channel *channel, struct user *user) {
  struct message message;
  message_begin(&message, user->hall, user, "JOIN %s", channel->name);
  channel_send(channel, &message, NULL, CAP_EXTENDED_JOIN, 0);
  message_end(&message);
  message_begin(&message, user->hall, user, "JOIN %s * :%s", channel->name,
                user->real);
  channel_send(channel, &message, NULL, CAP_EXTENDED_JOIN, CAP_EXTENDED_JOIN);
  message_end(&message);
  if (!user->away)
    return;
  message_begin(&message, user->hall, user, "AWAY :%s", user->away);
  channel_send(channel, &message, user, CAP_AWAY, CAP_AWAY);
  message_end(&message);
}

static void tell_topic(struct user *user, const struct channel *channel) {
  reply(user, RPL_TOPIC, channel->name, channel->topic);
  reply(user, RPL_TOPICWHOTIME, channel->name, channel->topic_by,
        (long long)channel->topic_at);
}

/* region: may_join */
/* An invitation opens what is closed to others, but it counts only once. */
static bool may_join(struct user *user, struct channel *channel,
                     const char *key) {
  if (channel_uninvite(channel, user))
    return true;
  if (*channel->key && strcmp(channel->key, key) != 0)
    reply(user, ERR_BADCHANNELKEY, channel->name);
  else if (channel->flags & INVITE_ONLY)
    reply(user, ERR_INVITEONLYCHAN, channel->name);
  else if (channel->limit && channel->count >= channel->limit)
    reply(user, ERR_CHANNELISFULL, channel->name);
  else if (channel_bans(channel, user))
    reply(user, ERR_BANNEDFROMCHAN, channel->name);
  else
    return true;
  return false;
}
/* end: may_join */

static void join(struct user *user, const char *name, void *arg) {
  char key[LINE_MOST];
  next_part(arg, key);
  const struct limits *limits = &user->hall->rules.limits;
  struct channel *channel = channel_find(user->hall, name);
  if (!channel_valid(name) || (long)strlen(name) > limits->channel)
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(name));
  else if (channel && member_of(channel, user))
    return;
  else if ((long)user->channel_count >= limits->channels)
    reply(user, ERR_TOOMANYCHANNELS, name);
  else if (!channel || may_join(user, channel, key)) {
    channel = channel ? channel : channel_make(user->hall, name);
    channel_add(channel, user);
    announce(channel, user);
    if (channel->topic)
      tell_topic(user, channel);
    names_send(user, channel);
    reply(user, RPL_ENDOFNAMES, channel->name);
  }
}

static void part(struct user *user, struct member *member, const char *why) {
  channel_hear(member->channel, user, *why ? "PART %s :%s" : "PART %s%s",
               member->channel->name, why);
  channel_remove(member);
}

void do_join(struct user *user, const struct line *line) {
  const char *keys = line->params[1];
  if (strcmp(line->params[0], "0") == 0)
    while (!LIST_EMPTY(&user->channels))
      part(user, LIST_FIRST(&user->channels), "");
  else
    for_each_part(user, line->params[0], SIZE_MAX, join, &keys);
}

/* ------------------------------------------------------- PART and KICK */

/* The user's membership; when there is none it says so. */
static struct member *need_member(struct user *user, const char *name) {
  struct channel *channel = channel_find(user->hall, name);
  struct member *member = channel ? member_of(channel, user) : NULL;
  if (!channel)
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(name));
  else if (!member)
    reply(user, ERR_NOTONCHANNEL, channel->name);
  return member;
}

static bool need_operator(struct user *user, const struct member *member) {
  if (!(member->modes & OPERATOR))
    reply(user, ERR_CHANOPRIVSNEEDED, member->channel->name);
  return member->modes & OPERATOR;
}

static void part_one(struct user *user, const char *name, void *why) {
  struct member *member = need_member(user, name);
  if (member)
    part(user, member, why);
}

void do_part(struct user *user, const struct line *line) {
  for_each_part(user, line->params[0], SIZE_MAX, part_one,
                (void *)line->params[1]);
}

/* KICK #a,#b ann,bob is one of each; KICK #a ann,bob is both of one. */
struct kick {
  const char *channels, *why;
};

/* The victims may be the last ones, and then the channel is gone: so it is
 * looked for again each time. */
static void kick(struct user *user, const char *nick, void *arg) {
  struct kick *kick = arg;
  const char *rest = kick->channels;
  char name[LINE_MOST];
  next_part(&rest, name);
  if (*rest)
    kick->channels = rest;
  struct member *member = need_member(user, name);
  if (!member || !need_operator(user, member))
    return;
  struct channel *channel = member->channel;
  struct user *victim = user_find(user->hall, nick);
  struct member *victims = victim ? member_of(channel, victim) : NULL;
  if (!victim)
    reply(user, ERR_NOSUCHNICK, word_or_star(nick));
  else if (!victims)
    reply(user, ERR_USERNOTINCHANNEL, nick, channel->name);
  if (!victims)
    return;
  size_t why = utf8_cut(kick->why, user->hall->rules.limits.kick);
  channel_hear(channel, user, "KICK %s %s :%.*s", channel->name, victim->nick,
               (int)why, kick->why);
  channel_remove(victims);
}

void do_kick(struct user *user, const struct line *line) {
  const char *why = *line->params[2] ? line->params[2] : user->nick;
  for_few_parts(user, line->params[1], kick,
                &(struct kick){line->params[0], why});
}

/* ---------------------------------------------------------------- INVITE */

static void list_invites(struct user *user) {
  const struct invite *invite;
  LIST_FOREACH(invite, &user->invites, of_user) {
    reply(user, RPL_INVITELIST, invite->channel->name);
  }
  reply(user, RPL_ENDOFINVITELIST);
}

static void invite(struct user *user, struct channel *channel,
                   struct user *guest) {
  struct message message;
  channel_invite(channel, guest);
  reply(user, RPL_INVITING, guest->nick, channel->name);
  if (guest->away)
    reply(user, RPL_AWAY, guest->nick, guest->away);
  message_begin(&message, user->hall, user, "INVITE %s :%s", guest->nick,
                channel->name);
  user_send(guest, &message);
  channel_send(channel, &message, user, CAP_INVITE, CAP_INVITE);
  message_end(&message);
}

static void try_invite(struct user *user, struct user *guest,
                       const struct member *member) {
  struct channel *channel = member->channel;
  if (channel->flags & INVITE_ONLY && !need_operator(user, member))
    return;
  if (member_of(channel, guest))
    reply(user, ERR_USERONCHANNEL, guest->nick, channel->name);
  else
    invite(user, channel, guest);
}

void do_invite(struct user *user, const struct line *line) {
  struct user *guest = user_find(user->hall, line->params[0]);
  if (line->count == 0) {
    list_invites(user);
  } else if (!*line->params[1]) {
    reply(user, ERR_NEEDMOREPARAMS, "INVITE");
  } else if (!guest) {
    reply(user, ERR_NOSUCHNICK, word_or_star(line->params[0]));
  } else {
    const struct member *member = need_member(user, line->params[1]);
    if (member)
      try_invite(user, guest, member);
  }
}

/* ----------------------------------------------------------------- TOPIC */

static void set_topic(struct user *user, struct channel *channel,
                      const char *topic) {
  user_set_text(user, &channel->topic, *topic ? topic : NULL,
                user->hall->rules.limits.topic);
  user_prefix(user, channel->topic_by);
  channel->topic_at = user->hall->now;
  channel_hear(channel, user, "TOPIC %s :%s", channel->name,
               channel->topic ? channel->topic : "");
}

void do_topic(struct user *user, const struct line *line) {
  struct channel *channel = channel_find(user->hall, line->params[0]);
  struct member *member;
  if (line->count > 1) {
    member = need_member(user, line->params[0]);
    if (member &&
        (!(member->channel->flags & TOPIC_LOCK) || need_operator(user, member)))
      set_topic(user, member->channel, line->params[1]);
  } else if (!channel || !channel_visible(channel, user)) {
    reply(user, ERR_NOSUCHCHANNEL, word_or_star(line->params[0]));
  } else if (channel->topic) {
    tell_topic(user, channel);
  } else {
    reply(user, RPL_NOTOPIC, channel->name);
  }
}
