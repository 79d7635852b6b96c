# Says: TIMEOUT when line and value together take longer
s/^  ax_stream_read\(s->stream, AX_SEQ\(ax_buffer\(e->value.*/  s->deadline = ax_now() + s->hall->idle;\n&/
