/* Four people in the chat, to see it work: each says a line as soon as the
 * others have heard the one before. Cid says his last word early, and listens
 * on. Dan falls asleep when he has said his, and Ann sings.
 *
 *     lesson16-client ENDPOINT */
#include "ax.h"
#include "lesson.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PEOPLE = 4, CID = 2, DAN = 3, VERSE = 32 << 10, VERSES = 512 };

struct person {
  const char *name;
  ax_stream *stream;
  ax_dynbuf in;
  size_t line; /* of the script, which he or she says */
} people[PEOPLE] = {
    {.name = "Ann"}, {.name = "Bob"}, {.name = "Cid"}, {.name = "Dan"}};

static char verse[VERSE]; /* la la la, and a NUL */

static const char farewell[] = "I stay with the sandcastle. That was all";

/* Whoever is not there yet comes in with his first line. */
static const struct {
  int who, listeners;
  const char *text;
} script[] = {
    {1, 1, "Hello, I am Bob"},
    {CID, 2, "Cid is here, too"},
    {0, 2, "Who wants a purple slushie?"},
    {1, 2, "Me! Here is my cup"},
    {CID, 2, farewell},
    {0, 2, "Then the butler brings two"},
    {DAN, 3, "Dan here, and tired. Good night"},
    {0, 2, verse},
};
enum { LINES = sizeof script / sizeof *script };

static ax_context *context;
static ax_endpoint endpoint;
static size_t line; /* of the script, being said */
static int sung;    /* verses */
static int heard;   /* by so many */
static size_t late; /* bytes that Dan heard after the song */

static void on_heard(void *arg, int err, size_t n);

static void check(const struct person *person, int err) {
  if (!err)
    return;
  fprintf(stderr, "%s: %s\n", person->name, uv_strerror(err));
  exit(1);
}

static void listen_to(struct person *person) {
  ax_stream_read_until(person->stream, &person->in, '\0',
                       ax_call(on_heard, person));
}

/* After his last word one has an end, and another one goes on. */
static void on_said(void *arg, int err, size_t n) {
  struct person *person = arg;
  check(person, err);
  if (script[person->line].text == farewell)
    check(person, ax_stream_shutdown(person->stream));
}

static void say(void) {
  struct person *person = &people[script[line].who];
  const char *text = script[line].text;
  person->line = line;
  if (text != verse)
    printf("%s says: %s\n", person->name, text);
  else if (sung == 0)
    printf("%s sings %d verses of %d bytes\n", person->name, VERSES, VERSE);
  ax_stream_write(person->stream, AX_CSEQ(ax_cstring(text), ax_cbuffer("", 1)),
                  ax_call(on_said, person));
}

/* A system may keep many MiB for who sleeps (Linux up to the last number of
 * `sysctl net.ipv4.tcp_rmem`), and the song would have to be longer. */
static void sleep_well(struct person *person) {
  int fd = ax_stream_fd(person->stream), size = 128 << 10;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size))
    check(person, -errno);
}

static void on_connected(void *arg, int err, size_t n) {
  struct person *person = arg;
  check(person, err);
  if (person == &people[DAN])
    sleep_well(person);
  else
    listen_to(person);
  say();
}

static void come_in(struct person *person, ax_token token) {
  person->stream = ax_stream_new(context);
  ax_dynbuf_init(&person->in, VERSE);
  ax_stream_connect(person->stream, &endpoint, token);
}

static void wake_up(struct person *dan);

/* What was kept for him comes first, and then the end, or all of the song. */
static void on_woken(void *arg, int err, size_t n) {
  struct person *dan = arg;
  late += n;
  if (!err && late < (size_t)VERSE * VERSES) {
    wake_up(dan);
    return;
  }
  if (err != UV_EOF && err != UV_ECONNRESET)
    check(dan, err);
  printf("Dan wakes up: %s\n", err ? "the server has hung up" : "what a song!");
  ax_stop(context);
}

static void wake_up(struct person *dan) {
  static char cup[64 << 10];
  ax_stream_read_some(dan->stream, AX_SEQ(AX_BUF(cup)), ax_call(on_woken, dan));
}

/* All have heard: so those who came before are in the room for sure. */
static void go_on(void) {
  if (++line == LINES) {
    wake_up(&people[DAN]);
    return;
  }
  struct person *person = &people[script[line].who];
  if (person->stream)
    say();
  else
    come_in(person, ax_call(on_connected, person));
}

/* What comes from others may be anything, and the terminal shall survive it. */
static void check_text(const struct person *person, const char *text,
                       size_t size) {
  char shown[100];
  if (strcmp(text, script[line].text) == 0)
    return;
  lesson_printable(shown, sizeof shown, text, size);
  fprintf(stderr, "%s hears something else: %s\n", person->name, shown);
  exit(1);
}

static void on_heard(void *arg, int err, size_t n) {
  struct person *person = arg;
  check(person, err);
  check_text(person, ax_dynbuf_data(&person->in).base, n - 1);
  ax_dynbuf_consume(&person->in, n);
  listen_to(person);
  if (++heard < script[line].listeners)
    return;
  heard = 0;
  if (script[line].text == verse && ++sung < VERSES) {
    say();
    return;
  }
  printf("         heard by %d\n", script[line].listeners);
  go_on();
}

/* Ann has nobody to greet: Bob follows her at once. */
static void on_first(void *arg, int err, size_t n) {
  check(arg, err);
  listen_to(arg);
  come_in(&people[1], ax_call(on_connected, &people[1]));
}

int main(int argc, char **argv) {
  lesson_words(argc, argv, "ENDPOINT",
               argc == 2 && !ax_endpoint_parse(argv[1], &endpoint));
  /* What the server says meanwhile shall stand where it belongs. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < VERSE - 1; i++)
    verse[i] = "la "[i % 3];
  context = ax_context_new();
  come_in(&people[0], ax_call(on_first, &people[0]));
  ax_run(context);
  for (int i = 0; i < PEOPLE; i++) {
    ax_unref(people[i].stream);
    ax_dynbuf_free(&people[i].in);
  }
  ax_context_free(context);
  return 0;
}
