/* A server of files over HTTP/1.0. session.c is a client, request.c what it
 * wants, and file.c what it gets. Here are the door and the two contexts. */
#include "../../lessons/10-echo/listener.h"
#include "lesson.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int open_root(const char *root) {
  int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    lesson_must("open the directory of --root", uv_translate_sys_error(errno));
  return fd;
}

static void run(void *context) { ax_run(context); }

/* The disk's butler stays when there is nothing to do, until the others have
 * left. Then what waits for him is sent home, and dropped there. */
static void serve(struct site *site, const struct lesson_cli *cli,
                  long butlers) {
  uv_thread_t butler;
  struct listener listeners[sizeof cli->endpoints / sizeof *cli->endpoints];
  ax_work_begin(site->disk);
  lesson_must("hire a butler", uv_thread_create(&butler, run, site->disk));
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_start(&listeners[i], site->context, &cli->endpoints[i],
                   session_start, site);
  lesson_serve(site->context, butlers);
  ax_stop(site->disk);
  uv_thread_join(&butler);
  for (size_t i = 0; i < cli->endpoint_count; i++)
    listener_free(&listeners[i]);
  ax_context_free(site->disk);
  ax_context_free(site->context);
}

int main(int argc, char **argv) {
  long butlers = 1, within = 10;
  const char *root = ".";
  struct lesson_option options[] = {
      {"butlers", &butlers, 1, 64, "threads that run the handlers"},
      {"within", &within, 1, 3600, "lesson seconds for a request"}};
  struct lesson_text texts[] = {{"root=DIRECTORY", &root, "what is served"}};
  struct lesson_cli cli = {.about = "A server of files over HTTP/1.0.",
                           .endpoint = "127.0.0.1:8888",
                           .options = options,
                           .option_count = 2,
                           .texts = texts,
                           .text_count = 1};
  lesson_cli(&cli, argc, argv);
  struct site site = {.context = ax_context_new(),
                      .disk = ax_context_new(),
                      .root = open_root(root),
                      .limit = lesson_seconds((double)within)};
  serve(&site, &cli, butlers);
  close(site.root);
  printf("sessions served: %ld, alive: %ld\n", (long)site.served,
         (long)site.alive);
  return 0;
}
