/* Lesson 19: a crowd of clients who do anything; see irc/crowd.h. `make test19`
 * lets them for a moment, and `make stress19 SECONDS=60 SEED=7` for longer. */
#include "irc.h"

#include "../../lessons/19-irc/line.c" // NOLINT
#include "../irc/crowd.h"

#define TCP "127.0.0.1:0"

static double number_from(const char *name, double otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtod(text, NULL) : otherwise;
}

/* How many users the server knows, or -1: it knows of something that should
 * not be. */
static long users_left(struct irc *irc) {
  struct person *ann = &irc->people[0];
  long users = -1;
  irc_say(ann, "LUSERS");
  for (;;) {
    const char *line = irc_line(ann);
    assert_non_null(line);
    sscanf(line, ":%*s 251 ann :There are %ld users", &users);
    if (strstr(line, " 253 ann ") || strstr(line, " 254 ann "))
      users = -1;
    if (strstr(line, " 266 ann "))
      return users;
  }
}

/* Nothing but "closed PEER: it does not read" is on its standard error. */
static void end_server_of(struct irc *irc) {
  struct program *program = irc->server.program;
  client_close(irc->people[0].fd);
  program_signal(program, SIGTERM);
  program_wait(program);
  char *errors = strdup(program_err(program));
  for (const char *at = errors; *at; at = strchr(at, '\n') + 1)
    if (strncmp(at, "closed 127.0.0.1:", 17) != 0)
      give_up("its errors:\n%s", at);
  end_server_with(&irc->server, 0, "clients", errors);
  free(errors);
  free(irc);
}

static void nothing_is_lost_doubled_or_said_by_the_dead(void **state) {
  double span = number_from("CROWD_SECONDS", 1.5);
  uint32_t seed = (uint32_t)number_from("CROWD_SEED", 19);
  size_t count = (size_t)number_from("CROWD_CLIENTS", 200);
  struct irc *irc = irc_open("--butlers", "4", "--queue-limit-kb", "64",
                             "--oper", "god", "--oper-password", "pw", TCP);
  printf("seed %u, %zu clients, %g seconds\n", seed, count, span);
  irc_play(irc, "a+ ann");
  crowd_gather(irc->endpoint, count, seed);
  for (double end = seconds() + span; seconds() < end;)
    crowd_turn();
  crowd_settle();
  printf("%u sessions and %u nicks, %lu lines were heard\n", sessions, nicks,
         crowd.lines);
  crowd_disperse();
  wait_until(users_left(irc) == 1);
  end_server_of(irc);
}

int main(void) {
  with_alarm();
  alarm(300 + (unsigned)number_from("CROWD_SECONDS", 0));
  allow_descriptors(4096);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_lost_doubled_or_said_by_the_dead),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
