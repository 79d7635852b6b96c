/* The exercise of lesson 17: a reply that takes its time. The board is numbered
 * by its updates. Whoever says "sync" gets it, "board 17: 153", and then every
 * update, "update 18: 171". A reply is put into words on another context, which
 * takes a while. The updates that come meanwhile must not overtake it: the
 * client gets them behind it, each of them once. */
#include "../10-echo/listener.h"
#include "lesson.h"
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

static ax_context *aside; /* where replies are put into words */
static atomic_long alive; /* sessions */

static void on_broken(void *session, const char *why);
static struct outbox_rules rules = {
    .mark = 1 << 20, .limit = 4 << 20, .broken = on_broken};

/* In the board's strand. */
static struct {
  ax_strand *strand;
  ax_timer *timer;
  long number, value;              /* of the last update */
  LIST_HEAD(list, session) synced; /* they get the updates */
} board;

struct session {
  ax_obj obj;
  struct outbox outbox;
  ax_dynbuf in;
  char reply[64]; /* what is put into words, aside */
  long number, value;
  /* In the board's strand. */
  LIST_ENTRY(session) others;
  bool listed;        /* it is in the list */
  bool waits;         /* its reply is under way, ... */
  struct batch *held; /* ... and these updates come behind it; NULL: none */
};

static struct chunk *chunk_of(const char *text) {
  struct chunk *chunk = chunk_new(text, strlen(text));
  lesson_must("send a line", chunk ? 0 : UV_ENOMEM);
  return chunk;
}

/* In the board's strand: a session of the list gets an update. */
static void tell(struct session *s, struct chunk *update) {
  /* todo: not before its reply. batch_add(&s->held, update) keeps it meanwhile
   * (chunk.h); a batch is a list of chunks. */
  if (s->waits)
    lesson_must("hold it", batch_add(&s->held, update) ? 0 : UV_ENOMEM);
  else
    outbox_send(&s->outbox, update);
  /* given: outbox_send(&s->outbox, update); */
  /* done */
}

static void read_command(struct session *s);

/* In the board's strand: the reply has been put into words. */
static void on_reply(void *arg, int err, size_t n) {
  struct session *s = arg;
  struct chunk *chunk = chunk_of(s->reply);
  outbox_send(&s->outbox, chunk);
  ax_unref(chunk);
  /* todo: now it is the turn of the updates that were held. outbox_send_batch
   * takes a batch over; then the session has none any more. */
  if (s->held)
    outbox_send_batch(&s->outbox, s->held);
  s->held = NULL;
  s->waits = false;
  /* done */
  read_command(s);
}

/* Work, aside: it sees the session's own copy alone. */
static int put_into_words(void *arg) {
  struct session *s = arg;
  lesson_work(1);
  snprintf(s->reply, sizeof s->reply, "board %ld: %ld\n", s->number, s->value);
  return 0;
}

/* In the board's strand, so it is behind one update and before the next. */
static void on_sync(void *arg, int err, size_t n) {
  struct session *s = arg;
  s->number = board.number;
  s->value = board.value;
  if (!s->listed)
    LIST_INSERT_HEAD(&board.synced, s, others);
  s->listed = true;
  /* todo: from here on, and until on_reply, updates are held for it. */
  s->waits = true;
  /* done */
  ax_run_on(aside, put_into_words, s, ax_keep(s, ax_call(on_reply, s)));
}

/* In the board's strand. */
static void on_update(void *arg, int err, size_t n) {
  char line[64];
  struct session *s;
  board.value += ++board.number;
  snprintf(line, sizeof line, "update %ld: %ld\n", board.number, board.value);
  struct chunk *update = chunk_of(line);
  LIST_FOREACH(s, &board.synced, others) { tell(s, update); }
  ax_unref(update);
  ax_timer_expires_at(board.timer,
                      ax_timer_expiry(board.timer) + lesson_seconds(0.1));
  ax_timer_wait(board.timer, ax_call(on_update, NULL));
}

static void session_destroy(void *object) {
  struct session *s = object;
  /* todo: something may be held for it even now. batch_free allows NULL. */
  batch_free(s->held);
  /* done */
  outbox_free(&s->outbox);
  ax_dynbuf_free(&s->in);
  free(s);
  lesson_say("a session is gone, alive: %ld", --alive);
}

/* --------------------------------- commands; nothing is to do from here on */

/* In the board's strand. */
static void on_leave(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (s->listed)
    LIST_REMOVE(s, others);
  s->listed = false;
}

/* In the session's strand. */
static void on_broken(void *session, const char *why) {
  struct session *s = session;
  outbox_end(&s->outbox, why);
  ax_post(board.strand, ax_keep(s, ax_call(on_leave, s)));
}

/* In the session's strand: a line has come. */
static void on_command(void *arg, int err, size_t n) {
  struct session *s = arg;
  if (err) {
    on_broken(s, NULL);
    return;
  }
  bool sync = n == 5 && memcmp(ax_dynbuf_data(&s->in).base, "sync", 4) == 0;
  ax_dynbuf_consume(&s->in, n);
  if (sync)
    ax_post(board.strand, ax_keep(s, ax_call(on_sync, s)));
  else
    read_command(s);
}

/* On any strand, so it is posted. */
static void on_read_command(void *arg, int err, size_t n) {
  struct session *s = arg;
  ax_token token = ax_keep(s, ax_call(on_command, s));
  ax_stream_read_until(s->outbox.stream, &s->in, '\n',
                       ax_on(s->outbox.strand, token));
}

static void read_command(struct session *s) {
  ax_post(s->outbox.strand, ax_keep(s, ax_call(on_read_command, s)));
}

static void on_client(void *context, ax_stream *stream) {
  struct session *s = lesson_alloc(sizeof *s);
  *s = (struct session){.listed = false};
  ax_obj_init(&s->obj, session_destroy);
  outbox_init(&s->outbox, &rules, s, stream, context);
  outbox_opened(&s->outbox);
  ax_dynbuf_init(&s->in, 80);
  alive++;
  read_command(s);
  ax_unref(s);
}

static void clerk(void *arg) { ax_run(aside); }

int main(int argc, char **argv) {
  long butlers = 1;
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about = "A feed whose replies take a while.",
                           .endpoint = "127.0.0.1:8888",
                           .one_endpoint = true,
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);
  rules.patience = lesson_seconds(5);
  ax_context *context = ax_context_new();
  aside = ax_context_new();
  board.strand = ax_strand_new(context);
  board.timer = ax_timer_new(board.strand);
  ax_timer_expires_after(board.timer, 0);
  ax_timer_wait(board.timer, ax_call(on_update, NULL));
  ax_work_begin(aside);
  uv_thread_t thread;
  lesson_must("hire a clerk", uv_thread_create(&thread, clerk, NULL));
  struct listener listener;
  listener_start(&listener, context, &cli.endpoints[0], on_client, context);
  lesson_serve(context, butlers);
  ax_stop(aside);
  uv_thread_join(&thread);
  listener_free(&listener);
  ax_unref(board.timer);
  ax_context_free(aside);
  ax_context_free(context);
  ax_unref(board.strand);
  return 0;
}
