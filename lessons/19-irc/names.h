/* names.h: names of people and channels, which are compared without case, and
 * the map that finds whom they belong to. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes. ISUPPORT tells clients the same numbers. */
enum { NICK_LEN = 30, USER_LEN = 16, HOST_LEN = 63, CHANNEL_LEN = 64 };
#define CASEMAPPING                                                            \
  "ascii" /* A to Z and a to z are the same, and no others                     \
           */
#define CHANTYPES "#"

bool name_equal(const char *a, const char *b);

/* Does the text look like the mask, in which * is any text and ? any byte? */
bool name_matches(const char *mask, const char *text);

/* Any part of a mask may be missing: "ann" is ann!*@*, "me@x" is *!me@x, and
 * what has a dot or a colon is a host. A host that would begin with a colon
 * begins with 0, as in a user's prefix. False when it has no room. */
bool mask_complete(char *to, size_t room, const char *text);

bool nick_valid(const char *nick);
bool channel_valid(const char *name);
static inline bool is_channel(const char *name) { return *name == *CHANTYPES; }

/* Copies what has room, whole characters of it. */
void name_copy(char *to, size_t room, const char *text);

/* Adds a word to a list of words, which has that much room. False, and the list
 * as it was, when it has no room for it. */
bool words_add(char *list, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One who is found by name: a member of what it stands for. */
struct entry {
  struct entry *next;
  const char *name; /* not to be changed while it is in a map */
  uint32_t hash;
};

struct map {
  struct entry **slots;
  size_t room, count;
};

struct entry *map_find(const struct map *map, const char *name);
void map_add(struct map *map, struct entry *entry);
void map_remove(struct map *map, struct entry *entry);

/* All of them in some order: the one behind `entry`, or the first behind NULL.
 * Remove none meanwhile. */
struct entry *map_next(const struct map *map, const struct entry *entry);

/* The entries are yours. */
void map_free(struct map *map);

/* What an entry is a member of. */
#define ENTRY_OF(entry, type, member)                                          \
  ((entry) ? (type *)(void *)((char *)(entry)-offsetof(type, member)) : NULL)

#endif
