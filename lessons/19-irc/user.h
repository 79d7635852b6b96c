/* user.h: one client, as the hall knows it. Everything here belongs to the
 * hall's strand, from user_enter to user_leave. */
#ifndef USER_H
#define USER_H

#include "../17-feed/outbox.h"
#include "names.h"

#include <sys/queue.h>
#include <time.h>

enum {
  REAL_LEN = 150,
  AWAY_LEN = 200,
  PREFIX_LEN = NICK_LEN + USER_LEN + HOST_LEN + 2
};

/* Capabilities. The first two decide which tags a line has: its flavour. */
enum {
  CAP_TIME = 1 << 0,
  CAP_TAGS = 1 << 1,
  FLAVOURS = 1 << 2,
  CAP_ECHO = 1 << 2,
  CAP_BATCH = 1 << 3,
  CAP_LABEL = 1 << 4,
  CAP_MULTI_PREFIX = 1 << 5,
  CAP_USERHOST = 1 << 6,
  CAP_EXTENDED_JOIN = 1 << 7,
  CAP_AWAY = 1 << 8,
  CAP_INVITE = 1 << 9,
  CAP_SETNAME = 1 << 10,
  CAP_NOTIFY = 1 << 11,
  CAP_HISTORY = 1 << 12,
};

/* In the order of USER_MODES. */
enum { USER_INVISIBLE = 1, USER_OPER = 2, USER_WALLOPS = 4 };
#define USER_MODES "iow"

struct hall;
struct message;

struct user {
  struct entry by_nick; /* in the hall's map while it has a nick */
  struct hall *hall;
  struct outbox *outbox;
  LIST_ENTRY(user) others; /* in the hall */
  void
      *session; /* an ax_obj that owns all this, held while it is in the hall */

  enum { USER_NEW, USER_WELCOME, USER_GONE } state;
  bool negotiating; /* CAP holds its registration */
  unsigned caps, modes;
  char nick[NICK_LEN + 1], name[USER_LEN + 1], host[HOST_LEN + 1];
  char *pass, *real, *away; /* NULL: none */
  time_t since, spoke;

  LIST_HEAD(memberships, member) channels;
  size_t channel_count;
  LIST_HEAD(invitations, invite) invites;
  LIST_HEAD(watches, watch) watches;
  size_t watch_count;

  /* In a turn. */
  struct batch *gathered;    /* what it gets */
  SLIST_ENTRY(user) touched; /* in the hall's list, ... */
  bool is_touched;           /* ... if this is set */
  bool farewell;             /* its session is to be closed then */
  bool starved;              /* there is no memory for what it gets */
  unsigned seen;             /* by the latest message to peers */
};

/* A client has come; `session` is kept until it has gone. */
void user_enter(struct user *user, struct hall *hall);

/* It goes: its peers hear why, and nobody when that is NULL. With `farewell` it
 * gets an ERROR and then the end of the stream. */
void user_leave(struct user *user, const char *why, bool farewell);

/* "ann!ann@127.0.0.1" */
const char *user_prefix(const struct user *user, char to[PREFIX_LEN + 1]);

/* A nick, also one that is no one else's yet: for a reply. */
const char *user_nick(const struct user *user);

/* Who has that nick and is welcome, or NULL. */
struct user *user_find(const struct hall *hall, const char *nick);

/* Renames, or gives the first nick. It is free, or the user's own. */
void user_rename(struct user *user, const char *nick);

/* Sends at the end of the turn, in the flavour that the user wants. */
void user_send(struct user *user, struct message *message);

/* The two ways in which it does: a chunk that others get as well, and bytes for
 * this user alone. The asker's own bytes are joined to as few chunks as can
 * be; user_seal ends the last one. */
void user_put(struct user *user, struct chunk *chunk);
void user_put_bytes(struct user *user, const char *bytes, size_t size);
void user_seal(struct hall *hall);

/* The same to all who share a channel with `user`, once to each, if their
 * capabilities are among these. Not to the user. */
void user_tell_peers(struct user *user, struct message *message, unsigned caps);

/* There is no memory for what the user gets or says: it gets no more, and at
 * the end of the turn it leaves with a word. */
void user_starve(struct user *user);

/* At the end of a turn: hands over what was gathered. True when the receiver's
 * outbox is behind. */
bool user_flush(struct user *user);

/* The same for a long answer, which may have been flushed: it does not count
 * against the limits of an outbox. The token is completed when it has left. */
void user_answer(struct user *user, ax_token token);

/* Sets or takes back one of USER_...; the hall counts some of them. */
void user_set_mode(struct user *user, unsigned mode, bool on);

/* "+iw" */
const char *user_modes(const struct user *user, char to[8]);

/* Replaces a text, at most `most` bytes of it; NULL for none. Where there is no
 * memory it stays as it is, and the user, whose words they are, leaves. */
void user_set_text(struct user *user, char **text, const char *to, size_t most);

static inline bool is_oper(const struct user *user) {
  return user->modes & USER_OPER;
}

#endif
