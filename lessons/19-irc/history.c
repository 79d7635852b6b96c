/* history.c: the ring of what was said, and finding something in it. */
#include "history.h"
#include "lesson.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct chunk *history_at(const struct history *h, size_t i) {
  return h->said[(h->first + i) % HISTORY_MOST];
}

void history_add(struct channel *channel, struct message *message) {
  struct chunk *chunk = message_chunk(message, CAP_TIME | CAP_TAGS);
  struct history *h = channel->history;
  if (!chunk) {
    user_starve(channel->hall->asker);
    return;
  }
  if (!h) {
    h = channel->history = lesson_alloc(sizeof *h);
    *h = (struct history){.count = 0};
  }
  if (h->count == HISTORY_MOST) {
    ax_unref(h->said[h->first]);
    h->first = (h->first + 1) % HISTORY_MOST;
    h->count--;
  }
  h->said[(h->first + h->count++) % HISTORY_MOST] = ax_ref(chunk);
}

void history_free(struct history *h) {
  for (size_t i = 0; h && i < h->count; i++)
    ax_unref(history_at(h, i));
  free(h);
}

const char *stamp_of(const struct chunk *said) {
  return said->bytes + strlen("@time=");
}

struct span id_of(const struct chunk *said) {
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
    struct span span = id_of(history_at(h, i));
    *place = (struct place){i, i + 1};
    if (strlen(id) == span.size && memcmp(id, span.at, span.size) == 0)
      return true;
  }
  return false;
}

const char *time_in(const char *what) {
  static const char form[] = "timestamp=0000-00-00T00:00:00.000Z";
  size_t i = 0;
  while (form[i] && (form[i] == '0' ? isdigit((unsigned char)what[i]) != 0
                                    : form[i] == what[i]))
    i++;
  return form[i] || what[i] ? NULL : what + strlen("timestamp=");
}

/* Times of one form compare as texts. */
static bool find_time(const struct history *h, const char *time,
                      struct place *place) {
  *place = (struct place){0, 0};
  for (size_t i = 0; time && i < h->count; i++) {
    int order = strncmp(stamp_of(history_at(h, i)), time, STAMP);
    place->before += order < 0;
    place->after += order <= 0;
  }
  return time;
}

static bool find(const struct history *h, const char *what,
                 struct place *place) {
  if (strncmp(what, "msgid=", 6) == 0)
    return find_id(h, what + 6, place);
  return find_time(h, time_in(what), place);
}

static struct range first_of(size_t begin, size_t end, size_t most) {
  end = end > begin ? end : begin;
  return (struct range){begin, end - begin > most ? begin + most : end};
}

static struct range last_of(size_t begin, size_t end, size_t most) {
  end = end > begin ? end : begin;
  return (struct range){end - begin > most ? end - most : begin, end};
}

/* region: choose */
bool history_choose(const struct history *h, const struct line *line,
                    size_t most, struct range *range) {
  const char *how = line->params[0];
  bool between = line->count == 5;
  struct place one = {0, 0}, two = {0, 0};
  bool all = strcmp(line->params[2], "*") == 0;
  if ((!all && !find(h, line->params[2], &one)) ||
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
