/* load_people.h: many clients of one server, each with the beginning of a line
 * that has not come whole. What a line is depends on the protocol. */
#ifndef LOAD_PEOPLE_H
#define LOAD_PEOPLE_H

#include "load.h"

struct client {
  int fd; /* -1: not connected */
  uint32_t number;
  int stage;        /* the protocol's, ... */
  uint32_t channel; /* ... and so is this */
  uint32_t *next;   /* by sender: the line that shall come next; load_talk.c */
  char *begun;
  size_t begun_size;
};

struct protocol {
  size_t longest; /* line */
  /* The size of the first line; 0: its end has not come yet. */
  size_t (*measure)(const char *bytes, size_t size);
  void (*hear)(struct client *client, const char *line, size_t size,
               uint64_t time);
  /* The stream has ended, and is closed. NULL: that goes wrong. */
  void (*gone)(struct client *client);
};

extern struct client *clients; /* as many as the options say */

/* Makes them; nobody is connected yet. */
void people_init(const struct options *options,
                 const struct protocol *protocol);

void client_connect(struct client *client);
void client_close(struct client *client);

/* A server that reads takes that much at once. */
void client_send(struct client *client, const char *bytes, size_t size);

/* Waits so many milliseconds at most, and has heard what has come. */
void people_turn(int timeout);

/* Says what is wrong, and counts it. */
void gone_wrong(const struct client *client, const char *what);
extern long wrong;

#endif
