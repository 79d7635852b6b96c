/* Both ends of the demo: Dad, who comes in by the proxy, and the Shack, which
 * the proxy goes on to. Each order is waited for before the next one is given:
 * ax_run returns when no work is left.
 *
 *     lesson13-client PROXY SHACK PID-OF-THE-PROXY */
#include "ax.h"
#include "lesson.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SONG = 4 << 20 };

static ax_context *context;
static ax_endpoint proxy;
static ax_acceptor *door;
static ax_stream *dad, *shack; /* of the conversation */

struct done {
  int err;
  size_t n;
};

static void on_done(void *arg, int err, size_t n) {
  *(struct done *)arg = (struct done){err, n};
}

static void expect(const char *what, bool right) {
  if (right)
    return;
  fprintf(stderr, "lesson13-client: %s went wrong\n", what);
  exit(1);
}

/* ------------------------------------------------- one order, and its result
 */

static int come_in(void) {
  struct done done;
  dad = ax_stream_new(context);
  ax_stream_connect(dad, &proxy, ax_call(on_done, &done));
  ax_run(context);
  return done.err;
}

static void meet(void) {
  struct done done;
  expect("coming in", come_in() == 0);
  shack = ax_stream_new(context);
  ax_acceptor_accept(door, shack, ax_call(on_done, &done));
  ax_run(context);
  expect("the way onward", done.err == 0);
}

static void part(void) {
  ax_unref(dad);
  ax_unref(shack);
  dad = shack = NULL;
}

static void say(ax_stream *speaker, const char *text) {
  struct done done;
  ax_stream_write(speaker, AX_CSEQ(ax_cstring(text)), ax_call(on_done, &done));
  ax_run(context);
  expect(text, done.err == 0);
}

/* Hears these very words. */
static void hear(ax_stream *listener, const char *text) {
  char heard[64];
  struct done done;
  ax_stream_read(listener, AX_SEQ(ax_buffer(heard, strlen(text))),
                 ax_call(on_done, &done));
  ax_run(context);
  expect(text, done.err == 0 && memcmp(heard, text, done.n) == 0);
}

static bool hears_the_end(ax_stream *listener) {
  char heard[1];
  struct done done;
  ax_stream_read_some(listener, AX_SEQ(AX_BUF(heard)), ax_call(on_done, &done));
  ax_run(context);
  return done.err == UV_EOF || done.err == UV_ECONNRESET;
}

static void tell(const char *who, ax_stream *from, ax_stream *to,
                 const char *text) {
  say(from, text);
  hear(to, text);
  printf("%s: %s\n", who, text);
}

/* -------------------------------------------------------------- the scenes */

static void nobody_there(void) {
  expect("coming in", come_in() == 0);
  expect("being sent away", hears_the_end(dad));
  printf("nobody is at the shack: Dad is sent away\n");
  part();
}

static void open_shack(const ax_endpoint *endpoint) {
  door = ax_acceptor_new(context);
  lesson_must("open the shack", ax_acceptor_listen(door, endpoint));
}

static void both_ways(void) {
  static char songs[2][SONG], heard[2][SONG];
  struct done done[4];
  memset(songs[0], 'd', SONG);
  memset(songs[1], 's', SONG);
  meet();
  ax_stream *ends[] = {dad, shack};
  for (int i = 0; i < 2; i++) {
    ax_stream_write(ends[i], AX_CSEQ(AX_CBUF(songs[i])),
                    ax_call(on_done, &done[i]));
    ax_stream_read(ends[!i], AX_SEQ(AX_BUF(heard[i])),
                   ax_call(on_done, &done[2 + i]));
  }
  ax_run(context);
  expect("the song", memcmp(songs, heard, sizeof songs) == 0);
  printf("both sing %d MiB at once: every word came through\n", SONG >> 20);
  part();
}

static void half_close(const char *first, ax_stream *one, const char *second,
                       ax_stream *other) {
  tell(first, one, other, "that is all from me");
  ax_stream_shutdown(one);
  expect("the end", hears_the_end(other));
  tell(second, other, one, "and one thing more");
  ax_stream_shutdown(other);
  expect("the end", hears_the_end(one));
}

static void half_closes(void) {
  meet();
  half_close("Dad", dad, "Shack", shack);
  part();
  meet();
  half_close("Shack", shack, "Dad", dad);
  part();
}

/* The doors are closed soon after the signal, and a connection is refused. */
static void closing_time(pid_t pid) {
  meet();
  tell("Dad", dad, shack, "one more, please");
  ax_stream *guest = dad;
  kill(pid, SIGTERM);
  for (lesson_work(0.2); come_in() == 0; lesson_work(0.2))
    ax_unref(dad);
  ax_unref(dad);
  dad = guest;
  printf("the proxy closes: a new client is refused\n");
  tell("Shack", shack, dad, "here it is, and good night");
  part();
}

int main(int argc, char **argv) {
  ax_endpoint onward;
  bool right = argc == 4 && !ax_endpoint_parse(argv[1], &proxy) &&
               !ax_endpoint_parse(argv[2], &onward) && atoi(argv[3]) > 1;
  lesson_words(argc, argv, "PROXY SHACK PID-OF-THE-PROXY", right);
  setvbuf(stdout, NULL, _IOLBF, 0); /* what the proxy logs stands in between */
  context = ax_context_new();
  nobody_there();
  open_shack(&onward);
  both_ways();
  half_closes();
  closing_time(atoi(argv[3]));
  ax_unref(door);
  ax_context_free(context);
  return 0;
}
