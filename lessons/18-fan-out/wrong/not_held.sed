# Says: memory was used after it had been freed
s/p->from = ax_ref\(from\);/p->from = from;/
s/^  ax_unref\(p->from\);//
