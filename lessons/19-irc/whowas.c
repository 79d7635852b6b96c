/* whowas.c: WHOWAS. */
#include "whowas.h"
#include "commands.h"
#include "hall.h"
#include "lesson.h"
#include "message.h"
#include "reply.h"

#include <stdlib.h>

enum { PAST_MOST = 200 };

struct past {
  TAILQ_ENTRY(past) next; /* the one who left before */
  time_t at;
  char nick[NICK_LEN + 1], name[USER_LEN + 1], host[HOST_LEN + 1];
  char real[REAL_LEN + 1];
};

static void forget_oldest(struct hall *hall) {
  struct past *past = TAILQ_LAST(&hall->past, pasts);
  TAILQ_REMOVE(&hall->past, past, next);
  hall->past_count--;
  free(past);
}

void whowas_add(const struct user *user) {
  struct hall *hall = user->hall;
  struct past *past = lesson_alloc(sizeof *past);
  past->at = hall->now;
  name_copy(past->nick, sizeof past->nick, user->nick);
  name_copy(past->name, sizeof past->name, user->name);
  name_copy(past->host, sizeof past->host, user->host);
  name_copy(past->real, sizeof past->real, user->real);
  TAILQ_INSERT_HEAD(&hall->past, past, next);
  if (++hall->past_count > PAST_MOST)
    forget_oldest(hall);
}

void whowas_free(struct hall *hall) {
  while (!TAILQ_EMPTY(&hall->past))
    forget_oldest(hall);
}

static void tell(struct user *user, const struct past *past) {
  char when[32];
  strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", gmtime(&past->at));
  reply(user, RPL_WHOWASUSER, past->nick, past->name, past->host, past->real);
  reply(user, RPL_WHOISSERVER, past->nick, user->hall->rules.name, when);
}

/* "WHOWAS ann 3": the last three of that name; 0 or less: all of them. */
void do_whowas(struct user *user, const struct line *line) {
  const char *nick = line->params[0];
  long most = strtol(line->params[1], NULL, 10), count = 0;
  const struct past *past;
  if (!*nick) {
    reply(user, ERR_NONICKNAMEGIVEN);
    return;
  }
  TAILQ_FOREACH(past, &user->hall->past, next) {
    if (name_matches(nick, past->nick) && (most <= 0 || count < most)) {
      tell(user, past);
      count++;
    }
  }
  if (count == 0)
    reply(user, ERR_WASNOSUCHNICK, word_or_star(nick));
  reply(user, RPL_ENDOFWHOWAS, word_or_star(nick));
}
