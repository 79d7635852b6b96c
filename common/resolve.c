/* resolve.c: names to endpoints, in libuv's thread pool.
 *
 * A look-up that has begun cannot be called back: ax_context_free waits for
 * it. */
#include "core.h"

#include <netdb.h>

struct ax__lookup {
  uv_getaddrinfo_t request;
  ax_op *op;
  char *host, *port; /* inside text */
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
  struct ax__lookup *lookup = request->data;
  ax_op *op = lookup->op;
  size_t n = status ? 0 : copy_found(info, op->found, op->max);
  uv_freeaddrinfo(info);
  ax__op_finish(op, status, n);
}

/* At the door. */
static void start_lookup(ax_op *op) {
  struct ax__lookup *lookup = op->lookup;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  int err = uv_getaddrinfo(&op->at->loop, &lookup->request, on_resolved,
                           lookup->host, lookup->port, &hints);
  if (err)
    ax__op_finish(op, err, 0);
}

/* Splits "name:port", copied, into what getaddrinfo takes; NULL if it is not
 * that. */
static struct ax__lookup *lookup_new(const char *text, ax_op *op) {
  size_t size = strlen(text) + 1;
  struct ax__lookup *lookup = ax__alloc(sizeof *lookup + size);
  memcpy(lookup->text, text, size);
  lookup->host = lookup->text;
  lookup->port = strrchr(lookup->text, ':');
  if (!lookup->port || lookup->port == lookup->host || !lookup->port[1] ||
      strtol(lookup->port + 1, NULL, 10) > 65535) {
    free(lookup);
    return NULL;
  }
  *lookup->port++ = '\0';
  lookup->op = op;
  lookup->request.data = lookup;
  return lookup;
}

void ax_resolve(ax_executor *executor, const char *text, ax_endpoint *found,
                size_t max, ax_token token) {
  ax_op *op = ax__op_new(AX__OP, executor, NULL, token);
  ax_endpoint known;
  int err = ax_endpoint_parse(text, &known);
  op->found = found;
  op->max = max;
  op->extra = op->lookup = err == UV_EINVAL ? lookup_new(text, op) : NULL;
  op->start = start_lookup;
  if (op->lookup) {
    ax__submit(op, executor->context);
    return;
  }
  if (!err && max)
    found[0] = known;
  ax__op_finish(op, err, !err && max ? 1 : 0);
}
