/* Lesson 19: an IRC server. hall.c is where all meet, session.c one client,
 * commands.c the table of what one can say; docs/irc.md has the protocol. */
#include "../10-echo/listener.h"
#include "lesson.h"
#include "motd.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long butlers = 1, queue_limit_kib = 1024;
static const char *name = "irc.example.org", *info = "A chat on the beach",
                  *password = "", *oper = "", *oper_password = "", *motd = "";

static struct lesson_option options[] = {
    {"butlers", &butlers, 1, 64, "threads that run the handlers"},
    {"queue-limit-kb", &queue_limit_kib, 1, 1 << 20,
     "KiB waiting for a client until those who talk wait"}};

static struct lesson_text texts[] = {
    {"name=SERVER", &name, "how the server is called"},
    {"info", &info, "what it says of itself"},
    {"password", &password, "what clients need to get in"},
    {"oper=NAME", &oper, "an operator"},
    {"oper-password=PASSWORD", &oper_password, "and how one becomes him"},
    {"motd=FILE", &motd, "the message of the day"}};

static struct lesson_cli cli = {
    .about = "An IRC server, for irssi, WeeChat or nc.",
    .endpoint = "127.0.0.1:6667",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .texts = texts,
    .text_count = sizeof texts / sizeof *texts};

/* Serves until a signal comes. */
static void serve(ax_context *context, struct hall *hall) {
  struct listener listeners[sizeof cli.endpoints / sizeof *cli.endpoints];
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_start(&listeners[i], context, &cli.endpoints[i], session_start,
                   hall);
  lesson_serve(context, butlers);
  for (size_t i = 0; i < cli.endpoint_count; i++)
    listener_free(&listeners[i]);
}

int main(int argc, char **argv) {
  lesson_cli(&cli, argc, argv);
  char *motd_text;
  size_t mark = (size_t)queue_limit_kib << 10;

  struct rules rules = {.version = "lesson19",
                        .name = name,
                        .info = info,
                        .password = password,
                        .oper = oper,
                        .oper_password = oper_password,
                        .limits = LIMITS_MOST,
                        .dismiss = session_dismiss,
                        .outbox = {.mark = mark,
                                   .limit = 4 * mark + (64 << 10),
                                   .patience = lesson_seconds(5),
                                   .broken = session_broken}};
  const char *wrong = hall_refuses(&rules);
  if (wrong) {
    fprintf(stderr, "lesson19: %s\n", wrong);
    return 2;
  }
  lesson_must(motd, motd_read(motd, &motd_text));
  rules.motd = motd_text;
  ax_context *context = ax_context_new();
  struct hall *hall = hall_new(context, &rules);
  serve(context, hall);
  double busy = (double)hall->busy / 1e9;
  ax_context_free(context);
  hall_free(hall); /* and with it the sessions that are left */
  free(motd_text);
  printf("the hall: %.3f s of %.3f s of a processor\n", busy,
         (double)clock() / CLOCKS_PER_SEC);
  printf("clients served: %ld, alive: %ld\n", sessions_served, sessions_alive);
  return 0;
}
