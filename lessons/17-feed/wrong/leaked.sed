# Says: memory was never freed
s/^  batch_free\(s->held\);//
