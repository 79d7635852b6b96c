/* message.c: formatting, and flavours. */
#include "message.h"
#include "lesson.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ formatting */

/* Behind what is there already; too much is cut, between two characters. */
static void add(struct message *m, const char *format, va_list args) {
  size_t room = LINE_MOST - 2 - m->size;
  char text[2 * LINE_MOST];
  vsnprintf(text, sizeof text, format, args);
  size_t size = utf8_cut(text, room);
  memcpy(m->body + m->size, text, size);
  memcpy(m->body + m->size + size, "\r\n", 3);
  m->size += size + 2;
}

/* The same, in a function that takes a format and what belongs to it. */
#define ADD(message, format)                                                   \
  do {                                                                         \
    va_list args;                                                              \
    va_start(args, format);                                                    \
    add(message, format, args);                                                \
    va_end(args);                                                              \
  } while (0)

static void begin(struct message *m, struct hall *hall,
                  const struct user *from) {
  char prefix[PREFIX_LEN + 1];
  m->hall = hall;
  m->tags = "";
  m->batch = m->stamp = NULL;
  m->id[0] = '\0';
  memset(m->flavours, 0, sizeof m->flavours);
  m->size =
      (size_t)snprintf(m->body, sizeof m->body, ":%s ",
                       from ? user_prefix(from, prefix) : hall->rules.name);
}

void message_begin(struct message *m, struct hall *hall,
                   const struct user *from, const char *format, ...) {
  begin(m, hall, from);
  ADD(m, format);
}

/* The time of the start makes it unique across two runs. */
void message_tag(struct message *m, const char *tags) {
  m->tags = tags;
  snprintf(m->id, sizeof m->id, "%llx-%llx", (unsigned long long)m->hall->began,
           ++m->hall->messages);
}

void message_end(struct message *m) {
  for (size_t i = 0; i < FLAVOURS; i++)
    ax_unref(m->flavours[i]);
}

/* -------------------------------------------------------------- flavours */

/* The tags for these capabilities, with @ and space; nothing when there are
 * none. Returns the size. */
static size_t tags_for(const struct message *m, unsigned caps, char *to) {
  const char *stamp = m->stamp ? m->stamp : m->hall->stamp;
  bool time = caps & CAP_TIME, tags = caps & CAP_TAGS;
  int size = snprintf(
      to, MESSAGE_ROOM, "@%s%s%s%s%s%s%s ", m->batch ? m->batch : "",
      time ? ";time=" : "", time ? stamp : "", tags && *m->id ? ";msgid=" : "",
      tags ? m->id : "", tags && *m->tags ? ";" : "", tags ? m->tags : "");
  if (size == 2)
    return 0;
  if (to[1] == ';') /* it is in no batch */
    memmove(to + 1, to + 2, (size_t)--size);
  return (size_t)size;
}

size_t message_text(const struct message *m, unsigned caps,
                    char to[MESSAGE_ROOM]) {
  size_t size = tags_for(m, caps, to);
  memcpy(to + size, m->body, m->size);
  return size + m->size;
}

static struct chunk *make_chunk(const struct message *m, unsigned caps) {
  char text[MESSAGE_ROOM];
  return chunk_new(text, message_text(m, caps, text));
}

/* region: chunk */
struct chunk *message_chunk(struct message *m, unsigned caps) {
  struct chunk **chunk = &m->flavours[message_flavour(caps)];
  if (!*chunk)
    *chunk = make_chunk(m, caps);
  return *chunk;
}
/* end: chunk */

/* --------------------------------------------------------------- hearing */

/* A message that nobody else gets needs no chunk of its own. */
void user_send_alone(struct user *to, const struct message *m) {
  char text[MESSAGE_ROOM];
  if (!label_take(to, m))
    user_put_bytes(to, text, message_text(m, to->caps, text));
}

void user_hear(struct user *to, const struct user *from, const char *format,
               ...) {
  struct message message;
  begin(&message, to->hall, from);
  ADD(&message, format);
  user_send_alone(to, &message);
}

void channel_hear(struct channel *to, const struct user *from,
                  const char *format, ...) {
  struct message message;
  begin(&message, to->hall, from);
  ADD(&message, format);
  channel_send(to, &message, NULL, 0, 0);
  message_end(&message);
}

void peers_hear(struct user *from, unsigned caps, const char *format, ...) {
  struct message message;
  begin(&message, from->hall, from);
  ADD(&message, format);
  user_tell_peers(from, &message, caps);
  message_end(&message);
}

void reply(struct user *to, int number, const char *format, ...) {
  struct message message;
  begin(&message, to->hall, NULL);
  message.size += (size_t)snprintf(message.body + message.size, NICK_LEN + 8,
                                   "%03d %s ", number, user_nick(to));
  ADD(&message, format);
  user_send_alone(to, &message);
}
