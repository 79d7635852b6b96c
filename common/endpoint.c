/* endpoint.c: addresses as text and back.
 *
 * One string decides between TCP over IPv4 or IPv6 and a Unix socket, so that
 * no program here needs to know which it uses. */
#include "ax.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static int parse_path(const char *path, ax_endpoint *endpoint) {
  struct sockaddr_un *un = (struct sockaddr_un *)&endpoint->addr;
  if (!*path)
    return UV_EINVAL;
  if (strlen(path) >= sizeof un->sun_path)
    return UV_ENAMETOOLONG;
  un->sun_family = AF_UNIX;
  strcpy(un->sun_path, path);
  endpoint->len = sizeof *un;
  return 0;
}

static int parse_port(const char *text, int *port) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || value > 65535)
    return UV_EINVAL;
  *port = (int)value;
  return 0;
}

/* The scope of "fe80::1%eth0", or of "fe80::1%2": libuv knows names of
 * interfaces only, and passes over what it does not know. */
static int parse_scope(const char *host, struct sockaddr_in6 *addr) {
  const char *percent = strchr(host, '%');
  char *end;
  if (!percent || addr->sin6_scope_id)
    return 0;
  unsigned long scope = strtoul(percent + 1, &end, 10);
  if (percent[1] < '0' || percent[1] > '9' || *end || !scope ||
      scope > UINT32_MAX)
    return UV_EINVAL;
  addr->sin6_scope_id = (uint32_t)scope;
  return 0;
}

static int parse_ip(bool ip6, const char *host, int port, ax_endpoint *found) {
  void *addr = &found->addr;
  found->len = ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  if (ip6) {
    int err = uv_ip6_addr(host, port, addr);
    return err ? err : parse_scope(host, addr);
  }
  if (strcmp(host, "localhost") == 0)
    host = "127.0.0.1";
  return uv_ip4_addr(*host ? host : "0.0.0.0", port, addr);
}

int ax_endpoint_parse(const char *text, ax_endpoint *endpoint) {
  *endpoint = (ax_endpoint){0};
  bool local = strncmp(text, "unix:", 5) == 0;
  if (local || strchr(text, '/'))
    return parse_path(local ? text + 5 : text, endpoint);
  const char *colon = strrchr(text, ':');
  char host[64];
  int port;
  if (!colon || (size_t)(colon - text) >= sizeof host ||
      parse_port(colon + 1, &port))
    return UV_EINVAL;
  bool ip6 = text[0] == '[' && colon[-1] == ']';
  snprintf(host, sizeof host, "%.*s", (int)(colon - text) - 2 * ip6,
           text + ip6);
  return parse_ip(ip6, host, port, endpoint);
}

void ax_endpoint_format(const ax_endpoint *endpoint,
                        char text[AX_ENDPOINT_TEXT]) {
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  const struct sockaddr_un *un = (const struct sockaddr_un *)addr;
  char host[64] = "", port[8] = "";
  bool ip6 = addr->sa_family == AF_INET6;
  if (!ip6 && addr->sa_family != AF_INET) {
    int longest = sizeof un->sun_path;
    snprintf(text, AX_ENDPOINT_TEXT, "unix:%.*s", longest, un->sun_path);
    return;
  }
  /* Numbers only, for which there is room: it does not fail. */
  getnameinfo(
      addr, ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
      host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  snprintf(text, AX_ENDPOINT_TEXT, ip6 ? "[%s]:%s" : "%s:%s", host, port);
}
