/* view.h: what one client of a crowd knows of the others, and whether what it
 * hears agrees with that.
 *
 * A nick is "n" and a number that nobody had before, a session has a number as
 * well, and what is said is "SESSION MESSAGE PLACE": whose it is, the how-
 * manieth of this session, and the how-manieth of it in this channel. So one
 * who hears it can tell what is lost, doubled or out of order, and what is said
 * by somebody who left or under a name that he gave up. */
#ifndef VIEW_H
#define VIEW_H

#include "flaw.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANNELS = 12, PARAMS = 16 };

/* A nick in a channel, and the place of what it said there last; 0: nothing. */
struct present {
  uint32_t nick, place;
};

struct set {
  struct present *at;
  size_t count, room;
};

struct view { /* of a channel */
  bool inside, op;
  bool fresh; /* who is there is still to be told */
  struct set members, names;
};

struct heard { /* of a session */
  uint32_t message, nick;
  bool gone;
};

struct viewer {
  uint32_t nick; /* 0: not welcome yet */
  uint32_t session;
  struct view views[CHANNELS];
  struct heard *heard; /* by session */
  size_t heard_room;
  char history[32]; /* the batch of old messages that is under way */
  uint32_t pongs;
};

/* All sessions and nicks that there ever were. */
static uint32_t *session_of_nick, nicks, sessions;

/* A line that was heard, cut up. */
struct words {
  const char *whole, *command;
  char batch[32];
  uint32_t who; /* whose nick it is; 0: the server */
  const char *params[PARAMS];
};

static struct words *hearing;
static struct viewer *hearer;

#define expect(condition, what)                                                \
  do {                                                                         \
    if (!(condition))                                                          \
      give_up("%s: n%u, session %u, hears\n%s", what, hearer->nick,            \
              hearer->session, hearing->whole);                                \
  } while (0)

/* ------------------------------------------------------------------ sets */

static struct present *set_find(const struct set *set, uint32_t nick) {
  for (size_t i = 0; i < set->count; i++)
    if (set->at[i].nick == nick)
      return &set->at[i];
  return NULL;
}

static void set_add(struct set *set, uint32_t nick) {
  if (set->count == set->room) {
    set->room = set->room ? 2 * set->room : 16;
    set->at = realloc(set->at, set->room * sizeof *set->at);
    assert_non_null(set->at);
  }
  set->at[set->count++] = (struct present){.nick = nick};
}

static void set_remove(struct set *set, struct present *present) {
  *present = set->at[--set->count];
}

static bool set_equal(const struct set *a, const struct set *b) {
  for (size_t i = 0; i < a->count; i++)
    if (!set_find(b, a->at[i].nick))
      return false;
  return a->count == b->count;
}

/* ----------------------------------------------------------------- names */

/* The number in "n7", "@+n7" or "n7!w@host"; 0 for other names. */
static uint32_t nick_number(const char *text) {
  text += strspn(text, "@+");
  return *text == 'n' ? (uint32_t)strtoul(text + 1, NULL, 10) : 0;
}

/* That of "#c7"; NULL for what is no channel, or one that is not known. */
static struct view *view_of(struct viewer *v, const char *name) {
  unsigned long number =
      strncmp(name, "#c", 2) == 0 ? strtoul(name + 2, NULL, 10) : CHANNELS;
  return number < CHANNELS ? &v->views[number] : NULL;
}

static struct heard *heard_of(struct viewer *v, uint32_t session) {
  size_t room = v->heard_room ? v->heard_room : 64;
  expect(session <= sessions, "there is no such session");
  while (room <= session)
    room *= 2;
  if (room > v->heard_room) {
    v->heard = realloc(v->heard, room * sizeof *v->heard);
    assert_non_null(v->heard);
    memset(v->heard + v->heard_room, 0,
           (room - v->heard_room) * sizeof *v->heard);
    v->heard_room = room;
  }
  return &v->heard[session];
}

static void viewer_clear(struct viewer *v) {
  for (size_t i = 0; i < CHANNELS; i++) {
    free(v->views[i].members.at);
    free(v->views[i].names.at);
  }
  free(v->heard);
  *v = (struct viewer){.nick = 0};
}

/* The one who says what is heard now must be in that channel. */
static struct present *need_present(struct viewer *v, const char *channel,
                                    uint32_t nick) {
  struct view *view = view_of(v, channel);
  struct present *present =
      view && view->inside ? set_find(&view->members, nick) : NULL;
  expect(present, "somebody who is not there");
  return present;
}

/* -------------------------------------------------------- coming and going */

static void hear_welcome(struct viewer *v, struct words *w) {
  v->nick = nick_number(w->params[0]);
}

static void hear_join(struct viewer *v, struct words *w) {
  struct view *view = view_of(v, w->params[0]);
  expect(view && view->inside != (w->who == v->nick), "a needless JOIN");
  if (w->who == v->nick) {
    view->inside = view->fresh = true;
    view->op = false;
    view->members.count = view->names.count = 0;
    return;
  }
  expect(!set_find(&view->members, w->who), "a second JOIN");
  set_add(&view->members, w->who);
}

static void go(struct viewer *v, const char *channel, uint32_t nick) {
  struct view *view = view_of(v, channel);
  struct present *present = need_present(v, channel, nick);
  set_remove(&view->members, present);
  view->inside = nick != v->nick;
}

static void hear_part(struct viewer *v, struct words *w) {
  go(v, w->params[0], w->who);
}

static void hear_kick(struct viewer *v, struct words *w) {
  need_present(v, w->params[0], w->who);
  go(v, w->params[0], nick_number(w->params[1]));
}

static void hear_quit(struct viewer *v, struct words *w) {
  size_t count = 0;
  for (size_t i = 0; i < CHANNELS; i++) {
    struct set *set = &v->views[i].members;
    struct present *present = v->views[i].inside ? set_find(set, w->who) : NULL;
    if (present)
      set_remove(set, present);
    count += present != NULL;
  }
  expect(count > 0, "a stranger's QUIT");
  heard_of(v, session_of_nick[w->who])->gone = true;
}

static void hear_nick(struct viewer *v, struct words *w) {
  uint32_t nick = nick_number(w->params[0]), session = session_of_nick[w->who];
  bool known = w->who == v->nick;
  expect(nick && session_of_nick[nick] == session, "somebody else's nick");
  for (size_t i = 0; i < CHANNELS; i++) {
    struct view *view = &v->views[i];
    struct present *present =
        view->inside ? set_find(&view->members, w->who) : NULL;
    if (present)
      present->nick = nick;
    known |= present != NULL;
  }
  expect(known, "a stranger's NICK, or a second one");
  heard_of(v, session)->nick = nick;
  if (w->who == v->nick)
    v->nick = nick;
}

/* --------------------------------------------------------------- talking */

static void hear_in_channel(struct viewer *v, const char *channel,
                            uint32_t nick, uint32_t place) {
  struct present *present = need_present(v, channel, nick);
  expect(!present->place || place == present->place + 1,
         "not the next message");
  present->place = place;
}

static void hear_words(struct viewer *v, struct words *w) {
  uint32_t session, message, place;
  const char *to = w->params[0];
  if (sscanf(w->params[1], "%u %u %u", &session, &message, &place) != 3 ||
      (*v->history && strcmp(w->batch, v->history) == 0))
    return;
  struct heard *heard = heard_of(v, session);
  expect(session_of_nick[w->who] == session, "the words of another");
  expect(!heard->gone, "one who is gone");
  expect(message > heard->message, "an old message");
  expect(w->who >= heard->nick, "an old nick");
  heard->message = message;
  heard->nick = w->who;
  if (*to == '#')
    hear_in_channel(v, to, w->who, place);
  else
    expect(w->who == v->nick || nick_number(to) == v->nick,
           "a message for another");
}

/* TAGMSG, MODE and TOPIC. */
static void hear_member(struct viewer *v, struct words *w) {
  if (w->params[0][0] == '#' && w->who)
    need_present(v, w->params[0], w->who);
}

/* AWAY and SETNAME. */
static void hear_peer(struct viewer *v, struct words *w) {
  bool known = w->who == v->nick;
  for (size_t i = 0; i < CHANNELS; i++)
    known |= v->views[i].inside && set_find(&v->views[i].members, w->who);
  expect(known, "a stranger");
}

/* --------------------------------------------------------------- answers */

static void hear_names(struct viewer *v, struct words *w) {
  struct view *view = view_of(v, w->params[2]);
  const char *at = w->params[3];
  while (view && *(at += strspn(at, " "))) {
    uint32_t nick = nick_number(at);
    set_add(&view->names, nick);
    if (nick == v->nick)
      view->op = *at == '@';
    at += strcspn(at, " ");
  }
}

/* Who joins gets the names; who asks again gets those that it knows. */
static void hear_end_of_names(struct viewer *v, struct words *w) {
  struct view *view = view_of(v, w->params[1]);
  if (!view)
    return;
  if (view->fresh) {
    struct set names = view->names;
    view->names = view->members;
    view->members = names;
    view->fresh = false;
  } else if (view->inside) {
    expect(set_equal(&view->members, &view->names), "others are there");
  }
  view->names.count = 0;
}

static void hear_batch(struct viewer *v, struct words *w) {
  const char *name = w->params[0];
  bool history = strcmp(w->params[1], "chathistory") == 0;
  if (*name == '+' && history)
    snprintf(v->history, sizeof v->history, "%s", name + 1);
  if (*name == '-' && strcmp(name + 1, v->history) == 0)
    v->history[0] = '\0';
}

static void hear_pong(struct viewer *v, struct words *w) {
  expect(strtoul(w->params[1], NULL, 10) == ++v->pongs, "not the next PONG");
}

static void hear_refusal(struct viewer *v, struct words *w) {
  expect(false, "what it said was right");
}

/* -------------------------------------------------------------- all of it */

static const struct {
  const char *command;
  void (*hear)(struct viewer *v, struct words *w);
} ears[] = {
    {"PRIVMSG", hear_words}, {"NOTICE", hear_words},     {"JOIN", hear_join},
    {"PART", hear_part},     {"KICK", hear_kick},        {"QUIT", hear_quit},
    {"NICK", hear_nick},     {"TAGMSG", hear_member},    {"MODE", hear_member},
    {"TOPIC", hear_member},  {"AWAY", hear_peer},        {"SETNAME", hear_peer},
    {"353", hear_names},     {"366", hear_end_of_names}, {"BATCH", hear_batch},
    {"PONG", hear_pong},     {"001", hear_welcome},      {"417", hear_refusal},
    {"433", hear_refusal},   {"451", hear_refusal}};

/* Cuts a copy of the line up. */
static void cut_up(struct words *w, char *line) {
  const char *batch = *line == '@' ? strstr(line, "batch=") : NULL;
  size_t count = 0;
  if (batch)
    snprintf(w->batch, sizeof w->batch, "%.*s", (int)strcspn(batch + 6, "; "),
             batch + 6);
  if (*line == '@')
    strsep(&line, " ");
  const char *from = strsep(&line, " ");
  w->who = nick_number(from + 1);
  w->command = strsep(&line, " ");
  while (line && count < PARAMS && *line != ':')
    w->params[count++] = strsep(&line, " ");
  if (line && count < PARAMS)
    w->params[count++] = line + 1;
  while (count < PARAMS)
    w->params[count++] = "";
}

static void viewer_hear(struct viewer *v, const char *line, size_t size) {
  static char copy[ALL_TAGS_MOST + LINE_MOST + 2];
  struct words w = {.whole = line};
  const char *flaw = flaw_of(line, size);
  hearing = &w;
  hearer = v;
  expect(!flaw, flaw);
  strcpy(copy, line);
  cut_up(&w, copy);
  expect(w.who <= nicks, "there is no such nick");
  for (size_t i = 0; i < sizeof ears / sizeof *ears; i++)
    if (strcmp(ears[i].command, w.command) == 0)
      ears[i].hear(v, &w);
}

#endif
