/* interpreter.h: a Python function that answers questions, bytes for bytes.
 *
 * There is one interpreter in a process, and it knows nothing of executors:
 * whoever asks is kept until the answer is there. Who asks, and on which
 * butler, is the subject of the lesson and the business of customer.c. */
#ifndef INTERPRETER_H
#define INTERPRETER_H

#include <stdbool.h>
#include <stddef.h>

enum { FRAME_MAX = 65535 }; /* bytes: what a length of two bytes can say */

struct question {
  char *request; /* not NULL */
  size_t request_size;
  char *answer; /* from malloc; free it */
  size_t answer_size;
  char why[500]; /* there is no answer */
};

/* Starts Python, runs the script at `path` and takes the function `name` from
 * it; the name stays yours and in place. `program` is argv[0]. On the main
 * thread. Prints nothing itself, but the script may (printing.h).
 *
 * NULL, or what is wrong, which may contain anything; then nothing has been
 * started. */
const char *interpreter_start(const char *program, const char *path,
                              const char *name);

/* The version of the library that runs, "3.11.2"; at any time. */
const char *interpreter_version(void);

/* Calls the function with a struct question. On any thread; those who call at
 * the same time take turns, a few milliseconds each.
 *
 * 0, UV_EIO when the function raised an exception, UV_EINVAL when it returned
 * no bytes, UV_EMSGSIZE for more than FRAME_MAX of them, or UV_ENOMEM. */
int interpreter_ask(void *question);

/* Ends Python. On the main thread, when nobody is inside any more. */
void interpreter_end(void);

#endif
