/* metrics.c: numbers are kept where they arise, without a lock: those of the
 * hall in its strand, those of the sessions as atomics. Who asks for them takes
 * a turn in the hall, copies, and makes the text at home. */
#include "metrics.h"
#include "door.h"

#include <stdio.h>

const char *const cut_words[CUTS] = {
    "Registration timeout", "Ping timeout",   "Excess Flood",
    "SendQ exceeded",       "Server is full", "Too many connections"};

static const char *const labels[CUTS] = {"registration", "ping", "flood",
                                         "sendq",        "full", "address"};
static atomic_ulong cuts[CUTS];

void metrics_cut(enum cut cut) { cuts[cut]++; }

/* ---------------------------------------------------------- in the hall */

static const ax_time ends[LAGS] = {AX_MS(0.1), AX_MS(1),    AX_MS(10),
                                   AX_MS(100), AX_MS(1000), AX_MS(10000)};

/* In the hall. */
static struct counts counts;

/* region: lag */
/* In the hall: the turn was asked for at home, and is served now. */
void metrics_turn(const struct turn *turn) {
  ax_time lag = ax_now() - turn->asked;
  size_t i = 0;
  while (i < LAGS && lag > ends[i])
    i++;
  counts.lag[i]++;
  counts.lag_sum += lag;
  if (turn->at == 0) { /* it is not the rest of one */
    counts.lines_in += turn->count;
    counts.bytes_in += turn->used;
  }
}
/* end: lag */

/* In the hall. */
int metrics_look(void *arg) {
  struct look *look = arg;
  struct hall *hall = look->hall;
  counts.users = hall->known;
  counts.newcomers = hall->unknown;
  counts.channels = hall->channels.count;
  counts.lines_out = hall->lines_out;
  counts.bytes_out = hall->bytes_out;
  counts.highest = hall->rules.outbox.highest;
  look->counts = counts;
  return 0;
}

/* ----------------------------------------------------------- at home */

static void one(FILE *to, const char *name, const char *type, const char *help,
                unsigned long long value) {
  fprintf(to, "# HELP irc_%s %s\n# TYPE irc_%s %s\nirc_%s %llu\n", name, help,
          name, type, name, value);
}

static void write_cuts(FILE *to) {
  fputs("# HELP irc_cuts_total Clients sent away.\n"
        "# TYPE irc_cuts_total counter\n",
        to);
  for (size_t i = 0; i < CUTS; i++)
    fprintf(to, "irc_cuts_total{reason=\"%s\"} %lu\n", labels[i],
            (unsigned long)cuts[i]);
}

static void write_lag(FILE *to, const struct counts *c) {
  unsigned long long count = 0;
  fputs("# HELP irc_hall_lag_seconds How long turns wait for the hall.\n"
        "# TYPE irc_hall_lag_seconds histogram\n",
        to);
  for (size_t i = 0; i < LAGS; i++)
    fprintf(to, "irc_hall_lag_seconds_bucket{le=\"%g\"} %llu\n",
            (double)ends[i] / 1e9, count += c->lag[i]);
  count += c->lag[LAGS];
  fprintf(to,
          "irc_hall_lag_seconds_bucket{le=\"+Inf\"} %llu\n"
          "irc_hall_lag_seconds_sum %g\nirc_hall_lag_seconds_count %llu\n",
          count, (double)c->lag_sum / 1e9, count);
}

char *metrics_text(const struct counts *c) {
  char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&text, &size);
  if (!to)
    return NULL;
  one(to, "users", "gauge", "Users who are welcome.", c->users);
  one(to, "newcomers", "gauge", "Clients who are not yet.", c->newcomers);
  one(to, "connections", "gauge", "Clients inside.", door_count());
  one(to, "channels", "gauge", "Channels.", c->channels);
  one(to, "lines_in_total", "counter", "Lines heard.", c->lines_in);
  one(to, "bytes_in_total", "counter", "Bytes of them.", c->bytes_in);
  one(to, "lines_out_total", "counter", "Lines said, to each.", c->lines_out);
  one(to, "bytes_out_total", "counter", "Bytes of them.", c->bytes_out);
  one(to, "queue_high_water_bytes", "gauge",
      "The most that has waited for one client.", c->highest);
  write_cuts(to);
  write_lag(to, c);
  fclose(to);
  return text;
}
