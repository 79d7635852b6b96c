/* systemd.h: what systemd hands over, and what it wants to hear, without its
 * library. Without systemd these do nothing. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

/* The arguments, and behind them an endpoint fd:3, fd:4 ... for each socket
 * that systemd has opened for us. */
char **systemd_arguments(int *argc, char **argv);

/* "READY=1", "STOPPING=1" */
void systemd_tell(const char *state);

#endif
