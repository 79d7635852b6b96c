/* pool.c: a backend is up until a connect to it fails, and down until one
 * succeeds. Each has a circle of its own that tries:
 *
 *     on_time -> connect -> on_probed -> wait -> on_time */
#include "pool.h"
#include "lesson.h"

#include <string.h>

/* In the pool's strand. */
static void is_now(struct backend *b, int err) {
  bool up = err == 0;
  if (b->up == up)
    return;
  b->up = up;
  lesson_log("backend %s is %s%s%s", b->name, up ? "up again" : "down",
             up ? "" : ": ", up ? "" : uv_strerror(err));
}

/* ------------------------------------------------------------------ probes */

static void wait_for_time(struct backend *b);

static void on_probed(void *arg, int err, size_t n) {
  struct backend *b = arg;
  ax_unref(b->probe); /* closes it */
  b->probe = NULL;
  if (b->pool->closing)
    return;
  is_now(b, err);
  wait_for_time(b);
}

static void on_time(void *arg, int err, size_t n) {
  struct backend *b = arg;
  if (err || b->pool->closing)
    return;
  b->probe = ax_stream_new(b->pool->strand);
  ax_stream_connect(b->probe, &b->endpoint,
                    ax_within(b->pool->patience, ax_call(on_probed, b)));
}

static void wait_for_time(struct backend *b) {
  ax_timer_expires_after(b->timer, b->pool->every);
  ax_timer_wait(b->timer, ax_call(on_time, b));
}

/* ------------------------------------------------------------------ choice */

static long load(struct backend *b) { return b->proxy.clients + b->connecting; }

/* Fewer sessions first, then who has waited longer. */
static bool before(struct backend *a, struct backend *b) {
  long one = load(a), other = load(b);
  return one < other || (one == other && a->turn < b->turn);
}

static struct backend *best(struct pool *pool, unsigned tried) {
  struct backend *found = NULL;
  for (size_t i = 0; i < pool->count; i++) {
    struct backend *b = &pool->backends[i];
    if (b->up && !(tried & 1u << i) && (!found || before(b, found)))
      found = b;
  }
  return found;
}

int pool_choose(void *arg) {
  struct choice *c = arg;
  if (c->backend) {
    is_now(c->backend, c->err);
    c->backend->connecting--;
  }
  c->backend = best(c->pool, c->tried);
  if (!c->backend)
    return UV_ENOENT;
  c->tried |= 1u << (c->backend - c->pool->backends);
  c->backend->connecting++;
  c->backend->turn = ++c->pool->turns;
  return 0;
}

/* ------------------------------------------------------ beginning and end */

static int add(struct pool *pool, const char *text, size_t n) {
  struct backend *b = &pool->backends[pool->count];
  if (pool->count == BACKENDS || n >= sizeof b->name)
    return UV_EINVAL;
  memcpy(b->name, text, n);
  pool->count++;
  return ax_endpoint_parse(b->name, &b->endpoint);
}

int pool_parse(struct pool *pool, const char *list) {
  for (;;) {
    size_t n = strcspn(list, ",");
    if (add(pool, list, n))
      return UV_EINVAL;
    if (!list[n])
      return 0;
    list += n + 1;
  }
}

/* Before the butlers come. */
void pool_start(struct pool *pool, ax_context *context, ax_token idle) {
  pool->context = context;
  pool->strand = ax_strand_new(context);
  pool->patience = lesson_seconds(CONNECT_SECONDS);
  for (size_t i = 0; i < pool->count; i++) {
    struct backend *b = &pool->backends[i];
    b->pool = pool;
    b->up = true;
    b->proxy.context = context;
    b->proxy.to = b->name;
    b->proxy.idle = idle;
    b->timer = ax_timer_new(pool->strand);
    wait_for_time(b);
  }
}

void pool_close(struct pool *pool) {
  pool->closing = true;
  for (size_t i = 0; i < pool->count; i++) {
    struct backend *b = &pool->backends[i];
    b->proxy.closing = true;
    ax_timer_cancel(b->timer);
    if (b->probe)
      ax_stream_close(b->probe);
  }
}

void pool_free(struct pool *pool) {
  for (size_t i = 0; i < pool->count; i++) {
    ax_unref(pool->backends[i].timer);
    ax_unref(pool->backends[i].probe);
  }
  ax_unref(pool->strand);
}

long pool_alive(struct pool *pool) {
  long sum = 0;
  for (size_t i = 0; i < pool->count; i++)
    sum += pool->backends[i].proxy.sessions;
  return sum;
}

long pool_served(struct pool *pool) {
  long sum = 0;
  for (size_t i = 0; i < pool->count; i++)
    sum += pool->backends[i].proxy.served;
  return sum;
}
