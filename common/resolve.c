/* resolve.c: names to endpoints, in libuv's thread pool.
 *
 * A look-up that has begun cannot be called back: ax_context_free waits for
 * it. One that has not is cancelled. */
#include "context.h"
#include "op.h"

#include <netdb.h>
#include <string.h>

struct lookup {
  ax_op op;
  struct ax__member member;
  ax_endpoint *found;
  size_t max;
  uv_getaddrinfo_t request;
  struct ax__loop *loop;
  char *service;
  char host[]; /* and the service */
};

static size_t copy_found(const struct addrinfo *info, ax_endpoint *found,
                         size_t max) {
  size_t n = 0;
  for (; info && n < max; info = info->ai_next, n++) {
    found[n] = (ax_endpoint){.len = info->ai_addrlen};
    memcpy(&found[n].addr, info->ai_addr, info->ai_addrlen);
  }
  return n;
}

/* ---------------------------------------------- by the owner of the loop */

/* With its context it is dropped, also where its handler is on another one. It
 * writes nothing then, because `found` may be gone. */
static void on_resolved(uv_getaddrinfo_t *request, int status,
                        struct addrinfo *info) {
  struct lookup *lookup = AX__OF(struct lookup, request, request);
  bool dropped = lookup->loop->closed;
  size_t room = status || dropped ? 0 : lookup->max;
  size_t n = copy_found(info, lookup->found, room);
  uv_freeaddrinfo(info);
  ax__loop_leave(lookup->loop, &lookup->member);
  if (dropped)
    lookup->op.entry.run(&lookup->op.entry, false);
  else
    ax__op_finish(&lookup->op, status, n);
}

/* With its context. */
static void shut(struct ax__member *member) {
  uv_cancel((uv_req_t *)&AX__OF(struct lookup, member, member)->request);
}

/* entry.run of what was submitted. */
static void start(ax__entry *entry, bool live) {
  struct lookup *lookup = (struct lookup *)ax__op_of(entry);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  entry->run = ax__op_run;
  if (!live) {
    entry->run(entry, false);
    return;
  }
  struct ax__loop *loop = lookup->loop;
  int err = uv_getaddrinfo(&loop->uv, &lookup->request, on_resolved,
                           lookup->host, lookup->service, &hints);
  if (err)
    ax__op_finish(&lookup->op, err, 0);
  else
    ax__loop_join(loop, &lookup->member);
}

/* ------------------------------------------------------------- the public */

/* The colon of "name:port", or NULL. */
static const char *colon_of(const char *text) {
  const char *colon = strrchr(text, ':');
  bool named = colon && colon != text && colon[1];
  return named && strtol(colon + 1, NULL, 10) <= 65535 ? colon : NULL;
}

static void look_up(ax_executor *executor, const char *text, const char *colon,
                    ax_endpoint *found, size_t max, const ax_token *token) {
  size_t size = strlen(text) + 1;
  struct lookup *lookup = ax__take_large(sizeof *lookup + size);
  ax__op_init(lookup, AX__LARGE, executor, NULL, *token);
  memcpy(lookup->host, text, size);
  lookup->service = lookup->host + (colon - text);
  *lookup->service++ = '\0';
  lookup->found = found;
  lookup->max = max;
  lookup->loop = &executor->context->loop;
  lookup->member.shut = shut;
  ax__op_pend(&lookup->op);
  lookup->op.entry.run = start;
  ax__loop_submit(lookup->loop, &lookup->op.entry);
}

void ax_resolve(ax_executor *executor, const char *text, ax_endpoint *found,
                size_t max, ax_token token) {
  ax_endpoint known;
  int err = ax_endpoint_parse(text, &known);
  const char *colon = err == UV_EINVAL ? colon_of(text) : NULL;
  if (colon) {
    look_up(executor, text, colon, found, max, &token);
    return;
  }
  if (!err && max)
    found[0] = known;
  ax__op_finish(ax__op_begin(sizeof(ax_op), executor, NULL, token), err,
                !err && max ? 1 : 0);
}
