/* customer.h: a client that asks Python. Its frames are those of lesson 12: two
 * bytes of length, the larger one first, and so many bytes. One comes, one goes
 * back. */
#ifndef CUSTOMER_H
#define CUSTOMER_H

#include "ax.h"

/* How Python is asked; the numbers of the options in main.c. */
enum way { BLOCKING, WRAPPED, STRAND };

struct shop {
  enum way way;
  ax_executor *executor; /* of the customers */
  ax_strand *python;     /* where one call at a time is made */
};

/* Serves a new connection; `shop` is a struct shop. For listener.h. */
void customer_connected(void *shop, ax_stream *stream);

/* Customers so far, and those that are alive. Any thread. */
extern atomic_long customers_served, customers_alive;

#endif
