/* The exercise of lesson 20: a limit on coming in. Whoever joins a channel is
 * told to all who are in it, so somebody who joins and parts without a pause is
 * a nuisance. An address may join JOINS channels at once, and then one more
 * every SECONDS. It is a limit of the address, not of the connection: to come
 * back does not help.
 *
 * The server is that of the lesson, with few options. */
#include "../19-irc/commands.h"
#include "../19-irc/message.h"
#include "../19-irc/motd.h"
#include "../19-irc/reply.h"
#include "../19-irc/session.h"
#include "bucket.h"
#include "door.h"
#include "guest.h"
#include "lesson.h"
#include "serve.h"
#include "settings.h"

#include <stdio.h>
#include <string.h>

enum { JOINS = 10, SECONDS = 10, VISITORS = 256 };

#define RPL_TRYAGAIN 263, "%s :Please wait a while and try again"

/* Addresses that have joined something lately. In the hall. */
static struct visitor {
  char host[HOST_LEN + 1];
  struct bucket joins;
} visitors[VISITORS];

/* That of an address. A bucket that is full again says nothing, so its place is
 * good for another one; when there is none, somebody has to share. */
static struct bucket *bucket_of(const char *host, ax_time now) {
  struct visitor *free_one = &visitors[strlen(host) % VISITORS];
  for (struct visitor *v = visitors; v < visitors + VISITORS; v++) {
    if (strcmp(v->host, host) == 0)
      return &v->joins;
    if (v->joins.full <= now)
      free_one = v;
  }
  if (free_one->joins.full <= now)
    name_copy(free_one->host, sizeof free_one->host, host);
  return &free_one->joins;
}

/* "#a,#b" are two. */
static size_t channels_in(const char *list) {
  size_t count = 1;
  for (; *list; list++)
    count += *list == ',';
  return count;
}

/* todo: a JOIN that looks into the bucket first. When there is room for all
 * channels of the command it takes so much, and calls do_join, which is that of
 * lesson 19. Otherwise it replies RPL_TRYAGAIN, whose %s is "JOIN", and takes
 * nothing. See bucket.h, and `admit` in guest.c for how a rate is written. The
 * address is user->host. */
static void do_join_slowly(struct user *user, const struct line *line) {
  struct rate rate = {.burst = JOINS, .each = lesson_seconds(SECONDS)};
  ax_time now = ax_now();
  struct bucket *joins = bucket_of(user->host, now);
  size_t count = channels_in(line->params[0]);
  if (count > bucket_room(joins, rate, now)) {
    reply(user, RPL_TRYAGAIN, "JOIN");
    return;
  }
  bucket_take(joins, rate, now, count);
  do_join(user, line);
}
/* done */

/* These come before the table of lesson 19. */
static const struct command more[] = {
    /* todo: a row for it: JOIN, one parameter at least, who is welcome. */
    {"JOIN", 1, WELCOME, do_join_slowly},
    /* done */
    {NULL, 0, ANYBODY, NULL}};

/* ------------------------------- the server; nothing is to do from here on */

struct settings settings = {.register_seconds = 30,
                            .ping_seconds = 900,
                            .answer_seconds = 600,
                            .burst = 100,
                            .rate = 20,
                            .backlog = 8192,
                            .soft_kib = 256,
                            .hard_kib = 1024,
                            .wait_seconds = 1,
                            .stall_seconds = 30,
                            .clients = 1000,
                            .per_address = 100,
                            .drain_seconds = 10};

static struct rules rules = {
    .version = "exercise20",
    .name = "irc.example.org",
    .info = "A chat on the beach",
    .password = "",
    .oper = "",
    .oper_password = "",
    .limits = {NICK_LEN, CHANNEL_LEN, TOPIC_LEN, KICK_LEN, AWAY_LEN, REAL_LEN,
               CHANNELS_MOST, TARGETS_MOST},
    .dismiss = session_dismiss,
    .hooks = &guest_hooks,
    .outbox = {.mark = 256 << 10, .limit = 1 << 20, .broken = guest_broken},
    .more = more};

int main(int argc, char **argv) {
  struct service service = {.metrics = "", .motd = "", .butlers = 1};
  struct lesson_option options[] = {
      {"butlers", &service.butlers, 1, 64, "threads that run the handlers"}};
  struct lesson_cli cli = {.about = "An IRC server that limits JOIN.",
                           .endpoint = "127.0.0.1:6667",
                           .options = options,
                           .option_count = 1};
  lesson_cli(&cli, argc, argv);
  rules.outbox.patience = lesson_seconds(1);
  rules.outbox.stall = lesson_seconds(30);
  door_init();
  ax_context *context = ax_context_new();
  struct hall *hall = hall_new(context, &rules);
  service.endpoints = cli.endpoints;
  service.count = cli.endpoint_count;
  serve(hall, &service);
  ax_context_free(context);
  hall_free(hall);
  door_free();
  return 0;
}
