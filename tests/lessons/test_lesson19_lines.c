/* Lesson 19: lines, right ones and wrong ones. The parser by itself, whatever
 * the pieces in which bytes come; and what the server answers to lines that are
 * malformed: see ../irc/malformed.txt. */
#include "irc.h"

#include "../../lessons/19-irc/line.c" // NOLINT
#include "../irc/flaw.h"
#include "../irc/malformed.h"
#include "../irc/pieces.h"

#include <dirent.h>

#define CORPUS "tests/fuzz/line"

/* ---------------------------------------------------------------- pieces */

struct bytes {
  char *at;
  size_t size;
};

static struct bytes read_bytes(const char *path) {
  FILE *file = fopen(path, "rb");
  struct bytes bytes = {malloc(1 << 16), 0};
  assert_true(file && bytes.at);
  bytes.size = fread(bytes.at, 1, 1 << 16, file);
  fclose(file);
  return bytes;
}

static void expect_same(const struct bytes *bytes, const char *whole,
                        const size_t *sizes, size_t count, size_t most) {
  struct pieces pieces = {sizes, count, most};
  char *text = parse_pieces(bytes->at, bytes->size, &pieces);
  assert_string_equal(text, whole);
  free(text);
}

/* In two, one by one, and at random. */
static void expect_same_in_pieces(const struct bytes *bytes) {
  struct pieces one = {&bytes->size, 1, LINES_AT_ONCE};
  char *whole = parse_pieces(bytes->at, bytes->size, &one);
  uint32_t seed = 19;
  for (size_t split = 0; split < bytes->size; split++)
    expect_same(bytes, whole, (size_t[]){split, bytes->size}, 2, 3);
  for (size_t most = 1; most <= LINES_AT_ONCE; most++)
    expect_same(bytes, whole, (size_t[]){1}, 1, most);
  for (int round = 0; round < 50; round++) {
    size_t sizes[16];
    for (size_t i = 0; i < 16; i++)
      sizes[i] = 1 + next_random(&seed) % 40;
    expect_same(bytes, whole, sizes, 16, 1 + next_random(&seed) % 16);
  }
  free(whole);
}

static void the_same_bytes_give_the_same_lines_in_any_pieces(void **state) {
  DIR *dir = opendir(CORPUS);
  struct dirent *entry;
  int count = 0;
  assert_non_null(dir);
  while ((entry = readdir(dir))) {
    char path[512];
    if (*entry->d_name == '.')
      continue;
    snprintf(path, sizeof path, CORPUS "/%s", entry->d_name);
    struct bytes bytes = read_bytes(path);
    expect_same_in_pieces(&bytes);
    free(bytes.at);
    count++;
  }
  closedir(dir);
  assert_true(count >= 8);
}

static void lines_are_cut_up_as_the_grammar_says(void **state) {
  static const char bytes[] =
      "NICK ann\r\nUSER ann 0 * :Ann X\n\n\r\r\n  \r\n"
      "@label=7;+a=b PRIVMSG #beach,bob :hello  there \r\n"
      ":who@where JOIN   #beach   key\r\n"
      "MODE #b +ov a b c d e f g h i j k l m n :o p\r\n"
      "PRIVMSG x :caf\xc3\xa9\r\nPRIVMSG x :caf\xc3\r\n@only\r\nPING :\r\n"
      "PING a\rb\r\nPING a\0b\r\nPING";
  struct pieces one = {(size_t[]){sizeof bytes}, 1, LINES_AT_ONCE};
  char *text = parse_pieces(bytes, sizeof bytes - 1, &one);
  assert_string_equal(
      text, "0 |NICK|ann\n0 |USER|ann|0|*|Ann X\n"
            "0 label=7;+a=b|PRIVMSG|#beach,bob|hello  there  [7] [+a=b]\n"
            "0 |JOIN|#beach|key\n"
            "0 |MODE|#b|+ov|a|b|c|d|e|f|g|h|i|j|k|l|m n :o p\n"
            "0 |PRIVMSG|x|caf\xc3\xa9\n2 |PRIVMSG|x|caf\xc3\n0 |PING|\n"
            "2 |PING|a\rb\n2 |PING|a\n");
  free(text);
}

static void tags_are_found_whatever_stands_around_them(void **state) {
  char text[] = "@a;b=;+c=x\\:;label=6;labels=8;label=7;+d X\n";
  char client[TAGS_MOST + 1];
  struct line line = {.tags = ""};
  size_t used;
  assert_int_equal(lines_take(&line, 1, text, sizeof text - 1, &used), 1);
  assert_int_equal(line_tag(&line, "label").size, 1);
  assert_int_equal(*line_tag(&line, "label").at, '7'); /* the last one counts */
  assert_int_equal(line_tag(&line, "b").size, 0);
  assert_non_null(line_tag(&line, "a").at);
  assert_null(line_tag(&line, "x").at);
  line_client_tags(&line, client);
  assert_string_equal(client, "+c=x\\:;+d");
}

static void what_is_no_utf8_is_found(void **state) {
  static const char *const right[] = {
      "", "a", "\xc2\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf"};
  static const char *const wrong[] = {
      "\x80",     "\xc3",         "\xc0\xaf",         "\xe0\x9f\xbf",
      "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xff",     "\xe2(\xa1"};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++)
    assert_true(utf8_valid(right[i]));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_false(utf8_valid(wrong[i]));
  assert_int_equal(utf8_cut("ab\xe2\x82\xac", 4), 2);
  assert_int_equal(utf8_cut("ab\xe2\x82\xac", 5), 5);
}

/* ------------------------------------------------------------- malformed */

static void each_malformed_line_has_its_answer(void **state) {
  struct program_options options = {
      .args = {"--oper", "god", "--oper-password", "pw", "127.0.0.1:0"}};
  struct irc *irc = irc_open_with(options);
  size_t count = malformed_try(irc, "tests/irc/malformed.txt");
  printf("%zu malformed lines\n", count);
  assert_true(count >= 500);
  irc->served = -1;
  irc_close(irc);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_cut_up_as_the_grammar_says),
      cmocka_unit_test(the_same_bytes_give_the_same_lines_in_any_pieces),
      cmocka_unit_test(tags_are_found_whatever_stands_around_them),
      cmocka_unit_test(what_is_no_utf8_is_found),
      cmocka_unit_test(each_malformed_line_has_its_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
