/* The memory of operations and posts: what threads leave behind when they end
 * goes to other threads, in chains that each get once.
 *
 * Every thread posts more than it finds in its own chain, so that it takes from
 * the depot, and the butlers give back as many. */
#include "scenario.h"

enum { POSTERS = 2, POSTS = 20 };

static ax_context *context;
static struct post { atomic_int ran; } posts[2 * POSTERS][POSTS];

static void on_post(void *arg, int err, size_t n) {
  struct post *post = arg;
  CHECK(post->ran++ == 0);
}

static void *post_row(void *arg) {
  struct post *row = posts[number_of(arg)];
  for (int i = 0; i < POSTS; i++)
    ax_post(context, ax_call(on_post, &row[i]));
  return NULL;
}

/* Threads that begin at the same time, and end, and leave what they have. */
static void post_rows(int first) {
  pthread_t threads[POSTERS];
  for (int i = 0; i < POSTERS; i++)
    threads[i] = start_thread(post_row, as_arg(first + i));
  for (int i = 0; i < POSTERS; i++)
    join_thread(threads[i]);
}

SCENARIO(pool_handed_on, "memory that threads left is used by one at a time") {
  context = ax_context_new();
  ax_work_begin(context);
  post_rows(0);
  pthread_t butlers[] = {start_butler(context), start_butler(context)};
  post_rows(POSTERS);
  ax_work_end(context);
  join_thread(butlers[0]);
  join_thread(butlers[1]);
  for (int i = 0; i < 2 * POSTERS; i++)
    for (int j = 0; j < POSTS; j++)
      CHECK(posts[i][j].ran == 1);
  end(context);
}
