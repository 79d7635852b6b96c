/* Fuzzes the parser: any bytes are cut up without harm, and into the same lines
 * whatever the pieces in which they come. */
#include "irc/pieces.h"

static uint32_t hash(const uint8_t *bytes, size_t size) {
  uint32_t hash = 2166136261;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ bytes[i]) * 16777619;
  return hash;
}

static void compare(const char *bytes, size_t size, const char *whole,
                    const struct pieces *pieces) {
  char *text = parse_pieces(bytes, size, pieces);
  if (strcmp(text, whole) != 0) {
    fprintf(stderr, "at once:\n%sin pieces:\n%s", whole, text);
    abort();
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *bytes = (const char *)data;
  uint32_t number = hash(data, size);
  size_t two[] = {number % (size + 1), size}, some[16];
  struct pieces one = {&size, 1, LINES_AT_ONCE};
  char *whole = parse_pieces(bytes, size, &one);
  for (size_t i = 0; i < 16; i++)
    some[i] = 1 + (number >> i) % 32;
  compare(bytes, size, whole, &(struct pieces){(size_t[]){1}, 1, 1});
  compare(bytes, size, whole, &(struct pieces){two, 2, 1 + number % 16});
  compare(bytes, size, whole, &(struct pieces){some, 16, 3});
  free(whole);
  return 0;
}
