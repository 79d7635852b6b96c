/* server.c: what the server tells of itself. */
#include "commands.h"
#include "message.h"
#include "reply.h"

#include <string.h>

void do_lusers(struct user *user, const struct line *line) {
  const struct hall *hall = user->hall;
  size_t known = hall->known;
  reply(user, RPL_LUSERCLIENT, known - hall->invisible, hall->invisible);
  if (hall->opers)
    reply(user, RPL_LUSEROP, hall->opers);
  if (hall->unknown)
    reply(user, RPL_LUSERUNKNOWN, hall->unknown);
  if (hall->channels.count)
    reply(user, RPL_LUSERCHANNELS, hall->channels.count);
  reply(user, RPL_LUSERME, known);
  reply(user, RPL_LOCALUSERS, known, hall->most, known, hall->most);
  reply(user, RPL_GLOBALUSERS, known, hall->most, known, hall->most);
}

/* There is one server. It may be named, or one of its users. */
static bool is_here(struct user *user, const char *server) {
  if (!*server || name_matches(server, user->hall->rules.name) ||
      user_find(user->hall, server))
    return true;
  reply(user, ERR_NOSUCHSERVER, word_or_star(server));
  return false;
}

void do_motd(struct user *user, const struct line *line) {
  const char *at = user->hall->rules.motd;
  char text[LINE_MOST];
  if (!is_here(user, line->params[0]))
    return;
  if (!at) {
    reply(user, ERR_NOMOTD);
    return;
  }
  reply(user, RPL_MOTDSTART, user->hall->rules.name);
  for (; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    size_t size = strcspn(at, "\r\n");
    name_copy(text, size < sizeof text ? size + 1 : sizeof text, at);
    reply(user, RPL_MOTD, text);
  }
  reply(user, RPL_ENDOFMOTD);
}

void do_version(struct user *user, const struct line *line) {
  const struct rules *rules = &user->hall->rules;
  if (is_here(user, line->params[0]))
    reply(user, RPL_VERSION, rules->version, rules->name, rules->info);
}

void do_time(struct user *user, const struct line *line) {
  if (is_here(user, line->params[0]))
    reply(user, RPL_TIME, user->hall->rules.name, user->hall->stamp);
}

void do_info(struct user *user, const struct line *line) {
  const struct rules *rules = &user->hall->rules;
  if (!is_here(user, line->params[0]))
    return;
  reply(user, RPL_INFO, rules->version);
  reply(user, RPL_INFO, rules->info);
  reply(user, RPL_ENDOFINFO);
}

void do_admin(struct user *user, const struct line *line) {
  const struct rules *rules = &user->hall->rules;
  if (!is_here(user, line->params[0]))
    return;
  reply(user, RPL_ADMINME, rules->name);
  reply(user, RPL_ADMINLOC1, rules->info);
  reply(user, RPL_ADMINLOC2, NETWORK);
  reply(user, RPL_ADMINEMAIL);
}

void do_links(struct user *user, const struct line *line) {
  const struct rules *rules = &user->hall->rules;
  reply(user, RPL_LINKS, rules->name, rules->name, rules->info);
  reply(user, RPL_ENDOFLINKS);
}

/* -------------------------------------------------------------------- HELP */

static void help_all(struct user *user) {
  const char *name;
  reply(user, RPL_HELPSTART, "*", "These are the commands");
  for (size_t i = 0; (name = command_name(i)); i++)
    reply(user, RPL_HELPTXT, "*", name);
  reply(user, RPL_ENDOFHELP, "*");
}

void do_help(struct user *user, const struct line *line) {
  const char *subject = line->params[0], *name;
  size_t i = 0;
  if (!*subject) {
    help_all(user);
    return;
  }
  while ((name = command_name(i)) && !name_equal(name, subject))
    i++;
  if (!name) {
    reply(user, ERR_HELPNOTFOUND, word_or_star(subject));
    return;
  }
  reply(user, RPL_HELPSTART, name, "It is a command");
  reply(user, RPL_HELPTXT, name, "See docs/irc.md for what it does");
  reply(user, RPL_ENDOFHELP, name);
}
