/* history.c: CHATHISTORY. The history of a channel holds the chunks that its
 * members got, in the flavour that has all tags: "@time=...;msgid=... :...". */
#include "history.h"
#include "commands.h"
#include "lesson.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STAMP = sizeof "2026-11-29T02:10:33.123Z" - 1 };

struct history {
  size_t first, count;
  struct chunk *said[HISTORY_MOST]; /* a ring */
};

static struct chunk *said_at(const struct history *h, size_t i) {
  return h->said[(h->first + i) % HISTORY_MOST];
}

void history_add(struct channel *channel, struct message *message) {
  struct history *h = channel->history;
  if (!h) {
    h = channel->history = lesson_alloc(sizeof *h);
    *h = (struct history){.count = 0};
  }
  if (h->count == HISTORY_MOST) {
    ax_unref(h->said[h->first]);
    h->first = (h->first + 1) % HISTORY_MOST;
    h->count--;
  }
  h->said[(h->first + h->count++) % HISTORY_MOST] =
      ax_ref(message_chunk(message, CAP_TIME | CAP_TAGS));
}

void history_free(struct history *h) {
  for (size_t i = 0; h && i < h->count; i++)
    ax_unref(said_at(h, i));
  free(h);
}

static const char *stamp_of(const struct chunk *said) {
  return said->bytes + strlen("@time=");
}

static struct span id_of(const struct chunk *said) {
  const char *id = stamp_of(said) + STAMP + strlen(";msgid=");
  return (struct span){id, strcspn(id, "; ")};
}

/* ---------------------------------------------------------------- asking */

/* So many are before what is asked for; from there on they are after it. */
struct place {
  size_t before, after;
};

static bool find_id(const struct history *h, const char *id,
                    struct place *place) {
  for (size_t i = 0; i < h->count; i++) {
    struct span span = id_of(said_at(h, i));
    *place = (struct place){i, i + 1};
    if (strlen(id) == span.size && memcmp(id, span.at, span.size) == 0)
      return true;
  }
  return false;
}

/* Times of one form compare as texts. */
static bool find_time(const struct history *h, const char *time,
                      struct place *place) {
  *place = (struct place){0, 0};
  for (size_t i = 0; i < h->count; i++) {
    int order = strncmp(stamp_of(said_at(h, i)), time, STAMP);
    place->before += order < 0;
    place->after += order <= 0;
  }
  return strlen(time) == STAMP;
}

static bool find(const struct history *h, const char *what,
                 struct place *place) {
  if (strncmp(what, "msgid=", 6) == 0)
    return find_id(h, what + 6, place);
  return strncmp(what, "timestamp=", 10) == 0 && find_time(h, what + 10, place);
}

/* From `begin` on, up to `end`. */
struct range {
  size_t begin, end;
};

static struct range first_of(size_t begin, size_t end, size_t most) {
  end = end > begin ? end : begin;
  return (struct range){begin, end - begin > most ? begin + most : end};
}

static struct range last_of(size_t begin, size_t end, size_t most) {
  end = end > begin ? end : begin;
  return (struct range){end - begin > most ? end - most : begin, end};
}

/* region: choose */
/* False when the line asks for something that is no question. */
static bool choose(const struct history *h, const struct line *line,
                   struct range *range) {
  const char *how = line->params[0];
  bool between = strcasecmp(how, "BETWEEN") == 0;
  long number = strtol(line->params[between ? 4 : 3], NULL, 10);
  size_t most = number > HISTORY_MOST ? HISTORY_MOST : (size_t)number;
  struct place one = {0, 0}, two = {0, 0};
  bool all = strcmp(line->params[2], "*") == 0;
  if (number < 0 || (!all && !find(h, line->params[2], &one)) ||
      (between && !find(h, line->params[3], &two)))
    return false;
  if (strcasecmp(how, "LATEST") == 0)
    *range = last_of(one.after, h->count, most);
  else if (strcasecmp(how, "BEFORE") == 0 && !all)
    *range = last_of(0, one.before, most);
  else if (strcasecmp(how, "AFTER") == 0 && !all)
    *range = first_of(one.after, h->count, most);
  else if (strcasecmp(how, "AROUND") == 0 && !all)
    *range = first_of(one.before > most / 2 ? one.before - most / 2 : 0,
                      h->count, most);
  else if (between && !all && one.before <= two.before)
    *range = first_of(one.after, two.before, most);
  else if (between && !all)
    *range = last_of(two.after, one.before, most);
  else
    return false;
  return true;
}
/* end: choose */

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
  user_say(user, "BATCH +%s %s", batch + strlen("batch="), type);
}

static void batch_end(struct user *user, const char *batch) {
  if (*batch)
    user_say(user, "BATCH -%s", batch + strlen("batch="));
}

static void answer(struct user *user, const struct channel *channel,
                   struct range range) {
  char batch[40], type[CHANNEL_LEN + 16];
  snprintf(type, sizeof type, "chathistory %s", channel->name);
  batch_begin(user, batch, type);
  for (size_t i = range.begin; i < range.end; i++)
    tell(user, said_at(channel->history, i), *batch ? batch : NULL);
  batch_end(user, batch);
}

/* The channels with something new between two times, the oldest news first. */
static void targets(struct user *user, const struct line *line) {
  const struct channel *found[CHANNELS_MOST];
  const struct member *member;
  const char *from = line->params[1] + strlen("timestamp=");
  const char *to = line->params[2] + strlen("timestamp=");
  if (strcmp(from, to) > 0)
    from = to, to = line->params[1] + strlen("timestamp=");
  long most = strtol(line->params[3], NULL, 10), count = 0;
  LIST_FOREACH(member, &user->channels, of_user) {
    const struct history *h = member->channel->history;
    const char *stamp = h ? stamp_of(said_at(h, h->count - 1)) : NULL;
    if (!h || strncmp(stamp, from, STAMP) <= 0 ||
        strncmp(stamp, to, STAMP) >= 0)
      continue;
    long at = count++;
    for (; at > 0; at--) {
      const struct history *other = found[at - 1]->history;
      if (strncmp(stamp_of(said_at(other, other->count - 1)), stamp, STAMP) <=
          0)
        break;
      found[at] = found[at - 1];
    }
    found[at] = member->channel;
  }
  char batch[40];
  batch_begin(user, batch, "draft/chathistory-targets");
  for (long i = 0; i < count && i < most; i++) {
    const struct history *h = found[i]->history;
    struct message m;
    message_begin(&m, user->hall, NULL, "CHATHISTORY TARGETS %s %.*s",
                  found[i]->name, STAMP, stamp_of(said_at(h, h->count - 1)));
    m.batch = *batch ? batch : NULL;
    user_send_alone(user, &m);
    message_end(&m);
  }
  batch_end(user, batch);
}

void do_history(struct user *user, const struct line *line) {
  static const struct history nothing;
  const char *how = line->params[0], *target = line->params[1];
  struct channel *channel = channel_find(user->hall, target);
  struct range range;
  if (!(user->caps & CAP_HISTORY)) {
    reply(user, ERR_UNKNOWNCOMMAND, "CHATHISTORY");
  } else if (strcasecmp(how, "TARGETS") == 0 &&
             strncmp(target, "timestamp=", 10) == 0 &&
             strncmp(line->params[2], "timestamp=", 10) == 0) {
    targets(user, line);
  } else if (line->count < 4) {
    user_say(user, "FAIL CHATHISTORY INVALID_PARAMS %s :Not enough parameters",
             how);
  } else if (!channel || !member_of(channel, user)) {
    user_say(user, "FAIL CHATHISTORY INVALID_TARGET %s %s :You are not there",
             how, target);
  } else if (!choose(channel->history ? channel->history : &nothing, line,
                     &range)) {
    user_say(user, "FAIL CHATHISTORY INVALID_PARAMS %s :No such messages", how);
  } else {
    answer(user, channel, range);
  }
}
