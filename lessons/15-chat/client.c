/* Three people in the chat, to see it work: each says a line as soon as the
 * others have heard the one before.
 *
 *     lesson15-client ENDPOINT */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 3 };

struct person {
  const char *name;
  ax_stream *stream;
  ax_dynbuf in;
} people[PEOPLE] = {{.name = "Ann"}, {.name = "Bob"}, {.name = "Cid"}};

/* The first lines are the greetings of those who come in. */
static const struct {
  int who, listeners;
  const char *text;
} script[] = {
    {1, 1, "Hello, I am Bob"},
    {2, 2, "Cid is here, too"},
    {0, 2, "Who wants a purple slushie?"},
    {1, 2, "Me! Here is my cup"},
    {2, 2, "I stay with the sandcastle"},
    {0, 2, "Then the butler brings two"},
};
enum { LINES = sizeof script / sizeof *script };

static ax_context *context;
static ax_endpoint endpoint;
static size_t line; /* of the script, being said */
static int heard;   /* by so many */

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

static void on_said(void *arg, int err, size_t n) { check(arg, err); }

static void say(void) {
  struct person *person = &people[script[line].who];
  const char *text = script[line].text;
  printf("%s says: %s\n", person->name, text);
  ax_stream_write(person->stream, AX_CSEQ(ax_cstring(text), ax_cbuffer("", 1)),
                  ax_call(on_said, person));
}

static void on_connected(void *arg, int err, size_t n) {
  struct person *person = arg;
  check(person, err);
  listen_to(person);
  say();
}

static void come_in(struct person *person, ax_token token) {
  person->stream = ax_stream_new(context);
  ax_dynbuf_init(&person->in, 1024);
  ax_stream_connect(person->stream, &endpoint, token);
}

/* Cid comes when Bob was heard: then both others are in the room for sure. */
static void go_on(void) {
  heard = 0;
  if (++line == LINES)
    ax_stop(context);
  else if (line == 1)
    come_in(&people[2], ax_call(on_connected, &people[2]));
  else
    say();
}

static void on_heard(void *arg, int err, size_t n) {
  struct person *person = arg;
  check(person, err);
  const char *text = ax_dynbuf_data(&person->in).base;
  if (strcmp(text, script[line].text) != 0)
    check(person, UV_EPROTO);
  ax_dynbuf_consume(&person->in, n);
  listen_to(person);
  if (++heard < script[line].listeners)
    return;
  printf("         heard by %d\n", heard);
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
