# Says: Bob hears nothing for 5 seconds
s/^  ax_timer_cancel\(s->timer\);//
