/* No descriptor is left, and a loop of one's own tries to accept at full speed.
 *
 * The client stays in the queue, so poll says at once that there is one, for as
 * long as accept fails. The core says why, once, and waits a tenth of a second
 * before it tries again. Both programs look on for half a second.
 *
 * Prints: accept was tried {1000..100000000} times
 * Fixed: {*}too many open files{*}
 * Fixed: the processor was busy for {0..60} ms
 */
#include "lesson.h"

#include <fcntl.h>
#include <poll.h>
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

static void serve(ax_context *context, ax_acceptor *acceptor) {
  struct pollfd shack = {.fd = ax_acceptor_fd(acceptor), .events = POLLIN};
  long tried = 0;
  for (ax_time end = ax_now() + AX_MS(500); ax_now() < end;)
    if (poll(&shack, 1, 100) > 0 && ++tried)
      accept(shack.fd, NULL, NULL);
  printf("accept was tried %ld times\n", tried);
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
