/* A client that gives up: it waits for its connection no longer than PATIENCE
 * lesson seconds. Then it says its words, two seconds apart, and waits until
 * the server closes; without words it leaves.
 *
 *     lesson11-client ENDPOINT|nobody PATIENCE ERRAND [WORD...]
 *
 * `nobody` is a socket that does not answer. Meanwhile its only butler is away
 * for ERRAND lesson seconds. */
#include "ax.h"
#include "lesson.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct client {
  ax_stream *stream;
  ax_timer *patience, *pause;
  bool decided, gave_up;
  char **words;
  char echo[256];
};

/* ---------------------------------------------------------- the conversation
 */

static void say_word(struct client *c);

static void on_pause(void *arg, int err, size_t n) { say_word(arg); }

static void on_echo(void *arg, int err, size_t n) {
  struct client *c = arg;
  lesson_must("read", err);
  lesson_say("%.*s came back", (int)n, c->echo);
  ax_timer_expires_at(c->pause, ax_timer_expiry(c->pause) + lesson_seconds(2));
  if (*c->words)
    ax_timer_wait(c->pause, ax_call(on_pause, c));
  else
    say_word(c);
}

static void on_end(void *arg, int err, size_t n) {
  if (err != UV_EOF && err != UV_ECONNRESET)
    lesson_must("read", err);
  lesson_say("the server has closed");
}

static void on_sent(void *arg, int err, size_t n) { lesson_must("write", err); }

/* Without words left it only listens. */
static void say_word(struct client *c) {
  const char *word = *c->words ? *c->words++ : "";
  if (!*word) {
    ax_stream_read_some(c->stream, AX_SEQ(AX_BUF(c->echo)), ax_call(on_end, c));
    return;
  }
  ax_stream_write(c->stream, AX_CSEQ(ax_cstring(word)), ax_call(on_sent, c));
  ax_stream_read(c->stream, AX_SEQ(ax_buffer(c->echo, strlen(word))),
                 ax_call(on_echo, c));
}

static void talk(struct client *c, int err) {
  lesson_must("connect", err);
  ax_timer_expires_after(c->pause, 0);
  if (*c->words)
    say_word(c);
  else
    ax_stream_close(c->stream);
}

/* ------------------------------------------------------------------ the race
 */

/* region: race */
/* True for the handler that comes first. */
static bool wins(struct client *c, const char *who, int err) {
  bool first = !c->decided;
  c->decided = true;
  lesson_say("%s: err %s, %s", who, err ? uv_err_name(err) : "0",
             first ? "first" : "too late");
  return first;
}

static void on_connected(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (!wins(c, "connect", err))
    return; /* err may be 0 all the same */
  ax_timer_cancel(c->patience);
  talk(c, err);
}

static void on_impatient(void *arg, int err, size_t n) {
  struct client *c = arg;
  if (!wins(c, "timer", err))
    return; /* err may be 0 all the same */
  c->gave_up = true;
  ax_stream_close(c->stream);
}
/* end: race */

static void start(struct client *c, const ax_endpoint *to, double patience) {
  ax_stream_connect(c->stream, to, ax_call(on_connected, c));
  ax_timer_expires_after(c->patience, lesson_seconds(patience));
  ax_timer_wait(c->patience, ax_call(on_impatient, c));
}

/* ------------------------------------------------------ whom it connects to */

static int new_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0)
    lesson_must("socket", -errno);
  return fd;
}

/* A socket that listens, and its queue is full: nobody accepts, so what else
 * comes gets no answer. All of them stay open until the program ends. */
static void be_nobody(ax_endpoint *endpoint) {
  enum { CROWD = 8 };
  int listener = new_socket();
  ax_endpoint_parse("127.0.0.1:0", endpoint);
  struct sockaddr *address = (struct sockaddr *)&endpoint->addr;
  if (bind(listener, address, endpoint->len) || listen(listener, 1) ||
      getsockname(listener, address, &endpoint->len))
    lesson_must("listen", -errno);
  for (int i = 0; i < CROWD; i++) {
    int fd = new_socket();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)connect(fd, address, endpoint->len);
  }
}

static bool find(const char *text, ax_endpoint *endpoint) {
  if (strcmp(text, "nobody") != 0)
    return ax_endpoint_parse(text, endpoint) == 0;
  be_nobody(endpoint);
  return true;
}

static bool number(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return end != text && !*end && *value >= 0 && *value <= 3600;
}

static bool words_fit(char **words) {
  while (*words && **words && strlen(*words) <= sizeof((struct client){0}).echo)
    words++;
  return !*words;
}

static void on_errand(void *errand, int err, size_t n) {
  lesson_work(*(double *)errand);
}

int main(int argc, char **argv) {
  ax_endpoint endpoint;
  double patience = 0, errand = 0;
  bool right = argc > 3 && find(argv[1], &endpoint) &&
               number(argv[2], &patience) && number(argv[3], &errand) &&
               words_fit(argv + 4);
  lesson_words(argc, argv, "ENDPOINT|nobody PATIENCE ERRAND [WORD...]", right);
  ax_context *context = ax_context_new();
  struct client client = {.stream = ax_stream_new(context),
                          .patience = ax_timer_new(context),
                          .pause = ax_timer_new(context),
                          .words = argv + 4};
  ax_post(context, ax_call(on_errand, &errand));
  start(&client, &endpoint, patience);
  ax_run(context);
  ax_unref(client.pause);
  ax_unref(client.patience);
  ax_unref(client.stream);
  ax_context_free(context);
  return client.gave_up;
}
