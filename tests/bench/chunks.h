/* chunks.h: bytes that many receivers share, and a queue of them for each; for
 * the chat servers of the bench that stand on epoll and on libuv. */
#ifndef CHUNKS_H
#define CHUNKS_H

#include <stddef.h>
#include <sys/uio.h>

struct chunk {
  int refs;
  size_t size;
  char bytes[];
};

struct chunk *chunk_new(const char *bytes, size_t size);
void chunk_unref(struct chunk *chunk);

/* One receiver's; zeros are an empty one, which holds no memory. */
struct chunk_queue {
  struct chunk **at; /* of `room`; from `head` to `count` */
  size_t head, count, room;
  size_t sent;  /* bytes of the first one */
  size_t bytes; /* of all, less those sent */
};

/* Adds it, with a reference of its own. */
void queue_push(struct chunk_queue *queue, struct chunk *chunk);

/* Describes the first so many chunks, without the bytes that were sent;
 * returns how many there are. */
size_t queue_gather(const struct chunk_queue *queue, struct iovec *iov,
                    size_t max);

/* Drops the first `n` bytes: they were sent. */
void queue_skip(struct chunk_queue *queue, size_t n);

void queue_free(struct chunk_queue *queue);

#endif
