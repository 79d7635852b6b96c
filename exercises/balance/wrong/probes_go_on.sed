# Says: Read again in exercises/balance
s/^    ax_timer_cancel\(b->timer\);//
