# Says: Read again in lessons/12-framing/README.md, "Recap"
s/ax_dynbuf_consume\(&s->in, s->line\)/ax_dynbuf_free(\&s->in)/
