# Says: a read into the full buffer ends at once, again and again
s/ax_dynbuf_consume\(&s->in, data.len\)/ax_dynbuf_consume(\&s->in, n)/
