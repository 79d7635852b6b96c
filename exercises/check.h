/* check.h: what the checking clients of the larger exercises share.
 *
 * A check is a row of scenes. Each one starts the learner's server, plays its
 * clients, ends the server by SIGTERM, and looks at what it leaves behind. At
 * the first thing that is wrong a scene ends with a report: what was sent, what
 * was seen, what was expected, and what to read again. Scenes run side by side,
 * each in a process of its own, so one that hangs holds up no other.
 *
 * Nothing here uses ax.h: a mistake of the core must not hide one of a server.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Seconds for anything that a good server does at once, on a busy machine. */
enum { PATIENCE = 10 };

/* What to read again: a README, a heading, and a sentence that stands there. */
struct reading {
  const char *readme, *heading, *sentence;
};
#define READ(directory, heading, sentence)                                     \
  { directory "/README.md", heading, sentence }

struct scene {
  const char *tries; /* what the scene does, for the list and the report */
  void (*play)(void);
  struct reading again; /* when it fails */
};

/* From here on that is what to read again; NULL: the scene's own. All others
 * are in a list that ends with a readme of NULL, for a test. */
void read_other(const struct reading *other);
extern const struct reading *check_others;

/* main of a checking client: CHECK PROGRAM [WORD]; with a word, only scenes
 * that have it in `tries`. CHECK --readings lists what there is to read again,
 * for a test. Returns 0, 1 when a scene failed, 2 for wrong usage. */
int check_main(const char *name, const struct scene *scenes, size_t count,
               int argc, char **argv);

/* Ends the scene with a report. `p`, whose words it quotes, may be NULL; what
 * was seen is then in `seen`, which may be NULL as well. */
struct peer;
_Noreturn void wrong(const struct peer *p, const char *seen,
                     const char *expected, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what is no fault of the server: there is no file left, or no
 * descriptor. */
_Noreturn void give_up(const char *what);

/* Bytes as a text on one line, in quotes, no longer than `room`. */
void quote(char *to, size_t room, const void *bytes, size_t n);

/* Seconds of the monotonic clock, and a sleep. */
double now(void);
void pause_for(double seconds);

/* A directory that is gone after the scene, and a path in it. */
const char *scene_path(const char *name);

/* -------------------------------------------------------------- the server */

/* Starts the server with two butlers on a free port, and waits until it
 * listens. `speed` is its LESSON_SPEED; NULL ends its further options. */
#define serve(speed, ...) serve_with(speed, (const char *const[]){__VA_ARGS__})
void serve_with(const char *speed, const char *const *options);

/* One more endpoint, for the next start: a Unix socket at that path. */
void serve_also_at(const char *path);

/* Ends it by SIGTERM, and expects status 0 and "sessions served: N, alive: 0"
 * as its last line. check_main does it after a scene that has not. */
void serve_end(void);

/* Only the signal, and only the wait for what serve_end expects. */
void serve_signal(void);
void serve_await_end(void);

/* If the server has ended by itself, reports that. */
void serve_alive(void);

/* Its open descriptors and its memory in KiB; -1 where no /proc tells. */
long serve_descriptors(void);
long serve_memory(void);

/* Waits until it has no more descriptors than that; wrong when it keeps them.
 */
void serve_expect_descriptors(long before);

/* For check_main: the program, and what a report needs. */
extern const char *serve_program;
extern pid_t serve_pid; /* 0 when it has ended */
bool serve_ended(int *status);
const char *serve_words(void);

/* ------------------------------------------------------------------- peers */

/* The other end of a connection, with what was said on it. */
struct peer *peer_connect(void);

/* The same, but NULL when the server refuses. */
struct peer *peer_try_connect(void);

/* The same to a Unix socket, on which the server listens as well. */
struct peer *peer_connect_to(const char *path);

/* One that may still be on its way, to any port of this machine. */
struct peer *peer_start_connect(int port);

/* What a report calls it; "a client" otherwise. */
void peer_name(struct peer *p, const char *name);

/* A socket that listens on a free port of 127.0.0.1, or on `port`, and one
 * that came in by it; NULL when none comes within so many seconds. */
int peer_listen(int *port);
struct peer *peer_accept(int listener, double within);

/* Sends; wrong when the server takes nothing for long. Who must not be there
 * any more may be talked to in vain: peer_try_send returns false then. */
void peer_send(struct peer *p, const void *bytes, size_t n);
void peer_say(struct peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool peer_try_send(struct peer *p, const void *bytes, size_t n);

/* One byte at a time, with so many seconds between; stops when the server
 * answers or has gone. */
void peer_drip(struct peer *p, const char *text, double between);

/* Takes up to n bytes, at least one; 0 at the end, -1 after a reset, -2 when
 * nothing came within so many seconds. */
ssize_t peer_take(struct peer *p, void *bytes, size_t n, double within);

/* Takes a line without its end of "\n"; `what` is for the report. */
void peer_line(struct peer *p, char *line, size_t room, const char *what);

/* Expects these bytes; `what` is for the report, or NULL. */
void peer_expect(struct peer *p, const void *bytes, size_t n, const char *what);
void peer_expect_text(struct peer *p, const char *text);

/* Expects the end, and nothing before it; `reset`: a reset is good, too. */
void peer_expect_end(struct peer *p, bool reset);

/* Expects n bytes of the pattern, from `offset` on. */
void peer_expect_pattern(struct peer *p, size_t offset, size_t n);
void pattern(unsigned char *bytes, size_t n, size_t offset);

void peer_half_close(struct peer *p);
void peer_reset(struct peer *p);
void peer_close(struct peer *p);
int peer_fd(const struct peer *p);

/* What was said: for reports. */
const char *peer_called(const struct peer *p);
void peer_sent(const struct peer *p, char *to, size_t room);
void peer_seen(const struct peer *p, char *to, size_t room);

#endif
