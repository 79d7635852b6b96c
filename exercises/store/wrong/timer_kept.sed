# Says: What is replaced or deleted does not wait for its time
s/^    ax_timer_cancel\(e->timer\);/    (void)0;/
