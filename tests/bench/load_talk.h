/* load_talk.h: some of the clients in one room say lines, and all others shall
 * hear each of them once, in the order of its sender, byte by byte. */
#ifndef LOAD_TALK_H
#define LOAD_TALK_H

#include "load_people.h"

/* A line as its sender says it, and as the others hear it. */
struct words {
  char *said, *heard;
  size_t said_size, heard_size;
};

struct language {
  size_t longest; /* line */
  /* Fills in line `seq` of a sender; there is room for the longest, twice. */
  void (*compose)(struct words *words, uint32_t from, uint32_t seq);
  /* Whose line it is; any number at all when it is nobody's. */
  uint32_t (*sender)(const char *line, size_t size);
  /* Some other line than the one expected. */
  void (*other)(struct client *client, const char *line, size_t size);
};

/* After people_init. */
void talk_init(const struct options *options, const struct language *language);

/* The protocol's: looks whether it is the line expected. */
void talk_hear(struct client *client, const char *line, size_t size,
               uint64_t time);

/* Not the line expected, but whole and from this sender: what is it? */
void talk_unexpected(struct client *client, uint32_t from, uint32_t seq);

/* When everybody is in the room: talks, and prints the line of results. */
void talk(const char *name);

#endif
