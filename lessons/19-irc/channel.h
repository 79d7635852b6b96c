/* channel.h: a channel, and who is in it. In the hall's strand. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "user.h"

enum {
  TOPIC_LEN = 300,
  KICK_LEN = 200,
  KEY_LEN = 32,
  BAN_LEN = PREFIX_LEN,
  BANS_MOST = 100,
  CHANNELS_MOST = 100,
  MODES_MOST = 12,  /* in one command */
  TARGETS_MOST = 4, /* the same */
};

/* Modes of a channel without a parameter, in the order of CHANNEL_FLAGS. */
enum {
  INVITE_ONLY = 1,
  MODERATED = 2,
  NO_EXTERNAL = 4,
  SECRET = 8,
  TOPIC_LOCK = 16
};
#define CHANNEL_FLAGS "imnst"

/* Modes of a member, in the order of MEMBER_MODES. */
enum { OPERATOR = 1, VOICE = 2 };
#define MEMBER_MODES "ov"
#define MEMBER_SIGNS "@+"

struct member {
  struct channel *channel;
  struct user *user;
  unsigned modes;
  LIST_ENTRY(member) of_channel, of_user;
};

/* A user that may come in although the channel is full or closed. */
struct invite {
  struct channel *channel;
  LIST_ENTRY(invite) of_channel, of_user;
};

struct ban {
  TAILQ_ENTRY(ban) next;
  time_t at;
  char mask[BAN_LEN + 1], by[NICK_LEN + 1];
};

struct channel {
  struct entry by_name;
  struct hall *hall;
  char name[CHANNEL_LEN + 1];
  time_t created;
  unsigned flags;
  size_t limit;          /* 0: none */
  char key[KEY_LEN + 1]; /* "": none */
  char *topic;           /* NULL: none */
  char topic_by[PREFIX_LEN + 1];
  time_t topic_at;
  LIST_HEAD(members, member) members;
  size_t count;
  TAILQ_HEAD(bans, ban) bans;
  size_t ban_count;
  LIST_HEAD(guests, invite) invites;
  struct history *history; /* made with the first message */
};

struct channel *channel_find(const struct hall *hall, const char *name);
struct channel *channel_make(struct hall *hall, const char *name);

struct member *channel_add(struct channel *channel, struct user *user);

/* The last one to leave takes the channel along. */
void channel_remove(struct member *member);

/* NULL when the user is not in it. */
struct member *member_of(const struct channel *channel,
                         const struct user *user);

/* Sends to all who are in it and of whose capabilities `mask` these are set,
 * except that user (or NULL). */
void channel_send(struct channel *channel, struct message *message,
                  const struct user *except, unsigned mask, unsigned set);

/* The signs of a member: "@+" or, for one who did not ask for all, "@". */
const char *member_signs(const struct member *member, const struct user *asker);

bool channel_bans(const struct channel *channel, const struct user *user);

/* May the user know that it exists? */
bool channel_visible(const struct channel *channel, const struct user *asker);

void channel_invite(struct channel *channel, struct user *user);

/* Takes an invitation back; false when there was none. */
bool channel_uninvite(struct channel *channel, struct user *user);
void invite_free(struct invite *invite);

#endif
