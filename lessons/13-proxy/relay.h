/* relay.h: one session of the proxy: a client, the server that it is connected
 * to, and the bytes between them.
 *
 * A session and its strand exist before its client comes. Both streams are made
 * on the strand, so every handler of the session runs there. */
#ifndef RELAY_H
#define RELAY_H

#include "ax.h"

/* What all sessions share. */
struct proxy {
  ax_context *context;
  const char *to; /* where the server is: HOST:PORT, or an endpoint */
  ax_token idle;  /* posted when the last session goes, if closing */
  atomic_bool closing;
  atomic_long sessions;      /* that exist, also those that wait for a client */
  atomic_long clients;       /* sessions that have one */
  atomic_long served;        /* clients so far */
  atomic_size_t there, back; /* bytes carried to servers, and to clients */
};

/* True for what ax_resolve can read: HOST:PORT or an endpoint. */
bool proxy_may_reach(const char *to);

enum { CUP = 16 << 10 }; /* bytes */

/* One of the two directions: bytes that come out of one stream go into the
 * other. The cup belongs to this direction alone. */
struct way {
  struct relay *relay;
  ax_stream *from, *to;
  size_t carried; /* bytes */
  bool lost;      /* nobody takes any more */
  char *cup;
};

struct relay {
  ax_obj obj;
  struct proxy *proxy;
  ax_strand *strand;
  ax_stream *client, *server;
  ax_endpoint found[8]; /* where the server may be ... */
  size_t count, tried;  /* ... and how many of these were tried */
  bool started;
  char *cups; /* for both ways; NULL until the client has come */
  struct way there, back;
};

/* A new session; its `client` is not open yet. */
struct relay *relay_new(struct proxy *proxy);

/* In its strand: the client has come. From now on the session is kept by its
 * operations. */
void relay_start(struct relay *relay);

/* In `strand`: a session between two streams of that strand, which are open
 * already. It takes over the three references, and its operations keep it. */
void relay_between(struct proxy *proxy, ax_strand *strand, ax_stream *client,
                   ax_stream *server);

#endif
