# Says: memory was never freed
s/^  ax_post\(s->strand, ax_keep\(s, ax_call\(on_start, s\)\)\);/  ax_post(s->strand, ax_call(on_start, ax_ref(s)));/
