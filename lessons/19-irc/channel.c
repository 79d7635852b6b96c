/* channel.c: members come and go; with the last one the channel goes. */
#include "channel.h"
#include "hall.h"
#include "history.h"
#include "lesson.h"
#include "message.h"

#include <stdlib.h>

struct channel *channel_find(const struct hall *hall, const char *name) {
  return ENTRY_OF(map_find(&hall->channels, name), struct channel, by_name);
}

struct channel *channel_make(struct hall *hall, const char *name) {
  struct channel *channel = lesson_alloc(sizeof *channel);
  *channel = (struct channel){
      .hall = hall, .created = hall->now, .flags = NO_EXTERNAL | TOPIC_LOCK};
  TAILQ_INIT(&channel->bans);
  name_copy(channel->name, sizeof channel->name, name);
  channel->by_name.name = channel->name;
  map_add(&hall->channels, &channel->by_name);
  return channel;
}

static void channel_free(struct channel *channel) {
  map_remove(&channel->hall->channels, &channel->by_name);
  struct invite *next;
  for (struct invite *i = LIST_FIRST(&channel->invites); i; i = next) {
    next = LIST_NEXT(i, of_channel);
    invite_free(i);
  }
  for (struct ban *ban; (ban = TAILQ_FIRST(&channel->bans));) {
    TAILQ_REMOVE(&channel->bans, ban, next);
    free(ban);
  }
  history_free(channel->history);
  free(channel->topic);
  free(channel);
}

/* --------------------------------------------------------------- members */

struct member *channel_add(struct channel *channel, struct user *user) {
  speech_end(channel->hall);
  struct member *member = lesson_alloc(sizeof *member);
  *member = (struct member){.channel = channel,
                            .user = user,
                            .modes = channel->count == 0 ? OPERATOR : 0};
  LIST_INSERT_HEAD(&channel->members, member, of_channel);
  LIST_INSERT_HEAD(&user->channels, member, of_user);
  channel->count++;
  user->channel_count++;
  return member;
}

void channel_remove(struct member *member) {
  struct channel *channel = member->channel;
  speech_end(channel->hall);
  LIST_REMOVE(member, of_channel);
  LIST_REMOVE(member, of_user);
  member->user->channel_count--;
  free(member);
  if (--channel->count == 0)
    channel_free(channel);
}

struct member *member_of(const struct channel *channel,
                         const struct user *user) {
  struct member *member;
  LIST_FOREACH(member, &user->channels, of_user) {
    if (member->channel == channel)
      return member;
  }
  return NULL;
}

const char *member_signs(const struct member *member,
                         const struct user *asker) {
  static const char *const all[] = {"", "@", "+", "@+"};
  bool one = !(asker->caps & CAP_MULTI_PREFIX) && member->modes & OPERATOR;
  return one ? "@" : all[member->modes];
}

/* --------------------------------------------------------------- hearing */

/* region: send */
void channel_send(struct channel *channel, struct message *message,
                  const struct user *except, unsigned mask, unsigned set) {
  struct member *member;
  LIST_FOREACH(member, &channel->members, of_channel) {
    if (member->user != except && (member->user->caps & mask) == set)
      user_send(member->user, message);
  }
}
/* end: send */

/* --------------------------------------------------------------- who may */

bool channel_bans(const struct channel *channel, const struct user *user) {
  char prefix[PREFIX_LEN + 1];
  const struct ban *ban;
  user_prefix(user, prefix);
  TAILQ_FOREACH(ban, &channel->bans, next) {
    if (name_matches(ban->mask, prefix))
      return true;
  }
  return false;
}

bool channel_visible(const struct channel *channel, const struct user *asker) {
  return !(channel->flags & SECRET) || member_of(channel, asker);
}

void channel_invite(struct channel *channel, struct user *user) {
  struct invite *invite;
  LIST_FOREACH(invite, &user->invites, of_user) {
    if (invite->channel == channel)
      return;
  }
  invite = lesson_alloc(sizeof *invite);
  invite->channel = channel;
  LIST_INSERT_HEAD(&user->invites, invite, of_user);
  LIST_INSERT_HEAD(&channel->invites, invite, of_channel);
}

bool channel_uninvite(struct channel *channel, struct user *user) {
  struct invite *invite;
  LIST_FOREACH(invite, &user->invites, of_user) {
    if (invite->channel == channel) {
      invite_free(invite);
      return true;
    }
  }
  return false;
}

void invite_free(struct invite *invite) {
  LIST_REMOVE(invite, of_user);
  LIST_REMOVE(invite, of_channel);
  free(invite);
}
