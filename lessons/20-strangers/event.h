/* event.h: the log. A line is an event: when, how bad, of which session, what.
 *
 *     2026-11-29T06:33:21.123Z warn #17 cut off: Excess Flood */
#ifndef EVENT_H
#define EVENT_H

enum level { ERROR, WARN, INFO };
#define LEVELS "error|warn|info"

/* A level, or the less important ones left out; set before the server runs. */
extern long event_level;

/* Writes a line; session 0 is the server. Any thread, but not in the hall: it
 * may wait for whoever reads the log (lesson_log). */
void event(enum level level, unsigned long session, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
