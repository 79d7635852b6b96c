# Says: What is pending then is yours
s/^    ax_timer_cancel\(b->timer\);//
