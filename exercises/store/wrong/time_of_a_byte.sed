# Says: a whole command takes longer than --idle
/^static void next_command\(struct session \*s\) \{/,/^}/{
s/ax_stream_read_until\(s->stream, &s->in, '\\n',/ax_stream_wait(s->stream, AX_READ,/
s/on_line/on_byte/
}
/^static void next_command\(struct session \*s\) \{/i\
static void on_byte(void *arg, int err, size_t n) {\
  struct session *s = arg;\
  if (failed(s, err))\
    return;\
  s->deadline = ax_now() + 2 * s->hall->idle;\
  ax_stream_read_until(s->stream, &s->in, '\\n', in_strand(s, ax_call(on_line, s)));\
}
