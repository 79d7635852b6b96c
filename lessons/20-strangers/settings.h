/* settings.h: the limits, as the command line has them. They are set before the
 * first client comes. Seconds are lesson seconds. */
#ifndef SETTINGS_H
#define SETTINGS_H

/* region: settings */
struct settings {
  long register_seconds;   /* to say who one is */
  long ping_seconds;       /* of silence, until one is asked ... */
  long answer_seconds;     /* ... and has to answer */
  long burst, rate;        /* lines at once; then lines in a second */
  long backlog;            /* bytes that were said and not heard yet */
  long soft_kib, hard_kib; /* that wait for one who does not read */
  long wait_seconds;       /* that others wait for him */
  long stall_seconds;      /* without progress */
  long clients, per_address;
  long drain_seconds; /* for the last words */
};
/* end: settings */

extern struct settings settings;

#endif
