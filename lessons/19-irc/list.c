/* list.c: NAMES and LIST. */
#include "list.h"
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- NAMES */

/* Names for one line. */
enum { NAMES_ROOM = LINE_MOST - HOST_LEN - 2 * NICK_LEN - CHANNEL_LEN };

static bool add_name(char line[NAMES_ROOM], const struct member *member,
                     const struct user *asker) {
  char prefix[PREFIX_LEN + 1];
  bool whole = asker->caps & CAP_USERHOST;
  return words_add(line, NAMES_ROOM, "%s%s", member_signs(member, asker),
                   whole ? user_prefix(member->user, prefix)
                         : member->user->nick);
}

void names_send(struct user *user, const struct channel *channel) {
  char line[NAMES_ROOM] = "", sign = channel->flags & SECRET ? '@' : '=';
  bool inside = member_of(channel, user) != NULL;
  const struct member *member;
  LIST_FOREACH(member, &channel->members, of_channel) {
    if ((!inside && member->user->modes & USER_INVISIBLE) ||
        add_name(line, member, user))
      continue;
    reply(user, RPL_NAMREPLY, sign, channel->name, line);
    *line = '\0';
    add_name(line, member, user);
  }
  if (*line)
    reply(user, RPL_NAMREPLY, sign, channel->name, line);
}

static void names(struct user *user, const char *name, void *arg) {
  struct channel *channel = channel_find(user->hall, name);
  if (channel && channel_visible(channel, user))
    names_send(user, channel);
}

void do_names(struct user *user, const struct line *line) {
  for_few_parts(user, line->params[0], names, NULL);
  reply(user, RPL_ENDOFNAMES, word_or_star(line->params[0]));
}

/* ------------------------------------------------------------------ LIST */

static void list_one(struct user *user, const struct channel *channel) {
  if (channel_visible(channel, user))
    reply(user, RPL_LIST, channel->name, channel->count,
          channel->topic ? channel->topic : "");
}

/* ">3" and "<3": members; "C>3", "T<3": minutes since it was made, or since its
 * topic was set; "!*x*" and "*x*": its name. True when it speaks of that. */
static bool is_condition(const char *text) {
  return strchr("<>!", *text) || strpbrk(text, "*?") ||
         (strchr("CT", *text) && text[1] && strchr("<>", text[1]));
}

static bool compare(long long value, char sign, const char *limit) {
  long number = number_of(limit);
  return number >= 0 && (sign == '<' ? value < number : value > number);
}

static bool meets(const struct channel *channel, const char *condition) {
  long long made = (channel->hall->now - channel->created) / 60;
  long long set = (channel->hall->now - channel->topic_at) / 60;
  switch (*condition) {
  case '<':
  case '>':
    return compare((long long)channel->count, *condition, condition + 1);
  case 'C':
    return compare(made, condition[1], condition + 2);
  case 'T':
    return channel->topic && compare(set, condition[1], condition + 2);
  case '!':
    return !name_matches(condition + 1, channel->name);
  default:
    return name_matches(condition, channel->name);
  }
}

/* One part of the parameter: a channel, or what all channels have to meet. */
static void list(struct user *user, const char *part, void *arg) {
  struct channel *channel = channel_find(user->hall, part);
  const struct map *all = &user->hall->channels;
  if (!is_condition(part)) {
    if (channel)
      list_one(user, channel);
    return;
  }
  for (struct entry *e = NULL; (e = map_next(all, e));) {
    channel = ENTRY_OF(e, struct channel, by_name);
    if (channel && meets(channel, part))
      list_one(user, channel);
  }
}

void do_list(struct user *user, const struct line *line) {
  reply(user, RPL_LISTSTART);
  for_few_parts(user, line->count ? line->params[0] : "*", list, NULL);
  reply(user, RPL_LISTEND);
}
