/* door.c: counts under a lock and not on a strand, because the last one to
 * leave may do so on any thread, and when the context is gone.
 *
 * Who is sent away hears why (lesson 12: a goodbye that the peer still reads).
 * That takes a descriptor for some seconds, so there is a bucket for it, and
 * who comes when it is empty is sent away without a word. */
#include "door.h"
#include "../12-framing/linger.h"
#include "../19-irc/names.h"
#include "bucket.h"
#include "event.h"
#include "guest.h"
#include "lesson.h"
#include "metrics.h"
#include "settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct address {
  struct entry by_text;
  size_t count;
  char text[INET6_ADDRSTRLEN];
};

static struct {
  uv_mutex_t lock; /* guards the rest */
  struct map addresses;
  size_t inside;
  unsigned long served;
  struct bucket goodbyes;
  ax_executor *executor; /* of `empty`, or NULL */
  ax_token empty;
} door;

void door_init(void) { lesson_must("make a lock", uv_mutex_init(&door.lock)); }

void door_free(void) {
  uv_mutex_destroy(&door.lock);
  map_free(&door.addresses);
}

/* -------------------------------------------------------------- addresses */

/* Whoever has one IPv6 address has all that begin with the same 64 bits. A Unix
 * socket has none: "". */
static void write_address(ax_stream *stream, char text[INET6_ADDRSTRLEN]) {
  ax_endpoint peer;
  *text = '\0';
  if (ax_stream_remote(stream, &peer))
    return;
  if (peer.addr.ss_family == AF_INET)
    inet_ntop(AF_INET, &((struct sockaddr_in *)&peer.addr)->sin_addr, text,
              INET6_ADDRSTRLEN);
  if (peer.addr.ss_family != AF_INET6)
    return;
  struct in6_addr address = ((struct sockaddr_in6 *)&peer.addr)->sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&address))
    memset(address.s6_addr + 8, 0, 8);
  inet_ntop(AF_INET6, &address, text, INET6_ADDRSTRLEN);
}

/* With the lock: one more of that address. */
static struct address *count_in(struct address *address, const char *text) {
  door.inside++;
  if (!*text)
    return NULL;
  if (!address) {
    address = lesson_alloc(sizeof *address);
    *address = (struct address){.count = 0};
    strcpy(address->text, text);
    address->by_text.name = address->text;
    map_add(&door.addresses, &address->by_text);
  }
  address->count++;
  return address;
}

/* ----------------------------------------------------------- coming in */

static void on_told(void *arg, int err, size_t n) {
  linger(arg, ax_stream_executor(arg));
}

static void send_away(ax_stream *stream, enum cut why, bool politely) {
  static const char full[] = "ERROR :Closing Link: (Server is full)\r\n",
                    many[] = "ERROR :Closing Link: (Too many connections)\r\n";
  char peer[AX_ENDPOINT_TEXT];
  metrics_cut(why);
  if (politely) {
    lesson_peer(stream, peer);
    event(WARN, 0, "sent away %s: %s", peer, cut_words[why]);
    ax_stream_write(stream, AX_CSEQ(ax_cstring(why == CUT_FULL ? full : many)),
                    ax_keep(stream, ax_call(on_told, stream)));
  }
  ax_unref(stream);
}

/* What becomes of a visitor. */
struct visit {
  enum cut why; /* CUTS: he is let in */
  bool politely;
  struct address *address;
  unsigned long number;
};

/* With the lock. */
static bool may_say_goodbye(void) {
  static const struct rate rate = {.burst = 20, .each = AX_MS(100)};
  ax_time now = ax_now();
  bool may = bucket_room(&door.goodbyes, rate, now) > 0;
  if (may)
    bucket_take(&door.goodbyes, rate, now, 1);
  return may;
}

/* region: decide */
/* With the lock. */
static struct visit decide(const char *text) {
  struct entry *entry = *text ? map_find(&door.addresses, text) : NULL;
  struct address *known = ENTRY_OF(entry, struct address, by_text);
  struct visit visit = {.why = CUTS};
  if ((long)door.inside >= settings.clients)
    visit.why = CUT_FULL;
  else if (known && (long)known->count >= settings.per_address)
    visit.why = CUT_ADDRESS;
  if (visit.why != CUTS) {
    visit.politely = may_say_goodbye();
  } else {
    visit.address = count_in(known, text);
    visit.number = ++door.served;
  }
  return visit;
}
/* end: decide */

/* On the strand of the listeners. */
void door_open(void *hall, ax_stream *stream) {
  char text[INET6_ADDRSTRLEN];
  write_address(stream, text);
  uv_mutex_lock(&door.lock);
  struct visit visit = decide(text);
  uv_mutex_unlock(&door.lock);
  if (visit.why == CUTS)
    guest_start(hall, stream, visit.address, visit.number);
  else
    send_away(stream, visit.why, visit.politely);
}

/* -------------------------------------------------------------- leaving */

/* With the lock. */
static void tell_when_empty(void) {
  if (door.inside == 0 && door.executor)
    ax_post(door.executor, door.empty);
}

void door_leave(struct address *address) {
  uv_mutex_lock(&door.lock);
  door.inside--;
  if (address && --address->count == 0) {
    map_remove(&door.addresses, &address->by_text);
    free(address);
  }
  tell_when_empty();
  uv_mutex_unlock(&door.lock);
}

void door_when_empty(ax_executor *executor, ax_token token) {
  uv_mutex_lock(&door.lock);
  door.executor = executor;
  door.empty = token;
  tell_when_empty();
  uv_mutex_unlock(&door.lock);
}

size_t door_count(void) {
  uv_mutex_lock(&door.lock);
  size_t count = door.inside;
  uv_mutex_unlock(&door.lock);
  return count;
}
