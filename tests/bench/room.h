/* room.h: what the chat servers of the bench share, that on epoll and that on
 * libuv: who is in the room, and what waits for each of them.
 *
 * The whole packets of one read become one chunk, which all receivers share by
 * reference count. A packet of more than 64 KiB, and a receiver with more than
 * 1 MiB waiting, end that client. */
#ifndef ROOM_H
#define ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

enum { READ_SIZE = 64 << 10, GATHER = 256 };

/* Chunks that wait for one receiver; zeros are an empty queue, which holds no
 * memory. */
struct queue {
  struct chunk **at; /* of `room`; from `head` to `count` */
  size_t head, count, room;
  size_t sent;  /* bytes of the first one */
  size_t bytes; /* of all, less those sent */
};

/* Describes the first chunks for one system call, without the bytes that were
 * sent; returns how many there are. */
size_t queue_gather(const struct queue *queue, struct iovec iov[GATHER]);

/* Drops the first `n` bytes: they were sent. */
void queue_skip(struct queue *queue, size_t n);

/* A client, as the room knows it; zeros at first. */
struct member {
  struct queue queue;
  bool due;     /* to be flushed at the end of the turn ... */
  bool blocked; /* ... or, set by the server, when the kernel has room again */
  char *rest;   /* a packet's beginning, or NULL */
  size_t rest_size;
  struct member **link, *next; /* in the room */
  struct member *next_due;
};

void room_enter(struct member *m);
void room_leave(struct member *m);

/* Gives back what it holds; for one that has left. */
void member_empty(struct member *m);

/* One after the other, those who are due; NULL when there are no more. */
struct member *room_next_due(void);

/* Where to read a member's next bytes to, READ_SIZE at most. */
char *room_buffer(struct member *m);

/* Tells that `n` bytes were read there: the packets become due to all others,
 * and what has no end yet is kept. */
void room_got(struct member *m, size_t n);

/* The server's: ends a client that reads too little or says too much. */
void leave(struct member *m);

#endif
