/* visit.h: guests who visit a learner's server, for the check.c of an exercise:
 *
 *     check SCENE ENDPOINT [WORD...]
 *
 * plays one scene, and says on standard error what went wrong: a line for each
 * thing that was done, "expected: ...", and "seen: ...". It ends with 0, or
 * with 1 at the first thing that is wrong. Whatever it waits for has a limit.
 * What to read again is in check.sh.
 *
 * It needs no library, so that a learner needs none. */
#ifndef VISIT_H
#define VISIT_H

#include <stdbool.h>
#include <stddef.h>

/* A scene by its name. */
struct scene {
  const char *name;
  void (*play)(void);
};

/* The main function of a check: plays the scene that the words name, and
 * returns the exit status. `scenes` ends with a name of NULL. */
int play(int argc, char **argv, const struct scene *scenes);

/* Where the server is, and the words behind that; "" for one that is not there.
 */
const char *endpoint(void);
const char *word(int number);

/* Something is wrong: says so and ends the check. `expected` and `seen` are
 * sentences for the learner. */
_Noreturn void wrong(const char *expected, const char *seen, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a line to what was done, for when something goes wrong. */
void did(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The time that one waits for something that has to come, and a time in which
 * something that is wrong would have come. Milliseconds. */
enum { PATIENCE = 5000, MOMENT = 60 };

void pause_for(int milliseconds);
double now_ms(void);

/* Somebody who visits the server. */
struct guest {
  const char *name;
  int fd;
  bool silent; /* what it says and hears is not told */
};

struct guest come_in(const char *name);

/* From an address of this machine, or from any for NULL; its fd is -1 when
 * there is no such address. */
struct guest come_in_from(const char *name, const char *address);

/* A place where a server of the check's own waits for the learner's program, at
 * an endpoint; and who comes there. */
int place_open(const char *endpoint);
struct guest place_accept(int place, const char *name);

/* True when the server takes it all. */
bool try_to_say(struct guest *g, const void *bytes, size_t size);
void say(struct guest *g, const char *text);
void say_bytes(struct guest *g, const void *bytes, size_t size);

/* These very bytes; the end of the stream; nothing in that time. */
void hear(struct guest *g, const char *text);
void hear_bytes(struct guest *g, const void *bytes, size_t size);
void hear_end(struct guest *g);
void hear_nothing(struct guest *g, int milliseconds);

/* What comes up to and with the delimiter, as a string without it; `expected`
 * says in words what ought to come. */
void hear_until(struct guest *g, char delimiter, char *text, size_t room,
                const char *expected);

/* What comes within so many milliseconds; 0: nothing, or the end. */
size_t hear_some(struct guest *g, void *bytes, size_t room, int milliseconds);

void half_close(struct guest *g);
void leave(struct guest *g);
void leave_with_reset(struct guest *g);

/* How much the system keeps for the guest, who reads slowly. */
void small_cup(struct guest *g);

/* Bytes in quotes, escaped, and cut when they are many. */
const char *quoted(const void *bytes, size_t size);

#endif
