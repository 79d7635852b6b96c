/* chathistory.c: CHATHISTORY. */
#include "commands.h"
#include "history.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------- answering */

/* A message as it was said, in whatever flavour the user wants now. */
static void tell(struct user *user, const struct chunk *said,
                 const char *batch) {
  struct message m = {.hall = user->hall, .batch = batch};
  char stamp[STAMP + 1], tags[TAGS_MOST + 1] = "";
  struct span id = id_of(said);
  const char *rest = id.at + id.size, *body = rest + strcspn(rest, " ") + 1;
  snprintf(stamp, sizeof stamp, "%.*s", STAMP, stamp_of(said));
  snprintf(m.id, sizeof m.id, "%.*s", (int)id.size, id.at);
  if (*rest == ';')
    snprintf(tags, sizeof tags, "%.*s", (int)(body - rest) - 2, rest + 1);
  m.stamp = stamp;
  m.tags = tags;
  m.size = said->size - (size_t)(body - said->bytes);
  memcpy(m.body, body, m.size);
  user_send_alone(user, &m);
  message_end(&m);
}

/* The name of a new batch, as a tag; "" for one who knows no batches. */
static void batch_begin(struct user *user, char batch[40], const char *type) {
  *batch = '\0';
  if (!(user->caps & CAP_BATCH))
    return;
  snprintf(batch, 40, "batch=%llx", ++user->hall->messages);
  user_hear(user, NULL, "BATCH +%s %s", batch + strlen("batch="), type);
}

static void batch_end(struct user *user, const char *batch) {
  if (*batch)
    user_hear(user, NULL, "BATCH -%s", batch + strlen("batch="));
}

static void answer(struct user *user, const struct channel *channel,
                   struct range range) {
  char batch[40], type[CHANNEL_LEN + 16];
  snprintf(type, sizeof type, "chathistory %s", channel->name);
  batch_begin(user, batch, type);
  for (size_t i = range.begin; i < range.end; i++)
    tell(user, history_at(channel->history, i), *batch ? batch : NULL);
  batch_end(user, batch);
}

/* When something was said there last, or "". */
static const char *latest(const struct channel *channel) {
  const struct history *h = channel->history;
  return h ? stamp_of(history_at(h, h->count - 1)) : "";
}

/* The channels with something new between two times, the oldest news first;
 * returns how many they are. */
static long find_news(const struct user *user, const char *from, const char *to,
                      const struct channel *found[CHANNELS_MOST]) {
  const struct member *member;
  long count = 0;
  LIST_FOREACH(member, &user->channels, of_user) {
    const char *stamp = latest(member->channel);
    if (strncmp(stamp, from, STAMP) <= 0 || strncmp(stamp, to, STAMP) >= 0)
      continue;
    long at = count++;
    for (; at > 0 && strncmp(latest(found[at - 1]), stamp, STAMP) > 0; at--)
      found[at] = found[at - 1];
    found[at] = member->channel;
  }
  return count;
}

static void targets(struct user *user, const char *from, const char *to,
                    long most) {
  const struct channel *found[CHANNELS_MOST];
  long count = find_news(user, from, to, found);
  char batch[40];
  batch_begin(user, batch, "draft/chathistory-targets");
  for (long i = 0; i < count && i < most; i++) {
    struct message m;
    message_begin(&m, user->hall, NULL, "CHATHISTORY TARGETS %s %.*s",
                  found[i]->name, STAMP, latest(found[i]));
    m.batch = *batch ? batch : NULL;
    user_send_alone(user, &m);
    message_end(&m);
  }
  batch_end(user, batch);
}

/* ---------------------------------------------------------------- asking */

static void refuse(struct user *user, const struct line *line) {
  user_hear(user, NULL,
            "FAIL CHATHISTORY INVALID_PARAMS %s :What do you ask for?",
            word_or_star(line->params[0]));
}

/* The first of the two times may be the later one. */
static void ask_for_targets(struct user *user, const struct line *line,
                            long most) {
  const char *one = time_in(line->params[1]), *two = time_in(line->params[2]);
  if (!one || !two)
    refuse(user, line);
  else if (strcmp(one, two) < 0)
    targets(user, one, two, most);
  else
    targets(user, two, one, most);
}

static void ask_for_messages(struct user *user, const struct line *line,
                             long most) {
  static const struct history nothing;
  struct channel *channel = channel_find(user->hall, line->params[1]);
  struct range range;
  if (!channel || !member_of(channel, user))
    user_hear(user, NULL,
              "FAIL CHATHISTORY INVALID_TARGET %s %s :You are not there",
              line->params[0], word_or_star(line->params[1]));
  else if (history_choose(channel->history ? channel->history : &nothing, line,
                          most < HISTORY_MOST ? (size_t)most : HISTORY_MOST,
                          &range))
    answer(user, channel, range);
  else
    refuse(user, line);
}

void do_history(struct user *user, const struct line *line) {
  bool between = strcasecmp(line->params[0], "BETWEEN") == 0;
  long most = number_of(line->params[between ? 4 : 3]);
  if (!(user->caps & CAP_HISTORY))
    reply(user, ERR_UNKNOWNCOMMAND, "CHATHISTORY");
  else if (line->count != (between ? 5 : 4) || most < 0)
    refuse(user, line);
  else if (strcasecmp(line->params[0], "TARGETS") == 0)
    ask_for_targets(user, line, most);
  else
    ask_for_messages(user, line, most);
}
