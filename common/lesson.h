/* lesson.h: what the lessons need to be watched, and the core does not.
 *
 * A lesson waits and works for whole seconds, so that people can follow. With
 * LESSON_SPEED=20 in the environment a lesson second is a twentieth of a real
 * one; what is printed stays the same. Numbers from 0.001 to 1000000 will do.
 *
 * Lesson second 0 is the first call of any function of this header; in a
 * lesson that is lesson_cli, the first line of main.
 *
 * All functions may be called from any thread. What cannot be helped ends the
 * program with one line on standard error: wrong usage, a bad LESSON_SPEED
 * (both exit status 2), a system that has no threads or no memory left, an
 * endpoint that cannot be listened on, an error that lesson_must is given, and
 * output that cannot be written (all 1).
 */
#ifndef LESSON_H
#define LESSON_H

#include "ax.h"

/* Lesson seconds as a span of real time, for ax_timer_expires_after. */
ax_time lesson_seconds(double seconds);

/* Prints one line with the lesson second before it, rounded to the nearest:
 * lesson_say("%s enter", "timer1") prints "[ 5 s] timer1 enter".
 *
 * Lines stay whole: each is one write to standard output, flushed, and they
 * come out in the order of their times. A text of more than 999 bytes is cut;
 * what is not printable in it is escaped, as by lesson_printable. The text is a
 * mark in the trace, too. */
void lesson_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes one line to standard error, for all that a server reports. It is cut
 * and escaped like that of lesson_say. A pipe that is full or a terminal that
 * was halted holds the caller up for a fifth of a second, once; then lines are
 * lost until it takes them again, and a line says how many. */
void lesson_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes bytes of a peer into `to`, which has `room` bytes, 1 at least, so that
 * they can be printed: a control character, what turns the direction of text,
 * and what is no UTF-8 becomes "\x1b". Cuts what has no room. Returns `to`. */
char *lesson_printable(char *to, size_t room, const void *bytes, size_t size);

/* Who the peer of a stream is, for the log; "a client" when nobody knows. */
void lesson_peer(ax_stream *stream, char text[AX_ENDPOINT_TEXT]);

/* Keeps the calling thread that long, asleep: a butler on an errand. */
void lesson_work(double seconds);

/* Ends the program with 1 when `err` is not 0, and says what could not be done:
 * lesson_must("send the code", err). */
void lesson_must(const char *what, int err);

/* Memory that the program cannot go on without; the caller frees it. */
void *lesson_alloc(size_t size);

/* Runs the context with so many butlers, 1 at least: the caller and as many
 * new threads as are missing. Returns when all of them have returned. */
void lesson_run(ax_context *context, long butlers);

/* Serves: lesson_run, which also ends when SIGINT, SIGTERM, SIGHUP or SIGQUIT
 * stops the context. A signal that is ignored when this is called, as SIGHUP
 * with nohup, stays ignored; one that is blocked is unblocked.
 *
 * A thread of its own hears them, so they are heard while all butlers are busy.
 * A second signal, also one after this function has returned, ends a program
 * that does not end by itself within half a second, as if nobody had
 * heard the signal. SIGPIPE is ignored. Called by one thread at a time. */
void lesson_serve(ax_context *context, long butlers);

/* The same, but the first signal stops nothing: it posts the token, once, and
 * its handler is to bring the context to an end. */
void lesson_serve_until(ax_context *context, long butlers, ax_token on_signal);

/* From now on SIGHUP ends nothing: each one posts the token, while a context is
 * served. Call it before lesson_listen. Ignored, as with nohup, it stays so. */
void lesson_on_hangup(ax_token token);

/* A new acceptor that listens on `endpoint`; prints "listening on ENDPOINT",
 * with the real port for :0. The caller owns it. When listening is refused the
 * program ends with 1 and says why. A signal that comes after that line stops
 * the lesson_serve that follows. */
ax_acceptor *lesson_listen(ax_executor *executor, const ax_endpoint *endpoint);

/* "fd:3" as an endpoint: a socket that listens already, such as one that the
 * program inherited. It is no address, so lesson_listen alone takes it; the
 * descriptor stays the caller's. */
ax_endpoint lesson_inherited(int fd);

/* An option of a lesson: "--name N", or "--name=N".
 *
 * When the name is "framing=nul|length" the option takes one of these words:
 * --framing length. Its value is the word's place, here 0 or 1, and min and
 * max are not looked at. */
struct lesson_option {
  const char *name;
  long *value; /* holds the default; set when the option is given */
  long min, max;
  const char *help;
};

/* An option that takes any text: "--app TEXT" or "--app=TEXT". When the name is
 * "app=FILE:FUNCTION" the usage says FILE:FUNCTION, for people, not TEXT. */
struct lesson_text {
  const char *name;
  const char **value; /* holds the default; set when the option is given */
  const char *help;
};

/* The command line of a lesson. Fill in the first four members, and the last
 * two for options that take a text; what is left out is 0. The options stay
 * yours. */
struct lesson_cli {
  const char *about;    /* one line: what the program does */
  const char *endpoint; /* when none is given; NULL: it takes none */
  const struct lesson_option *options;
  size_t option_count;
  ax_endpoint endpoints[8]; /* filled in: those given, or the one above */
  size_t endpoint_count;
  const struct lesson_text *texts;
  size_t text_count;
  bool one_endpoint; /* a second is wrong usage */
};

/* Reads the command line.
 *
 * --help prints the usage and ends the program with 0. Wrong usage ends it
 * with 2. */
void lesson_cli(struct lesson_cli *cli, int argc, char **argv);

/* The same for a demo's client, which takes its words in a fixed order: unless
 * they are `right`, which the client finds out itself, prints `words` as the
 * usage and ends the program, with 0 when the first one is --help. */
void lesson_words(int argc, char **argv, const char *words, bool right);

/* The rest is for the files of this header: the program's name; ends the
 * program with it and one line; begins lesson second 0. */
extern const char *lesson__program;
_Noreturn void lesson__quit(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void lesson__start(void);

#endif
