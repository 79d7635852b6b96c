# Says: memory was never freed
s/^  ax_unref\(s\);//
