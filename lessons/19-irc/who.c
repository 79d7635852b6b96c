/* who.c: WHO, with what others call WHOX, and WHOIS. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>

#define FIELDS "tcuihsnfdlaor"

/* What a WHO asks for. */
struct question {
  struct user *asker;
  bool opers;         /* no others */
  const char *fields; /* some of FIELDS, or NULL: a reply of the old kind */
  const char *token;
};

/* Invisible is who shares no channel with the asker and wants it so. */
static bool visible(const struct user *user, const struct user *asker) {
  const struct member *member;
  if (!(user->modes & USER_INVISIBLE) || user == asker)
    return true;
  LIST_FOREACH(member, &asker->channels, of_user) {
    if (member_of(member->channel, user))
      return true;
  }
  return false;
}

/* "H@": here or gone, an operator or not, the signs in a channel. */
static const char *flags(const struct question *q, const struct user *user,
                         const struct member *member, char to[8]) {
  snprintf(to, 8, "%s%s%s", user->away ? "G" : "H", is_oper(user) ? "*" : "",
           member ? member_signs(member, q->asker) : "");
  return to;
}

/* ------------------------------------------------------------------ WHOX */

struct field {
  char letter;
  const char *text;
};

/* In their own order, whatever order they were asked for in. */
static void reply_fields(const struct question *q, const struct field *fields) {
  char line[LINE_MOST] = "";
  for (; fields->letter; fields++)
    if (strchr(q->fields, fields->letter))
      words_add(line, sizeof line, fields->letter == 'r' ? ":%s" : "%s",
                fields->text);
  reply(q->asker, RPL_WHOSPCRPL, line);
}

static void reply_who(const struct question *q, const struct user *user,
                      const struct member *member) {
  const char *server = user->hall->rules.name;
  const char *channel = member ? member->channel->name : "*";
  char signs[8], idle[24];
  flags(q, user, member, signs);
  snprintf(idle, sizeof idle, "%lld",
           (long long)(user->hall->now - user->spoke));
  const struct field fields[] = {
      {'t', q->token},   {'c', channel}, {'u', user->name}, {'i', user->host},
      {'h', user->host}, {'s', server},  {'n', user->nick}, {'f', signs},
      {'d', "0"},        {'l', idle},    {'a', "0"},        {'o', "n/a"},
      {'r', user->real}, {0, NULL}};
  if (q->opers && !is_oper(user))
    return;
  if (q->fields)
    reply_fields(q, fields);
  else
    reply(q->asker, RPL_WHOREPLY, channel, user->name, user->host, server,
          user->nick, signs, user->real);
}

/* ------------------------------------------------------------------- WHO */

static void who_channel(const struct question *q, struct channel *channel) {
  bool inside = member_of(channel, q->asker);
  const struct member *member;
  if (!channel_visible(channel, q->asker))
    return;
  LIST_FOREACH(member, &channel->members, of_channel) {
    if (inside || visible(member->user, q->asker))
      reply_who(q, member->user, member);
  }
}

static bool matches(const char *mask, const struct user *user) {
  return name_matches(mask, user->nick) || name_matches(mask, user->name) ||
         name_matches(mask, user->host) || name_matches(mask, user->real) ||
         name_matches(mask, user->hall->rules.name);
}

static void who_all(const struct question *q, const char *mask) {
  const struct user *user;
  LIST_FOREACH(user, &q->asker->hall->everybody, others) {
    if (user->state == USER_WELCOME && visible(user, q->asker) &&
        matches(mask, user))
      reply_who(q, user, NULL);
  }
}

/* "o%tcn,7": operators alone, with these fields, the first one being 7, which
 * is a number of three digits. The text is cut up. */
static struct question read_options(struct user *asker, char *text) {
  const char *options = strsep(&text, "%");
  const char *fields = strsep(&text, ","), *token = text ? text : "";
  size_t digits = strspn(token, "0123456789");
  bool right = digits > 0 && digits <= 3 && !token[digits];
  return (struct question){.asker = asker,
                           .opers = strchr(options, 'o'),
                           .fields = fields && strpbrk(fields, FIELDS) ? fields
                                                                       : NULL,
                           .token = right ? token : "0"};
}

/* "WHO #beach o%tcn,7" */
void do_who(struct user *user, const struct line *line) {
  char options[LINE_MOST];
  snprintf(options, sizeof options, "%s", line->params[1]);
  struct question q = read_options(user, options);
  const char *mask = line->params[0];
  struct channel *channel = channel_find(user->hall, mask);
  const struct user *one = user_find(user->hall, mask);
  if (channel)
    who_channel(&q, channel);
  else if (one)
    reply_who(&q, one, NULL);
  else if (*mask && !is_channel(mask))
    who_all(&q, strcmp(mask, "0") == 0 ? "*" : mask);
  reply(user, RPL_ENDOFWHO, word_or_star(mask));
}

/* ----------------------------------------------------------------- WHOIS */

static bool add_channel(char *line, size_t room, const struct member *member,
                        const struct user *asker) {
  return words_add(line, room, "%s%s", member_signs(member, asker),
                   member->channel->name);
}

static void tell_channels(struct user *asker, const struct user *user) {
  char line[LINE_MOST - HOST_LEN - 2 * NICK_LEN] = "";
  const struct member *member;
  LIST_FOREACH(member, &user->channels, of_user) {
    if (!channel_visible(member->channel, asker) ||
        (user->modes & USER_INVISIBLE && user != asker &&
         !member_of(member->channel, asker)) ||
        add_channel(line, sizeof line, member, asker))
      continue;
    reply(asker, RPL_WHOISCHANNELS, user->nick, line);
    *line = '\0';
    add_channel(line, sizeof line, member, asker);
  }
  if (*line)
    reply(asker, RPL_WHOISCHANNELS, user->nick, line);
}

static void tell_of(struct user *asker, const struct user *user) {
  const struct rules *rules = &user->hall->rules;
  char modes[8];
  reply(asker, RPL_WHOISUSER, user->nick, user->name, user->host, user->real);
  tell_channels(asker, user);
  reply(asker, RPL_WHOISSERVER, user->nick, rules->name, rules->info);
  if (is_oper(user))
    reply(asker, RPL_WHOISOPERATOR, user->nick);
  if (user->away)
    reply(asker, RPL_AWAY, user->nick, user->away);
  if (asker == user || is_oper(asker)) {
    reply(asker, RPL_WHOISHOST, user->nick, user->name, user->host);
    reply(asker, RPL_WHOISMODES, user->nick, user_modes(user, modes));
  }
  reply(asker, RPL_WHOISIDLE, user->nick,
        (long long)(user->hall->now - user->spoke), (long long)user->since);
}

/* "WHOIS ann", or "WHOIS server ann"; the server may be her nick. */
void do_whois(struct user *user, const struct line *line) {
  bool two = line->count > 1;
  const char *server = line->params[0], *nick = line->params[two];
  const struct user *found = user_find(user->hall, nick);
  if (!*nick) {
    reply(user, ERR_NONICKNAMEGIVEN);
    return;
  }
  if (two && !name_matches(server, user->hall->rules.name) &&
      !user_find(user->hall, server)) {
    reply(user, ERR_NOSUCHSERVER, word_or_star(server));
    return;
  }
  if (found)
    tell_of(user, found);
  else
    reply(user, ERR_NOSUCHNICK, word_or_star(nick));
  reply(user, RPL_ENDOFWHOIS, word_or_star(nick));
}
