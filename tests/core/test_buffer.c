/* Buffers, sequences of them, and the bounded dynamic buffer. */
#include "support.h"

#include <stdio.h>
#include <string.h>

static void the_size_of_an_array_is_deduced(void **state) {
  char bytes[10];
  int numbers[3];
  struct {
    long a, b;
  } points[2];
  assert_ptr_equal(AX_BUF(bytes).base, bytes);
  assert_int_equal(AX_BUF(bytes).len, 10);
  assert_int_equal(AX_BUF(numbers).len, sizeof numbers);
  assert_int_equal(AX_BUF(points).len, sizeof points);
}

static void a_constant_array_makes_a_constant_buffer(void **state) {
  static const unsigned char bytes[7];
  assert_ptr_equal(AX_CBUF(bytes).base, bytes);
  assert_int_equal(AX_CBUF(bytes).len, 7);
}

static void a_literal_is_sent_with_its_nul(void **state) {
  ax_cbuf buf = AX_CBUF("hello");
  assert_int_equal(buf.len, 6);
  assert_memory_equal(buf.base, "hello", 6);
}

static void the_characters_of_a_string_come_without_its_nul(void **state) {
  const char *text = "hello";
  assert_ptr_equal(ax_cstring(text).base, text);
  assert_int_equal(ax_cstring(text).len, 5);
  assert_int_equal(ax_cstring("").len, 0);
}

static void a_pointer_and_a_size_make_a_buffer(void **state) {
  char bytes[10];
  assert_ptr_equal(ax_buffer(bytes, 4).base, bytes);
  assert_int_equal(ax_buffer(bytes, 4).len, 4);
  assert_ptr_equal(ax_cbuffer(bytes + 1, 3).base, bytes + 1);
  assert_int_equal(ax_cbuffer(bytes + 1, 3).len, 3);
}

static void what_may_be_written_may_be_read(void **state) {
  char one[2], two[3];
  ax_cbuf buf = ax_const(AX_BUF(one));
  assert_ptr_equal(buf.base, one);
  assert_int_equal(buf.len, 2);
  ax_cseq seq = ax_seq_const(AX_SEQ(AX_BUF(one), AX_BUF(two)));
  assert_int_equal(seq.count, 2);
  assert_ptr_equal(seq.at[1].base, two);
  assert_int_equal(seq.at[1].len, 3);
}

/* Whether a function with this body compiles, with the compiler in CC. */
static bool compiles(const char *body) {
  char script[512];
  snprintf(script, sizeof script,
           "printf '%%s\\n' '#include \"ax.h\"' 'void f(char *p, char (*a)[9])"
           "{ %s }' | ${CC:-cc} -std=c11 -D_GNU_SOURCE -Icommon "
           "$(pkg-config --cflags libuv) -Werror -fsyntax-only -xc -",
           body);
  char *argv[] = {"/bin/sh", "-c", script, NULL};
  struct program *program = program_exec(argv, NULL);
  int status = program_wait(program);
  program_free(program);
  return status == 0;
}

static void a_pointer_does_not_compile_as_an_array(void **state) {
  if (!compiles("ax_buf b = AX_BUF(*a); (void)b;"))
    skip(); /* there is no compiler here */
  assert_true(compiles("ax_cbuf b = AX_CBUF(*a); (void)b;"));
  assert_false(compiles("ax_buf b = AX_BUF(p); (void)b;"));
  assert_false(compiles("ax_cbuf b = AX_CBUF(p); (void)b;"));
}

static void the_conversion_goes_one_way(void **state) {
  if (!compiles("ax_cbuf b = ax_const(AX_BUF(*a)); (void)b;"))
    skip();
  assert_false(compiles("ax_buf b = ax_const(AX_BUF(*a)); (void)b;"));
  assert_false(compiles("ax_buf b = AX_CBUF(*a); (void)b;"));
  assert_false(compiles("ax_seq s = AX_CSEQ(AX_CBUF(*a)); (void)s;"));
}

/* ------------------------------------------------------------ sequences */

static void a_sequence_counts_its_buffers(void **state) {
  char a[1], b[2], c[3];
  assert_int_equal(AX_SEQ(AX_BUF(a)).count, 1);
  ax_seq seq = AX_SEQ(AX_BUF(a), AX_BUF(b), AX_BUF(c));
  assert_int_equal(seq.count, 3);
  assert_ptr_equal(seq.at[2].base, c);
  assert_int_equal(AX_CSEQ(AX_CBUF(a), ax_cstring("hello")).count, 2);
}

static void the_size_of_a_sequence_is_that_of_all_its_buffers(void **state) {
  char a[1], b[2], c[3];
  ax_buf none = {NULL, 0};
  assert_int_equal(
      ax_seq_size(ax_seq_const(AX_SEQ(AX_BUF(a), none, AX_BUF(b), AX_BUF(c)))),
      6);
  assert_int_equal(ax_seq_size(AX_CSEQ(ax_const(none))), 0);
  assert_int_equal(ax_seq_size((ax_cseq){NULL, 0}), 0);
}

enum { WHOLE = 6 };

/* Cuts `size` bytes at base into pieces: after byte i when bit i is set. An
 * empty piece goes before each, for good measure. */
static size_t cut(ax_buf pieces[], char *base, size_t size, unsigned cuts) {
  size_t count = 0, from = 0;
  for (size_t i = 0; i < size; i++)
    if (i + 1 == size || (cuts >> i & 1)) {
      pieces[count++] = ax_buffer(NULL, 0);
      pieces[count++] = ax_buffer(base + from, i + 1 - from);
      from = i + 1;
    }
  return count;
}

static void copy_and_compare(size_t to_size, unsigned to_cuts, size_t from_size,
                             unsigned from_cuts) {
  char from[] = "abcdef", to[] = "......";
  ax_buf from_bufs[2 * WHOLE], to_bufs[2 * WHOLE];
  ax_seq source = {from_bufs, cut(from_bufs, from, from_size, from_cuts)};
  ax_seq target = {to_bufs, cut(to_bufs, to, to_size, to_cuts)};
  size_t least = to_size < from_size ? to_size : from_size;
  assert_int_equal(ax_seq_copy(target, ax_seq_const(source)), least);
  assert_memory_equal(to, "abcdef", least);
  assert_memory_equal(to + least, "......", WHOLE - least);
}

static void a_copy_fills_any_buffers_from_any_others(void **state) {
  for (size_t to_size = 0; to_size <= WHOLE; to_size++)
    for (size_t from_size = 0; from_size <= WHOLE; from_size++)
      for (unsigned to_cuts = 0; to_cuts < 1 << (WHOLE - 1); to_cuts++)
        for (unsigned cuts = 0; cuts < 1 << (WHOLE - 1); cuts += 3)
          copy_and_compare(to_size, to_cuts, from_size, cuts);
}

/* ------------------------------------------------------ dynamic buffers */

static int append(ax_dynbuf *dynbuf, const char *text) {
  return ax_dynbuf_append(dynbuf, ax_cstring(text));
}

static void assert_holds(const ax_dynbuf *dynbuf, const char *text) {
  ax_cbuf data = ax_dynbuf_data(dynbuf);
  assert_int_equal(data.len, strlen(text));
  if (data.len)
    assert_memory_equal(data.base, text, data.len);
}

static void what_is_appended_is_there(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 100);
  assert_holds(&dynbuf, "");
  assert_int_equal(append(&dynbuf, "hello"), 0);
  assert_int_equal(append(&dynbuf, ""), 0);
  assert_int_equal(ax_dynbuf_append(&dynbuf, (ax_cbuf){NULL, 0}), 0);
  assert_int_equal(append(&dynbuf, " world"), 0);
  assert_holds(&dynbuf, "hello world");
  ax_dynbuf_free(&dynbuf);
}

static void what_is_consumed_is_gone_from_the_front(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 100);
  append(&dynbuf, "hello world");
  ax_dynbuf_consume(&dynbuf, 0);
  ax_dynbuf_consume(&dynbuf, 6);
  assert_holds(&dynbuf, "world");
  append(&dynbuf, "s");
  assert_holds(&dynbuf, "worlds");
  ax_dynbuf_consume(&dynbuf, 6);
  assert_holds(&dynbuf, "");
  ax_dynbuf_free(&dynbuf);
}

static void more_than_there_is_may_be_consumed(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 100);
  append(&dynbuf, "hello");
  ax_dynbuf_consume(&dynbuf, SIZE_MAX);
  assert_holds(&dynbuf, "");
  ax_dynbuf_consume(&dynbuf, 1);
  assert_holds(&dynbuf, "");
  append(&dynbuf, "again");
  assert_holds(&dynbuf, "again");
  ax_dynbuf_free(&dynbuf);
}

static void nothing_is_added_beyond_the_bound(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 5);
  assert_int_equal(append(&dynbuf, "abc"), 0);
  assert_int_equal(append(&dynbuf, "def"), UV_ENOBUFS);
  assert_holds(&dynbuf, "abc");
  assert_int_equal(append(&dynbuf, "de"), 0);
  assert_int_equal(append(&dynbuf, "f"), UV_ENOBUFS);
  assert_int_equal(append(&dynbuf, ""), 0);
  ax_dynbuf_consume(&dynbuf, 1);
  assert_int_equal(append(&dynbuf, "f"), 0);
  assert_holds(&dynbuf, "bcdef");
  ax_dynbuf_free(&dynbuf);
}

static void a_size_that_overflows_is_beyond_the_bound(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 100);
  append(&dynbuf, "abc");
  ax_cbuf huge = {"x", SIZE_MAX - 1};
  assert_int_equal(ax_dynbuf_append(&dynbuf, huge), UV_ENOBUFS);
  assert_holds(&dynbuf, "abc");
  ax_dynbuf_free(&dynbuf);
}

static void a_bound_of_nothing_holds_nothing(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 0);
  assert_int_equal(append(&dynbuf, ""), 0);
  assert_int_equal(append(&dynbuf, "a"), UV_ENOBUFS);
  assert_holds(&dynbuf, "");
  ax_dynbuf_free(&dynbuf);
}

/* The sanitizers end a program that asks for so much. */
static void no_memory_is_an_error_and_adds_nothing(void **state) {
  if (SANITIZED)
    skip();
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, SIZE_MAX);
  append(&dynbuf, "abc");
  static const size_t sizes[] = {SIZE_MAX / 4, SIZE_MAX / 2 + 2, SIZE_MAX - 9};
  for (size_t i = 0; i < 3; i++) {
    ax_cbuf huge = {"x", sizes[i]};
    assert_int_equal(ax_dynbuf_append(&dynbuf, huge), UV_ENOMEM);
    assert_holds(&dynbuf, "abc");
  }
  ax_dynbuf_free(&dynbuf);
}

/* LeakSanitizer is the judge: these are never freed. */
static void an_empty_buffer_holds_no_memory(void **state) {
  for (int i = 0; i < 10; i++) {
    ax_dynbuf dynbuf;
    ax_dynbuf_init(&dynbuf, 1000);
    append(&dynbuf, "hello");
    ax_dynbuf_consume(&dynbuf, 2);
    ax_dynbuf_consume(&dynbuf, 3);
    memset(&dynbuf, 0, sizeof dynbuf);
  }
}

static void a_freed_buffer_may_be_used_again(void **state) {
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, 5);
  append(&dynbuf, "hello");
  ax_dynbuf_free(&dynbuf);
  assert_holds(&dynbuf, "");
  assert_int_equal(append(&dynbuf, "world"), 0);
  assert_int_equal(append(&dynbuf, "!"), UV_ENOBUFS);
  assert_holds(&dynbuf, "world");
  ax_dynbuf_free(&dynbuf);
  ax_dynbuf_free(&dynbuf);
}

/* Against a model: the offsets of the first and of the last byte in a pattern
 * without end. */
static void a_buffer_is_a_queue_of_bytes_whatever_the_sizes(void **state) {
  enum { MAX = 300 };
  uint32_t seed = 7;
  size_t head = 0, tail = 0;
  ax_dynbuf dynbuf;
  ax_dynbuf_init(&dynbuf, MAX);
  for (int i = 0; i < 20000; i++) {
    char bytes[128];
    size_t more = next_random(&seed) % sizeof bytes;
    size_t less = next_random(&seed) % sizeof bytes;
    pattern_fill(bytes, more, tail);
    bool fits = tail - head + more <= MAX;
    assert_int_equal(ax_dynbuf_append(&dynbuf, ax_cbuffer(bytes, more)),
                     fits ? 0 : UV_ENOBUFS);
    tail += fits ? more : 0;
    ax_dynbuf_consume(&dynbuf, less);
    head += less < tail - head ? less : tail - head;
    ax_cbuf data = ax_dynbuf_data(&dynbuf);
    assert_int_equal(data.len, tail - head);
    assert_true(pattern_is(data.base, data.len, head));
  }
  ax_dynbuf_free(&dynbuf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_size_of_an_array_is_deduced),
      cmocka_unit_test(a_constant_array_makes_a_constant_buffer),
      cmocka_unit_test(a_literal_is_sent_with_its_nul),
      cmocka_unit_test(the_characters_of_a_string_come_without_its_nul),
      cmocka_unit_test(a_pointer_and_a_size_make_a_buffer),
      cmocka_unit_test(what_may_be_written_may_be_read),
      cmocka_unit_test(a_pointer_does_not_compile_as_an_array),
      cmocka_unit_test(the_conversion_goes_one_way),
      cmocka_unit_test(a_sequence_counts_its_buffers),
      cmocka_unit_test(the_size_of_a_sequence_is_that_of_all_its_buffers),
      cmocka_unit_test(a_copy_fills_any_buffers_from_any_others),
      cmocka_unit_test(what_is_appended_is_there),
      cmocka_unit_test(what_is_consumed_is_gone_from_the_front),
      cmocka_unit_test(more_than_there_is_may_be_consumed),
      cmocka_unit_test(nothing_is_added_beyond_the_bound),
      cmocka_unit_test(a_size_that_overflows_is_beyond_the_bound),
      cmocka_unit_test(a_bound_of_nothing_holds_nothing),
      cmocka_unit_test(no_memory_is_an_error_and_adds_nothing),
      cmocka_unit_test(an_empty_buffer_holds_no_memory),
      cmocka_unit_test(a_freed_buffer_may_be_used_again),
      cmocka_unit_test(a_buffer_is_a_queue_of_bytes_whatever_the_sizes),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
