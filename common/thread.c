/* thread.c: the thread's own state, and the clock. */
#include "thread.h"
#include "ax.h"

_Thread_local struct ax__thread ax__self;

ax_time ax_now(void) { return uv_hrtime(); }
