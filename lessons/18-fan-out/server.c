/* server.c: listeners, butlers, and an end. */
#include "server.h"
#include "lesson.h"

/* region: start */
void server_start(ax_context *context, const ax_endpoint *endpoints,
                  size_t count, long butlers, struct handler app) {
  struct listener listeners[8];
  for (size_t i = 0; i < count; i++)
    listener_start(&listeners[i], context, &endpoints[i], app.connected,
                   app.arg);
  lesson_serve(context, butlers);
  for (size_t i = 0; i < count; i++)
    listener_free(&listeners[i]);
}
/* end: start */
