/* names.c: comparing, and a hash map with a list in each slot. */
#include "names.h"
#include "lesson.h"
#include "line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- names */

static unsigned char fold(char c) {
  return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool name_equal(const char *a, const char *b) {
  while (*a && fold(*a) == fold(*b))
    a++, b++;
  return fold(*a) == fold(*b);
}

/* Where a star was last, the text is tried again one byte further on: so it
 * takes no more than length times length, whatever the mask. */
bool name_matches(const char *mask, const char *text) {
  const char *star = NULL, *again = NULL;
  while (*text) {
    if (*mask == '*') {
      star = mask++;
      again = text;
    } else if (*mask && (*mask == '?' || fold(*mask) == fold(*text))) {
      mask++, text++;
    } else if (star) {
      mask = star + 1;
      text = ++again;
    } else {
      return false;
    }
  }
  return mask[strspn(mask, "*")] == '\0';
}

bool mask_complete(char *to, size_t room, const char *text) {
  size_t size = strlen(text), bang = strcspn(text, "!"), at;
  bool whole = bang < size;
  const char *rest =
      whole ? text + bang + 1 : text; /* the user, and the host */
  at = strcspn(rest, "@");
  bool has_host = rest[at], bare = !whole && !has_host;
  bool is_host = bare && strpbrk(text, ".:");
  const char *host = has_host ? rest + at + 1 : is_host ? text : "*";
  bool any_nick = is_host || (!whole && has_host), any_user = bare || at == 0;
  return (size_t)snprintf(to, room, "%.*s!%.*s@%s%s", any_nick ? 1 : (int)bang,
                          any_nick ? "*" : text, any_user ? 1 : (int)at,
                          any_user ? "*" : rest, *host == ':' ? "0" : "",
                          host) < room;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool nick_valid(const char *nick) {
  return *nick && !strchr("0123456789-", *nick) && strlen(nick) <= NICK_LEN &&
         nick[strspn(nick, LETTERS "0123456789-[]\\`_^{|}")] == '\0';
}

bool channel_valid(const char *name) {
  if (!is_channel(name) || !name[1] || strlen(name) > CHANNEL_LEN)
    return false;
  for (const char *at = name; *at; at++)
    if ((unsigned char)*at <= ' ' || *at == ',' || *at == 0x7f)
      return false;
  return true;
}

void name_copy(char *to, size_t room, const char *text) {
  size_t size = utf8_cut(text, room - 1);
  memcpy(to, text, size);
  to[size] = '\0';
}

bool words_add(char *list, size_t room, const char *format, ...) {
  size_t used = strlen(list), space = used > 0;
  va_list args;
  if (used + space >= room)
    return false;
  va_start(args, format);
  int size = vsnprintf(list + used + space, room - used - space, format, args);
  va_end(args);
  bool fits = used + space + (size_t)size < room;
  if (!fits)
    list[used] = '\0';
  else if (space)
    list[used] = ' ';
  return fits;
}

/* ------------------------------------------------------------------- map */

/* FNV-1a. */
static uint32_t hash_of(const char *name) {
  uint32_t hash = 2166136261;
  for (; *name; name++)
    hash = (hash ^ fold(*name)) * 16777619;
  return hash;
}

static struct entry **slot_of(const struct map *map, uint32_t hash) {
  return &map->slots[hash & (map->room - 1)];
}

struct entry *map_find(const struct map *map, const char *name) {
  uint32_t hash = hash_of(name);
  struct entry *entry = map->room ? *slot_of(map, hash) : NULL;
  while (entry && (entry->hash != hash || !name_equal(entry->name, name)))
    entry = entry->next;
  return entry;
}

static void put(struct map *map, struct entry *entry) {
  struct entry **slot = slot_of(map, entry->hash);
  entry->next = *slot;
  *slot = entry;
}

static void grow(struct map *map) {
  struct map bigger = {.room = map->room ? 2 * map->room : 64,
                       .count = map->count};
  bigger.slots = lesson_alloc(bigger.room * sizeof *bigger.slots);
  memset(bigger.slots, 0, bigger.room * sizeof *bigger.slots);
  for (size_t i = 0; i < map->room; i++)
    for (struct entry *entry = map->slots[i], *next; entry; entry = next) {
      next = entry->next;
      put(&bigger, entry);
    }
  free(map->slots);
  *map = bigger;
}

void map_add(struct map *map, struct entry *entry) {
  if (map->count == map->room)
    grow(map);
  entry->hash = hash_of(entry->name);
  put(map, entry);
  map->count++;
}

void map_remove(struct map *map, struct entry *entry) {
  struct entry **link = slot_of(map, entry->hash);
  while (*link != entry)
    link = &(*link)->next;
  *link = entry->next;
  map->count--;
}

struct entry *map_next(const struct map *map, const struct entry *entry) {
  if (entry && entry->next)
    return entry->next;
  size_t i = entry ? (entry->hash & (map->room - 1)) + 1 : 0;
  while (i < map->room && !map->slots[i])
    i++;
  return i < map->room ? map->slots[i] : NULL;
}

void map_free(struct map *map) {
  free(map->slots);
  *map = (struct map){0};
}
