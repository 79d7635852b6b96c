# Says: calls `ax_unref` on everything else
s/^  ax_unref\(strand\);//
