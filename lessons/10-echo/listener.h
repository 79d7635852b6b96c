/* listener.h: accepts connections and knows nothing of what is spoken on them;
 * that is the business of whoever is plugged in. */
#ifndef LISTENER_H
#define LISTENER_H

#include "ax.h"

/* A client has come: an open stream, and the reference to it is yours. On a
 * butler; the next client is accepted when it has returned. */
typedef void connected_fn(void *arg, ax_stream *stream);

struct listener {
  ax_executor *executor;
  ax_acceptor *acceptor;
  ax_stream *next; /* the stream that the next connection will be */
  bool stopped;
  connected_fn *connected;
  void *arg;
};

/* Listens on the endpoint, says so, and accepts for ever; ends the program
 * when the endpoint is refused. `listener` stays in place. */
void listener_start(struct listener *listener, ax_executor *executor,
                    const ax_endpoint *endpoint, connected_fn *connected,
                    void *arg);

/* Listens no more. Where its handlers run: give it a strand for that. */
void listener_stop(struct listener *listener);

/* Lets go of what it has, after ax_run has returned. */
void listener_free(struct listener *listener);

#endif
