/* Fuzzes the hall: four people say lines, the first byte of which tells who
 * says it, and all that they hear must be lines of IRC. Their sessions are
 * false ones, and so are their outboxes: these look at what is sent. */
#include "../../lessons/19-irc/hall.h"
#include "../../lessons/19-irc/commands.h"
#include "irc/flaw.h"
#include "lesson.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 4, LINES = 16 };

struct person {
  ax_obj obj;
  struct user user;
  struct outbox outbox;
};

static ax_context *context;

/* ------------------------------------------------------- a false outbox */

static void look_at_line(const char *at, size_t size) {
  static char line[ALL_TAGS_MOST + LINE_MOST + 1];
  const char *flaw = size < sizeof line ? NULL : "it is too long";
  if (!flaw) {
    memcpy(line, at, size);
    line[size] = '\0';
    flaw = flaw_of(line, size);
  }
  if (!flaw)
    return;
  fprintf(stderr, "%s: %.*s\n", flaw, (int)size, at);
  abort();
}

static void look_at(const struct chunk *chunk) {
  const char *at = chunk->bytes, *end = at + chunk->size, *line;
  for (; at < end; at = line + 1) {
    line = memchr(at, '\n', (size_t)(end - at));
    if (!line || line == at || line[-1] != '\r')
      abort();
    look_at_line(at, (size_t)(line - at) - 1);
  }
}

/* He is behind whenever he gets three chunks or more. */
bool outbox_send_batch(struct outbox *box, struct batch *batch) {
  bool behind = batch->count > 2;
  for (size_t i = 0; i < batch->count; i++)
    look_at(batch->at[i]);
  batch_free(batch);
  return behind;
}

/* But he has caught up when somebody wants to wait for him. */
bool outbox_wait(struct outbox *box, struct outbox_waiter *waiter) {
  return false;
}

void outbox_reply(struct outbox *box, struct chunk *const *chunks, size_t count,
                  ax_token token) {
  for (size_t i = 0; i < count; i++)
    look_at(chunks[i]);
  ax_complete(ax_initiate(box->strand, token), 0, 0);
}

/* ------------------------------------------------------- a false session */

static void person_destroy(void *object) {
  struct person *person = object;
  ax_unref(person->outbox.strand);
  free(person);
}

static struct person *person_new(struct hall *hall) {
  struct person *person = lesson_alloc(sizeof *person);
  *person = (struct person){.outbox.strand = ax_strand_new(context),
                            .user.hall = hall,
                            .user.outbox = &person->outbox,
                            .user.session = person,
                            .user.host = "127.0.0.1"};
  ax_obj_init(&person->obj, person_destroy);
  user_enter(&person->user, hall);
  return person;
}

static void on_done(void *arg, int err, size_t n) {}

/* He says some lines, the last of which has its LF, too. */
static void say(struct person *person, char *bytes, size_t size) {
  struct turn *turn = lesson_alloc(sizeof *turn + LINES * sizeof *turn->lines);
  do {
    *turn =
        (struct turn){.user = &person->user, .done = ax_call(on_done, person)};
    turn->count = lines_take(turn->lines, LINES, bytes, size, &turn->used);
    bytes += turn->used;
    size -= turn->used;
    while (turn->at < turn->count && hall_turn(turn) != UV_EOF)
      ;
  } while (turn->used > 0 && person->user.state != USER_GONE);
  free(turn);
}

static void on_dismiss(void *arg, int err, size_t n) {}

static struct hall *open_hall(struct person *people[PEOPLE]) {
  static const char *const caps[PEOPLE] = {
      "batch labeled-response echo-message message-tags draft/chathistory",
      "server-time message-tags setname away-notify", "",
      "userhost-in-names extended-join multi-prefix batch labeled-response"};
  struct rules rules = {.name = "irc.example.org",
                        .info = "fuzzed",
                        .motd = "\n\nhello\r\nthere",
                        .oper = "god",
                        .oper_password = "pw",
                        .dismiss = on_dismiss};
  struct hall *hall = hall_new(context, &rules);
  char hello[512];
  for (int i = 0; i < PEOPLE; i++) {
    people[i] = person_new(hall);
    int size = snprintf(hello, sizeof hello,
                        "CAP REQ :%s\nNICK p%d\nUSER u 0 * :P\nCAP END\n"
                        "JOIN #a\n%s",
                        caps[i], i, i == 0 ? "OPER god pw\n" : "");
    say(people[i], hello, (size_t)size);
  }
  return hall;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct person *people[PEOPLE];
  if (!context)
    context = ax_context_new();
  struct hall *hall = open_hall(people);
  char *bytes = lesson_alloc(size + 1);
  memcpy(bytes, data, size);
  bytes[size++] = '\n';
  for (char *at = bytes, *end; at < bytes + size; at = end + 1) {
    end = memchr(at, '\n', size - (size_t)(at - bytes));
    struct person *person = people[(unsigned char)*at % PEOPLE];
    if (end > at && person->user.state != USER_GONE)
      say(person, at + 1, (size_t)(end - at));
  }
  ax_poll(context); /* what it has posted to the sessions */
  hall_free(hall);
  for (int i = 0; i < PEOPLE; i++)
    ax_unref(people[i]);
  free(bytes);
  return 0;
}
