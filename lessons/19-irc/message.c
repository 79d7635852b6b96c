/* message.c: formatting, flavours, and the labels of answers. */
#include "message.h"
#include "lesson.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that tags may take, with the @ and the space. */
enum { TAGS_ROOM = TAGS_MOST + 256 };

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
  va_list args;
  begin(m, hall, from);
  va_start(args, format);
  add(m, format, args);
  va_end(args);
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

/* The tags for these capabilities, `first` (or "") being the first one if the
 * message is in no batch, with @ and space; nothing when there are none.
 * Returns the size. */
static size_t tags_for(const struct message *m, const char *first,
                       unsigned caps, char to[TAGS_ROOM]) {
  const char *stamp = m->stamp ? m->stamp : m->hall->stamp;
  bool time = caps & CAP_TIME, tags = caps & CAP_TAGS;
  if (m->batch)
    first = m->batch;
  int size = snprintf(to, TAGS_ROOM, "@%s%s%s%s%s%s%s ", first,
                      time ? ";time=" : "", time ? stamp : "",
                      tags && *m->id ? ";msgid=" : "", tags ? m->id : "",
                      tags && *m->tags ? ";" : "", tags ? m->tags : "");
  if (size == 2)
    return 0;
  if (to[1] == ';') /* nothing was first */
    memmove(to + 1, to + 2, (size_t)--size);
  return (size_t)size;
}

void message_write(const struct message *m, const char *first, unsigned caps,
                   FILE *to) {
  char tags[TAGS_ROOM];
  fwrite(tags, 1, tags_for(m, first, caps, tags), to);
  fwrite(m->body, 1, m->size, to);
}

static struct chunk *make_chunk(const struct message *m, unsigned caps) {
  char line[TAGS_ROOM + LINE_MOST];
  size_t size = tags_for(m, "", caps, line);
  memcpy(line + size, m->body, m->size);
  struct chunk *chunk = chunk_new(line, size + m->size);
  lesson_must("make a message", chunk ? 0 : UV_ENOMEM);
  return chunk;
}

/* region: chunk */
struct chunk *message_chunk(struct message *m, unsigned caps) {
  struct chunk **chunk = &m->flavours[caps & (FLAVOURS - 1)];
  if (!*chunk)
    *chunk = make_chunk(m, caps);
  return *chunk;
}
/* end: chunk */

/* --------------------------------------------------------------- replies */

/* A message that nobody else gets needs no chunk of its own. */
void user_send_alone(struct user *to, struct message *m) {
  char line[TAGS_ROOM + LINE_MOST];
  if (label_take(to, m))
    return;
  size_t size = tags_for(m, "", to->caps, line);
  memcpy(line + size, m->body, m->size);
  user_put_bytes(to, line, size + m->size);
}

void user_say(struct user *to, const char *format, ...) {
  struct message message;
  va_list args;
  begin(&message, to->hall, NULL);
  va_start(args, format);
  add(&message, format, args);
  va_end(args);
  user_send_alone(to, &message);
}

void reply(struct user *to, int number, const char *format, ...) {
  struct message message;
  va_list args;
  begin(&message, to->hall, NULL);
  message.size += (size_t)snprintf(message.body + message.size, NICK_LEN + 8,
                                   "%03d %s ", number, user_nick(to));
  va_start(args, format);
  add(&message, format, args);
  va_end(args);
  user_send_alone(to, &message);
}
