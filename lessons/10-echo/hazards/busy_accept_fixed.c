/* The twin of busy_accept.c: the core accepts. */
#include "lesson.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static ax_acceptor *open_shack(ax_context *context) {
  ax_endpoint here;
  ax_acceptor *acceptor = ax_acceptor_new(context);
  lesson_must("parse", ax_endpoint_parse("127.0.0.1:0", &here));
  lesson_must("listen", ax_acceptor_listen(acceptor, &here));
  lesson_must("listen", ax_acceptor_local(acceptor, &here));
  int client = socket(AF_INET, SOCK_STREAM, 0);
  lesson_must("connect", connect(client, (void *)&here.addr, here.len));
  return acceptor;
}

static void use_all_descriptors(void) {
  setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
  while (open("/dev/null", O_RDONLY) >= 0)
    continue;
}

static void on_evening(void *context, int err, size_t n) { ax_stop(context); }

static void serve(ax_context *context, ax_acceptor *acceptor) {
  ax_stream *client = ax_stream_new(context);
  ax_timer *evening = ax_timer_new(context);
  ax_acceptor_accept(acceptor, client, (ax_token){0});
  ax_timer_expires_after(evening, AX_MS(500));
  ax_timer_wait(evening, ax_call(on_evening, context));
  ax_run(context);
  ax_unref(client);
  ax_unref(evening);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_acceptor *acceptor = open_shack(context);
  use_all_descriptors();
  clock_t before = clock();
  serve(context, acceptor);
  printf("the processor was busy for %ld ms\n",
         (long)((clock() - before) * 1000 / CLOCKS_PER_SEC));
  ax_unref(acceptor);
  ax_context_free(context);
}
