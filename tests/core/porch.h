/* porch.h: an acceptor that listens, in a context of its own. */
#ifndef PORCH_H
#define PORCH_H

#include "ends.h"

/* An acceptor that listens. */
struct porch {
  ax_context *context;
  ax_acceptor *acceptor;
  ax_endpoint endpoint;
  char text[AX_ENDPOINT_TEXT];
};

static inline int porch_try(struct porch *porch, const char *text) {
  ax_endpoint endpoint;
  *porch = (struct porch){.context = ax_context_new()};
  porch->acceptor = ax_acceptor_new(porch->context);
  assert_int_equal(ax_endpoint_parse(text, &endpoint), 0);
  int err = ax_acceptor_listen(porch->acceptor, &endpoint);
  if (err)
    return err;
  assert_int_equal(ax_acceptor_local(porch->acceptor, &porch->endpoint), 0);
  ax_endpoint_format(&porch->endpoint, porch->text);
  return 0;
}

static inline struct porch porch_on(const char *text) {
  struct porch porch;
  int err = porch_try(&porch, text);
  if (err)
    give_up("cannot listen on %s: %s", text, uv_strerror(err));
  return porch;
}

static inline void porch_free(struct porch *porch) {
  ax_unref(porch->acceptor);
  ax_context_free(porch->context);
}

/* "127.0.0.1:0", "[::1]:0" and a path. */
static inline const char *address_of_family(int i) {
  static char path[TEMP_PATH];
  if (i == 2)
    temp_path(path, "acceptor");
  return i == 0 ? "127.0.0.1:0" : i == 1 ? "[::1]:0" : path;
}

#endif
