/* The checking client of exercises/http: what a browser does, what a network
 * does to it, and what a stranger tries. */
#include "../check.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BIG = 16 << 20 };

static const char hello[] = "Hello from the beach.\n";
static const char page[] = "<title>The Shack</title>\n";
static const char secret[] = "the recipe of purple\n";

/* ------------------------------------------------------------ the directory */

static const char *in_site(const char *name) {
  char path[60];
  snprintf(path, sizeof path, "site/%s", name);
  return scene_path(path);
}

static void write_file(const char *path, const void *bytes, size_t n) {
  FILE *file = fopen(path, "w");
  if (!file || fwrite(bytes, 1, n, file) != n || fclose(file))
    give_up(path);
}

#define WRITE(path, text) write_file(path, text, sizeof(text) - 1)

static void make_big(void) {
  unsigned char *bytes = malloc(BIG);
  if (!bytes)
    give_up("memory");
  pattern(bytes, BIG, 0);
  write_file(in_site("big.bin"), bytes, BIG);
  free(bytes);
}

/* A site, and a secret beside it. */
static void open_site(const char *speed, const char *within) {
  WRITE(scene_path("secret.txt"), secret);
  mkdir(scene_path("site"), 0700);
  mkdir(in_site("sub"), 0700);
  WRITE(in_site("hello.txt"), hello);
  WRITE(in_site("two..points.txt"), hello);
  WRITE(in_site("a b.txt"), hello);
  WRITE(in_site("index.html"), page);
  WRITE(in_site("sub/index.html"), page);
  WRITE(in_site("empty.txt"), "");
  if (mkfifo(in_site("fifo"), 0600))
    give_up("a FIFO");
  make_big();
  serve(speed, "--root", scene_path("site"), "--within", within, NULL);
}

/* --------------------------------------------------------------- one reply */

struct reply {
  int status;
  long length; /* -1: it does not say */
  char type[64];
};

/* A line of the head; it ends with CR LF. */
static void head_line(struct peer *p, char *line, size_t room) {
  peer_line(p, line, room, "a line of the reply's head, and CR LF behind it");
  size_t n = strlen(line);
  if (n == 0 || line[n - 1] != '\r')
    wrong(p, NULL, "CR LF behind each line of the head, not LF alone");
  line[n - 1] = '\0';
}

static struct reply read_head(struct peer *p) {
  struct reply r = {.length = -1};
  char line[512];
  head_line(p, line, sizeof line);
  int read = 0;
  if (sscanf(line, "HTTP/1.0 %3d %n", &r.status, &read) != 1 || !line[read])
    wrong(p, NULL, "\"HTTP/1.0 STATUS WORDS\" as the first line of the reply");
  for (;;) {
    head_line(p, line, sizeof line);
    if (!*line)
      return r;
    if (strncasecmp(line, "Content-Length: ", 16) == 0)
      r.length = atol(line + 16);
    if (strncasecmp(line, "Content-Type: ", 14) == 0)
      snprintf(r.type, sizeof r.type, "%.60s", line + 14);
  }
}

static struct reply expect_head(struct peer *p, int status, long length) {
  struct reply r = read_head(p);
  if (r.status != status)
    wrong(p, NULL, "the status %d", status);
  if (r.length < 0)
    wrong(p, NULL, "a line \"Content-Length: N\" in the reply's head");
  if (length >= 0 && r.length != length)
    wrong(p, NULL, "\"Content-Length: %ld\"", length);
  return r;
}

/* All of a good reply, and the end of the connection. */
static void expect_text(struct peer *p, const char *text, const char *type) {
  struct reply r = expect_head(p, 200, (long)strlen(text));
  if (type && strcmp(r.type, type) != 0)
    wrong(p, NULL, "\"Content-Type: %s\"", type);
  peer_expect_text(p, text);
  peer_expect_end(p, false);
  peer_close(p);
}

/* All of a bad one: as many bytes as it says, whatever they are. */
static void expect_refusal(struct peer *p, int status, int or_else) {
  char body[1024];
  struct reply r = read_head(p);
  if (r.status != status && r.status != or_else)
    wrong(p, NULL, "the status %d", status);
  if (r.length < 0 || r.length > (long)sizeof body)
    wrong(p, NULL, "a short body, and \"Content-Length\" for it");
  for (ssize_t n = 0, got; n < r.length; n += got)
    if ((got = peer_take(p, body, (size_t)(r.length - n), PATIENCE)) <= 0)
      wrong(p, NULL, "a body of %ld bytes", r.length);
  peer_expect_end(p, false);
  peer_close(p);
}

static struct peer *ask(const char *target) {
  struct peer *p = peer_connect();
  peer_say(p, "GET %s HTTP/1.0\r\n\r\n", target);
  return p;
}

/* ----------------------------------------------------------------- scenes */

static void a_file(void) {
  open_site("1", "30");
  expect_text(ask("/hello.txt"), hello, "text/plain");
  expect_text(ask("/"), page, "text/html");
  expect_text(ask("/sub/"), page, "text/html");
  expect_text(ask("/sub/index.html?what=this"), page, "text/html");
  expect_text(ask("/a%20b.txt"), hello, "text/plain");
  expect_text(ask("/two..points.txt"), hello, "text/plain");
  expect_text(ask("/empty.txt"), "", "text/plain");
}

static void two_endpoints(void) {
  serve_also_at(scene_path("door"));
  open_site("1", "30");
  struct peer *p = peer_connect_to(scene_path("door"));
  peer_say(p, "GET /hello.txt HTTP/1.0\r\n\r\n");
  expect_text(p, hello, "text/plain");
  expect_text(ask("/hello.txt"), hello, "text/plain");
}

static void the_head_alone(void) {
  open_site("1", "30");
  struct peer *p = peer_connect();
  peer_say(p, "HEAD /big.bin HTTP/1.0\r\n\r\n");
  struct reply r = expect_head(p, 200, BIG);
  if (strcmp(r.type, "application/octet-stream") != 0)
    wrong(p, NULL, "\"Content-Type: application/octet-stream\"");
  peer_expect_end(p, false);
  peer_close(p);
}

static void in_any_pieces(void) {
  open_site("1", "30");
  struct peer *p = peer_connect();
  peer_drip(p, "GET /hello.txt HTTP/1.1\r\nHost: shack\r\n\r\n", 0.002);
  expect_text(p, hello, NULL);
  p = peer_connect();
  peer_say(p, "GET /hello.txt HTTP/1.0\nX: LF alone will do\n\n");
  expect_text(p, hello, NULL);
  p = peer_connect();
  peer_say(p, "GET /hello.txt HTTP/1.0\r\n");
  for (int i = 0; i < 80; i++)
    peer_say(p, "X-Line-%02d: one of many, and none of them matters\r\n", i);
  peer_say(p, "\r\n");
  expect_text(p, hello, NULL);
}

static void a_half_close(void) {
  open_site("1", "30");
  struct peer *p = ask("/big.bin");
  peer_half_close(p);
  expect_head(p, 200, BIG);
  peer_expect_pattern(p, 0, BIG);
  peer_expect_end(p, false);
  peer_close(p);
}

static void what_is_not_there(void) {
  open_site("1", "30");
  expect_refusal(ask("/nothing.txt"), 404, 404);
  expect_refusal(ask("/sub"), 404, 404);
  expect_refusal(ask("/hello.txt/"), 404, 404);
  expect_refusal(ask("/hello.txt/more"), 404, 404);
  expect_refusal(ask("/fifo"), 404, 404);
  expect_text(ask("/hello.txt"), hello, NULL);
}

static void refuse(const char *head, size_t n, int status, int or_else) {
  struct peer *p = peer_connect();
  peer_send(p, head, n);
  expect_refusal(p, status, or_else);
}

#define REFUSE(head, status) refuse(head, sizeof(head) - 1, status, status)

static void bad_requests(void) {
  open_site("1", "30");
  REFUSE("POST /hello.txt HTTP/1.0\r\n\r\n", 501);
  REFUSE("GET hello.txt HTTP/1.0\r\n\r\n", 400);
  REFUSE("GET /hello.txt\r\n\r\n", 400);
  REFUSE("GET  /hello.txt HTTP/1.0\r\n\r\n", 400);
  REFUSE("GET /hello.txt HTTP/2.0\r\n\r\n", 400);
  REFUSE("GET /hello.txt HTTP/1.0 \r\n\r\n", 400);
  REFUSE("GET /hello.txt%00.html HTTP/1.0\r\n\r\n", 400);
  REFUSE("GET /hello.txt\0.html HTTP/1.0\r\n\r\n", 400);
  REFUSE("GET /%2 HTTP/1.0\r\n\r\n", 400);
  REFUSE("GET /%zz HTTP/1.0\r\n\r\n", 400);
  REFUSE("\x16\x03\x01\x02 is no HTTP\r\n\r\n", 400);
  REFUSE("\r\n\r\n", 400);
}

/* Whatever the status: the secret does not leave. */
static void climb(const char *target) {
  char reply[4096] = {0}, text[200];
  struct peer *p = ask(target);
  for (ssize_t n = 0, got; n < (ssize_t)sizeof reply - 1; n += got)
    if ((got = peer_take(p, reply + n, sizeof reply - 1 - (size_t)n,
                         PATIENCE)) <= 0)
      break;
  snprintf(text, sizeof text, "a file that is not below --root");
  if (strstr(reply, "recipe") || strstr(reply, "root:"))
    wrong(p, text, "403 Forbidden");
  if (strncmp(reply, "HTTP/1.0 403", 12) != 0 &&
      strncmp(reply, "HTTP/1.0 404", 12) != 0)
    wrong(p, NULL, "403 Forbidden");
  peer_close(p);
}

static void paths_that_lead_out(void) {
  char absolute[100];
  open_site("1", "30");
  climb("/../secret.txt");
  climb("/sub/../../secret.txt");
  climb("/%2e%2e/secret.txt");
  climb("/..%2fsecret.txt");
  climb("/.%2E/secret.txt");
  climb("/sub/..%2f..%2fsecret.txt");
  climb("//etc/passwd");
  climb("/%2fetc/passwd");
  snprintf(absolute, sizeof absolute, "/%s", scene_path("secret.txt"));
  climb(absolute);
  climb("/..");
  climb("/sub/..");
}

static void a_head_too_long(void) {
  static char line[9000], more[256 << 10];
  open_site("1", "30");
  memset(line, 'a', sizeof line);
  memset(more, 'm', sizeof more);
  struct peer *p = peer_connect();
  peer_say(p, "GET /");
  peer_try_send(p, line, sizeof line);
  expect_refusal(p, 431, 414);
  p = peer_connect();
  peer_say(p, "GET /hello.txt HTTP/1.0\r\n");
  for (int i = 0; i < 100; i++)
    peer_try_send(p,
                  "X-Line: a hundred of these are too many. They have one "
                  "hundred bytes each, so it is ten thousand\r\n",
                  100);
  peer_try_send(p, more, sizeof more);
  expect_refusal(p, 431, 431);
}

/* The bytes are sent before the reply is read. */
static void more_than_a_head(void) {
  static char more[1 << 20];
  open_site("1", "30");
  for (int i = 0; i < 5; i++) {
    struct peer *p = ask("/hello.txt");
    if (!peer_try_send(p, more, sizeof more))
      wrong(p, "the connection was cut while it still sent",
            "the server reads what comes behind a head, and drops it");
    expect_text(p, hello, NULL);
  }
}

static void who_leaves_early(void) {
  open_site("1", "30");
  expect_text(ask("/hello.txt"), hello, NULL);
  pause_for(0.05);
  long before = serve_descriptors();
  for (int i = 0; i < 20; i++) {
    struct peer *p = peer_connect();
    peer_say(p, "GET /hel");
    peer_close(p);
    p = ask("/big.bin");
    peer_expect_text(p, "HTTP/1.0 200");
    peer_reset(p);
    p = peer_connect();
    peer_say(p, "GET /big.bin HTTP/1.0\r\n");
    peer_reset(p);
    peer_reset(peer_connect());
  }
  expect_text(ask("/hello.txt"), hello, NULL);
  serve_expect_descriptors(before);
}

static void a_big_file(void) {
  open_site("1", "30");
  struct peer *p = ask("/big.bin");
  expect_head(p, 200, BIG);
  peer_expect_pattern(p, 0, BIG);
  peer_expect_end(p, false);
  peer_close(p);
}

/* Content-Length has been sent: no more bytes than that, or the end. */
static void a_file_that_changes(void) {
  open_site("1", "30");
  struct peer *p = ask("/big.bin"), *other = ask("/big.bin");
  expect_head(p, 200, BIG);
  expect_head(other, 200, BIG);
  if (truncate(in_site("big.bin"), BIG + 1000))
    give_up("a longer file");
  peer_expect_pattern(other, 0, BIG);
  peer_expect_end(other, false);
  peer_close(other);
  if (truncate(in_site("big.bin"), 1000))
    give_up("a shorter file");
  char some[4096];
  ssize_t n = 1;
  while (n > 0)
    n = peer_take(p, some, sizeof some, PATIENCE);
  if (n == -2)
    wrong(p, NULL, "the file has become shorter: the end of the connection");
  peer_close(p);
}

static void a_crowd(void) {
  enum { CROWD = 100 };
  static struct peer *crowd[CROWD];
  open_site("1", "60");
  long before = serve_descriptors();
  for (int i = 0; i < CROWD; i++)
    crowd[i] = peer_connect();
  for (int i = 0; i < CROWD; i++)
    peer_say(crowd[i], "GET /%s HTTP/1.0\r\n", i % 2 ? "hello.txt" : "sub/");
  for (int i = 0; i < CROWD; i++)
    peer_say(crowd[i], "\r\n");
  for (int i = 0; i < CROWD; i++)
    expect_text(crowd[i], i % 2 ? hello : page, NULL);
  serve_expect_descriptors(before);
}

/* They ask for 128 MiB, and do not read. What the system holds for them is some
 * MiB each, so it takes a while until they have to be waited for. */
static void slow_readers(void) {
  enum { SLOW = 8 };
  struct peer *slow[SLOW];
  open_site("1", "60");
  expect_text(ask("/hello.txt"), hello, NULL);
  long before = serve_memory();
  for (int i = 0; i < SLOW; i++)
    slow[i] = ask("/big.bin");
  for (int i = 0; i < SLOW; i++)
    expect_head(slow[i], 200, BIG);
  for (int i = 0; i < 20; i++, pause_for(0.02)) {
    struct peer *p = ask("/hello.txt");
    char c;
    if (peer_take(p, &c, 1, PATIENCE) != 1)
      wrong(p, NULL, "its reply: those who do not read hold up nobody else");
    peer_expect_text(p, "TTP/1.0 200");
    peer_close(p);
  }
  long more = serve_memory() - before;
  char seen[80];
  snprintf(seen, sizeof seen, "%ld MiB more memory", more >> 10);
  if (before > 0 && more > SLOW * (BIG >> 10) / 3)
    wrong(NULL, seen, "a piece of the file for each client, not all of it");
  peer_expect_pattern(slow[0], 0, BIG);
  for (int i = 0; i < SLOW; i++)
    peer_close(slow[i]);
}

/* In lesson seconds: 5, ten times faster. */
static const double within = 0.5;

static void expect_timeout(struct peer *p, double start) {
  expect_refusal(p, 408, 408);
  char seen[80];
  snprintf(seen, sizeof seen, "408 after %.2f s", now() - start);
  if (now() - start < within)
    wrong(NULL, seen, "no 408 before %.1f s have passed", within);
}

/* Each line in time, and no end of them. */
static void expect_no_more_lines(void) {
  double start = now();
  struct peer *p = peer_connect();
  peer_say(p, "GET /hello.txt HTTP/1.0\r\n");
  for (int i = 0; now() - start < 4 * within; i++) {
    char line[40];
    snprintf(line, sizeof line, "X-Line: %d\r\n", i);
    peer_drip(p, line, 0.01);
    if (poll(&(struct pollfd){.fd = peer_fd(p), .events = POLLIN}, 1, 0) > 0) {
      expect_timeout(p, start);
      return;
    }
  }
  wrong(p, NULL,
        "408 when the whole request takes longer than --within; each byte and "
        "each line in time is not enough");
}

static void too_slow_to_ask(void) {
  open_site("10", "5");
  double start = now();
  struct peer *silent = peer_connect(), *slow = peer_connect();
  peer_drip(slow, "GET /hello.txt-and-more-than-anybody-waits-for", 0.04);
  expect_timeout(silent, start);
  expect_timeout(slow, start);
  expect_no_more_lines();
}

static void too_slow_to_read(void) {
  open_site("10", "5");
  long before = serve_descriptors();
  struct peer *p = ask("/big.bin");
  expect_head(p, 200, BIG);
  pause_for(within);
  serve_expect_descriptors(before);
  peer_close(p);
}

static void an_end_in_the_middle(void) {
  open_site("1", "60");
  expect_head(ask("/big.bin"), 200, BIG);
  peer_say(peer_connect(), "GET /");
  peer_connect();
  peer_say(peer_connect(), "GET /hello.txt HTTP/1.0\r\n\r\n");
  pause_for(0.1);
  serve_end();
}

#define OWN "exercises/http"
#define ECHO_ "lessons/10-echo"
#define DEADLINE "lessons/11-deadline"
#define FRAMING "lessons/12-framing"
#define PROXY "lessons/13-proxy"

static const struct scene scenes[] = {
    {"a file, an index, a query and an encoded name", a_file,
     READ(OWN, "The reply",
          "The reply to a good request is a head, the bytes of the file, and "
          "the end of the connection.")},
    {"HEAD gets the head alone", the_head_alone,
     READ(OWN, "The reply",
          "`HEAD` gets the same head as `GET`, and no body.")},
    {"requests come byte by byte, with LF alone, with many lines",
     in_any_pieces,
     READ(FRAMING, "The idea",
          "Never look into half a message; never assume that one read is one "
          "message.")},
    {"a client half-closes behind its request", a_half_close,
     READ(PROXY, "The idea",
          "The end of one half says \"I have said all\"; it does not say \"I "
          "have gone\".")},
    {"names of nothing, of a directory, of a FIFO", what_is_not_there,
     READ(OWN, "The path",
          "A FIFO makes `open` wait for somebody who writes to it, and a "
          "handler that waits holds up its butler.")},
    {"requests that are wrong", bad_requests,
     READ(OWN, "The request", "Whatever has another form gets 400.")},
    {"paths that lead out of the directory", paths_that_lead_out,
     READ(OWN, "The path",
          "Decode first, and look at the result: `%2e%2e` is `..`, and `%2f` "
          "is a slash.")},
    {"heads that are too long", a_head_too_long,
     READ(FRAMING, "The idea",
          "Check a limit before you take memory, and you bound what one client "
          "can cost.")},
    {"a client that sends more than a head", more_than_a_head,
     READ(FRAMING, "The idea",
          "When `close` finds bytes that nobody has read, the kernel takes "
          "that for an accident: it drops what it has still to send, and sends "
          "a *reset*, which reaches the client as an error.")},
    {"clients that leave early", who_leaves_early,
     READ(ECHO_, "The idea",
          "A handler that initiates nothing more lets the last reference go, "
          "and `session_destroy` runs.")},
    {"a file of 16 MiB", a_big_file,
     READ(ECHO_, "What breaks",
          "Write again only in the handler of the last "
          "write.")},
    {"a file that grows or shrinks while it is sent", a_file_that_changes,
     READ(OWN, "The reply",
          "`Content-Length` is a promise: never send more, and when the file "
          "has less, end the connection.")},
    {"100 clients at once", a_crowd,
     READ(ECHO_, "The idea",
          "A session that waits is a struct of a kilobyte in memory and an "
          "operation in the core; nobody stands in a call for it.")},
    {"eight clients that ask for 16 MiB and do not read", slow_readers,
     READ(PROXY, "The idea",
          "A direction reads one cup, writes it, and only then reads the "
          "next.")},
    {"clients that take too long to ask", too_slow_to_ask,
     READ(OWN, "The time",
          "The time is that of the whole request: a byte now and then does "
          "not prolong it.")},
    {"a client that takes too long to read", too_slow_to_read,
     READ(OWN, "The time",
          "A client that takes none of its reply for so long is cut off.")},
    {"two endpoints", two_endpoints,
     READ(OWN, "What to build", "It listens on each ENDPOINT.")},
    {"SIGTERM in the middle of it all", an_end_in_the_middle,
     READ(OWN, "The end",
          "`lesson_serve` returns, whoever is there, and `ax_context_free` "
          "drops what is pending.")},
};

int main(int argc, char **argv) {
  return check_main("http", scenes, sizeof scenes / sizeof *scenes, argc, argv);
}
