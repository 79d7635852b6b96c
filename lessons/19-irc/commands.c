/* commands.c: the table of commands. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <string.h>
#include <strings.h>

/* region: table */
static const struct command commands[] = {
    {"PRIVMSG", 0, WELCOME, do_privmsg},
    {"PING", 0, ANYBODY, do_ping},
    {"NOTICE", 0, WELCOME, do_notice},
    {"TAGMSG", 0, WELCOME, do_tagmsg},
    {"JOIN", 1, WELCOME, do_join},
    {"PART", 1, WELCOME, do_part},
    {"MODE", 1, WELCOME, do_mode},
    {"NICK", 0, ANYBODY, do_nick},
    {"USER", 4, ANYBODY, do_user},
    {"PASS", 1, ANYBODY, do_pass},
    {"CAP", 1, ANYBODY, do_cap},
    {"PONG", 0, ANYBODY, do_pong},
    {"QUIT", 0, ANYBODY, do_quit},
    /* end: table */
    {"TOPIC", 1, WELCOME, do_topic},
    {"NAMES", 0, WELCOME, do_names},
    {"LIST", 0, WELCOME, do_list},
    {"INVITE", 0, WELCOME, do_invite},
    {"KICK", 2, WELCOME, do_kick},
    {"CHATHISTORY", 1, WELCOME, do_history},
    {"WHO", 0, WELCOME, do_who},
    {"WHOIS", 0, WELCOME, do_whois},
    {"WHOWAS", 0, WELCOME, do_whowas},
    {"ISON", 1, WELCOME, do_ison},
    {"USERHOST", 1, WELCOME, do_userhost},
    {"AWAY", 0, WELCOME, do_away},
    {"SETNAME", 0, WELCOME, do_setname},
    {"MONITOR", 1, WELCOME, do_monitor},
    {"LUSERS", 0, WELCOME, do_lusers},
    {"MOTD", 0, WELCOME, do_motd},
    {"VERSION", 0, WELCOME, do_version},
    {"TIME", 0, WELCOME, do_time},
    {"INFO", 0, WELCOME, do_info},
    {"ADMIN", 0, WELCOME, do_admin},
    {"LINKS", 0, WELCOME, do_links},
    {"HELP", 0, WELCOME, do_help},
    {"HELPOP", 0, WELCOME, do_help},
    {"OPER", 2, WELCOME, do_oper},
    {"KILL", 1, WELCOME, do_kill},
    {"WALLOPS", 1, WELCOME, do_wallops},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

const char *command_name(size_t at) {
  return at < COMMANDS ? commands[at].name : NULL;
}

static const struct command *find(const struct rules *rules, const char *name) {
  const struct command *more = rules->more;
  for (; more && more->name; more++)
    if (strcasecmp(more->name, name) == 0)
      return more;
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcasecmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static void refuse_bytes(struct user *user, const struct line *line) {
  if (line->fault == LINE_TOO_LONG)
    reply(user, ERR_INPUTTOOLONG);
  else
    user_hear(user, NULL,
              "FAIL * INVALID_UTF8 :A line is UTF-8, without NUL and CR");
}

/* An empty parameter is as good as none. */
static bool has_all(const struct line *line, size_t least) {
  for (size_t i = 0; i < least; i++)
    if (!*line->params[i])
      return false;
  return true;
}

static void run(struct user *user, const struct line *line) {
  const struct command *command = find(&user->hall->rules, line->command);
  if (line->fault != LINE_FINE)
    refuse_bytes(user, line);
  else if (!command)
    reply(user, ERR_UNKNOWNCOMMAND, word_or_star(line->command));
  else if (command->who == WELCOME && user->state != USER_WELCOME)
    reply(user, ERR_NOTREGISTERED);
  else if (!has_all(line, command->least))
    reply(user, ERR_NEEDMOREPARAMS, command->name);
  else
    command->run(user, line);
}

void command_run(struct user *user, const struct line *line) {
  label_begin(user, line);
  run(user, line);
  label_end(user);
}

void next_part(const char **list, char part[LINE_MOST]) {
  size_t size = strcspn(*list, ",");
  memcpy(part, *list, size);
  part[size] = '\0';
  *list += size + ((*list)[size] == ',');
}

const char *for_each_part(struct user *user, const char *list, size_t most,
                          part_fn *each, void *arg) {
  char part[LINE_MOST];
  while (*list) {
    const char *rest = list;
    next_part(&list, part);
    if (*part && most-- == 0)
      return rest;
    if (*part)
      each(user, part, arg);
  }
  return NULL;
}

void for_few_parts(struct user *user, const char *list, part_fn *each,
                   void *arg) {
  size_t most = user->hall->rules.limits.targets;
  const char *rest = for_each_part(user, list, most, each, arg);
  if (rest)
    reply(user, ERR_TOOMANYTARGETS, word_or_star(rest));
}
