/* watch.h: the watch over an outbox, for outbox.c alone. See watch.c. */
#ifndef WATCH_H
#define WATCH_H

#include "outbox.h"

/* All but the last three with the lock held. */

/* False when so much more is too much: then the client is cut off. */
bool watch_admits(struct outbox *box, size_t cost);

/* The outbox takes nothing more, and says why. Post watch_on_cut_off. */
void watch_cut_off(struct outbox *box, const char *why);

/* More waits than before: is it more than ever? */
void watch_note(struct outbox *box);

/* The same, within the limits. True: post watch_start. */
bool watch_more(struct outbox *box);

/* Something has left. Returns the senders that go on, for watch_wake. */
struct outbox_waiter *watch_less(struct outbox *box);

/* A reply is under way from now on, to be counted by reply_left. True: post
 * watch_start. */
bool watch_reply(struct outbox *box);

/* Nobody waits for it any more. Returns all senders, for watch_wake. */
struct outbox_waiter *watch_end(struct outbox *box);

/* A sender that is woken may wait elsewhere at once. NULL is allowed. */
void watch_wake(struct outbox_waiter *waiters);

/* Handlers, in the strand. The outbox is their argument, its owner is kept. */
ax_fn watch_start, watch_on_cut_off;

#endif
