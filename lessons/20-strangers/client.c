/* Strangers come to the beach, one after the other. Each does his worst, and
 * the next one comes when what that leads to was heard. In the end the server
 * is told to stop.
 *
 *     lesson20-client ENDPOINT PID */
#include "ax.h"
#include "lesson.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANN, PIA, NEMO, SID, EVE, FLO, PEOPLE, NOBODY };
enum { LIMIT = 1 << 16 };

struct person {
  ax_stream *stream; /* NULL: has not come */
  ax_dynbuf in, out;
  bool busy; /* it is saying something */
};

#define HELLO(nick) "NICK " nick "\r\nUSER " nick " 0 * :x\r\nJOIN #beach\r\n"
#define WORD(n) "PRIVMSG #beach :word " #n "\r\n"
#define WORDS                                                                  \
  WORD(1)                                                                      \
  WORD(2)                                                                      \
  WORD(3) WORD(4) WORD(5) WORD(6) WORD(7) WORD(8) WORD(9) WORD(10)

/* region: script */
static const struct step {
  int who, hearer;         /* who does it; who hears of it */
  const char *what, *says; /* what he does; his words */
  const char *hears;
} script[] = {
    {ANN, ANN, "comes to #beach", HELLO("ann"), " 366 "},
    {PIA, ANN, "comes, and says ten words in one breath", HELLO("pia") WORDS,
     "word 10"},
    {NEMO, NOBODY, "comes, and does not say who he is", "", NULL},
    {SID, ANN, "comes, and falls asleep", HELLO("sid"), ":sid!"},
    {EVE, EVE, "comes", "", "ERROR"},
    {NOBODY, NEMO, NULL, NULL, "ERROR"},
    {NOBODY, SID, NULL, NULL, "PING"},
    {NOBODY, SID, NULL, NULL, "ERROR"},
    {FLO, ANN, "comes, and talks without a pause", HELLO("flo"),
     "QUIT :Excess"},
    {NOBODY, ANN, "The server is told to stop", NULL, "NOTICE"},
    {NOBODY, ANN, NULL, NULL, "ERROR"},
};
/* end: script */
enum { STEPS = sizeof script / sizeof *script };

static const char *const names[PEOPLE] = {"Ann", "Pia", "Nemo",
                                          "Sid", "Eve", "Flo"};
static struct person people[PEOPLE];
static size_t step;
static pid_t server;
static ax_context *context;
static ax_endpoint endpoint;

static void next_step(void);

/* --------------------------------------------------------------- talking */

static void talk(struct person *p);

/* Who is cut off while he talks notices it here. */
static void on_said(void *arg, int err, size_t n) {
  struct person *p = arg;
  p->busy = false;
  ax_dynbuf_consume(&p->out, err ? LIMIT : n);
  talk(p);
}

static void talk(struct person *p) {
  ax_cbuf out = ax_dynbuf_data(&p->out);
  if (p->busy || out.len == 0)
    return;
  p->busy = true;
  ax_stream_write(p->stream, AX_CSEQ(out), ax_call(on_said, p));
}

/* While somebody speaks his words stay where they are. */
static void say(struct person *p, const char *text) {
  if (p->busy)
    return;
  lesson_must("speak", ax_dynbuf_append(&p->out, ax_cstring(text)));
  for (int i = 0; p == &people[FLO] && i < 500; i++)
    lesson_must("speak", ax_dynbuf_append(&p->out, ax_cstring(WORD(more))));
  talk(p);
}

/* ------------------------------------------------------------- listening */

static bool has(const char *line, size_t size, const char *text) {
  return memmem(line, size, text, strlen(text)) != NULL;
}

static void hear(struct person *p, const char *line, size_t size) {
  const struct step *now = &script[step];
  char text[256];
  bool awaited = step < STEPS && now->hears && p == &people[now->hearer] &&
                 has(line, size, now->hears);
  if (has(line, size < 4 ? size : 4, "PING") && p != &people[SID])
    say(p, "PONG\r\n");
  if (!awaited)
    return;
  printf("  %s hears: %s\n", names[p - people],
         lesson_printable(text, sizeof text, line, size));
  step++;
  next_step();
}

static void listen_to(struct person *p);

/* Until the server hangs up. */
static void on_line(void *arg, int err, size_t n) {
  struct person *p = arg;
  if (err) {
    ax_stream_close(p->stream);
    return;
  }
  hear(p, ax_dynbuf_data(&p->in).base, n - 2);
  ax_dynbuf_consume(&p->in, n);
  listen_to(p);
}

static void listen_to(struct person *p) {
  ax_stream_read_until(p->stream, &p->in, '\n', ax_call(on_line, p));
}

/* ---------------------------------------------------------------- coming */

static void on_connected(void *arg, int err, size_t n) {
  struct person *p = arg;
  lesson_must("connect", err);
  listen_to(p);
  say(p, script[step].says);
  if (!script[step].hears) {
    step++;
    next_step();
  }
}

static void come(struct person *p) {
  p->stream = ax_stream_new(context);
  ax_dynbuf_init(&p->in, LIMIT);
  ax_dynbuf_init(&p->out, LIMIT);
  ax_stream_connect(p->stream, &endpoint, ax_call(on_connected, p));
}

static void next_step(void) {
  const struct step *now = &script[step];
  if (step == STEPS) {
    ax_stop(context);
  } else if (now->who != NOBODY) {
    printf("%s %s\n", names[now->who], now->what);
    come(&people[now->who]);
  } else if (now->what) {
    puts(now->what);
    kill(server, SIGTERM);
  }
}

static bool read_words(int argc, char **argv) {
  if (argc != 3 || ax_endpoint_parse(argv[1], &endpoint))
    return false;
  server = (pid_t)strtol(argv[2], NULL, 10);
  return server > 1;
}

int main(int argc, char **argv) {
  lesson_words(argc, argv, "ENDPOINT PID", read_words(argc, argv));
  context = ax_context_new();
  next_step();
  ax_run(context);
  for (int i = 0; i < PEOPLE; i++) {
    ax_unref(people[i].stream);
    ax_dynbuf_free(&people[i].in);
    ax_dynbuf_free(&people[i].out);
  }
  ax_context_free(context);
  return 0;
}
