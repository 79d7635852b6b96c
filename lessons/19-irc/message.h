/* message.h: a line on its way out. It is formatted once in each flavour (with
 * the time or not, with other tags or not), and all receivers of a flavour
 * share the chunk. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "hall.h"

struct message {
  struct hall *hall;
  const char *tags;  /* of the client's, "" for none */
  const char *batch; /* "batch=7": the one that it is part of; or NULL */
  const char *stamp; /* when it was said, if not now, or NULL */
  char id[40];       /* or "" */
  size_t size;
  char body[LINE_MOST + 1]; /* with CR LF */
  struct chunk *flavours[FLAVOURS];
};

/* From a user, or from the server for NULL: ":prefix " and what the format
 * makes. Cut so that it fits a line. End it with message_end. */
void message_begin(struct message *message, struct hall *hall,
                   const struct user *from, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Gives it an id, and the tags that its sender wants it to have. */
void message_tag(struct message *message, const char *tags);
void message_end(struct message *message);

static inline unsigned message_flavour(unsigned caps) {
  return caps & (FLAVOURS - 1);
}

/* The chunk in the flavour of these capabilities; the message keeps it. NULL
 * when there is no memory. */
struct chunk *message_chunk(struct message *message, unsigned caps);

/* Writes it with tags for these capabilities; returns its size. */
size_t message_text(const struct message *message, unsigned caps,
                    char to[MESSAGE_ROOM]);

/* The asker says something to a channel. It is joined with what he said there
 * just before, until speech_end hands all of it to the others who are in. To be
 * called before one of them gets something else, and before who is in changes.
 */
void speech_add(struct channel *channel, const struct message *message);
void speech_end(struct hall *hall);

/* The same as user_send, for a message that nobody else gets. */
void user_send_alone(struct user *to, const struct message *message);

/* A whole message for one user, for all in a channel, or for all who share a
 * channel with `from` and have these capabilities. */
void user_hear(struct user *to, const struct user *from, const char *format,
               ...) __attribute__((format(printf, 3, 4)));
void channel_hear(struct channel *to, const struct user *from,
                  const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void peers_hear(struct user *from, unsigned caps, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One of reply.h: reply(user, RPL_TOPIC, "#beach", "hot today"). */
void reply(struct user *to, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Between these two, all that the asker gets is the answer to this line: if it
 * carries a label. */
void label_begin(struct user *asker, const struct line *line);
void label_end(struct user *asker);

/* Takes a message that is part of the answer; false when there is no label. */
bool label_take(struct user *to, const struct message *message);

#endif
