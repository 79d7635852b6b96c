/* beside.h: a main that has a loop of its own, beside that of the context. */
#ifndef BESIDE_H
#define BESIDE_H

#include "ax.h"

/* What main does until the context is stopped: it is the butler; it has work of
 * its own and polls the context after each turn; it has work of its own and
 * hires a butler for the context. */
enum { MAIN_RUNS, MAIN_POLLS, MAIN_HIRES };
void beside(ax_context *context, long main_does);

#endif
