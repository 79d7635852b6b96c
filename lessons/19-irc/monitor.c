/* monitor.c: MONITOR. A nick that is watched is an entry of a map, whether
 * somebody has it or not, with a list of those who watch it. */
#include "monitor.h"
#include "commands.h"
#include "hall.h"
#include "lesson.h"
#include "message.h"
#include "reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct watched {
  struct entry by_nick;
  char nick[NICK_LEN + 1];
  LIST_HEAD(watchers, watch) watches;
};

struct watch {
  struct watched *watched;
  struct user *user;
  LIST_ENTRY(watch) of_nick, of_user;
};

static struct watched *find(const struct hall *hall, const char *nick) {
  return ENTRY_OF(map_find(&hall->watched, nick), struct watched, by_nick);
}

/* -------------------------------------------------------------- watching */

static struct watch *watch_of(const struct user *user, const char *nick) {
  struct watch *watch;
  LIST_FOREACH(watch, &user->watches, of_user) {
    if (name_equal(watch->watched->nick, nick))
      return watch;
  }
  return NULL;
}

static void add(struct user *user, const char *nick) {
  struct watched *watched = find(user->hall, nick);
  struct watch *watch = lesson_alloc(sizeof *watch);
  if (!watched) {
    watched = lesson_alloc(sizeof *watched);
    LIST_INIT(&watched->watches);
    name_copy(watched->nick, sizeof watched->nick, nick);
    watched->by_nick.name = watched->nick;
    map_add(&user->hall->watched, &watched->by_nick);
  }
  watch->watched = watched;
  watch->user = user;
  LIST_INSERT_HEAD(&watched->watches, watch, of_nick);
  LIST_INSERT_HEAD(&user->watches, watch, of_user);
  user->watch_count++;
}

static void drop(struct watch *watch) {
  struct watched *watched = watch->watched;
  LIST_REMOVE(watch, of_nick);
  LIST_REMOVE(watch, of_user);
  watch->user->watch_count--;
  if (LIST_EMPTY(&watched->watches)) {
    map_remove(&watch->user->hall->watched, &watched->by_nick);
    free(watched);
  }
  free(watch);
}

void monitor_clear(struct user *user) {
  struct watch *next;
  for (struct watch *watch = LIST_FIRST(&user->watches); watch; watch = next) {
    next = LIST_NEXT(watch, of_user);
    drop(watch);
  }
}

void monitor_free(struct hall *hall) { map_free(&hall->watched); }

/* --------------------------------------------------------------- telling */

void monitor_tell(const struct user *user, bool online) {
  const struct watched *watched = find(user->hall, user->nick);
  const struct watch *watch;
  char prefix[PREFIX_LEN + 1];
  if (!watched)
    return;
  LIST_FOREACH(watch, &watched->watches, of_nick) {
    if (online)
      reply(watch->user, RPL_MONONLINE, user_prefix(user, prefix));
    else
      reply(watch->user, RPL_MONOFFLINE, user->nick);
  }
}

static void tell_state(struct user *user, const char *nick) {
  const struct user *other = user_find(user->hall, nick);
  char prefix[PREFIX_LEN + 1];
  if (other)
    reply(user, RPL_MONONLINE, user_prefix(other, prefix));
  else
    reply(user, RPL_MONOFFLINE, nick);
}

/* -------------------------------------------------------------- commands */

static void add_one(struct user *user, const char *nick, void *arg) {
  if (watch_of(user, nick) || !nick_valid(nick))
    return;
  if (user->watch_count == WATCHES_MOST) {
    reply(user, ERR_MONLISTFULL, WATCHES_MOST, nick);
    return;
  }
  add(user, nick);
  tell_state(user, nick);
}

static void drop_one(struct user *user, const char *nick, void *arg) {
  struct watch *watch = watch_of(user, nick);
  if (watch)
    drop(watch);
}

static void list(struct user *user) {
  const struct watch *watch;
  LIST_FOREACH(watch, &user->watches, of_user) {
    reply(user, RPL_MONLIST, watch->watched->nick);
  }
  reply(user, RPL_ENDOFMONLIST);
}

static void tell_states(struct user *user) {
  const struct watch *watch;
  LIST_FOREACH(watch, &user->watches, of_user) {
    tell_state(user, watch->watched->nick);
  }
}

void do_monitor(struct user *user, const struct line *line) {
  const char *what = line->params[0], *nicks = line->params[1];
  switch (*what && !what[1] ? toupper((unsigned char)*what) : 0) {
  case '+':
    for_each_part(user, nicks, SIZE_MAX, add_one, NULL);
    break;
  case '-':
    for_each_part(user, nicks, SIZE_MAX, drop_one, NULL);
    break;
  case 'C':
    monitor_clear(user);
    break;
  case 'L':
    list(user);
    break;
  case 'S':
    tell_states(user);
    break;
  default:
    reply(user, ERR_UNKNOWNCOMMAND, "MONITOR");
  }
}
