/* Real clients and lesson 19: each joins #beach, hears Ann and talks to her,
 * changes its nick, is kicked and comes back; then the server is started again,
 * and the client connects again. One that is not here is skipped. */
#include "lessons/irc.h"

#include <limits.h>

/* What is typed into a client, or what Ann asks of it, and where one sees what
 * it heard. */
struct guest {
  struct irc *irc;
  char host[64], port[16], dir[TEMP_PATH];
  struct program *program; /* or NULL: it is in the terminal */
  char log[2 * TEMP_PATH]; /* or "" */
};

/* ------------------------------------------------------------ the programs */

/* Does the shell find that true? */
static bool holds(const char *condition) {
  char text[512];
  snprintf(text, sizeof text, "%s >/dev/null 2>&1", condition);
  char *argv[] = {"/bin/sh", "-c", text, NULL};
  struct program *program = program_exec(argv, NULL);
  int status = program_wait(program);
  program_free(program);
  return status == 0;
}

#define need(condition)                                                        \
  do {                                                                         \
    if (!holds(condition)) {                                                   \
      printf("not here: %s; try `make deps-irc`\n", condition);                \
      skip();                                                                  \
    }                                                                          \
  } while (0)

/* Runs a line of the shell, in which $1, $2 and $3 are the host, the port and a
 * directory of its own. */
static struct program *start(const struct guest *g, const char *line) {
  const char *argv[] = {"/bin/sh", "-c",    line,   "sh",
                        g->host,   g->port, g->dir, NULL};
  struct program_options options = {.feed = FEED_PIPE, .input = ""};
  return program_exec((char *const *)argv, &options);
}

static void run(const struct guest *g, const char *line) {
  struct program *program = start(g, line);
  program_end_input(program);
  if (program_wait(program) != 0)
    give_up("%s\n%s%s", line, program_out(program), program_err(program));
  program_free(program);
}

/* In the terminal of a guest: tmux has one for each directory. */
#define TMUX "tmux -S \"$3/tmux\" -f /dev/null "

static void type(const struct guest *g, const char *text) {
  char line[512];
  snprintf(line, sizeof line,
           TMUX "send-keys -l '%s' && " TMUX "send-keys Enter", text);
  run(g, line);
}

/* What the guest has shown so far; the caller frees it. */
static char *shown(const struct guest *g) {
  if (*g->log)
    return access(g->log, R_OK) == 0 ? read_whole_file(g->log) : strdup("");
  if (g->program)
    return strdup(program_out(g->program));
  struct program *program = start(g, TMUX "capture-pane -p");
  program_wait(program);
  char *text = strdup(program_out(program));
  program_free(program);
  return text;
}

static bool shows(const struct guest *g, const char *text) {
  char *all = shown(g);
  bool found = strstr(all, text);
  free(all);
  return found;
}

static void wait_to_show(const struct guest *g, const char *text) {
  for (double end = deadline(); !shows(g, text);)
    pause_before(end, text);
}

/* ----------------------------------------------------------- what happens */

/* Ann waits in #beach. */
static void open_beach(struct guest *g, const char *endpoint) {
  g->irc = irc_open(endpoint);
  irc_play(g->irc, "a+ ann", "a> JOIN #beach", "a~ 366 {*}");
}

static void begin(struct guest *g) {
  *g = (struct guest){.program = NULL};
  open_beach(g, "127.0.0.1:0");
  char *colon = strrchr(g->irc->endpoint, ':');
  snprintf(g->host, sizeof g->host, "%.*s", (int)(colon - g->irc->endpoint),
           g->irc->endpoint);
  snprintf(g->port, sizeof g->port, "%s", colon + 1);
  temp_path(g->dir, "guest");
  assert_int_equal(mkdir(g->dir, 0700), 0);
}

static void hear_join(struct guest *g) {
  irc_play(g->irc, "a~ :guest!{*} JOIN #beach", "a> PRIVMSG #beach :hello you");
  wait_to_show(g, "hello you");
}

static void hear_words(struct guest *g) {
  irc_play(g->irc, "a~ :guest!{*} PRIVMSG #beach :hi all");
}

static void hear_nick_and_kick(struct guest *g) {
  irc_play(g->irc, "a~ :guest!{*} NICK :visitor",
           "a> KICK #beach visitor :shoo");
  wait_to_show(g, "shoo");
}

static void hear_return(struct guest *g) {
  irc_play(g->irc, "a~ :visitor!{*} JOIN #beach",
           "a> PRIVMSG #beach :there you are");
  wait_to_show(g, "there you are");
}

/* The server goes and comes again, at the same place. */
static void restart(struct guest *g) {
  char endpoint[ENDPOINT_TEXT];
  strcpy(endpoint, g->irc->endpoint);
  g->irc->served = -1;
  irc_close(g->irc);
  open_beach(g, endpoint);
}

static void hear_again(struct guest *g) {
  irc_play(g->irc, "a~ :{*} JOIN #beach", "a> PRIVMSG #beach :once more");
  wait_to_show(g, "once more");
  g->irc->served = -1;
}

static void end(struct guest *g) {
  program_free(g->program);
  irc_close(g->irc);
}

/* --------------------------------------------------------------- by hand */

static const char irssi_config[] =
    "cat >\"$3/config\" <<END\n"
    "servers = ( { address = \"$1\"; port = \"$2\"; chatnet = \"beach\";\n"
    "  autoconnect = \"yes\"; } );\n"
    "chatnets = { beach = { type = \"IRC\"; nick = \"guest\"; }; };\n"
    "channels = ( { name = \"#beach\"; chatnet = \"beach\"; autojoin = "
    "\"yes\"; "
    "} );\n"
    "settings = { core = { server_reconnect_time = \"1s\"; };\n"
    "  \"fe-common/core\" = { window_auto_change = \"yes\"; }; };\n"
    "END\n";

/* The terminal must not stay when the test has failed. */
static char terminal[TEMP_PATH];

static int close_terminal(void **state) {
  char line[TEMP_PATH + 64];
  snprintf(line, sizeof line, "tmux -S '%s/tmux' kill-server", terminal);
  return *terminal && !holds(line);
}

static void irssi_is_at_home(void **state) {
  struct guest g;
  need("command -v tmux");
  need("command -v irssi");
  begin(&g);
  strcpy(terminal, g.dir);
  run(&g, irssi_config);
  run(&g, TMUX "new-session -d -x 100 -y 30 \"irssi --home='$3'\"");
  hear_join(&g);
  type(&g, "hi all");
  hear_words(&g);
  type(&g, "/nick visitor");
  hear_nick_and_kick(&g);
  type(&g, "/join #beach");
  hear_return(&g);
  restart(&g);
  hear_again(&g);
  end(&g);
}

/* It has no screen, but a pipe to write to and a log to read. */
static const char weechat[] =
    "exec weechat-headless --dir \"$3\" -r '/set fifo.file.path '\"$3\"'/fifo' "
    "-r '/set logger.file.flush_delay 0' "
    "-r '/server add beach '\"$1/$2\" "
    "-r '/set irc.server.beach.nicks guest' "
    "-r '/set irc.server.beach.autojoin #beach' "
    "-r '/set irc.server.beach.autoreconnect_delay 1' "
    "-r '/connect beach'";

static void weechat_type(const struct guest *g, const char *text) {
  char line[256];
  snprintf(line, sizeof line, "echo '%s' >\"$3/fifo\"", text);
  run(g, line);
}

static void weechat_is_at_home(void **state) {
  struct guest g;
  need("command -v weechat-headless");
  begin(&g);
  snprintf(g.log, sizeof g.log, "%s/logs/irc.beach.#beach.weechatlog", g.dir);
  g.program = start(&g, weechat);
  hear_join(&g);
  weechat_type(&g, "irc.beach.#beach *hi all");
  hear_words(&g);
  weechat_type(&g, "irc.server.beach */nick visitor");
  hear_nick_and_kick(&g);
  weechat_type(&g, "irc.server.beach */join #beach");
  hear_return(&g);
  restart(&g);
  hear_again(&g);
  end(&g);
}

/* It ends with the connection, so somebody starts it again. */
static const char sic[] = "exec sic -h \"$1\" -p \"$2\" -n guest";

static void sic_is_at_home(void **state) {
  struct guest g;
  need("command -v sic");
  begin(&g);
  g.program = start(&g, sic);
  program_type(g.program, ":j #beach\n");
  hear_join(&g);
  program_type(g.program, "hi all\n");
  hear_words(&g);
  program_type(g.program, ":NICK visitor\n");
  hear_nick_and_kick(&g);
  program_type(g.program, ":j #beach\n");
  hear_return(&g);
  restart(&g);
  program_wait(g.program);
  program_free(g.program);
  g.program = start(&g, sic);
  program_type(g.program, ":j #beach\n");
  hear_again(&g);
  end(&g);
}

/* ------------------------------------------------------------------ bots */

/* It does what Ann asks for, and comes back by itself. */
static void bot_is_at_home(const char *line) {
  struct guest g;
  begin(&g);
  g.program = start(&g, line);
  hear_join(&g);
  irc_play(g.irc, "a> PRIVMSG #beach :!say hi all");
  hear_words(&g);
  irc_play(g.irc, "a> PRIVMSG #beach :!nick visitor");
  hear_nick_and_kick(&g);
  hear_return(&g);
  restart(&g);
  hear_again(&g);
  end(&g);
}

static void irc_framework_is_at_home(void **state) {
  need("command -v node");
  need("test -d build/irc/node_modules/irc-framework");
  bot_is_at_home("exec node tests/irc/framework.cjs "
                 "\"$PWD/build/irc/node_modules/irc-framework\" \"$1\" \"$2\"");
}

#define PYTHON "$([ -x /usr/bin/python3 ] && echo /usr/bin/)python3"

static void python_irc_is_at_home(void **state) {
  need(PYTHON " -c 'import irc.bot'");
  bot_is_at_home("exec " PYTHON " tests/irc/guest.py \"$1\" \"$2\"");
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(irssi_is_at_home, close_terminal),
      cmocka_unit_test(weechat_is_at_home),
      cmocka_unit_test(sic_is_at_home),
      cmocka_unit_test(irc_framework_is_at_home),
      cmocka_unit_test(python_irc_is_at_home),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
