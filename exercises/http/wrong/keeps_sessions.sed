# Says: alive: 7
s/^  ax_unref\(s\);//
