/* Three people and a bot meet on the beach, as Ann sees it. Each says the next
 * line of the script when Ann has heard what the line before makes her hear;
 * the bot answers by itself.
 *
 *     lesson19-client ENDPOINT */
#include "ax.h"
#include "lesson.h"

#include <stdio.h>
#include <string.h>

enum { ANN, BOB, CID, BOT, PEOPLE, LINE_LIMIT = 8192 };

struct person {
  ax_stream *stream;
  ax_dynbuf in, out;
};

static const struct step {
  int who;
  const char *says, *ann_hears;
} script[] = {
    {ANN, "NICK ann\r\nUSER ann 0 * :Ann\r\n", " 422 "},
    {ANN, "JOIN #beach\r\n", " 366 "},
    {BOB, "NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #beach\r\n", "JOIN"},
    {BOT, "NICK kiosk\r\nUSER bot 0 * :Bot\r\nJOIN #beach\r\n", "JOIN"},
    {CID, "NICK cid\r\nUSER cid 0 * :Cid\r\nJOIN #beach\r\n", "JOIN"},
    {ANN, "MODE #beach +o bob\r\n", "MODE"},
    {BOB, "TOPIC #beach :hot today\r\n", "TOPIC"},
    {CID, "PRIVMSG #beach :!lemonade\r\n", ":kiosk!"},
    {CID, "NICK cyd\r\n", "NICK"},
    {BOB, "PRIVMSG ann :let's swim\r\n", "let's swim"},
    {CID, "QUIT :off\r\n", "QUIT"},
    {ANN, "QUIT :off, too\r\n", "ERROR"},
};
enum { STEPS = sizeof script / sizeof *script };

static const char *const names[PEOPLE] = {"Ann", "Bob", "Cid", "Bot"};
static struct person people[PEOPLE];
static size_t step;
static int connected;
static ax_context *context;

static void say(struct person *p, const char *text);

/* --------------------------------------------------------------- talking */

static void on_said(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("write", err);
  ax_dynbuf_consume(&p->out, n);
}

/* Nothing of his is being written: so few bytes leave in the call, and then the
 * handler of the write stands before that of any answer. */
static void say(struct person *p, const char *text) {
  char line[64];
  size_t size = strcspn(text, "\r");
  bool more = text[size + 2];
  printf("%s says: %s%s\n", names[p - people],
         lesson_printable(line, sizeof line, text, size), more ? " ..." : "");
  lesson_must("speak", ax_dynbuf_append(&p->out, ax_cstring(text)));
  ax_stream_write(p->stream, AX_CSEQ(ax_dynbuf_data(&p->out)),
                  ax_call(on_said, p));
}

static void next_step(void) {
  if (step < STEPS)
    say(&people[script[step].who], script[step].says);
  else
    ax_stop(context);
}

/* ------------------------------------------------------------- listening */

static bool has(const char *line, size_t size, const char *text) {
  return memmem(line, size, text, strlen(text)) != NULL;
}

/* Of the welcome she sees the last line alone. */
static void ann_hears(const char *line, size_t size) {
  char text[256];
  bool awaited = has(line, size, script[step].ann_hears);
  if (step > 0 || awaited)
    printf("  Ann hears: %s\n",
           lesson_printable(text, sizeof text, line, size));
  if (awaited) {
    step++;
    next_step();
  }
}

static void hear(struct person *p, const char *line, size_t size) {
  if (p == &people[ANN])
    ann_hears(line, size);
  else if (p == &people[BOT] && has(line, size, ":!lemonade"))
    say(p, "PRIVMSG #beach :a cup of lemonade for you\r\n");
}

static void listen_to(struct person *p);

static void on_line(void *arg, int err, size_t n) {
  struct person *p = arg;
  if (err == UV_EOF && p != &people[BOT])
    return; /* it has said QUIT */
  lesson_must("read", err);
  hear(p, ax_dynbuf_data(&p->in).base, n - 2);
  ax_dynbuf_consume(&p->in, n);
  listen_to(p);
}

static void listen_to(struct person *p) {
  ax_stream_read_until(p->stream, &p->in, '\n', ax_call(on_line, p));
}

static void on_connected(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("connect", err);
  listen_to(p);
  if (++connected == PEOPLE)
    next_step();
}

int main(int argc, char **argv) {
  ax_endpoint endpoint;
  bool right = argc == 2 && !ax_endpoint_parse(argv[1], &endpoint);
  lesson_words(argc, argv, "ENDPOINT", right);
  context = ax_context_new();
  for (int i = 0; i < PEOPLE; i++) {
    people[i].stream = ax_stream_new(context);
    ax_dynbuf_init(&people[i].in, LINE_LIMIT);
    ax_dynbuf_init(&people[i].out, LINE_LIMIT);
    ax_stream_connect(people[i].stream, &endpoint,
                      ax_call(on_connected, &people[i]));
  }
  ax_run(context);
  for (int i = 0; i < PEOPLE; i++) {
    ax_unref(people[i].stream);
    ax_dynbuf_free(&people[i].in);
    ax_dynbuf_free(&people[i].out);
  }
  ax_context_free(context);
  return 0;
}
