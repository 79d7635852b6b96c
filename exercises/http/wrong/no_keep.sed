# Says: `ax_keep(s, ...)` makes the pending operation hold a reference
s/return ax_on\(s->strand, ax_keep\(s, token\)\);/return ax_on(s->strand, token);/
