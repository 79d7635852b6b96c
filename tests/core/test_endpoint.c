/* Endpoints: addresses as text, and back. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const size_t longest_path =
    sizeof((struct sockaddr_un *)NULL)->sun_path - 1;

static ax_endpoint parsed(const char *text) {
  ax_endpoint endpoint;
  memset(&endpoint, 0xee, sizeof endpoint);
  int err = ax_endpoint_parse(text, &endpoint);
  if (err)
    give_up("\"%s\" is refused: %s", text, uv_strerror(err));
  return endpoint;
}

static void expect_text(const char *text, const char *formatted) {
  ax_endpoint endpoint = parsed(text);
  char actual[AX_ENDPOINT_TEXT];
  ax_endpoint_format(&endpoint, actual);
  if (strcmp(actual, formatted) != 0)
    give_up("\"%s\" is written as \"%s\", not \"%s\"", text, actual, formatted);
}

/* Whatever the text is: it is read as the same endpoint. */
static void expect_round_trip(const char *text) {
  ax_endpoint endpoint = parsed(text), again;
  char actual[AX_ENDPOINT_TEXT];
  ax_endpoint_format(&endpoint, actual);
  again = parsed(actual);
  if (again.len != endpoint.len ||
      memcmp(&again.addr, &endpoint.addr, endpoint.len) != 0)
    give_up("\"%s\" is written as \"%s\"", text, actual);
}

static void a_dotted_address_and_port_is_ipv4(void **state) {
  ax_endpoint endpoint = parsed("127.0.0.1:8080");
  const struct sockaddr_in *in = (void *)&endpoint.addr;
  assert_int_equal(in->sin_family, AF_INET);
  assert_int_equal(ntohs(in->sin_port), 8080);
  assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
  assert_int_equal(endpoint.len, sizeof *in);
}

static void no_host_is_any_ipv4_address(void **state) {
  ax_endpoint endpoint = parsed(":80");
  const struct sockaddr_in *in = (void *)&endpoint.addr;
  assert_int_equal(in->sin_family, AF_INET);
  assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_ANY);
  assert_int_equal(ntohs(in->sin_port), 80);
}

static void an_address_in_brackets_is_ipv6(void **state) {
  ax_endpoint endpoint = parsed("[::1]:65535");
  const struct sockaddr_in6 *in = (void *)&endpoint.addr;
  assert_int_equal(in->sin6_family, AF_INET6);
  assert_int_equal(ntohs(in->sin6_port), 65535);
  assert_memory_equal(&in->sin6_addr, &in6addr_loopback, 16);
  assert_int_equal(endpoint.len, sizeof *in);
}

static void a_path_is_a_unix_socket(void **state) {
  ax_endpoint endpoint = parsed("/a/path");
  const struct sockaddr_un *un = (void *)&endpoint.addr;
  assert_int_equal(un->sun_family, AF_UNIX);
  assert_string_equal(un->sun_path, "/a/path");
  assert_in_range(endpoint.len, offsetof(struct sockaddr_un, sun_path) + 7,
                  sizeof *un);
  ax_endpoint relative = parsed("unix:a/path");
  un = (void *)&relative.addr;
  assert_string_equal(un->sun_path, "a/path");
}

static void an_endpoint_is_written_as_it_is_read(void **state) {
  static const char *const texts[] = {
      "127.0.0.1:80",      "127.0.0.1:0", "0.0.0.0:65535",
      "255.255.255.255:1", "[::1]:80",    "[::]:0",
      "[2001:db8::1]:443", "unix:a/path", "unix:a"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    expect_text(texts[i], texts[i]);
}

/* It is another address on each interface. */
static void a_local_address_is_written_with_its_interface(void **state) {
  char name[IF_NAMESIZE], text[64];
  assert_non_null(if_indextoname(1, name));
  snprintf(text, sizeof text, "[fe80::1%%%s]:80", name);
  expect_text(text, text);
}

static void a_path_is_written_so_that_it_can_be_read(void **state) {
  expect_round_trip("/a/path");
  expect_round_trip("/a:b");
  expect_round_trip("/tmp/[x]:80");
  expect_round_trip("unix:/a/path");
}

static void short_forms_are_written_out(void **state) {
  expect_text(":80", "0.0.0.0:80");
  expect_text("localhost:80", "127.0.0.1:80");
}

static void nonsense_is_invalid(void **state) {
  static const char *const texts[] = {"",
                                      ":",
                                      "nonsense",
                                      "80",
                                      "host:80",
                                      "1.2.3.4",
                                      "1.2.3.4:",
                                      "1.2.3.4:65536",
                                      ":-1",
                                      ":80x",
                                      ": 80",
                                      ":+80",
                                      ":0x50",
                                      "[::1]",
                                      "[::1]:",
                                      "[::1",
                                      "[::1]80",
                                      "::1:80",
                                      "[1.2.3.4]:80",
                                      "unix:",
                                      "1.2.3:80",
                                      "256.1.1.1:80",
                                      "[]:80",
                                      "[::1]x:80",
                                      " 1.2.3.4:80",
                                      "1.2.3.4:80 ",
                                      "1.2.3.4:99999999999999999999",
                                      "[:::1]:80",
                                      "localhost",
                                      ":1:2"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ax_endpoint endpoint;
    int err = ax_endpoint_parse(texts[i], &endpoint);
    if (err != UV_EINVAL)
      give_up("\"%s\" gives %d", texts[i], err);
  }
}

static void make_path(char *text, const char *start, size_t length) {
  strcpy(text, start);
  size_t from = strlen(text);
  memset(text + from, 'x', length - from);
  text[length] = 0;
}

static void the_longest_path_fits(void **state) {
  char text[200];
  make_path(text, "/", longest_path);
  expect_round_trip(text);
  make_path(text, "unix:", 5 + longest_path);
  expect_text(text, text);
}

static void a_path_that_no_socket_can_have_is_too_long(void **state) {
  char text[400];
  ax_endpoint endpoint;
  static const size_t lengths[] = {2, 3, 50, 200};
  for (size_t i = 0; i < 4; i++) {
    make_path(text, "/", longest_path + lengths[i]);
    assert_int_equal(ax_endpoint_parse(text, &endpoint), UV_ENAMETOOLONG);
    make_path(text, "unix:", 5 + longest_path + lengths[i]);
    assert_int_equal(ax_endpoint_parse(text, &endpoint), UV_ENAMETOOLONG);
  }
}

static void a_long_host_is_invalid(void **state) {
  char text[400];
  ax_endpoint endpoint;
  make_path(text, "1", 390);
  strcat(text, ":80");
  assert_int_equal(ax_endpoint_parse(text, &endpoint), UV_EINVAL);
  make_path(text, "[", 390);
  strcat(text, "]:80");
  assert_int_equal(ax_endpoint_parse(text, &endpoint), UV_EINVAL);
}

/* The longest address of IPv6 fits as well. */
static void any_endpoint_fits_its_text(void **state) {
  expect_text("[abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd]:65535",
              "[abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd]:65535");
}

/* ------------------------------------------------------------------- scopes */

static uint32_t scope_of(const char *text) {
  ax_endpoint endpoint = parsed(text);
  const struct sockaddr_in6 *in = (void *)&endpoint.addr;
  assert_int_equal(in->sin6_family, AF_INET6);
  return in->sin6_scope_id;
}

static void a_scope_is_a_name_or_a_number(void **state) {
  char name[IF_NAMESIZE], text[64];
  assert_non_null(if_indextoname(1, name));
  snprintf(text, sizeof text, "[fe80::1%%%s]:80", name);
  assert_int_equal(scope_of(text), 1);
  assert_int_equal(scope_of("[fe80::1%1]:80"), 1);
  expect_text("[fe80::1%1]:80", text);
  assert_int_equal(scope_of("[fe80::1]:80"), 0);
}

/* Interfaces come and go: it is for connect to say that there is none. */
static void a_number_need_not_be_that_of_an_interface(void **state) {
  assert_int_equal(scope_of("[fe80::1%4711]:80"), 4711);
  expect_text("[fe80::1%4711]:80", "[fe80::1%4711]:80");
  assert_int_equal(scope_of("[fe80::1%4294967295]:80"), UINT32_MAX);
  expect_round_trip("[::1%1]:80");
  expect_round_trip("[ff02::1%1]:80");
}

static void a_scope_that_is_unknown_is_invalid(void **state) {
  static const char *const texts[] = {"[fe80::1%nosuch0]:80",
                                      "[fe80::1%]:80",
                                      "[fe80::1%0]:80",
                                      "[fe80::1%-1]:80",
                                      "[fe80::1%+1]:80",
                                      "[fe80::1% 1]:80",
                                      "[fe80::1%1x]:80",
                                      "[fe80::1%4294967296]:80",
                                      "[fe80::1%%1]:80",
                                      "[fe80::1%0x1]:80",
                                      "[fe80::1%1%1]:80",
                                      "127.0.0.1%1:80",
                                      "[fe80::1%99999999999999999999]:80"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ax_endpoint endpoint;
    int err = ax_endpoint_parse(texts[i], &endpoint);
    if (err != UV_EINVAL)
      give_up("\"%s\" gives %d", texts[i], err);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_dotted_address_and_port_is_ipv4),
      cmocka_unit_test(no_host_is_any_ipv4_address),
      cmocka_unit_test(an_address_in_brackets_is_ipv6),
      cmocka_unit_test(a_path_is_a_unix_socket),
      cmocka_unit_test(an_endpoint_is_written_as_it_is_read),
      cmocka_unit_test(a_local_address_is_written_with_its_interface),
      cmocka_unit_test(a_path_is_written_so_that_it_can_be_read),
      cmocka_unit_test(short_forms_are_written_out),
      cmocka_unit_test(nonsense_is_invalid),
      cmocka_unit_test(the_longest_path_fits),
      cmocka_unit_test(a_path_that_no_socket_can_have_is_too_long),
      cmocka_unit_test(a_long_host_is_invalid),
      cmocka_unit_test(any_endpoint_fits_its_text),
      cmocka_unit_test(a_scope_is_a_name_or_a_number),
      cmocka_unit_test(a_number_need_not_be_that_of_an_interface),
      cmocka_unit_test(a_scope_that_is_unknown_is_invalid),
  };
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
