/* hall.h: the one strand on which everybody meets. All that the server knows of
 * users, names and channels is touched there and nowhere else: no command takes
 * a lock, two people never get the same nick, and who says something is who he
 * was when he said it.
 *
 *     session's strand          the hall            receiver's strand
 *     lines are read ---------> hall_turn
 *     and parsed                 commands run
 *                                outputs gather
 *     reads on <--------------- each is handed over -> outbox, one write
 */
#ifndef HALL_H
#define HALL_H

#include "channel.h"
#include "line.h"

struct session;
struct turn;
struct command;

/* What another server adds to this one; lesson 19 adds nothing. */
struct hooks {
  /* In the session's strand: it reads from now on; it reads no more. */
  void (*start)(struct session *session), (*end)(struct session *session);
  /* In the session's strand, before each read: so many lines may go to the
   * hall. 0: it is held back until session_go_on. */
  size_t (*admit)(struct session *session);
  /* In the hall: a turn begins; a user is welcome. */
  void (*turn)(const struct turn *turn), (*welcome)(struct user *user);
};

/* How long, and how many; ISUPPORT tells clients. No more than the constants,
 * which are the room that there is. */
struct limits {
  long nick, channel, topic, kick, away, real; /* bytes */
  long channels, targets;                      /* of a user; of a command */
};
#define LIMITS_MOST                                                            \
  ((struct limits){NICK_LEN, CHANNEL_LEN, TOPIC_LEN, KICK_LEN, AWAY_LEN,       \
                   REAL_LEN, CHANNELS_MOST, TARGETS_MOST})

/* How the server is called and run; set before the first client comes. */
struct rules {
  const char *version;
  const char *name, *info;
  const char *password, *oper, *oper_password; /* "": none of the first two */
  const char *motd;                            /* NULL: none */
  struct limits limits;
  struct outbox_rules outbox;
  ax_fn *dismiss; /* in a session's strand: its user has left the hall */
  const struct hooks *hooks; /* NULL: none */
  /* Commands that come before those of the table, up to a name that is NULL.
   * NULL: none. */
  const struct command *more;
};

/* What the asker says to a channel, while nothing else happens: speech.c. */
struct speech {
  struct channel *channel; /* NULL: nothing */
  unsigned flavours;       /* which of them are heard there, as bits */
  size_t lines;
  size_t size[FLAVOURS];
  char text[FLAVOURS][2 * MESSAGE_ROOM];
};

#define NETWORK "Beach"

/* What a session asks the hall to do. It belongs to the session until it is
 * handed over, then to the hall until the session's token is completed. */
struct turn {
  struct user *user;
  const char *leave;           /* why it goes, or NULL */
  ax_time asked;               /* when it left home, if there are hooks */
  ax_token done;               /* to be completed in the session's strand ... */
  struct outbox_waiter waiter; /* ... when he is not behind any more */
  size_t at, count;            /* of the lines: done, and all */
  size_t used;                 /* bytes that they are made of */
  struct line lines[];
};

/* The answer to a command that carries a label: see label.c. */
struct label {
  bool open;                                         /* there is one */
  char tag[sizeof "label=" + LABEL_MOST], batch[40]; /* "label=7", "batch=8" */
  size_t count, size; /* lines so far; bytes of ... */
  char first[MESSAGE_ROOM];
};

struct hall {
  ax_context *context;
  ax_strand *strand;
  struct rules rules;
  struct map users;    /* by nick, also those who are not welcome yet */
  struct map channels; /* by name */
  struct map watched;  /* nicks somebody wants to hear of: monitor.c */
  TAILQ_HEAD(pasts, past) past; /* who has left, the last one first: whowas.c */
  size_t past_count;
  LIST_HEAD(everybody, user) everybody;
  size_t known, unknown, invisible, opers, most; /* users */
  time_t began;

  /* The turn. */
  struct user *asker; /* whose it is, or NULL */
  time_t now;
  char stamp[32]; /* the same for people: 2026-11-29T02:10:33.123Z */
  SLIST_HEAD(touched, user) touched;
  bool hands_over;             /* soon: it is posted */
  size_t answer;               /* bytes that the asker gets */
  char text[2 * MESSAGE_ROOM]; /* of which so many are in no chunk yet: */
  size_t open;
  struct speech speech;
  unsigned seen;
  unsigned long long messages;             /* numbers for msgid and batches */
  unsigned long long lines_out, bytes_out; /* to all users, ever */
  ax_time since, busy; /* of a processor: before the turn; by all turns */
  struct label label;
};

/* What is wrong with the rules, for who gave the options; NULL: nothing. */
const char *hall_refuses(const struct rules *rules);

/* With rules that it does not refuse. */
struct hall *hall_new(ax_context *context, const struct rules *rules);

/* When the context is gone: lets the users go who are still there. */
void hall_free(struct hall *hall);

/* For ax_run_on, with a turn: runs lines until they are done or the answer is
 * long. 0; or UV_EAGAIN: `done` is completed later, so that the user hears the
 * answer, or others can follow, before it is read on. UV_EOF: it has left. */
int hall_turn(void *turn);

/* For ax_run_on, with a user for whose lines there is no memory: it leaves, and
 * is told why. UV_EOF. */
int hall_starve(void *user);

/* In the hall: a client has come; `arg` is its user. */
ax_fn hall_enter;

/* In the hall, outside of a turn: does that work, and hands over what it has
 * sent. */
void hall_do(struct hall *hall, void (*work)(struct hall *hall, void *arg),
             void *arg);

#endif
