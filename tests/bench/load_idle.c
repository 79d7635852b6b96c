/* load_idle.c: connections that say nothing, and the memory they cost. */
#include "load.h"
#include "net.h"

#include <stdio.h>
#include <unistd.h>

/* Until the server has accepted them all, and has done what follows. */
static long wait_for(pid_t pid, long before, long clients) {
  for (int i = 0; i < 1000 && descriptors(pid) < before + clients; i++)
    usleep(10000);
  usleep(200000);
  return descriptors(pid) - before;
}

long load_idle(const struct options *o) {
  ax_endpoint endpoint = net_endpoint(o->endpoint);
  long fds = descriptors(o->pid), bytes = resident(o->pid);
  for (long i = 0; i < o->clients; i++)
    net_connect(&endpoint);
  long accepted = wait_for(o->pid, fds, o->clients);
  bytes = resident(o->pid) - bytes;
  printf("case=idle clients=%ld bytes=%ld wrong=%ld\n", o->clients,
         bytes / o->clients, o->clients - accepted);
  return o->clients - accepted;
}
