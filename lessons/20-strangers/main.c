/* Lesson 20: the IRC server among strangers. It is that of lesson 19; guest.c
 * watches over a session, door.c says who may come in, serve.c how it ends. */
#include "../19-irc/motd.h"
#include "door.h"
#include "event.h"
#include "guest.h"
#include "lesson.h"
#include "serve.h"
#include "settings.h"
#include "systemd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { DAY = 86400, MANY = 1000000, KIB = 1 << 20 };

/* region: defaults */
struct settings settings = {
    .register_seconds = 30,
    .ping_seconds = 90,
    .answer_seconds = 60,
    .burst = 10,
    .rate = 2,
    .backlog = 8192,
    .soft_kib = 256,
    .hard_kib = 1024,
    .wait_seconds = 1,
    .stall_seconds = 30,
    .clients = 1000,
    .per_address = 10,
    .drain_seconds = 10,
};
/* end: defaults */

static struct rules rules = {.version = "lesson20",
                             .name = "irc.example.org",
                             .info = "A chat on the beach",
                             .password = "",
                             .oper = "",
                             .oper_password = "",
                             .limits = {.nick = NICK_LEN,
                                        .channel = CHANNEL_LEN,
                                        .topic = TOPIC_LEN,
                                        .kick = KICK_LEN,
                                        .away = AWAY_LEN,
                                        .real = REAL_LEN,
                                        .channels = 20,
                                        .targets = TARGETS_MOST},
                             .dismiss = session_dismiss,
                             .hooks = &guest_hooks};

static struct service service = {.metrics = "", .motd = "", .butlers = 1};

static struct lesson_option options[] = {
    {"butlers", &service.butlers, 1, 64, "threads that run the handlers"},
    {"log=" LEVELS, &event_level, 0, 0,
     "what is logged: this, and what is worse"},
    {"clients", &settings.clients, 1, MANY, "clients in all"},
    {"per-address", &settings.per_address, 1, MANY, "clients from one address"},
    {"register-seconds", &settings.register_seconds, 1, DAY,
     "seconds to say who one is"},
    {"ping-seconds", &settings.ping_seconds, 1, DAY,
     "seconds of silence until a client gets a PING"},
    {"answer-seconds", &settings.answer_seconds, 1, DAY,
     "seconds that it has to answer"},
    {"burst", &settings.burst, 1, MANY, "lines that a client may say at once"},
    {"rate", &settings.rate, 1, MANY, "lines in a second after that"},
    {"backlog", &settings.backlog, 512, 1 << 20,
     "bytes of a client that may wait to be heard"},
    {"sendq-soft-kb", &settings.soft_kib, 1, KIB,
     "KiB waiting for a client until those who talk wait"},
    {"sendq-wait", &settings.wait_seconds, 1, DAY,
     "seconds that they wait at most"},
    {"sendq-hard-kb", &settings.hard_kib, 1, KIB,
     "KiB waiting for a client until it is cut off"},
    {"sendq-stall", &settings.stall_seconds, 1, DAY,
     "seconds that it may take nothing at all while much waits for it"},
    {"drain-seconds", &settings.drain_seconds, 1, DAY,
     "seconds for the last words at the end"},
    {"channels", &rules.limits.channels, 1, CHANNELS_MOST,
     "channels that a user may be in"},
    {"targets", &rules.limits.targets, 1, TARGETS_MOST,
     "targets of a message, KICK, NAMES or LIST"},
    {"nick-length", &rules.limits.nick, 1, NICK_LEN, "bytes of a nick"},
    {"channel-length", &rules.limits.channel, 2, CHANNEL_LEN,
     "bytes of a channel's name"},
    {"topic-length", &rules.limits.topic, 1, TOPIC_LEN, "bytes of a topic"},
    {"kick-length", &rules.limits.kick, 1, KICK_LEN,
     "bytes of the reason for a KICK"},
    {"away-length", &rules.limits.away, 1, AWAY_LEN,
     "bytes of the reason for AWAY"},
    {"name-length", &rules.limits.real, 1, REAL_LEN, "bytes of a real name"}};

static struct lesson_text texts[] = {
    {"name=SERVER", &rules.name, "how the server is called"},
    {"info", &rules.info, "what it says of itself"},
    {"password", &rules.password, "what clients need to get in"},
    {"oper=NAME", &rules.oper, "an operator"},
    {"oper-password=PASSWORD", &rules.oper_password, "and how one becomes him"},
    {"motd=FILE", &service.motd,
     "the message of the day; SIGHUP has it read again"},
    {"metrics=ENDPOINT", &service.metrics, "where Prometheus may ask"}};

static struct lesson_cli cli = {
    .about = "An IRC server that strangers may join.",
    .endpoint = "127.0.0.1:6667",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .texts = texts,
    .text_count = sizeof texts / sizeof *texts};

/* A shell gives a program fewer than the system would. */
static void allow_descriptors(void) {
  enum { OTHERS = 64 };
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit))
    return;
  rlim_t wanted = (rlim_t)settings.clients + OTHERS;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < wanted)
    event(WARN, 0, "there are only %lu descriptors for %ld clients",
          (unsigned long)limit.rlim_cur, settings.clients);
}

/* What lesson_cli cannot see. */
static bool makes_sense(void) {
  ax_endpoint endpoint;
  const char *wrong = hall_refuses(&rules);
  if (wrong)
    fprintf(stderr, "lesson20: %s\n", wrong);
  else if (settings.hard_kib < settings.soft_kib)
    fprintf(stderr, "lesson20: --sendq-hard-kb is --sendq-soft-kb at least\n");
  else if (*service.metrics && ax_endpoint_parse(service.metrics, &endpoint))
    fprintf(stderr, "lesson20: --metrics is an ENDPOINT, not '%s'\n",
            service.metrics);
  else
    return true;
  return false;
}

int main(int argc, char **argv) {
  argv = systemd_arguments(&argc, argv);
  lesson_cli(&cli, argc, argv);
  if (!makes_sense())
    return 2;
  char *motd;
  lesson_must(service.motd, motd_read(service.motd, &motd));
  allow_descriptors();
  door_init();
  ax_context *context = ax_context_new();
  rules.motd = motd;
  rules.outbox = (struct outbox_rules){
      .mark = (size_t)settings.soft_kib << 10,
      .limit = (size_t)settings.hard_kib << 10,
      .patience = lesson_seconds((double)settings.wait_seconds),
      .stall = lesson_seconds((double)settings.stall_seconds),
      .broken = guest_broken};
  struct hall *hall = hall_new(context, &rules);
  service.endpoints = cli.endpoints;
  service.count = cli.endpoint_count;
  serve(hall, &service);
  ax_context_free(context);
  motd = (char *)hall->rules.motd;
  hall_free(hall); /* and with it the guests that are left */
  free(motd);
  door_free();
  printf("clients served: %ld, alive: %ld\n", sessions_served, sessions_alive);
  return 0;
}
