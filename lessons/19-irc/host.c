/* host.c: an address as IRC wants it. */
#include "host.h"

#include <string.h>

/* One that begins with a colon would end a line's parameters. */
void host_name(ax_stream *stream, char name[HOST_LEN + 1]) {
  ax_endpoint peer;
  char text[AX_ENDPOINT_TEXT], *host = text;
  if (ax_stream_remote(stream, &peer) || peer.addr.ss_family == AF_UNIX) {
    name_copy(name, HOST_LEN + 1, "localhost");
    return;
  }
  ax_endpoint_format(&peer, text);
  *strrchr(text, ':') = '\0';
  if (*host == '[')
    *strchr(++host, ']') = '\0';
  char *zone = strchr(host, '%');
  if (zone)
    *zone = '\0';
  if (*host == ':')
    *--host = '0'; /* where the bracket was */
  name_copy(name, HOST_LEN + 1, host);
}
