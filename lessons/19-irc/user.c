/* user.c: how a user comes, is called, hears and goes. */
#include "channel.h"
#include "hall.h"
#include "lesson.h"
#include "message.h"
#include "monitor.h"
#include "whowas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void user_enter(struct user *user, struct hall *hall) {
  ax_ref(user->session);
  user->since = user->spoke = hall->now;
  LIST_INSERT_HEAD(&hall->everybody, user, others);
  hall->unknown++;
}

/* ----------------------------------------------------------------- names */

const char *user_prefix(const struct user *user, char to[PREFIX_LEN + 1]) {
  snprintf(to, PREFIX_LEN + 1, "%s!%s@%s", user->nick, user->name, user->host);
  return to;
}

const char *user_nick(const struct user *user) {
  return *user->nick ? user->nick : "*";
}

struct user *user_find(const struct hall *hall, const char *nick) {
  struct entry *entry = map_find(&hall->users, nick);
  struct user *user = ENTRY_OF(entry, struct user, by_nick);
  return user && user->state == USER_WELCOME ? user : NULL;
}

void user_rename(struct user *user, const char *nick) {
  if (*user->nick)
    map_remove(&user->hall->users, &user->by_nick);
  name_copy(user->nick, sizeof user->nick, nick);
  user->by_nick.name = user->nick;
  map_add(&user->hall->users, &user->by_nick);
}

void user_set_text(struct user *user, char **text, const char *to,
                   size_t most) {
  char *copy = to ? strndup(to, utf8_cut(to, most)) : NULL;
  if (to && !copy) {
    user_starve(user);
    return;
  }
  free(*text);
  *text = copy;
}

void user_set_mode(struct user *user, unsigned mode, bool on) {
  size_t *count = mode == USER_OPER        ? &user->hall->opers
                  : mode == USER_INVISIBLE ? &user->hall->invisible
                                           : NULL;
  if (count && on != ((user->modes & mode) != 0))
    *count += on ? 1 : (size_t)-1;
  user->modes = on ? user->modes | mode : user->modes & ~mode;
}

const char *user_modes(const struct user *user, char to[8]) {
  size_t length = 0;
  to[length++] = '+';
  for (size_t i = 0; USER_MODES[i]; i++)
    if (user->modes & 1u << i)
      to[length++] = USER_MODES[i];
  to[length] = '\0';
  return to;
}

/* --------------------------------------------------------------- hearing */

static void touch(struct user *user) {
  if (!user->is_touched)
    SLIST_INSERT_HEAD(&user->hall->touched, user, touched);
  user->is_touched = true;
}

void user_starve(struct user *user) {
  struct hall *hall = user->hall;
  touch(user);
  user->starved = true;
  batch_free(user->gathered);
  user->gathered = NULL;
  if (user == hall->asker)
    hall->open = hall->answer = 0;
}

/* In the hall: until the end of the turn nobody but the hall knows of it. What
 * the asker said before comes first. The chunk may be one that could not be
 * had. */
static void put(struct user *to, struct chunk *chunk) {
  if (to != to->hall->asker)
    speech_end(to->hall);
  touch(to);
  to->hall->bytes_out += chunk ? chunk->size : 0;
  if (!to->starved && !(chunk && batch_add(&to->gathered, chunk)))
    user_starve(to);
}

/* region: put */
void user_put(struct user *to, struct chunk *chunk) {
  to->hall->lines_out++;
  if (to == to->hall->asker) {
    user_seal(to->hall);
    to->hall->answer += chunk->size;
  }
  put(to, chunk);
}
/* end: put */

static void put_copy(struct user *to, const char *bytes, size_t size) {
  struct chunk *chunk = chunk_new(bytes, size);
  put(to, chunk);
  ax_unref(chunk);
}

void user_seal(struct hall *hall) {
  if (hall->open > 0)
    put_copy(hall->asker, hall->text, hall->open);
  hall->open = 0;
}

void user_put_bytes(struct user *to, const char *bytes, size_t size) {
  struct hall *hall = to->hall;
  if (to->starved)
    return;
  hall->lines_out += bytes[size - 1] == '\n'; /* not if more follows */
  if (to != hall->asker) {
    put_copy(to, bytes, size);
    return;
  }
  hall->answer += size;
  if (hall->open + size > sizeof hall->text)
    user_seal(hall);
  memcpy(hall->text + hall->open, bytes, size);
  hall->open += size;
}

/* Where there is no memory for a message the asker goes, whose it is. What the
 * server says by itself is nobody's: then it is the one who does not get it. */
void user_send(struct user *user, struct message *message) {
  struct user *asker = user->hall->asker;
  if (label_take(user, message))
    return;
  struct chunk *chunk = message_chunk(message, user->caps);
  if (chunk)
    user_put(user, chunk);
  else
    user_starve(asker ? asker : user);
}

void user_tell_peers(struct user *user, struct message *message,
                     unsigned caps) {
  struct member *mine, *theirs;
  user->seen = ++user->hall->seen;
  LIST_FOREACH(mine, &user->channels, of_user) {
    LIST_FOREACH(theirs, &mine->channel->members, of_channel) {
      struct user *peer = theirs->user;
      if (peer->seen == user->seen)
        continue;
      peer->seen = user->seen;
      if ((peer->caps & caps) == caps)
        user_send(peer, message);
    }
  }
}

bool user_flush(struct user *user) {
  struct batch *batch = user->gathered;
  user->gathered = NULL;
  return batch && outbox_send_batch(user->outbox, batch);
}

void user_answer(struct user *user, ax_token token) {
  struct batch *batch = user->gathered;
  user->gathered = NULL;
  outbox_reply(user->outbox, batch ? batch->at : NULL, batch ? batch->count : 0,
               token);
  batch_free(batch);
}

/* ----------------------------------------------------------------- going */

static void say_goodbye(struct user *user, const char *why, bool farewell) {
  if (user->state == USER_WELCOME)
    peers_hear(user, 0, "QUIT :%s", why);
  if (farewell)
    user_hear(user, NULL, "ERROR :Closing Link: %s (%s)", user->host, why);
  user->farewell = farewell;
}

static void count_out(struct user *user) {
  struct hall *hall = user->hall;
  if (user->state == USER_NEW)
    hall->unknown--;
  else
    hall->known--;
  user_set_mode(user, USER_OPER, false);
  user_set_mode(user, USER_INVISIBLE, false);
}

static void forget(struct user *user) {
  while (!LIST_EMPTY(&user->channels))
    channel_remove(LIST_FIRST(&user->channels));
  while (!LIST_EMPTY(&user->invites))
    invite_free(LIST_FIRST(&user->invites));
  monitor_clear(user);
  if (*user->nick)
    map_remove(&user->hall->users, &user->by_nick);
  LIST_REMOVE(user, others);
  user_set_text(user, &user->pass, NULL, 0);
  user_set_text(user, &user->real, NULL, 0);
  user_set_text(user, &user->away, NULL, 0);
}

void user_leave(struct user *user, const char *why, bool farewell) {
  if (why)
    say_goodbye(user, why, farewell);
  if (why && user->state == USER_WELCOME) {
    whowas_add(user);
    monitor_tell(user, false);
  }
  count_out(user);
  forget(user);
  user->state = USER_GONE;
  touch(user); /* the end of the turn releases it */
}
