/* commands.h: what a client can say. Each command runs in the hall. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "line.h"
#include "user.h"

typedef void command_fn(struct user *user, const struct line *line);

/* A row of the table, or of rules.more. */
struct command {
  const char *name;
  size_t least;                  /* parameters that have to be there */
  enum { ANYBODY, WELCOME } who; /* may those say it who are not welcome yet? */
  command_fn *run;
};

/* Runs a line: finds the command in the table, and whether the user may. */
void command_run(struct user *user, const struct line *line);

/* registration.c, cap.c */
command_fn do_pass, do_nick, do_user, do_quit, do_ping, do_pong, do_cap;
/* join.c, channel commands */
command_fn do_join, do_part, do_kick, do_invite, do_topic, do_names, do_list;
command_fn do_mode;
/* talk.c */
command_fn do_privmsg, do_notice, do_tagmsg, do_history;
/* who.c, whowas.c, people.c */
command_fn do_who, do_whois, do_whowas, do_ison, do_userhost, do_away;
command_fn do_setname, do_monitor;
/* server.c */
command_fn do_lusers, do_motd, do_version, do_time, do_info, do_admin, do_links,
    do_help;
/* oper.c */
command_fn do_oper, do_kill, do_wallops;

/* Takes the first part of "a,b,c"; the last one leaves "". */
void next_part(const char **list, char part[LINE_MOST]);

/* Calls `each` for the parts of "a,b,c", `most` of them at most; returns the
 * others, or NULL. */
typedef void part_fn(struct user *user, const char *part, void *arg);
const char *for_each_part(struct user *user, const char *list, size_t most,
                          part_fn *each, void *arg);

/* The same for as many targets as a command may have; the others get
 * ERR_TOOMANYTARGETS. */
void for_few_parts(struct user *user, const char *list, part_fn *each,
                   void *arg);

/* The names of all commands, one after the other; NULL ends them. */
const char *command_name(size_t at);

#endif
