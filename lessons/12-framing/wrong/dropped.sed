# Says: Not yet: Ann hears
s/ax_dynbuf_consume\(&s->in, s->line\)/ax_dynbuf_free(\&s->in)/
