# Says: heap-use-after-free
s/r->entry = ax_ref\(\*at\);/r->entry = *at;/
s/^  ax_unref\(s->request.entry\);/  if (s->request.verb == SET) ax_unref(s->request.entry);/
