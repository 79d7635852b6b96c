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
 * (both exit status 2), a system that has no threads left, an endpoint that
 * cannot be listened on, and an error that lesson_must is given (all 1).
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
 * come out in the order of their times. A text of more than 999 bytes is cut.
 * The text is a mark in the trace, too. */
void lesson_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keeps the calling thread that long, asleep: a butler on an errand. */
void lesson_work(double seconds);

/* Ends the program with 1 when `err` is not 0, and says what could not be done:
 * lesson_must("send the code", err). */
void lesson_must(const char *what, int err);

/* Runs the context with so many butlers, 1 at least: the caller and as many
 * new threads as are missing. Returns when all of them have returned. */
void lesson_run(ax_context *context, long butlers);

/* From now on SIGINT and SIGTERM stop the context. The set of signals is the
 * caller's, to be released at the end. */
ax_signals *lesson_stop_on_signals(ax_context *context);

/* A new acceptor that listens on `endpoint`; prints "listening on ENDPOINT",
 * with the real port for :0. The caller owns it. When listening is refused the
 * program ends with 1 and says why. */
ax_acceptor *lesson_listen(ax_executor *executor, const ax_endpoint *endpoint);

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

/* The rest is for lesson.c and cli.c: the program's name; ends the program with
 * it and one line; begins lesson second 0. */
extern const char *lesson__program;
_Noreturn void lesson__quit(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void lesson__start(void);

#endif
