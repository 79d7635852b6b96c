/* scrape.h: the metrics over HTTP, for one who comes and asks. */
#ifndef SCRAPE_H
#define SCRAPE_H

#include "../10-echo/listener.h"

/* For a listener; `hall` is the hall. */
connected_fn scrape_start;

#endif
