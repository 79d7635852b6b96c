/* speech.c: what the asker says to a channel, line after line. Lines with
 * nothing between them become one chunk for all who hear it in a flavour: so a
 * receiver costs one reference, however many lines there are. */
#include "channel.h"
#include "hall.h"
#include "message.h"

/* The flavours in which it is heard, as bits. */
static unsigned flavours_in(const struct channel *channel,
                            const struct user *asker) {
  unsigned flavours = 0;
  const struct member *member;
  LIST_FOREACH(member, &channel->members, of_channel) {
    if (member->user != asker)
      flavours |= 1u << message_flavour(member->user->caps);
  }
  return flavours;
}

/* There may be no room for another line. */
static bool is_full(const struct speech *speech) {
  for (size_t i = 0; i < FLAVOURS; i++)
    if (speech->size[i] + MESSAGE_ROOM > sizeof speech->text[i])
      return true;
  return false;
}

/* region: add */
void speech_add(struct channel *channel, const struct message *m) {
  struct hall *hall = channel->hall;
  struct speech *speech = &hall->speech;
  if (speech->channel != channel || is_full(speech)) {
    speech_end(hall);
    speech->channel = channel;
    speech->flavours = flavours_in(channel, hall->asker);
  }
  speech->lines++;
  for (unsigned i = 0; i < FLAVOURS; i++)
    if (speech->flavours & 1u << i)
      speech->size[i] += message_text(m, i, speech->text[i] + speech->size[i]);
}
/* end: add */

/* NULL when there is no memory: then he who speaks leaves. */
static struct chunk *make_chunk(const struct hall *hall, const char *text,
                                size_t size) {
  struct chunk *chunk = chunk_new(text, size);
  if (!chunk)
    user_starve(hall->asker);
  return chunk;
}

/* region: end */
void speech_end(struct hall *hall) {
  struct speech *speech = &hall->speech;
  struct channel *channel = speech->channel;
  struct chunk *chunks[FLAVOURS] = {NULL};
  const struct member *member;
  if (!channel)
    return;
  speech->channel = NULL; /* to put something would end it, too */
  for (size_t i = 0; i < FLAVOURS; speech->size[i++] = 0)
    if (speech->size[i] > 0)
      chunks[i] = make_chunk(hall, speech->text[i], speech->size[i]);
  LIST_FOREACH(member, &channel->members, of_channel) {
    struct chunk *chunk = chunks[message_flavour(member->user->caps)];
    if (chunk && member->user != hall->asker) {
      user_put(member->user, chunk);
      hall->lines_out += speech->lines - 1; /* one was counted */
    }
  }
  speech->lines = 0;
  for (size_t i = 0; i < FLAVOURS; i++)
    ax_unref(chunks[i]);
}
/* end: end */
