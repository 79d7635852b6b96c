/* producers.h: threads that have news for the feed, and are no butlers. */
#ifndef PRODUCERS_H
#define PRODUCERS_H

#include "feed.h"

struct producers;

/* Starts `count` threads. Each delivers `rate` updates in a lesson second, or
 * with 0 as many as the feed takes, until the feed says false. */
struct producers *producers_start(struct feed *feed, long count, long rate);

/* After the context was stopped: waits until they have ended. */
void producers_join(struct producers *producers);

#endif
