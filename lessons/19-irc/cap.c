/* cap.c: capabilities. What is in the table is offered, and what is offered
 * works. */
#include "commands.h"
#include "message.h"
#include "registration.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* region: caps */
static const struct cap {
  const char *name;
  unsigned bit;
} caps[] = {
    {"away-notify", CAP_AWAY},           {"batch", CAP_BATCH},
    {"cap-notify", CAP_NOTIFY},          {"draft/chathistory", CAP_HISTORY},
    {"echo-message", CAP_ECHO},          {"extended-join", CAP_EXTENDED_JOIN},
    {"invite-notify", CAP_INVITE},       {"labeled-response", CAP_LABEL},
    {"message-tags", CAP_TAGS},          {"multi-prefix", CAP_MULTI_PREFIX},
    {"server-time", CAP_TIME},           {"setname", CAP_SETNAME},
    {"userhost-in-names", CAP_USERHOST},
};
/* end: caps */
enum { CAPS = sizeof caps / sizeof *caps };

/* Those that are among `wanted`, one after the other. */
static void list(struct user *user, const char *what, unsigned wanted) {
  char names[LINE_MOST] = "";
  for (size_t i = 0; i < CAPS; i++)
    if (caps[i].bit & wanted)
      words_add(names, sizeof names, "%s", caps[i].name);
  user_hear(user, NULL, "CAP %s %s :%s", user_nick(user), what, names);
}

static unsigned bit_of(const char *name, size_t size) {
  for (size_t i = 0; i < CAPS; i++)
    if (strlen(caps[i].name) == size && memcmp(caps[i].name, name, size) == 0)
      return caps[i].bit;
  return 0;
}

/* All of them or none. Nobody gets rid of cap-notify, because who speaks 302
 * has it whether he wants it or not. */
static bool apply(struct user *user, const char *names) {
  unsigned result = user->caps;
  for (const char *at = names; *(at += strspn(at, " "));) {
    bool off = *at == '-';
    size_t size = strcspn(at += off, " ");
    unsigned bit = bit_of(at, size);
    if (bit == 0 || (off && bit == CAP_NOTIFY))
      return false;
    result = off ? result & ~bit : result | bit;
    at += size;
  }
  user->caps = result;
  return true;
}

static void request(struct user *user, const char *names) {
  const char *answer = apply(user, names) ? "ACK" : "NAK";
  user_hear(user, NULL, "CAP %s %s :%s", user_nick(user), answer, names);
}

/* region: cap */
void do_cap(struct user *user, const struct line *line) {
  const char *what = line->params[0];
  bool ls = strcasecmp(what, "LS") == 0, req = strcasecmp(what, "REQ") == 0;
  if (user->state == USER_NEW && (ls || req))
    user->negotiating = true; /* until CAP END */
  if (ls) {
    if (strtol(line->params[1], NULL, 10) >= 302)
      user->caps |= CAP_NOTIFY;
    list(user, "LS", ~0u);
  } else if (strcasecmp(what, "LIST") == 0) {
    list(user, "LIST", user->caps);
  } else if (req) {
    request(user, line->params[1]);
  } else if (strcasecmp(what, "END") == 0) {
    user->negotiating = false;
    registration_try(user);
  } else {
    reply(user, ERR_INVALIDCAPCMD, word_or_star(what));
  }
}
/* end: cap */
