/* resolve.c: names to endpoints, in libuv's thread pool.
 *
 * A look-up that has begun cannot be called back: ax_context_free waits for
 * it. */
#include "core.h"

#include <netdb.h>

struct lookup {
  uv_getaddrinfo_t request;
  char text[];
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

/* At the door. */
static void on_resolved(uv_getaddrinfo_t *request, int status,
                        struct addrinfo *info) {
  ax_op *op = request->data;
  size_t n = status ? 0 : copy_found(info, op->found, op->max);
  uv_freeaddrinfo(info);
  ax__op_finish(op, status, n);
}

/* At the door. */
static void start_lookup(ax_op *op) {
  struct lookup *lookup = op->extra;
  char *colon = strrchr(lookup->text, ':');
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  *colon = '\0';
  lookup->request.data = op;
  int err = uv_getaddrinfo(&op->at->loop, &lookup->request, on_resolved,
                           lookup->text, colon + 1, &hints);
  if (err)
    ax__op_finish(op, err, 0);
}

/* NULL if the text is not "name:port". */
static struct lookup *lookup_new(const char *text) {
  const char *colon = strrchr(text, ':');
  if (!colon || colon == text || !colon[1] ||
      strtol(colon + 1, NULL, 10) > 65535)
    return NULL;
  size_t size = strlen(text) + 1;
  struct lookup *lookup = ax__alloc(sizeof *lookup + size);
  memcpy(lookup->text, text, size);
  return lookup;
}

void ax_resolve(ax_executor *executor, const char *text, ax_endpoint *found,
                size_t max, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, executor, NULL, token);
  ax_endpoint known;
  int err = ax_endpoint_parse(text, &known);
  op->found = found;
  op->max = max;
  op->extra = err == UV_EINVAL ? lookup_new(text) : NULL;
  op->start = start_lookup;
  if (op->extra) {
    ax__submit(op, executor->context);
    return;
  }
  if (!err && max)
    found[0] = known;
  ax__op_finish(op, err, !err && max ? 1 : 0);
}
