# Says: TIMEOUT when line and value together take longer
/^static void read_value\(/i\
static size_t dropped;\
static void on_some(void *arg, int err, size_t n) {\
  struct session *s = arg;\
  struct entry *e = s->request.entry;\
  dropped += n;\
  s->deadline = ax_now() + s->hall->idle;\
  if (err || dropped > e->n)\
    on_value(s, err, n);\
  else\
    ax_stream_read_some(\
        s->stream, AX_SEQ(ax_buffer(e->value + dropped, e->n + 1 - dropped)),\
        in_time(s, ax_call(on_some, s)));\
}
s/^  ax_stream_read\(s->stream, AX_SEQ\(ax_buffer\(e->value.*/  if (s->wrong) {\n    dropped = have;\n    on_some(s, 0, 0);\n    return;\n  }\n&/
