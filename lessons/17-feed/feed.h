/* feed.h: the manager. It knows the state and who is connected, tells everybody
 * what is new, and gives the whole state to those who ask.
 *
 * All of that happens in its strand; other threads come in through
 * feed_deliver. It holds no reference to a session: a session enters when it
 * begins and leaves when it ends, each by a post that keeps it meanwhile, so
 * whom the feed knows is alive. */
#ifndef FEED_H
#define FEED_H

#include "outbox.h"
#include "state.h"

#include <sys/queue.h>

struct session;

/* region: feed */
struct feed {
  ax_executor *executor; /* below all strands */
  ax_strand *strand;
  struct outbox_rules rules;
  uv_sem_t room; /* for updates that are under way */
  ax_timer *heartbeat;
  struct state state; /* from here on: touched in the strand alone */
  LIST_HEAD(sessions, session) sessions;
  TAILQ_HEAD(line, session) line; /* they wait for a reply */
  long replies, most_replies;     /* under way */
  long heartbeats;
  int handed_out; /* updates whose room was not given back yet */
  bool waits;     /* for a client that is behind */
  struct outbox_waiter waiter;
};
/* end: feed */

/* Starts the heartbeat, too. */
struct feed *feed_new(ax_executor *executor, size_t state_kib,
                      size_t queue_limit, long most_replies);

/* After the context was freed, for its sessions leave the feed. */
void feed_free(struct feed *feed);

/* Tells all sessions something new: an update (state.h), or any other line.
 * False when the context has been stopped.
 *
 * On any thread but a butler's, for it waits while too many updates are under
 * way, or a client is far behind. */
bool feed_deliver(struct feed *feed, const char *text, size_t size);

/* After the stop: wakes a thread that waits in feed_deliver, which then wakes
 * the next. Any thread. */
void feed_wake(struct feed *feed);

/* For sessions: each of these is a handler, to be posted to the strand with a
 * session that is its argument and is kept. The session of feed_sync gets
 * session_synced when its reply has left, and posts feed_synced then. */
ax_fn feed_enter, feed_leave, feed_sync, feed_synced;

/* For a session that is destroyed. */
void feed_forget(struct session *session);

/* Updates that were handed out so far. Any thread. */
extern atomic_long updates_delivered;

#endif
